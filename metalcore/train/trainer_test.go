package train

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/feed"
)

func TestMemoryGoesBackToZero(t *testing.T) {
	dev := cpu.New(1)
	defer dev.Close()
	spec := irisSpec(t)
	a, err := New(dev, spec)
	if err != nil {
		t.Fatal(err)
	}
	alone := live(dev)
	b, err := New(dev, spec)
	if err != nil {
		t.Fatal(err)
	}
	if more := live(dev) - alone; more >= alone || more <= 0 {
		t.Errorf("a second trainer of the same data takes %d bytes, the first %d", more, alone)
	}
	for _, tr := range []*Trainer{a, b} {
		fit(t, tr, 2)
		if _, _, err := tr.Evaluate(context.Background(), spec.Data); err != nil {
			t.Fatal(err)
		}
		third, err := spec.Data.Rows("third", []int{1, 2, 3, 4, 5})
		if err != nil {
			t.Fatal(err)
		}
		before := live(dev)
		if _, _, err := tr.Evaluate(context.Background(), third); err != nil {
			t.Fatal(err)
		}
		if live(dev) != before {
			t.Errorf("an evaluation left %d bytes", live(dev)-before)
		}
		if _, err := tr.Predict(spec.Data.X, false); err != nil {
			t.Fatal(err)
		}
	}
	// A device may need scratch memory of its own beside arenas and buffers.
	if got, have := a.Info().Bytes+b.Info().Bytes+spec.Data.Bytes()+spec.Valid.Bytes(), live(dev); got > have || 40*got < have {
		t.Errorf("the trainers and the data say %d bytes, the device %d", got, have)
	}
	if err := errors.Join(a.SetValid(spec.Data), a.SetValid(nil), a.Close(), a.Close(), b.Close()); err != nil {
		t.Fatal(err)
	}
	if n := live(dev); n != 0 {
		t.Errorf("%d bytes are left", n)
	}
	_, errPredict := b.Predict(spec.Data.X, false)
	_, _, errEval := b.Evaluate(context.Background(), spec.Data)
	for _, err := range []error{b.Train(context.Background(), 1), b.SetLR(1), b.SetValid(nil), b.Reset(), errPredict, errEval} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	}
	if i := b.Info(); i.Bytes != 0 || i.Step != 16 {
		t.Errorf("after Close: %+v", i)
	}
}

// Evaluate over unequal chunks agrees with the mean over single predictions.
func TestEvaluateIsExact(t *testing.T) {
	spec := irisSpec(t)
	tr := trainer(t, device(t), spec)
	fit(t, tr, 3)
	metrics, rows, err := tr.Evaluate(context.Background(), spec.Data)
	if err != nil || rows != 120 {
		t.Fatal(rows, err)
	}
	logits, err := tr.Predict(spec.Data.X, true)
	if err != nil {
		t.Fatal(err)
	}
	probs, err := tr.Predict(spec.Data.X, false)
	if err != nil {
		t.Fatal(err)
	}
	labels := spec.Data.Y.I32s()
	var lossSum, hits float64
	for i := range rows {
		z, p := logits.Row(i).F32s(), probs.Row(i).F32s()
		sum, best, total := 0.0, 0, 0.0
		for k := range z {
			sum += math.Exp(float64(z[k]))
			total += float64(p[k])
			if z[k] > z[best] {
				best = k
			}
		}
		lossSum += math.Log(sum) - float64(z[labels[i]])
		if best == int(labels[i]) {
			hits++
		}
		if math.Abs(total-1) > 1e-5 || math.Abs(float64(p[best])-math.Exp(float64(z[best]))/sum) > 1e-5 {
			t.Errorf("row %d: probabilities %v of logits %v", i, p, z)
		}
		one, err := tr.Predict(spec.Data.X.Slice(i, i+1), true)
		if err != nil || math.Abs(float64(one.F32s()[0]-z[0])) > 1e-5 {
			t.Errorf("row %d alone gives %v, among others %v: %v", i, one.F32s(), z, err)
		}
	}
	if got := value(t, metrics, "accuracy"); got != hits/120 {
		t.Errorf("accuracy %v, want %v", got, hits/120)
	}
	if got := value(t, metrics, "loss"); math.Abs(got-lossSum/120) > 1e-6 {
		t.Errorf("loss %v, want %v", got, lossSum/120)
	}
	if none, err := tr.Predict(spec.Data.X.Slice(0, 0), false); err != nil || none.String() != "f32[0,3]" {
		t.Errorf("no rows: %v %v", none, err)
	}
}

