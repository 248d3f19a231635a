package train

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// noisy is a model whose hidden layer is dropped at random in training, and
// that keeps a running mean of it.
func noisy() *ir.Graph {
	l := &layers{}
	h := l.relu(l.dense(input(4), 16))
	step := ir.State(ir.StateStep, ir.I32, ir.Shape{}, nil)
	seed := ir.State(ir.StateSeed, ir.I32, ir.Shape{}, nil)
	keep := op.Lt(op.Random(seed, step, 0, h.Shape), ir.Const(0.5, ir.F32))
	dropped := op.Select(keep, op.Mul(h, ir.Const(2, ir.F32)), ir.Const(0, ir.F32))
	running := ir.State("running", ir.F32, ir.Shape{16}, ir.Attrs{ir.AttrInit: "zeros"})
	half := ir.Const(0.5, ir.F32)
	next := op.Add(op.Mul(half, running), op.Mul(half, op.Mean(h, false, 0)))
	g := model(l.dense(op.Phase(dropped, h), 3))
	return ir.NewGraph(g.Name, g.Outputs, []ir.Update{{State: running, New: next}})
}

func noisySpec(t *testing.T) Spec {
	spec := irisSpec(t)
	spec.Model = noisy()
	return spec
}

// A run that was stopped anywhere draws the numbers that it would have drawn.
func TestRandomNumbersResumeExactly(t *testing.T) {
	dev, spec := device(t), noisySpec(t)
	whole := trainer(t, dev, spec)
	fit(t, whole, 3)
	want := weights(t, whole)
	for _, at := range []int64{1, 5, 8, 13} {
		tr := trainer(t, dev, spec)
		stopAt(t, tr, at)
		finish(t, tr)
		if weights(t, tr) != want {
			t.Errorf("stopped after step %d, the weights became others", at)
		}
	}
	if err := whole.Reset(); err != nil {
		t.Fatal(err)
	}
	fit(t, whole, 3)
	if weights(t, whole) != want {
		t.Error("after a reset the run is another one")
	}
}

// Evaluation and prediction neither draw numbers nor change states.
func TestEvaluationIsNotRandom(t *testing.T) {
	spec := noisySpec(t)
	tr := trainer(t, device(t), spec)
	fit(t, tr, 2)
	before := weights(t, tr)
	first, _, err := tr.Evaluate(context.Background(), spec.Valid)
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.machine.mem.putI32(nameStep, 99); err != nil {
		t.Fatal(err)
	}
	again, _, err := tr.Evaluate(context.Background(), spec.Valid)
	if err != nil || !slices.Equal(first, again) {
		t.Errorf("measured %v, then %v: %v", first, again, err)
	}
	x := feed.FromF32([]float32{1, 2, 3, 4}, 1, 4)
	if y, err := tr.Predict(x, true); err != nil || y.String() != "f32[1,3]" {
		t.Error(y, err)
	}
	if weights(t, tr) != before {
		t.Error("a state changed")
	}
	list, err := tr.Parameters()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		if strings.HasPrefix(p.Name, "train/") {
			t.Errorf("%s is among the model's states", p.Name)
		}
		if p.Name == "running" && !slices.ContainsFunc(p.Value.F32s(), func(x float32) bool { return x != 0 }) {
			t.Error("the running mean was not updated in training")
		}
	}
}

// The seed reaches the random numbers, and two trainers of one seed draw the
// same ones.
func TestRandomNumbersDependOnTheSeed(t *testing.T) {
	text := func(seed int64, phase phase) string {
		s := noisySpec(t)
		s.Seed = seed
		return bindModel(&s, 4, ir.Input(InputName, ir.F32, 4, 4), nil, phase).String()
	}
	again := text(1, training)
	if text(1, training) != again || text(1, training) == text(2, training) || text(1, training) == text(1<<32, training) {
		t.Error("the seed is not part of the training program")
	}
	if got := text(1, evaluating); got != text(2, evaluating) || strings.Contains(got, "random") || strings.Contains(got, "phase") {
		t.Errorf("the evaluation program is\n%s", got)
	}
}
