package train

import (
	"context"
	"errors"
	"math"
	"sync"
	"testing"
)

// A training that is extended while it runs is the training that was as long from
// its beginning, bit for bit, whether it counts epochs or steps, on data that lies
// on the device or comes in windows.
func TestExtend(t *testing.T) {
	dev, ctx := device(t), context.Background()
	spec := irisSpec(t)
	whole := trainer(t, dev, spec)
	fit(t, whole, 6) // 48 steps
	windowed := spec
	windowed.Data, _ = sourced(t, spec.Data)
	windowed.Window = 2 * spec.Batch
	for _, spec := range []Spec{spec, windowed} {
		for _, c := range []struct {
			epochs    int // to begin with
			steps     int64
			more      int
			moreSteps int64
			goal      int // after the first extension
		}{
			{2, 0, 2, 0, 4},
			{2, 0, 0, 16, 4},
			{4, 0, 0, 8, 5},
			{0, 12, 0, 18, 4},
			{0, 16, 2, 0, 4},
			{0, 1, 0, 24, 4},
		} {
			tr := trainer(t, dev, spec)
			if _, err := tr.Extend(1, 0); !errors.Is(err, ErrIdle) {
				t.Errorf("one that rests was extended: %v", err)
			}
			run, err := tr.Begin(ctx, c.epochs, c.steps)
			if err != nil {
				t.Fatal(err)
			}
			if goal, err := tr.Extend(c.more, c.moreSteps); err != nil || goal != c.goal || tr.Info().Goal != goal {
				t.Errorf("%+v: it ends in epoch %d, %v", c, goal, err)
			}
			cancel := tr.Subscribe(func(e Event) {
				if e.Kind == EpochEnd && e.Info.Epoch == 2 { // some windows are read ahead
					left := 48 - (int64(8*c.epochs) + c.steps + int64(8*c.more) + c.moreSteps)
					if goal, err := tr.Extend(0, left); err != nil || goal != 6 {
						t.Errorf("%+v: it ends in epoch %d, %v", c, goal, err)
					}
				}
			})
			if err := run(); err != nil {
				t.Fatal(err)
			}
			cancel()
			if i := tr.Info(); i.Epoch != 6 || i.State != Finished || weights(t, tr) != weights(t, whole) {
				t.Errorf("%+v: it has become another one: %+v", c, i)
			}
			sameHistory(t, whole, tr)
			tr.Close()
		}
	}
}

// An extension at any moment counts, or is refused.
func TestExtendAtAnyMoment(t *testing.T) {
	tr, ctx := trainer(t, device(t), irisSpec(t)), context.Background()
	want := int64(0)
	for range 200 {
		run, err := tr.Begin(ctx, 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		want++
		var all sync.WaitGroup
		all.Go(func() {
			for {
				if _, err := tr.Extend(0, 1); err != nil {
					return
				}
				want++
				if want%7 == 0 {
					return
				}
			}
		})
		if err := run(); err != nil {
			t.Fatal(err)
		}
		all.Wait()
		if got := tr.Info().Step; got != want {
			t.Fatalf("%d steps, want %d", got, want)
		}
	}
}

// One that is being stopped is not extended.
func TestExtendWhileStopping(t *testing.T) {
	tr := trainer(t, device(t), irisSpec(t))
	ctx, cancel := context.WithCancel(context.Background())
	run, err := tr.Begin(ctx, 5, 0)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := tr.Extend(1, 0); !errors.Is(err, ErrIdle) {
		t.Errorf("it was extended: %v", err)
	}
	if err := run(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A training of any number of epochs or steps goes on until it is stopped.
func TestTrainUntilStopped(t *testing.T) {
	for _, c := range []struct {
		epochs, more    int
		steps, moreStep int64
	}{{epochs: math.MaxInt}, {steps: math.MaxInt64}, {epochs: 1, more: math.MaxInt}, {epochs: 1, moreStep: math.MaxInt64},
		{epochs: math.MaxInt, moreStep: math.MaxInt64}, {steps: math.MaxInt64, more: math.MaxInt}} {
		tr := trainer(t, device(t), irisSpec(t))
		fit(t, tr, 1)
		ctx, cancel := context.WithCancel(t.Context())
		tr.Keeper(func(m Moment, _ func() (*Snapshot, error)) {
			if m.Step >= 30 {
				cancel()
			}
		})
		run, err := tr.Begin(ctx, c.epochs, c.steps)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			if c.more > 0 || c.moreStep > 0 {
				if _, err := tr.Extend(c.more, c.moreStep); err != nil {
					t.Error(err)
				}
			}
		}
		if err := run(); !errors.Is(err, context.Canceled) || tr.Info().Step < 30 {
			t.Errorf("%+v: %d steps, %v", c, tr.Info().Step, err)
		}
		cancel()
	}
}
