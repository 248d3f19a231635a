package nb_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/datasets"
	"github.com/metalnb/metalnb/nb"
)

var digits = datasets.Digits()

func convnet(filters int) *nb.Tensor {
	return nb.Input(8, 8, 1).Conv2D(filters, 3).ReLU().MaxPool2D(2).Flatten().Dense(10)
}

// raised returns the error that f raises.
func raised(t *testing.T, f func()) *nb.Error {
	t.Helper()
	e, ok := errors.AsType[*nb.Error](nb.Try(f))
	if !ok {
		t.Fatal("no error")
	}
	return e
}

// A trainer is the same one through another handle, as in another cell.
func TestTrainerLivesOn(t *testing.T) {
	declare := func() *nb.Trainer {
		return nb.NewTrainer("lives on", convnet(16), nb.Config{Data: digits.Train, Valid: digits.Test, Optimizer: nb.Adam{LR: 1e-2}})
	}
	first := declare()
	first.Fit(3)
	second := declare()
	if second.Epoch() != 3 || second.Steps() != 3*45 {
		t.Fatalf("epoch %d, step %d", second.Epoch(), second.Steps())
	}
	second.SetLR(2e-3)
	second.Fit(5)
	third := declare() // declares 1e-2 as it did before, which changes nothing
	if third.LR() != 2e-3 || third.Epoch() != 8 {
		t.Errorf("learning rate %v, epoch %d", third.LR(), third.Epoch())
	}
	test := third.Evaluate(digits.Test)
	if test["accuracy"] <= 0.96 {
		t.Errorf("test accuracy %v", test["accuracy"])
	}
	h := third.History()
	if len(h) != 8 || h[7].N != 8 || h[2].LR != 1e-2 || h[3].LR != 2e-3 || h[7].Valid["accuracy"] != test["accuracy"] {
		t.Errorf("history %+v", h)
	}
	third.Reset()
	if first.Epoch() != 0 || len(first.History()) != 0 {
		t.Error("not reset")
	}
	first.Drop()
}

func TestDeclarations(t *testing.T) {
	config := nb.Config{Data: digits.Train, Optimizer: nb.Adam{LR: 1e-3}}
	a := nb.NewTrainer("declared", convnet(4), config)
	a.Fit(1)
	e := raised(t, nb.NewTrainer("declared", convnet(8), config).Attach)
	if e.Code != nb.CodeChanged || !strings.Contains(e.Message, "conv2d_1") || !strings.Contains(e.Remedy, "Replace") {
		t.Errorf("a changed model: %v", e)
	}
	config.Batch = 16
	if e := raised(t, nb.NewTrainer("declared", convnet(4), config).Attach); !strings.Contains(e.Message, "batch") {
		t.Errorf("a changed batch: %v", e)
	}
	config.Batch, config.Optimizer, config.Valid = 0, nb.Adam{LR: 5e-4}, digits.Test
	b := nb.NewTrainer("declared", convnet(4), config)
	if b.LR() != 5e-4 || b.Epoch() != 1 {
		t.Errorf("a changed learning rate: %v, epoch %d", b.LR(), b.Epoch())
	}
	config.Replace = true
	c := nb.NewTrainer("declared", convnet(8), config)
	if c.Epoch() != 0 {
		t.Error("not replaced")
	}
	c.Drop()
	if e := raised(t, func() { nb.Drop("declared") }); e.Code != nb.CodeUnknown {
		t.Errorf("dropped twice: %v", e)
	}
}

func TestBackground(t *testing.T) {
	h := nb.NewTrainer("background", convnet(4), nb.Config{Data: digits.Train})
	h.Start(100_000)
	if e := raised(t, func() { h.Fit(1) }); e.Code != nb.CodeBusy || !strings.Contains(e.Remedy, "t.Stop()") {
		t.Errorf("Fit while it trains: %v", e)
	}
	if e := raised(t, h.Reset); e.Code != nb.CodeBusy {
		t.Errorf("Reset while it trains: %v", e)
	}
	h.SetLR(1e-4)
	for h.Steps() < 10 {
	}
	if !h.Running() {
		t.Error("it does not run")
	}
	h.Stop()
	steps := h.Steps()
	if h.Running() || h.LR() != 1e-4 || h.Steps() != steps {
		t.Error("not stopped")
	}
	h.Start(1)
	h.Wait()
	if h.Steps() <= steps || h.Running() {
		t.Error("Wait came back early")
	}
	h.Drop()
}

func TestPredict(t *testing.T) {
	h := nb.NewTrainer("predict", convnet(16), nb.Config{Data: digits.Train})
	h.Fit(2)
	p := h.Predict(digits.Test.X(0, 1, 2))
	if got := p.Shape(); len(got) != 2 || got[0] != 3 || got[1] != 10 {
		t.Fatalf("shape %v", got)
	}
	for i, s := range p.Sum(1).Values() {
		if math.Abs(s-1) > 1e-5 {
			t.Errorf("the probabilities of row %d add up to %v", i, s)
		}
	}
	soft := h.Logits(digits.Test.X(0, 1, 2)).Softmax().Sub(p).Abs().Max().Item()
	if soft > 1e-6 {
		t.Errorf("the softmax of the logits differs by %v", soft)
	}
	if one := h.Predict(nb.Zeros(8, 8, 1)).Shape(); one[0] != 1 {
		t.Errorf("one row: %v", one)
	}
	if e := raised(t, func() { h.Predict(nb.Zeros(2, 7)) }); !strings.Contains(e.Message, "7") {
		t.Errorf("wrong rows: %v", e)
	}
	h.Drop()
}

