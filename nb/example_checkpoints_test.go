package nb_test

import (
	"fmt"
	"time"

	"github.com/metalnb/metalnb/datasets"
	"github.com/metalnb/metalnb/nb"
)

// silently trains without printing each epoch, as Fit does.
func silently(t *nb.Trainer, epochs int) {
	for t.Start(epochs); t.Running(); {
		time.Sleep(time.Millisecond)
	}
}

// A fork tries something out, and the trainer stays as it is.
func ExampleTrainer_Fork() {
	iris := datasets.Iris()
	t := nb.NewTrainer("calm", nb.Input(4).Dense(3), nb.Config{Data: iris.Train})
	defer t.Drop()
	silently(t, 2)
	bold := t.Fork("bold")
	defer bold.Drop()
	bold.SetLR(0.1)
	silently(bold, 3)
	fmt.Println(t.Epoch(), t.LR(), bold.Epoch(), bold.LR())
	// Output:
	// 2 0.001 5 0.1
}

// A checkpoint is a state to come back to.
func ExampleTrainer_Checkpoint() {
	iris := datasets.Iris()
	t := nb.NewTrainer("flowers", nb.Input(4).Dense(3), nb.Config{Data: iris.Train})
	defer t.Drop()
	silently(t, 2)
	t.Checkpoint("two epochs")
	silently(t, 5)
	for _, c := range t.Checkpoints() {
		fmt.Println(c.Name, c.Step)
	}
	t.Restore("two epochs")
	fmt.Println(t.Epoch(), len(t.History()))
	// Output:
	// two epochs 8
	// 2 2
}
