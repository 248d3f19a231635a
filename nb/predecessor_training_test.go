package nb_test

import (
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/optim"
	"github.com/metalnb/metalnb/nb"
)

// weightAfter is the weight of a model of one weight that has trained.
func weightAfter(t *testing.T, h *nb.Trainer, epochs int) float64 {
	t.Helper()
	quietly(h, epochs)
	return float64(states(t, h)["dense_1/weight"][0])
}

// learner is a trainer of one weight, which begins as 1.
func learner(t *testing.T, data *nb.Dataset, c nb.Config) *nb.Trainer {
	t.Helper()
	c.Data, c.Ordered = data, true
	return pupil(t, weight(), c)
}

func regressionDivisors(t *testing.T) {
	xs, ys := []float64{1, 2, 3, 4}, []float64{3, 3, 3, 3} // errors -2, -1, 0, 1
	for name, c := range map[string]struct {
		loss        nb.Loss
		cost, slope float64
	}{
		"mse":   {nb.MSE, 6. / 4, 2 * (1*-2 + 2*-1 + 4*1) / 4.},
		"mae":   {nb.MAE, 4. / 4, (-1 - 2 + 4) / 4.},
		"huber": {nb.Huber{}, (1.5 + 0.5 + 0 + 0.5) / 4, (-1 - 2 + 4) / 4.},
	} {
		t.Run(name, func(t *testing.T) {
			for _, batch := range []int{4, 100} {
				h := learner(t, rowsOf(t, xs, ys), nb.Config{Loss: c.loss, Batch: batch, Optimizer: nb.SGD{LR: 0.01}})
				near(t, "the loss", h.Evaluate(rowsOf(t, xs, ys))["loss"], c.cost)
				near(t, "the weight", weightAfter(t, h, 1), 1-0.01*c.slope)
			}
		})
	}
}

func huberDelta(t *testing.T) {
	for _, delta := range []float64{0.5, 2, 10} {
		data := rowsOf(t, []float64{1}, []float64{4}) // an error of 3
		h := learner(t, data, nb.Config{Loss: nb.Huber{Delta: delta}})
		want := 4.5
		if delta < 3 {
			want = delta * (3 - delta/2)
		}
		near(t, fmt.Sprint("the loss with a delta of ", delta), h.Evaluate(data)["loss"], want)
	}
}

func rateMoves(t *testing.T) {
	// The slope of (w - 0)² with x = 1 and y = 0 is 2 w.
	h := learner(t, rowsOf(t, []float64{1}, []float64{0}), nb.Config{Optimizer: nb.SGD{LR: 0.1}})
	w := weightAfter(t, h, 1)
	near(t, "after a step with 0.1", w, 1-0.1*2)
	h.SetLR(0.25)
	near(t, "after a step with 0.25", weightAfter(t, h, 1), w-0.25*2*w)
}

func schedulesMove(t *testing.T) {
	for name, c := range map[string]struct {
		schedule nb.Schedule
		rates    []float64
	}{
		"step":        {nb.StepDecay{Epochs: 2, Factor: 0.5}, []float64{0.1, 0.1, 0.05, 0.05, 0.025}},
		"exponential": {nb.Exponential{Factor: 0.5}, []float64{0.1, 0.05, 0.025, 0.0125}},
		"cosine":      {nb.Cosine{Epochs: 2, Restart: true}, []float64{0.1, 0.05, 0.1, 0.05}},
		"warm-up":     {nb.Warmup{Epochs: 2, Start: 0.5, Then: nb.Polynomial{Epochs: 2}}, []float64{0.05, 0.075, 0.1, 0.05}},
		"plateau":     {nb.Plateau{Factor: 0.5, Patience: 1, Threshold: 0.9}, []float64{0.1, 0.1, 0.1, 0.05}},
	} {
		t.Run(name, func(t *testing.T) {
			h := learner(t, rowsOf(t, []float64{1}, []float64{0}), nb.Config{Optimizer: nb.SGD{LR: 0.1}, Schedule: c.schedule})
			w := 1.0
			for i, rate := range c.rates {
				w -= rate * 2 * w
				near(t, fmt.Sprintf("the weight after epoch %d", i+1), weightAfter(t, h, 1), w)
			}
		})
	}
}

