package train

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// clocked is a device whose steps and compilations take time, in a bubble of time
// of their own, and that does one thing at a time.
type clocked struct {
	backend.Device
	queue   *backend.Queue
	step    time.Duration
	compile time.Duration
}

func (d *clocked) Queue() *backend.Queue { return d.queue }

// costs is the same device for a trainer of other costs.
func (d *clocked) costs(step, compile time.Duration) backend.Device {
	return &clocked{d.Device, d.queue, step, compile}
}

func (d *clocked) Compile(p *plan.Program) (backend.Executable, error) {
	time.Sleep(d.compile)
	e, err := d.Device.Compile(p)
	return &clockedExe{e, d.step}, err
}

type clockedExe struct {
	backend.Executable
	step time.Duration
}

func (e *clockedExe) Submit(b backend.Bindings, steps int) backend.Completion {
	time.Sleep(time.Duration(steps) * e.step)
	return e.Executable.Submit(b, steps)
}

// together has several trainers on one device, in a bubble.
func together(t *testing.T, f func(t *testing.T, dev *clocked)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		inner := cpu.New(1)
		defer inner.Close()
		f(t, &clocked{Device: inner, queue: backend.NewQueue(1)})
		if n := live(inner); n != 0 {
			t.Errorf("%d bytes are left on the device", n)
		}
	})
}

// begin trains in the background; stop ends that.
func begin(t *testing.T, tr *Trainer) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- tr.Train(ctx, 1_000_000) }()
	return func() error {
		cancel()
		return <-done
	}
}

