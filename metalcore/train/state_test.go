package train

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

// passed collects the states that a trainer passes through.
func passed(tr *Trainer) (list func() []State, cancel func()) {
	var all []State
	cancel = tr.Subscribe(func(e Event) {
		if n := len(all); n == 0 || all[n-1] != e.Info.State {
			all = append(all, e.Info.State)
		}
	})
	return func() []State { return all }, cancel
}

func TestStates(t *testing.T) {
	tr := trainer(t, device(t), irisSpec(t))
	if s := tr.Info().State; s != Declared {
		t.Fatalf("a trainer that was made is %s", s)
	}
	list, cancel := passed(tr)
	fit(t, tr, 1)
	fit(t, tr, 1)
	cancel()
	// 120 rows in batches of 16: a program for the last step of 8, too.
	if got, want := list(), []State{Compiling, Running, Compiling, Running, Finished, Running, Finished}; !slices.Equal(got, want) {
		t.Errorf("two trainings passed %v, want %v", got, want)
	}
	whole, err := tr.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.TrainSteps(context.Background(), 3); err != nil {
		t.Fatal(err)
	}
	part, err := tr.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		change func() error
		want   State
	}{
		{tr.Reset, Declared},
		{func() error { return tr.Restore(whole) }, Finished},
		{func() error { return tr.Restore(part) }, Stopped},
		{func() error { return tr.Train(context.Background(), 1) }, Finished},
		{func() error { return tr.SetLR(1e30) }, Finished},
		{func() error { tr.Train(context.Background(), 100); return nil }, Failed},
		{func() error { return tr.Restore(whole) }, Finished},
	} {
		if err := c.change(); err != nil || tr.Info().State != c.want {
			t.Errorf("%v: it is %s, want %s", err, tr.Info().State, c.want)
		}
	}
}

// No state is a dead end, no training ends but in a rest, and nothing else is
// among the transitions.
func TestTransitions(t *testing.T) {
	all := append(slices.Clone(resting), Compiling, Running, Paused, Stopping)
	if len(follows) != len(all) {
		t.Fatalf("%d states have transitions, of %d", len(follows), len(all))
	}
	tr := &Trainer{}
	for _, from := range all {
		for _, to := range all {
			tr.state = from
			var want bool
			switch {
			case from == to:
			case from.Training() && to.Training():
				want = from == Running || to == Running && from != Stopping || to == Stopping
			case from.Training():
				want = to == Stopped || to == Failed || to == Finished && (from == Running || from == Stopping)
			default:
				want = !to.Training() || to == Running
			}
			if got := tr.become(to); got != want || got != (tr.state == to && from != to) {
				t.Errorf("from %s to %s: %v, want %v", from, to, got, want)
			}
		}
	}
}

// A paused training takes no step, lets others use the trainer, and is after
// Resume what it would have been without a pause.
func TestPause(t *testing.T) {
	ctx := context.Background()
	whole := trainer(t, device(t), irisSpec(t))
	fit(t, whole, 40)
	tr := trainer(t, device(t), irisSpec(t))
	paused := make(chan error)
	defer tr.Subscribe(func(e Event) {
		if e.Kind == EpochEnd && e.Info.Epoch == 1 {
			paused <- tr.Pause(ctx)
		}
	})()
	done := make(chan error, 1)
	go func() { done <- tr.Train(ctx, 40) }()
	if err := <-paused; err != nil {
		t.Fatal(err)
	}
	at := tr.Info()
	if _, _, err := tr.Evaluate(ctx, tr.Spec().Data); err != nil {
		t.Error(err)
	}
	time.Sleep(20 * time.Millisecond) // that it takes no step shows only with time
	if i := tr.Info(); i.State != Paused || i.Step != at.Step || i.Goal != 40 {
		t.Errorf("while it is paused: %+v, at first %+v", i, at)
	}
	if err := tr.Train(ctx, 1); !errors.Is(err, ErrBusy) {
		t.Errorf("a training beside one that is paused: %v", err)
	}
	tr.Resume()
	if err := <-done; err != nil || weights(t, tr) != weights(t, whole) {
		t.Errorf("a pause has changed the weights, or: %v", err)
	}
}

// A training that begins paused can be stopped, and the next one is not paused.
func TestStopWhilePaused(t *testing.T) {
	tr := trainer(t, device(t), irisSpec(t))
	if err := tr.Pause(context.Background()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer tr.Subscribe(func(e Event) {
		if e.Info.State == Paused {
			cancel()
		}
	})()
	var stop *StoppedError
	if err := tr.Train(ctx, 1); !errors.As(err, &stop) || tr.Info().Step != 0 || tr.Info().State != Stopped {
		t.Fatalf("%v, %+v", err, tr.Info())
	}
	fit(t, tr, 1)
}

// Steps in two parts are the same steps; epochs that they complete are measured.
func TestTrainSteps(t *testing.T) {
	ctx := context.Background()
	whole := trainer(t, device(t), irisSpec(t))
	fit(t, whole, 2) // 16 steps
	tr := trainer(t, device(t), irisSpec(t))
	for _, c := range []struct {
		steps int64
		epoch int
		state State
	}{{3, 0, Finished}, {6, 1, Finished}, {7, 2, Finished}} {
		if goal := tr.goalOf(0, c.steps); goal != max(1, (int(tr.Info().Step+c.steps)+7)/8) {
			t.Errorf("%d steps more end in epoch %d", c.steps, goal)
		}
		if err := tr.TrainSteps(ctx, c.steps); err != nil {
			t.Fatal(err)
		}
		if i := tr.Info(); i.Epoch != c.epoch || i.State != c.state || len(tr.History()) != c.epoch {
			t.Errorf("after %d steps more: %+v", c.steps, i)
		}
	}
	if weights(t, tr) != weights(t, whole) {
		t.Error("16 steps in three parts have other weights than two epochs")
	}
	if err := tr.TrainSteps(ctx, 0); err == nil {
		t.Error("no steps were trained")
	}
}

func TestSetSchedule(t *testing.T) {
	tr := trainer(t, device(t), irisSpec(t))
	fit(t, tr, 1)
	spec := climbSpec(t, "step", map[string]float64{"steps": 8, "factor": 0.5})
	was := tr.Info().LR
	if err := tr.SetSchedule(spec.Schedule, ""); err != nil {
		t.Fatal(err)
	}
	if i := tr.Info(); i.LR != was/2 {
		t.Errorf("a rate of %v is %v with a schedule that has halved it", was, i.LR)
	}
	if err := tr.SetSchedule(spec.Schedule, "nonsense"); err == nil {
		t.Error("the schedule watches what is not measured")
	}
	if err := tr.SetSchedule(nil, ""); err != nil || tr.Info().LR != was {
		t.Errorf("%v: without a schedule the rate is %v", err, tr.Info().LR)
	}
}
