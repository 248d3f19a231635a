package nb_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/datasets"
	"github.com/metalnb/metalnb/nb"
)

// What one handle does to a training another one sees, as from another cell.
func TestPausedByAnother(t *testing.T) {
	declare := func() *nb.Trainer {
		return nb.NewTrainer("paused", convnet(2), nb.Config{Data: digits.Train, Optimizer: nb.SGD{LR: 1e-3}})
	}
	tr, other := declare(), declare()
	defer func() { tr.Stop(); tr.Drop() }()
	if e := raised(t, tr.Pause); !strings.Contains(e.Message, "is declared and cannot be paused") {
		t.Error(e)
	}
	tr.Start(100_000)
	other.Pause()
	at := tr.Steps()
	tr.Evaluate(digits.Test)
	if tr.State() != "paused" || !tr.Running() || tr.Steps() != at {
		t.Errorf("it is %s, at step %d and then %d", tr.State(), at, tr.Steps())
	}
	if e := raised(t, func() { tr.Fit(1) }); !strings.Contains(e.Error(), "t.Resume()") {
		t.Error(e)
	}
	tr.Resume()
	for tr.Steps() == at {
	}
	other.Stop()
	if tr.State() != "stopped" || tr.Running() {
		t.Errorf("it is %s", tr.State())
	}
}

// A schedule that changes goes on with the trainer.
func TestScheduleChangesLive(t *testing.T) {
	declare := func(s nb.Schedule) *nb.Trainer {
		return nb.NewTrainer("scheduled", convnet(2), nb.Config{Data: digits.Train, Optimizer: nb.SGD{LR: 1e-3}, Schedule: s})
	}
	declare(nil).FitSteps(10)
	tr := declare(nb.StepDecay{Steps: 5, Factor: 0.5})
	defer tr.Drop()
	if tr.Steps() != 10 || tr.LR() != 0.25e-3 {
		t.Errorf("step %d, learning rate %v", tr.Steps(), tr.LR())
	}
}

// Averages are what is measured, and begin as the weights do.
func TestEMA(t *testing.T) {
	measure := func(name string, ema float64) (first, later float64) {
		tr := nb.NewTrainer(name, convnet(2), nb.Config{Data: digits.Train, Optimizer: nb.SGD{LR: 0.1}, EMA: ema})
		defer tr.Drop()
		first = tr.Evaluate(digits.Test)["loss"]
		tr.FitSteps(20)
		return first, tr.Evaluate(digits.Test)["loss"]
	}
	a, plain := measure("plain", 0)
	b, slow := measure("averaged", 0.999)
	if a != b || !(slow < a) || !(plain < slow) {
		t.Errorf("the loss was %v and %v, and is %v, of averages %v", a, b, plain, slow)
	}
	if e := raised(t, func() { nb.NewTrainer("bad", convnet(2), nb.Config{Data: digits.Train, EMA: 1.5}).FitSteps(1) }); !strings.Contains(e.Message, "an EMA of 1.5") || e.Line == 0 {
		t.Error(e)
	}
}

// Steps of several batches are those of one large batch, also of a copy.
func TestAccumulate(t *testing.T) {
	declare := func(name string, batch, parts int, o nb.Optimizer) *nb.Trainer {
		return nb.NewTrainer(name, convnet(2), nb.Config{Data: digits.Train, Batch: batch, Accumulate: parts, Optimizer: o})
	}
	tr, whole := declare("in parts", 32, 4, nb.Adam{}), declare("whole", 128, 0, nb.Adam{})
	defer tr.Drop()
	defer whole.Drop()
	tr.FitSteps(7)
	fork := tr.Fork("fork")
	defer fork.Drop()
	for _, x := range []*nb.Trainer{tr, fork, whole} {
		x.FitSteps(20 - x.Steps())
	}
	a, b, c := tr.Evaluate(digits.Test)["loss"], fork.Evaluate(digits.Test)["loss"], whole.Evaluate(digits.Test)["loss"]
	if a != b || math.Abs(a-c) > 1e-4 {
		t.Errorf("the loss is %v, of the copy %v, in one batch %v", a, b, c)
	}
	if e := raised(t, func() { declare("in parts", 32, 2, nb.Adam{}).FitSteps(1) }); !strings.Contains(e.Message, "the number of batches of a step is 2, it was 4") {
		t.Error(e)
	}
	if e := raised(t, func() { declare("bad", 32, -2, nb.Adam{}) }); !strings.Contains(e.Message, "steps of -2 batches") || e.Line == 0 {
		t.Error(e)
	}
	if e := raised(t, func() { declare("bad", 32, 4, nb.LBFGS{}).FitSteps(1) }); !strings.Contains(e.Message, "leave Accumulate out") {
		t.Error(e)
	}
}

// Steps of four batches of 8, in the memory that one batch needs: 120 rows are four
// steps, of which the last has 24 rows.
func ExampleConfig_accumulate() {
	t := nb.NewTrainer("in parts", nb.Input(4).Dense(3), nb.Config{Data: datasets.Iris().Train, Batch: 8, Accumulate: 4})
	defer t.Drop()
	silently(t, 2)
	fmt.Println(t.Epoch(), "epochs,", t.Steps(), "steps")
	// Output: 2 epochs, 8 steps
}

// A training that is paused keeps its goal.
func ExampleTrainer_Pause() {
	t := nb.NewTrainer("slowly", nb.Input(4).Dense(3), nb.Config{Data: datasets.Iris().Train})
	defer t.Drop()
	t.Start(1_000_000)
	t.Pause()
	fmt.Println(t.State())
	t.Resume()
	t.Stop()
	t.StartSteps(7)
	t.Stop()
	// Output: paused
}
