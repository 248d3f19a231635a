package nb_test

import (
	"testing"

	"github.com/metalnb/metalnb/metalcore/server/servertest"
	"github.com/metalnb/metalnb/nb"
)

// A program whose core went away declares again what it needs, to the next one.
func TestCoreLost(t *testing.T) {
	core := servertest.Shared
	data := nb.Data("mine", [][]float64{{1}, {2}}, []float64{3, 5})
	h := nb.NewTrainer("lost", nb.Input(1).Dense(1), nb.Config{Data: data})
	h.Start(2)
	h.Wait()
	if err := core.End(); err != nil {
		t.Fatal(err)
	}
	if err := core.Begin(); err != nil {
		t.Fatal(err)
	}
	if e := raised(t, func() { h.Steps() }); e.Code != nb.CodeCore || e.Remedy == "" {
		t.Errorf("the call that finds the core gone: %v", e)
	}
	if err := nb.Try(func() { h.Start(1); h.Wait() }); err != nil {
		t.Errorf("the call after it: %v", err)
	}
	if n := h.Epoch(); n != 1 {
		t.Errorf("%d epochs in the new core", n)
	}
	h.Drop()
}
