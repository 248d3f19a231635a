package nb_test

import (
	"fmt"
	"strings"

	"github.com/metalnb/metalnb/datasets"
	"github.com/metalnb/metalnb/nb"
)

// A training ends when nothing is learned any more, with the best weights.
func ExampleEarlyStop() {
	iris := datasets.Iris()
	t := nb.NewTrainer("early", nb.Input(4).Dense(3), nb.Config{
		Data: iris.Train, Valid: iris.Test, Optimizer: nb.Adam{LR: 0.05},
		EarlyStop: &nb.EarlyStop{Patience: 3, MinDelta: 0.02},
	})
	defer t.Drop()
	silently(t, 1000)
	fmt.Println(t.State(), t.Epoch() < 1000)
	fmt.Println(strings.Contains(t.String(), "validation loss has not improved for 3 epochs"))
	// Output:
	// finished true
	// true
}