func TestBadUse(t *testing.T) {
	spec := irisSpec(t)
	tr := trainer(t, device(t), spec)
	nan := feed.FromF32([]float32{1, 2, float32(math.NaN()), 4}, 1, 4)
	digits, _ := split(t, "digits")
	_, errShape := tr.Predict(feed.FromF32([]float32{1, 2, 3}, 1, 3), false)
	_, errNaN := tr.Predict(nan, false)
	_, errScalar := tr.Predict(feed.FromF32([]float32{1}), false)
	_, _, errSet := tr.Evaluate(context.Background(), digits)
	cases := []struct {
		err  error
		want string
	}{
		{errShape, "a row of x is [3], the model takes [4]"},
		{errNaN, "x holds NaN in row 0, column 2"},
		{errScalar, "its first axis must be the rows"},
		{errSet, `data "digits/train": a row of x is [8,8,1], the model takes [4]`},
		{tr.SetValid(digits), "validation: data"},
		{tr.SetLR(-1), "the learning rate cannot be -1"},
		{tr.SetLR(math.NaN()), "the learning rate cannot be NaN"},
		{tr.Train(context.Background(), 0), "cannot train 0 epochs"},
	}
	for _, c := range cases {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("got %v, want %q", c.err, c.want)
		}
	}
}

