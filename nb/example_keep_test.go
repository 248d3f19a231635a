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

// Trainings keep the latest checkpoints, and the best.
func ExampleKeep() {
	iris := datasets.Iris()
	t := nb.NewTrainer("keeping", nb.Input(4).Dense(3), nb.Config{
		Data: iris.Train, Valid: iris.Test, Optimizer: nb.Adam{LR: 0.01}, Keep: nb.Keep{Every: 2, Last: 2, Best: 1},
	})
	defer t.Drop()
	silently(t, 7)
	for _, c := range t.Checkpoints() {
		fmt.Println(c.Name, c.Metric)
	}
	t.Restore("best")
	fmt.Println(t.Epoch())
	t.Restore("last")
	t.DropCheckpoint("epoch-4")
	fmt.Println(len(t.Checkpoints()))
	// Output:
	// epoch-4 validation loss
	// epoch-6 validation loss
	// epoch-7 validation loss
	// 7
	// 2
}