func openTrainer(t *testing.T, dev backend.Device, spec Spec) *Trainer {
	t.Helper()
	tr, err := New(dev, spec)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func had(tr *Trainer) time.Duration { return tr.machine.mem.share.Spent() }

// Trainers whose steps cost very different times share the device's time alike,
// with an evaluation, a pause and a compilation among them.
func TestShares(t *testing.T) {
	together(t, func(t *testing.T, dev *clocked) {
		spec := irisSpec(t)
		quick := openTrainer(t, dev.costs(200*time.Microsecond, 0), spec)
		usual := openTrainer(t, dev.costs(5*time.Millisecond, 0), spec)
		slow := openTrainer(t, dev.costs(100*time.Millisecond, 0), spec)
		all := []*Trainer{quick, usual, slow}
		var stops []func() error
		for _, tr := range all {
			defer tr.Close()
			stops = append(stops, begin(t, tr))
		}
		shares := func(what string, d time.Duration, of ...*Trainer) {
			t.Helper()
			var before []time.Duration
			for _, tr := range of {
				before = append(before, had(tr))
			}
			time.Sleep(d)
			for i, tr := range of {
				got, want := had(tr)-before[i], d/time.Duration(len(of))
				if (got - want).Abs() > want/10 {
					t.Errorf("%s: steps of %v had the device for %v, want %v", what, tr.machine.mem.dev.(*clocked).step, got, want)
				}
			}
		}
		shares("three", 9*time.Second, all...)
		if i := quick.Info(); i.Step < 10_000 {
			t.Errorf("the quick one has taken %d steps", i.Step)
		}

		if err := usual.Pause(context.Background()); err != nil {
			t.Fatal(err)
		}
		at := had(usual)
		shares("one of them paused", 6*time.Second, quick, slow)
		if had(usual) != at {
			t.Error("one that is paused has used the device")
		}
		usual.Resume()

		compiling := openTrainer(t, dev.costs(time.Millisecond, 10*time.Second), spec)
		defer compiling.Close()
		stops = append(stops, begin(t, compiling))
		shares("beside a compilation", 9*time.Second, all...)

		start := time.Now()
		if _, _, err := quick.Evaluate(context.Background(), spec.Valid); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("an evaluation beside them took %v", took)
		}
		for _, stop := range stops {
			if err := stop(); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
	})
}

// A trainer that waits for its data leaves the device to the others, and gets it
// at once when they are there.
func TestSharesWithoutData(t *testing.T) {
	together(t, func(t *testing.T, dev *clocked) {
		spec := irisSpec(t)
		first := openTrainer(t, dev.costs(5*time.Millisecond, 0), spec)
		second := openTrainer(t, dev.costs(50*time.Millisecond, 0), spec)
		data, src := sourced(t, spec.Data)
		src.slow = make(chan struct{})
		spec.Data, spec.Window = data, spec.Batch
		waits := openTrainer(t, dev.costs(10*time.Millisecond, 0), spec)
		stops := []func() error{begin(t, first), begin(t, second), begin(t, waits)}
		ctx, cancel := context.WithCancel(context.Background())
		var feeder sync.WaitGroup
		feeder.Go(func() { // a batch takes 1.6 seconds
			for ctx.Err() == nil {
				time.Sleep(100 * time.Millisecond)
				select {
				case src.slow <- struct{}{}:
				case <-ctx.Done():
				}
			}
		})
		time.Sleep(time.Minute)
		if n := waits.Info().Step; n < 38 || n > 40 {
			t.Errorf("one with data for 40 steps has taken %d", n)
		}
		if a, b := had(first), had(second); a+b < 59*time.Second || (a-b).Abs() > time.Second {
			t.Errorf("the others had the device for %v and %v of a minute", a, b)
		}
		cancel()
		feeder.Wait()
		for i, tr := range []*Trainer{first, second, waits} {
			if err := stops[i](); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			tr.Close()
		}
	})
}

// Whoever waits for the device can be stopped and closed at once, and its training
// goes on exactly.
func TestStopInTheQueue(t *testing.T) {
	for _, name := range []string{"adam", "lbfgs"} {
		together(t, func(t *testing.T, dev *clocked) {
			spec := irisSpec(t)
			spec.Optimizer = optimizer(t, name, 0.01)
			whole := openTrainer(t, dev.costs(0, 0), spec)
			fit(t, whole, 2)
			long := openTrainer(t, dev.costs(time.Hour, 0), spec)
			waits := openTrainer(t, dev.costs(time.Millisecond, 0), spec)
			if err := waits.TrainSteps(context.Background(), 3); err != nil {
				t.Fatal(err)
			}
			stopLong := begin(t, long)
			time.Sleep(time.Second) // it has the device
			start := time.Now()
			stop := begin(t, waits)
			time.Sleep(time.Second)
			if i := waits.Info(); i.Step != 3 || i.State != Running {
				t.Errorf("while it waits: %+v", i)
			}
			var stopped *StoppedError
			if err := stop(); !errors.As(err, &stopped) || stopped.Step != 3 {
				t.Errorf("stopped while it waits: %v", err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			if _, _, err := waits.Evaluate(ctx, spec.Valid); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("an evaluation that gave up: %v", err)
			}
			closed := openTrainer(t, dev.costs(time.Millisecond, 0), spec)
			stopClosed := begin(t, closed)
			time.Sleep(time.Second)
			if err := closed.Close(); err != nil {
				t.Error(err)
			}
			if err := stopClosed(); !errors.Is(err, ErrClosed) {
				t.Errorf("closed while it waits: %v", err)
			}
			if took := time.Since(start); took > 4*time.Second {
				t.Errorf("all that took %v, and should not wait for the device", took)
			}
			stopLong()
			fit(t, waits, 2)
			if weights(t, waits) != weights(t, whole) {
				t.Errorf("%s: a stop while it waited has changed the weights", name)
			}
			for _, tr := range []*Trainer{whole, long, waits} {
				tr.Close()
			}
		})
	}
}

// Steps that are one thread's work leave the other threads to others, and those of a
// larger model do not.
func TestPlacesOfSteps(t *testing.T) {
	dev := cpu.New(4)
	defer dev.Close()
	small := irisSpec(t)
	large := small
	large.Model = mlp(4, 4096, 3)
	for _, c := range []struct {
		spec Spec
		want int
	}{{small, 1}, {large, 4}} {
		tr := openTrainer(t, dev, c.spec)
		fit(t, tr, 1)
		if n := backend.PlacesOf(tr.machine.full.(*program).exec); n != c.want {
			t.Errorf("steps of %d parameters take %d places of 4, want %d", tr.Info().Params, n, c.want)
		}
		tr.Close()
	}
}