// All that may be called while training runs, at the same time.
func TestConcurrentUse(t *testing.T) {
	spec := irisSpec(t)
	tr := trainer(t, device(t), spec)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	started := make(chan struct{})
	var once sync.Once
	tr.Subscribe(func(e Event) { once.Do(func() { close(started) }) })
	go func() { done <- tr.Train(ctx, 1<<30) }()
	<-started
	if err := tr.Train(ctx, 1); !errors.Is(err, ErrBusy) {
		t.Errorf("a second Train: %v", err)
	}
	if err := tr.Reset(); !errors.Is(err, ErrBusy) {
		t.Errorf("Reset: %v", err)
	}
	var wg sync.WaitGroup
	for _, f := range []func() error{
		func() error { return tr.SetLR(0.005) },
		func() error { tr.Info(); tr.History(); tr.Points(); tr.Spec(); return nil },
		func() error { _, err := tr.Predict(spec.Valid.X, false); return err },
		func() error { _, _, err := tr.Evaluate(ctx, spec.Data); return err },
		func() error { _, err := tr.Parameters(); return err },
		func() error { return tr.SetValid(spec.Valid) },
		func() error { tr.Subscribe(func(Event) {})(); return nil },
	} {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 20 {
				if err := f(); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	wg.Wait()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if info := tr.Info(); info.LR != 0.005 || info.State.Training() || info.Goal != 0 {
		t.Errorf("%+v", info)
	}
}

func TestCloseEndsTraining(t *testing.T) {
	tr := trainer(t, device(t), irisSpec(t))
	started := make(chan struct{})
	var once sync.Once
	tr.Subscribe(func(Event) { once.Do(func() { close(started) }) })
	done := make(chan error, 1)
	go func() { done <- tr.Train(context.Background(), 1<<30) }()
	<-started
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestEvents(t *testing.T) {
	tr := trainer(t, device(t), irisSpec(t))
	var epochs, ended int
	var last Event
	cancel := tr.Subscribe(func(e Event) {
		if e.Kind == EpochEnd {
			epochs++
			if e.Info.Epoch != epochs || e.Info.Last.N != epochs || e.Info.Goal != 4 || e.Info.State != Running {
				t.Errorf("end of epoch %d: %+v", epochs, e.Info)
			}
		}
		if e.Kind == Ended {
			ended++
		}
		last = e
	})
	fit(t, tr, 4)
	if epochs != 4 || ended != 1 || last.Kind != Ended || last.Info.State != Finished {
		t.Errorf("%d epochs, ended %d times, at last %+v", epochs, ended, last)
	}
	cancel()
	fit(t, tr, 1)
	if epochs != 4 || ended != 1 {
		t.Error("events came after cancel")
	}
	if p := tr.Points(); len(p) == 0 || p[len(p)-1].Step != 40 {
		t.Errorf("points %v", p)
	}
}

func TestSetLRCounts(t *testing.T) {
	dev, spec := device(t), irisSpec(t)
	a, b := trainer(t, dev, spec), trainer(t, dev, spec)
	if err := b.SetLR(0.02); err != nil {
		t.Fatal(err)
	}
	spec.Optimizer = optimizer(t, "adam", 0.02)
	c := trainer(t, dev, spec)
	for _, tr := range []*Trainer{a, b, c} {
		fit(t, tr, 1)
	}
	if weights(t, b) != weights(t, c) || weights(t, a) == weights(t, b) {
		t.Error("the learning rate of SetLR is not that of the steps")
	}
	if lr := b.History()[0].LR; lr != 0.02 {
		t.Errorf("the record says %v", lr)
	}
}

func TestTurnIsFair(t *testing.T) {
	tn := newTurn()
	if err := tn.take(context.Background()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := tn.take(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting did not end with the context: %v", err)
	}
	got := make(chan bool, 1)
	go func() {
		err := tn.take(context.Background())
		got <- err == nil
		tn.give()
	}()
	// The trainer takes and gives again and again; the waiter must get in.
	for waiting := true; waiting; {
		select {
		case ok := <-got:
			waiting = false
			if !ok {
				t.Error("the waiter failed")
			}
		default:
			tn.give()
			if err := tn.take(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
	}
	tn.give()
}

func TestPaceFollowsTheSteps(t *testing.T) {
	p := pace{}
	if n := p.next(1000, 1000); n != 1 {
		t.Errorf("the first slice has %d steps", n)
	}
	for range 20 {
		p.took(1, time.Millisecond)
		p.next(100000, 100000)
	}
	if p.last != 30 {
		t.Errorf("steps of 1 ms in slices of %d, want 30", p.last)
	}
	if n := p.next(7, 100000); n != 7 {
		t.Errorf("%d steps, 7 are left", n)
	}
	for range 20 {
		p.took(1, time.Second)
		p.next(100000, 100000)
	}
	if p.last != 1 {
		t.Errorf("steps of 1 s in slices of %d", p.last)
	}
}

func TestPointsAreThinned(t *testing.T) {
	var h history
	const n = 50000
	for i := range n {
		h.add(int64(i+1), 1, float64(i), 1)
	}
	list := h.list()
	if len(list) > maxPoints+1 || len(list) < maxPoints/3 {
		t.Errorf("%d points", len(list))
	}
	sum, rows := 0.0, 0.0
	for _, p := range h.points {
		sum, rows = sum+p.Sum, rows+p.Rows
	}
	if rows != n || sum != float64(n)*(n-1)/2 || list[len(list)-1].Step != n {
		t.Errorf("merging lost something: %v rows, sum %v", rows, sum)
	}
	for i := 1; i < len(list); i++ {
		if list[i].Step <= list[i-1].Step || list[i].Loss <= list[i-1].Loss {
			t.Fatalf("points %v, %v", list[i-1], list[i])
		}
	}
}
