package nb_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/datasets"
	"github.com/metalnb/metalnb/nb"
)

// A training under way goes on after its goal; one that rests begins.
func TestMore(t *testing.T) {
	h := nb.NewTrainer("more", nb.Input(4).Dense(3), nb.Config{Data: datasets.Iris().Train, Batch: 32})
	defer h.Drop()
	perEpoch := (datasets.Iris().Train.Info().Rows + 31) / 32
	h.Start(1)
	h.More(2)
	h.MoreSteps(5)
	h.Wait()
	if want := 3*perEpoch + 5; h.Steps() != want {
		t.Errorf("%d steps, want %d", h.Steps(), want)
	}
	h.MoreSteps(1)
	h.Wait()
	if want := 3*perEpoch + 6; h.Steps() != want || h.Running() {
		t.Errorf("%d steps, want %d", h.Steps(), want)
	}
	for _, f := range []func(){func() { h.More(0) }, func() { h.MoreSteps(-1) }} {
		if e := raised(t, f); e.Code != nb.CodeArgument || !strings.HasPrefix(e.Remedy, "like t.More") {
			t.Error(e)
		}
	}
}

// Another cell has the training go on longer.
func ExampleTrainer_MoreSteps() {
	t := nb.NewTrainer("longer", nb.Input(4).Dense(3), nb.Config{Data: datasets.Iris().Train})
	defer t.Drop()
	t.StartSteps(1)
	t.MoreSteps(2)
	t.Wait()
	fmt.Println(t.Steps())
	// Output:
	// 3
}