func TestUsersData(t *testing.T) {
	xs := [][]float64{{0, 0}, {0, 1}, {1, 0}, {1, 1}}
	xor := nb.Data("xor", xs, []int{0, 1, 1, 0}, "same", "different")
	h := nb.NewTrainer("xor", nb.Input(2).Dense(16).Tanh().Dense(2), nb.Config{Data: xor, Batch: 4, Optimizer: nb.Adam{LR: 0.05}})
	h.Fit(200)
	if a := h.Evaluate(xor)["accuracy"]; a != 1 {
		t.Errorf("accuracy %v", a)
	}
	if i := xor.Info(); i.Rows != 4 || len(i.Classes) != 2 || !strings.HasPrefix(i.String(), "4 rows of [2] in 2 classes") {
		t.Errorf("%v", i)
	}
	for name, f := range map[string]func(){
		"label": func() { nb.Data("bad", xs, []int{0, 1, 2, 9}, "a", "b").Len() },
		"NaN":   func() { nb.Data("bad", [][]float64{{1}, {math.NaN()}}, []int{0, 1}).Len() },
	} {
		if e := raised(t, f); e.Code != nb.CodeData || !strings.Contains(e.File, "core_test.go") {
			t.Errorf("%s: %v", name, e)
		}
	}
	if e := raised(t, func() { nb.Builtin("digit").Len() }); !strings.Contains(e.Message, "digits") {
		t.Errorf("an unknown set: %v", e)
	}
	h.Drop()
}

func TestRegression(t *testing.T) {
	var xs [][]float64
	var ys []float64
	for i := range 64 {
		x := float64(i)/32 - 1
		xs, ys = append(xs, []float64{x}), append(ys, 3*x-1)
	}
	line := nb.Data("line", xs, ys)
	h := nb.NewTrainer("line", nb.Input(1).Dense(1), nb.Config{Data: line, Batch: 16, Optimizer: nb.SGD{LR: 0.1, Momentum: 0.9}})
	h.Fit(50)
	if mse := h.Evaluate(line)["loss"]; mse > 1e-6 {
		t.Errorf("loss %v", mse)
	}
	if y := h.Predict(nb.Array([][]float64{{0.5}})).Item(); math.Abs(y-0.5) > 1e-3 {
		t.Errorf("3*0.5-1 = %v", y)
	}
	h.Drop()
}

func TestDivergence(t *testing.T) {
	data := nb.Data("two", [][]float64{{1}, {2}}, []float64{3, 4})
	h := nb.NewTrainer("diverges", nb.Input(1).Dense(1), nb.Config{Data: data, Batch: 1, Optimizer: nb.SGD{LR: 1e30}})
	e := raised(t, func() { h.Fit(3) })
	if e.Code != nb.CodeDiverged || !strings.Contains(e.Message, "step 2") {
		t.Errorf("a loss that became infinite: %v", e)
	}
	if y := h.Predict(nb.Ones(1, 1)).Item(); math.IsNaN(y) || math.IsInf(y, 0) || h.Steps() != 1 {
		t.Errorf("the weights are not those before the bad step: %v after %d steps", y, h.Steps())
	}
	h.SetLR(1e-3)
	h.Reset()
	if h.LR() != 1e30 {
		t.Errorf("after a reset the learning rate is %v, not as declared", h.LR())
	}
	h.Drop()
}

func TestTensors(t *testing.T) {
	a := nb.Array([][]float64{{1, 2}, {3, 4}})
	if got := a.MatMul(a).Add(1).String(); got != "[[ 8. 11.]\n [16. 23.]]" {
		t.Errorf("got\n%s", got)
	}
	if got := nb.Arange(6).Reshape(2, 3).Transpose().String(); got != "[[0 3]\n [1 4]\n [2 5]]" {
		t.Errorf("got\n%s", got)
	}
	a.Mul(10).Keep("ten")
	if got := nb.Kept("ten").Sum().Item(); got != 100 {
		t.Errorf("kept %v", got)
	}
	if e := raised(t, func() { nb.Kept("eleven") }); e.Code != nb.CodeUnknown || !strings.Contains(e.Remedy, "ten") {
		t.Errorf("%v", e)
	}
	big := nb.Ones(1000, 1000)
	if got := len(big.Add(1).Values()); got != 1_000_000 {
		t.Errorf("%d values came back through a file", got)
	}
	if got := nb.Array(big.Values()).Sum().Item(); got != 1e6 {
		t.Errorf("a million ones sent through a file are %v", got)
	}
}