func sgdByHand(t *testing.T) {
	const lr, momentum, decay = 0.1, 0.9, 0.05
	for name, nesterov := range map[string]bool{"momentum": false, "nesterov": true} {
		t.Run(name, func(t *testing.T) {
			h := learner(t, rowsOf(t, []float64{1}, []float64{0}),
				nb.Config{Optimizer: nb.SGD{LR: lr, Momentum: momentum, Nesterov: nesterov, WeightDecay: decay}})
			w, v := 1.0, 0.0
			for i := range 4 {
				g := 2*w + decay*w
				v = momentum*v + g
				if nesterov {
					w -= lr * (g + momentum*v)
				} else {
					w -= lr * v
				}
				near(t, fmt.Sprintf("the weight after step %d", i+1), weightAfter(t, h, 1), w)
			}
		})
	}
}

func rmspropMomentum(t *testing.T) {
	const lr, alpha, momentum, eps = 0.05, 0.9, 0.8, 1e-8
	h := learner(t, rowsOf(t, []float64{1}, []float64{0}), nb.Config{Optimizer: nb.RMSProp{LR: lr, Alpha: alpha, Momentum: momentum}})
	w, v, b := 1.0, 0.0, 0.0
	for i := range 4 {
		g := 2 * w
		v = alpha*v + (1-alpha)*g*g
		b = momentum*b + g/(math.Sqrt(v)+eps)
		w -= lr * b
		near(t, fmt.Sprintf("the weight after step %d", i+1), weightAfter(t, h, 1), w)
	}
}

// With an input of 0 the loss has no slope, so that only decay moves the weight:
// down, with each optimizer that has one.
func everyDecay(t *testing.T) {
	decays := map[string][2]nb.Optimizer{
		"sgd": {nb.SGD{}, nb.SGD{WeightDecay: 0.1}}, "momentum": {nb.SGD{Momentum: 0.9}, nb.SGD{Momentum: 0.9, WeightDecay: 0.1}},
		"adam": {nb.Adam{}, nb.Adam{WeightDecay: 0.1}}, "adamw": {nil, nb.AdamW{WeightDecay: 0.1}},
		"nadam": {nb.NAdam{}, nb.NAdam{WeightDecay: 0.1}}, "radam": {nb.RAdam{}, nb.RAdam{WeightDecay: 0.1}},
		"rmsprop": {nb.RMSProp{}, nb.RMSProp{WeightDecay: 0.1}}, "adagrad": {nb.AdaGrad{}, nb.AdaGrad{WeightDecay: 0.1}},
		"adadelta": {nb.AdaDelta{}, nb.AdaDelta{WeightDecay: 0.1}}, "lion": {nb.Lion{}, nb.Lion{WeightDecay: 0.1}},
	}
	if n := len(optim.Names()); len(decays) != n { // momentum is one more, lbfgs has none
		t.Errorf("%d optimizers were tried, there are %d", len(decays), n)
	}
	for name, pair := range decays {
		for i, o := range pair {
			if o == nil {
				continue
			}
			h := learner(t, rowsOf(t, []float64{0, 0}, []float64{0, 0}), nb.Config{Optimizer: o})
			if w := weightAfter(t, h, 3); i == 0 && w != 1 || i == 1 && !(w < 1 && w > 0.5) {
				t.Errorf("%s: the weight 1 became %v; decay %v", name, w, i == 1)
			}
		}
	}
}

func lbfgsSteps(t *testing.T) {
	h := pupil(t, nb.Input(8, 8, 1).Flatten().Dense(128).ReLU().Dense(10), nb.Config{Data: digits.Train, Batch: 2000, Optimizer: nb.LBFGS{}})
	before := h.Evaluate(digits.Train)["loss"]
	quietly(h, 2)
	if after := h.Evaluate(digits.Train)["loss"]; !(after < before/20) || h.Steps() != 2 {
		t.Errorf("two steps took the loss from %v to %v", before, after)
	}
}

