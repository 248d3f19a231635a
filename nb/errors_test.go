package nb_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/nb"
)

func TestErrorsNameTheUsersLine(t *testing.T) {
	_, file, line, _ := runtime.Caller(0)
	err := nb.Try(func() {
		nb.Input(8, 8, 1).
			Dense(10) // two lines below the func
	})
	e, ok := errors.AsType[*nb.Error](err)
	if !ok || e.File != file || e.Line < line+2 || e.Line > line+3 {
		t.Errorf("the error is at %+v, not at %s:%d", e, file, line+3)
	}
	if !strings.Contains(err.Error(), "errors_test.go:") {
		t.Errorf("no place in %q", err)
	}
}

func TestTryPassesOtherPanicsOn(t *testing.T) {
	defer func() {
		if r := recover(); r != "mine" {
			t.Errorf("recovered %v", r)
		}
	}()
	nb.Try(func() { panic("mine") })
}

func TestTryWithoutError(t *testing.T) {
	if err := nb.Try(func() { nb.Ones(2) }); err != nil {
		t.Error(err)
	}
}
