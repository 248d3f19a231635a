//go:build linux

package sim

import (
	"errors"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend/gpu"
)

// TestLint: what is right passes, and each wrong address space is found at its line.
func TestLint(t *testing.T) {
	for _, name := range []string{"good.metal", "bad.metal"} { // the faults of the latter are others
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := Lint(string(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	text, err := os.ReadFile("testdata/spaces.metal")
	if err != nil {
		t.Fatal(err)
	}
	err = Lint(string(text))
	var e *gpu.CompileError
	if !errors.As(err, &e) {
		t.Fatalf("spaces.metal: %v", err)
	}
	for i, line := range strings.Split(string(text), "\n") {
		_, want, marked := strings.Cut(line, "// wrong: ")
		at := regexp.MustCompile(`text\.metal:` + strconv.Itoa(i+1) + `:\d+: error`)
		if found := at.MatchString(e.Log); found != marked {
			t.Errorf("line %d, %q: found %v, want %v (%s)\n%s", i+1, line, found, marked, want, e.Log)
		}
	}
}