func partialBatch(t *testing.T) {
	xs, ys := []float64{1, 2, 3}, []float64{0, 0, 0}
	h := learner(t, rowsOf(t, xs, ys), nb.Config{Batch: 2, Optimizer: nb.SGD{LR: 0.01}})
	w := 1 - 0.01*2*(1+4)/2. // the first two rows
	w -= 0.01 * 2 * 9 * w    // the third alone
	near(t, "the weight", weightAfter(t, h, 1), w)
	near(t, "the loss of the epoch", h.History()[0].Train["loss"], (1+4+9*math.Pow(1-0.01*5, 2))/3)
	near(t, "the loss over all rows", h.Evaluate(rowsOf(t, xs, ys))["loss"], (1+4+9)*w*w/3)
}

func epochMeans(t *testing.T) {
	h := learner(t, rowsOf(t, []float64{3, 1}, []float64{0, 0}), nb.Config{Batch: 1, Optimizer: nb.SGD{LR: 1e-9}})
	quietly(h, 1)
	near(t, "the loss of the epoch", h.History()[0].Train["loss"], (9+1)/2.)
}

func validationIsRecorded(t *testing.T) {
	valid := nb.Data("valid", [][]float64{{2}}, []float64{0})
	h := learner(t, rowsOf(t, []float64{1}, []float64{0}), nb.Config{Valid: valid, Optimizer: nb.SGD{LR: 0.1}})
	w := 1.0
	quietly(h, 3)
	for _, e := range h.History() {
		near(t, "the loss in training", e.Train["loss"], w*w)
		w -= 0.1 * 2 * w
		near(t, "the loss of validation", e.Valid["loss"], 4*w*w)
	}
}

// printedBy returns what f prints.
func printedBy(t *testing.T, f func()) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, stderr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = w, w
	defer func() { os.Stdout, os.Stderr = stdout, stderr }()
	text := make(chan string)
	go func() {
		b, _ := io.ReadAll(r)
		text <- string(b)
	}()
	f()
	w.Close()
	return <-text
}

func trainingIsQuiet(t *testing.T) {
	h := pupil(t, nb.Input(8, 8, 1).Flatten().Dense(10), nb.Config{Data: digits.Train, Optimizer: nb.RMSProp{Momentum: 0.5}})
	if text := printedBy(t, func() { quietly(h, 2); h.Evaluate(digits.Test); h.Predict(digits.Test.X(0)) }); text != "" {
		t.Errorf("training prints %q", text)
	}
	if text := printedBy(t, func() { h.Fit(2) }); strings.Count(text, "\n") != 2 {
		t.Errorf("Fit of 2 epochs prints %q", text)
	}
}

// In mixed precision a prediction is rounded as the type rounds it, and the weight
// itself is not.
func halvesRound(t *testing.T) {
	data := rowsOf(t, []float64{1, 2}, []float64{1, 2})
	x := nb.Array([][]float64{{1. / 3}})
	for precision, want := range map[nb.Precision]float64{
		nb.Float32: 1. / 3, nb.MixedFloat16: 0.333251953125, nb.MixedBFloat16: 0.333984375,
	} {
		h := learner(t, data, nb.Config{Precision: precision, Optimizer: nb.SGD{LR: 1e-6}})
		if got := h.Predict(x).Item(); math.Abs(got-want) > 1e-7 {
			t.Errorf("%s: the prediction is %v, want %v", precision, got, want)
		}
		off := learner(t, rowsOf(t, []float64{1}, []float64{0}), nb.Config{Precision: precision, Loss: nb.MSE, Optimizer: nb.SGD{LR: 1e-6}})
		w := weightAfter(t, off, 4) // steps of 2e-6, the first of them perhaps skipped for its scale
		if moved := 1 - w; !(moved > 1e-6 && moved < 1e-5) {
			t.Errorf("%s: after tiny steps the weight is %v", precision, w)
		}
	}
}

func typesConvert(t *testing.T) {
	types := []string{nb.F32, nb.F16, nb.BF16, nb.I32, nb.I64, nb.U8}
	for _, from := range types {
		for _, to := range types {
			x := nb.Array([]int{1, 2, 100}).Cast(from)
			y := x.Cast(to).Add(1).Mul(2).Cast(from)
			if y.DType() != from || fmt.Sprint(y.Values()) != "[4 6 202]" {
				t.Errorf("%s by way of %s: %s %v", from, to, y.DType(), y.Values())
			}
		}
	}
}
