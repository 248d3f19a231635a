package train

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

func TestThreeAndThreeEpochsAreSix(t *testing.T) {
	dev, spec := device(t), irisSpec(t)
	whole, parts := trainer(t, dev, spec), trainer(t, dev, spec)
	fit(t, whole, 6)
	fit(t, parts, 3)
	fit(t, parts, 3)
	if weights(t, whole) != weights(t, parts) {
		t.Error("3 + 3 epochs give other weights than 6")
	}
	sameHistory(t, whole, parts)
}

// sameHistory compares all that was measured, but not the times.
func sameHistory(t *testing.T, want, got *Trainer) {
	t.Helper()
	a, b := want.History(), got.History()
	if len(a) != len(b) {
		t.Fatalf("%d epochs, want %d", len(b), len(a))
	}
	for i := range a {
		if a[i].N != b[i].N || a[i].Steps != b[i].Steps || !slices.Equal(a[i].Train, b[i].Train) || !slices.Equal(a[i].Valid, b[i].Valid) {
			t.Errorf("epoch %d is %v, want %v", i+1, b[i], a[i])
		}
	}
}

// stopAt trains until at least the given number of steps, in slices of one
// step, and stops by the context.
func stopAt(t *testing.T, tr *Trainer, steps int64) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for tr.Info().Step < steps {
		tr.pace = pace{}
		r, err := tr.begin(ctx, 100, 0)
		if err != nil {
			t.Fatal(err)
		}
		err = tr.prepare(r)
		for err == nil && tr.Info().Step < steps {
			tr.pace = pace{}
			if tr.epochStep == tr.machine.stepsPerEpoch() {
				err = tr.finishEpoch(r)
				continue
			}
			err = tr.slice(r, tr.epochStep == 0)
		}
		tr.end(r, err)
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestStoppedAnywhereGoesOnExactly(t *testing.T) {
	dev, spec := device(t), irisSpec(t)
	whole := trainer(t, dev, spec)
	fit(t, whole, 3)
	want := weights(t, whole)
	steps := whole.Info().Step
	for at := int64(1); at < steps; at++ {
		tr := trainer(t, dev, spec)
		stopAt(t, tr, at)
		if got := tr.Info().Step; got != at {
			t.Fatalf("stopped after step %d, want %d", got, at)
		}
		finish(t, tr)
		if weights(t, tr) != want {
			t.Errorf("stopped after step %d, the weights became others", at)
		}
		sameHistory(t, whole, tr)
		tr.Close()
	}
}

// finish takes the rest of three epochs. The rest of the epoch under way counts
// as one; when the stop was at an epoch's end, only its validation is left of it.
func finish(t *testing.T, tr *Trainer) {
	t.Helper()
	info := tr.Info()
	left := 3 - info.Epoch
	if info.EpochStep == info.StepsPerEpoch {
		left--
	}
	fit(t, tr, left)
}

func TestCancelStopsBetweenSteps(t *testing.T) {
	dev, spec := device(t), irisSpec(t)
	tr := trainer(t, dev, spec)
	cause := errors.New("the cell was interrupted")
	ctx, cancel := context.WithCancelCause(context.Background())
	tr.Subscribe(func(e Event) {
		if e.Kind == EpochEnd && e.Info.Epoch == 5 {
			cancel(cause)
		}
	})
	err := tr.Train(ctx, 1000)
	var stop *StoppedError
	if !errors.As(err, &stop) || !errors.Is(err, context.Canceled) || !errors.Is(err, cause) {
		t.Fatalf("got %v", err)
	}
	info := tr.Info()
	if stop.Step != 40 || info.Step != 40 || info.Epoch != 5 || info.State != Stopped || !strings.Contains(info.Note, "stopped after step 40") {
		t.Errorf("stopped with %v: %+v", err, info)
	}
	fit(t, tr, 1)
	if info := tr.Info(); info.Epoch != 6 || info.Note != "" {
		t.Errorf("after going on: %+v", info)
	}
	whole := trainer(t, dev, spec)
	fit(t, whole, 6)
	if weights(t, whole) != weights(t, tr) {
		t.Error("the stop changed the weights")
	}
	ended, cancel2 := context.WithCancel(context.Background())
	cancel2()
	if err := tr.Train(ended, 1); !errors.Is(err, context.Canceled) || tr.Info().Step != 48 {
		t.Errorf("a context that has ended: %v, step %d", err, tr.Info().Step)
	}
}

func TestDivergenceLeavesTheWeights(t *testing.T) {
	dev := device(t)
	spec := Spec{Name: "plane", Model: mlp(2, 0, 1), Loss: "mse", Optimizer: optimizer(t, "sgd", 0.1, 0.9),
		Batch: 32, Data: plane(t)}
	tr, reference := trainer(t, dev, spec), trainer(t, dev, spec)
	for _, each := range []*Trainer{tr, reference} {
		fit(t, each, 1)
		stopAt(t, each, 9)
		if err := each.SetLR(1e30); err != nil {
			t.Fatal(err)
		}
	}
	// Step 10 is still finite, and throws the weights far away; 11 is not, and
	// the slice that holds both goes on to the epoch's last full step.
	stopAt(t, reference, 10)
	tr.pace = pace{perStep: 1, last: 1000}
	err := tr.Train(context.Background(), 5)
	var bad *DivergedError
	if !errors.As(err, &bad) || bad.Step != 11 || bad.Epoch != 2 || bad.LR != 1e30 {
		t.Fatalf("got %v", err)
	}
	if !strings.Contains(err.Error(), "lower the learning rate") {
		t.Errorf("the error does not say what to do: %v", err)
	}
	if info := tr.Info(); info.State != Failed || info.Step != 10 || info.EpochStep != 3 || info.Note != err.Error() {
		t.Errorf("%+v", info)
	}
	if weights(t, tr) != weights(t, reference) {
		t.Error("the weights are not those after step 10")
	}
	if err := errors.Join(tr.Reset(), tr.SetLR(0.02)); err != nil {
		t.Fatal(err)
	}
	fit(t, tr, 40)
	if l := value(t, tr.Info().Last.Train, "loss"); !(l < 0.01) {
		t.Errorf("after the reset the loss is %v", l)
	}
}

// The very first step is bad: all weights stay as they were.
func TestBadFirstStepChangesNothing(t *testing.T) {
	spec := irisSpec(t)
	tr := trainer(t, device(t), spec)
	name := tr.Spec().Model.Params()[0].Name
	xs := make([]float32, 4*16)
	xs[5] = float32(math.NaN())
	if err := tr.machine.mem.put(name, feed.FromF32(xs, 4, 16).Data); err != nil {
		t.Fatal(err)
	}
	before := weights(t, tr)
	for range 2 { // the second call tries again and finds the same
		var bad *DivergedError
		if err := tr.Train(context.Background(), 2); !errors.As(err, &bad) || bad.Step != 1 || bad.Epoch != 1 {
			t.Fatalf("got %v", err)
		}
	}
	after := weights(t, tr)
	if !strings.HasPrefix(after, before) || strings.Trim(after[len(before):], "\x00") != "" {
		t.Error("parameters or moments changed")
	}
	if tr.Info().Step != 0 || len(tr.Points()) != 0 {
		t.Errorf("%+v, points %v", tr.Info(), tr.Points())
	}
}

// A loss that is finite but has a gradient that is not would spoil the weights:
// here the weight is 0, so the output is 0, but the gradient is 100 · 3e38.
func TestBadGradientChangesNothing(t *testing.T) {
	x := feed.FromF32([]float32{3e38, 3e38, 3e38, 3e38}, 4, 1)
	data, err := feed.NewSet("far", x, feed.FromF32([]float32{1, 2, 3, 4}, 4), nil)
	if err != nil {
		t.Fatal(err)
	}
	l := &layers{}
	k := param("kernel", "zeros", 1, 1)
	h := op.Mul(op.MatMul(input(1), k, false, false), ir.Const(100, ir.F32))
	spec := Spec{Name: "far", Model: model(l.stamp("scaled", h, k)), Loss: "mae", Optimizer: optimizer(t, "sgd", 1e-3),
		Batch: 4, Data: data}
	tr := trainer(t, device(t), spec)
	var bad *DivergedError
	if err := tr.Train(context.Background(), 1); !errors.As(err, &bad) || bad.Step != 1 {
		t.Fatalf("got %v", err)
	}
	if w := weights(t, tr); strings.Trim(w, "\x00") != "" {
		t.Errorf("the weight became % x", w)
	}
}

func TestResetBeginsAgain(t *testing.T) {
	dev, spec := device(t), irisSpec(t)
	tr := trainer(t, dev, spec)
	first := weights(t, tr)
	fit(t, tr, 2)
	want := weights(t, tr)
	if err := tr.Reset(); err != nil {
		t.Fatal(err)
	}
	if got := weights(t, tr); !strings.HasPrefix(got, first) {
		t.Error("Reset did not bring the first weights back")
	}
	if i := tr.Info(); i.Epoch != 0 || i.Step != 0 || i.EpochStep != 0 || len(tr.History()) != 0 || len(tr.Points()) != 0 {
		t.Errorf("%+v", i)
	}
	fit(t, tr, 2)
	if weights(t, tr) != want {
		t.Error("training after Reset differs from the first time")
	}
	spec.Seed++
	if other := trainer(t, dev, spec); weights(t, other) == first {
		t.Error("another seed gives the same weights")
	}
}
