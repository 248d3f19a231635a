package train

import (
	"testing"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/loss"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/optim"
)

// Every optimizer tells the flowers apart.
func TestEveryOptimizerLearns(t *testing.T) {
	dev := device(t)
	cases := []struct {
		name     string
		settings map[string]float64
	}{
		{"sgd", map[string]float64{"lr": 0.1}},
		{"sgd", map[string]float64{"lr": 0.05, "momentum": 0.9, "nesterov": 1, "weight_decay": 1e-4}},
		{"sgd", map[string]float64{"lr": 0.02, "momentum": 0.7, "dampening": 0.2, "clip_norm": 2}},
		{"adam", map[string]float64{"lr": 0.01}},
		{"adam", map[string]float64{"lr": 0.01, "amsgrad": 1, "clip_value": 0.1}},
		{"adamw", map[string]float64{"lr": 0.01}},
		{"nadam", map[string]float64{"lr": 0.01}},
		{"radam", map[string]float64{"lr": 0.02}},
		{"rmsprop", map[string]float64{"lr": 0.005}},
		{"rmsprop", map[string]float64{"lr": 0.002, "momentum": 0.5, "centered": 1}},
		{"adagrad", map[string]float64{"lr": 0.1}},
		{"adadelta", nil},
		{"lion", map[string]float64{"lr": 0.002, "weight_decay": 0.01}},
		{"lbfgs", map[string]float64{"iterations": 2}},
	}
	seen := map[string]bool{}
	for _, c := range cases {
		seen[c.name] = true
		spec := irisSpec(t)
		if spec.Optimizer = withSettings(t, c.name, c.settings); c.name == "lbfgs" {
			spec.Batch = spec.Data.Len()
		}
		tr := trainer(t, dev, spec)
		fit(t, tr, 80)
		a := value(t, tr.Info().Last.Valid, "accuracy")
		t.Logf("%s %v: the accuracy is %.4f", c.name, c.settings, a)
		if a <= 0.93 {
			t.Error("that is too little")
		}
	}
	if len(seen) != len(optim.Names()) {
		t.Errorf("only %v were tried", seen)
	}
}

// flowers gives the flowers other labels: made of the number of the class.
func flowers(t *testing.T, set *feed.Set, classes int, label func(class int32) []float32) *feed.Set {
	t.Helper()
	var rows []int
	var ys []float32
	width := 0
	for i, class := range set.Y.I32s() {
		if int(class) < 3-classes { // leave out what is told apart too easily
			continue
		}
		y := label(class)
		rows, ys, width = append(rows, i), append(ys, y...), len(y)
	}
	part, err := set.Rows("flowers", rows)
	if err != nil {
		t.Fatal(err)
	}
	out, err := feed.NewSet("flowers", part.X, feed.FromF32(ys, len(rows), width), nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func oneHot(on, off float32) func(int32) []float32 {
	return func(class int32) []float32 {
		y := []float32{off, off, off}
		y[class] = on
		return y
	}
}

// Every loss tells real flowers apart: those of numbers by coming near to one
// for the class and zero for the others.
func TestEveryLossLearns(t *testing.T) {
	train, valid := split(t, "iris")
	bit := func(class int32) []float32 { return []float32{float32(class - 1)} }
	side := func(class int32) []float32 { return []float32{float32(2*class - 3)} }
	l := &layers{}
	sigmoid := model(op.Sigmoid(l.dense(l.relu(l.dense(input(4), 16)), 1)))
	x, y := ir.Input(loss.InputOutput, ir.F32, ir.Batch, 3), ir.Input(loss.InputTarget, ir.F32, ir.Batch, 3)
	d := op.Sub(x, y)
	fourth := ir.NewGraph("fourth", []ir.Output{{Name: loss.ResultLoss, Value: op.Mean(op.Mul(op.Mul(d, d), op.Add(op.Mul(d, d), ir.Const(1, ir.F32))), false, 1)}}, nil)
	cases := []struct {
		loss    string
		with    loss.Settings
		model   *ir.Graph
		classes int
		label   func(int32) []float32
		metric  string
		least   float64 // of the metric; of an error, the most
	}{
		{loss.CrossEntropy, loss.Settings{Numbers: map[string]float64{"smoothing": 0.1}, Weights: []float64{1, 2, 1}}, mlp(4, 16, 3), 3, nil, "accuracy", 0.93},
		{loss.CrossEntropy, loss.Settings{}, mlp(4, 16, 3), 3, oneHot(0.9, 0.05), "accuracy", 0.93},
		{loss.Hinge, loss.Settings{}, mlp(4, 16, 3), 3, nil, "accuracy", 0.93},
		{loss.Hinge, loss.Settings{}, mlp(4, 16, 1), 2, side, "accuracy", 0.89},
		{loss.BCE, loss.Settings{}, sigmoid, 2, bit, "accuracy", 0.89},
		{loss.BCELogits, loss.Settings{}, mlp(4, 16, 1), 2, bit, "accuracy", 0.89},
		{loss.BCELogits, loss.Settings{Numbers: map[string]float64{"pos_weight": 2}}, mlp(4, 16, 3), 3, oneHot(1, 0), "accuracy", 0.93},
		{loss.KL, loss.Settings{}, mlp(4, 16, 3), 3, oneHot(0.9, 0.05), "loss", 0.1},
		{loss.MSE, loss.Settings{}, mlp(4, 32, 3), 3, oneHot(1, 0), "r2", 0.8},
		{loss.MAE, loss.Settings{}, mlp(4, 32, 3), 3, oneHot(1, 0), "r2", 0.8},
		{loss.Huber, loss.Settings{Numbers: map[string]float64{"delta": 0.5}}, mlp(4, 32, 3), 3, oneHot(1, 0), "r2", 0.8},
		{loss.SmoothL1, loss.Settings{Numbers: map[string]float64{"beta": 0.5}}, mlp(4, 32, 3), 3, oneHot(1, 0), "r2", 0.8},
		{loss.Cosine, loss.Settings{}, mlp(4, 16, 3), 3, oneHot(1, 0), "loss", 0.08},
		{loss.Function, loss.Settings{Graph: fourth}, mlp(4, 32, 3), 3, oneHot(1, 0), "r2", 0.65},
	}
	dev := device(t)
	seen := map[string]bool{}
	for _, c := range cases {
		seen[c.loss] = true
		spec := irisSpec(t)
		spec.Loss, spec.LossWith, spec.Model, spec.Data, spec.Valid = c.loss, c.with, c.model, train, valid
		if c.label != nil {
			spec.Data, spec.Valid = flowers(t, train, c.classes, c.label), flowers(t, valid, c.classes, c.label)
		}
		if c.metric != "accuracy" && c.metric != "loss" {
			spec.Metrics = []string{c.metric}
		}
		tr := trainer(t, dev, spec)
		fit(t, tr, 150)
		got := value(t, tr.Info().Last.Valid, c.metric)
		if c.metric == "loss" && got >= c.least || c.metric != "loss" && got <= c.least {
			t.Errorf("%s %v: %s is %v, want %v", c.loss, c.with, c.metric, got, c.least)
		}
	}
	for _, name := range loss.Names() {
		if !seen[name] {
			t.Errorf("the loss %s was not tried", name)
		}
	}
}
