package nb_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/metalnb/metalnb/nb"
)

func weightsAreSeeded(t *testing.T) {
	drawn := func(name string, init nb.Init, seed int64) []float32 {
		h := nb.NewTrainer(name, nb.Input(64).DenseWith(nb.Linear{Units: 256, Init: init}), nb.Config{Data: digitsRows(), Loss: nb.CrossEntropy, Seed: seed})
		h.Attach()
		defer h.Drop()
		return states(t, h)["dense_1/weight"]
	}
	one := drawn("one", nb.InitHeNormal, 1)
	if !slices.Equal(one, drawn("again", nb.InitHeNormal, 1)) || slices.Equal(one, drawn("other", nb.InitHeNormal, 2)) {
		t.Error("the seed does not say which weights are drawn")
	}
	for init, variance := range map[nb.Init]float64{nb.InitHeNormal: 2. / 64, nb.InitHeUniform: 2. / 64, nb.InitGlorotNormal: 2. / 320,
		nb.InitGlorotUniform: 2. / 320, nb.InitLecunNormal: 1. / 64, nb.InitLecunUniform: 1. / 64} {
		sum := 0.0
		for _, w := range drawn("drawn", init, 3) {
			sum += float64(w) * float64(w)
		}
		if got := sum / (64 * 256); math.Abs(got/variance-1) > 0.05 {
			t.Errorf("%s: the variance is %v, want %v", init, got, variance)
		}
	}
}

// digitsRows are the digits as rows of 64 numbers, in 256 made-up classes.
func digitsRows() *nb.Dataset {
	xs, ys := make([][]float64, 256), make([]int, 256)
	for i := range xs {
		xs[i], ys[i] = make([]float64, 64), i
		for k := range xs[i] {
			xs[i][k] = float64((i*7+k*3)%17) / 16
		}
	}
	return nb.Data("rows of digits", xs, ys)
}

func activationsTrain(t *testing.T) {
	for name, f := range map[string]func(x *nb.Tensor) *nb.Tensor{
		"relu": (*nb.Tensor).ReLU, "sigmoid": (*nb.Tensor).Sigmoid, "tanh": (*nb.Tensor).Tanh, "swish": (*nb.Tensor).SiLU,
		"gelu": (*nb.Tensor).GELU, "gelu tanh": (*nb.Tensor).GELUTanh, "mish": (*nb.Tensor).Mish, "softplus": (*nb.Tensor).Softplus,
		"hard sigmoid": (*nb.Tensor).HardSigmoid, "hard swish": (*nb.Tensor).HardSwish, "selu": (*nb.Tensor).SELU, "prelu": (*nb.Tensor).PReLU,
		"softmax": (*nb.Tensor).Softmax, "log softmax": (*nb.Tensor).LogSoftmax,
		"elu": func(x *nb.Tensor) *nb.Tensor { return x.ELU(0.7) }, "celu": func(x *nb.Tensor) *nb.Tensor { return x.CELU(0.7) },
		"leaky relu": func(x *nb.Tensor) *nb.Tensor { return x.LeakyReLU(0.1) },
	} {
		h := nb.NewTrainer("activation", f(nb.Input(8, 8, 1).Flatten().Dense(32)).Dense(10), nb.Config{Data: digits.Train, Optimizer: nb.Adam{LR: 0.02}})
		h.Attach()
		before := slices.Clone(states(t, h)["dense_1/weight"])
		quietly(h, 10)
		if a := h.Evaluate(digits.Test)["accuracy"]; a < 0.88 || slices.Equal(before, states(t, h)["dense_1/weight"]) {
			t.Errorf("%s: accuracy %v", name, a)
		}
		h.Drop()
	}
}

// Residuals, two ways that join, recurrence and attention in one model.
func branchesTrain(t *testing.T) {
	x := nb.Input(8, 8, 1).Reshape(8, 8)
	h := x.Dense(16)
	h = h.MultiHeadAttention(2, nb.Attention{}).Add(h).LayerNorm()
	model := nb.Concat(1, h.GRU(16), x.Flatten().Dense(16).GELU()).Dense(10)
	tr := pupil(t, model, nb.Config{Data: digits.Train, Optimizer: nb.Adam{LR: 0.01}})
	quietly(tr, 4)
	if a := tr.Evaluate(digits.Test)["accuracy"]; a < 0.9 {
		t.Errorf("accuracy %v", a)
	}
}

// identity gives its two inputs on; its one parameter has no effect.
func identity() *nb.Tensor {
	x := nb.Input(2)
	return x.Add(x.DenseWith(nb.Linear{Units: 2, NoBias: true, Init: nb.InitZeros}))
}

func softmaxOnce(t *testing.T) {
	xs := [][]float64{{2, -1}, {0.5, 1}, {-3, 3}}
	data := nb.Data("logits", xs, []int{0, 0, 1})
	h := pupil(t, identity(), nb.Config{Data: data})
	loss := 0.0
	for i, p := range h.Predict(data.X()).Values() {
		row := xs[i/2]
		want := math.Exp(row[i%2]) / (math.Exp(row[0]) + math.Exp(row[1]))
		near(t, fmt.Sprintf("probability %d", i), p, want)
		if i%2 == []int{0, 0, 1}[i/2] {
			loss -= math.Log(want) / 3
		}
	}
	near(t, "the loss", h.Evaluate(data)["loss"], loss)
}

func labelsAgree(t *testing.T) {
	xs := [][]float64{{2, -1}, {0.5, 1}, {-3, 3}}
	var got []float64
	for i, y := range []any{[]int{0, 0, 1}, [][]float64{{1, 0}, {1, 0}, {0, 1}}} {
		h := nb.NewTrainer(fmt.Sprint("labels ", i), identity(), nb.Config{Data: nb.Data(fmt.Sprint("labels ", i), xs, y),
			Loss: nb.CrossEntropy, Optimizer: nb.SGD{LR: 0.1}})
		quietly(h, 3)
		for _, w := range states(t, h)["dense_1/weight"] {
			got = append(got, float64(w))
		}
		h.Drop()
	}
	for i, w := range got[:4] {
		near(t, "a weight from one-hot labels", got[4+i], w)
		if w == 0 {
			t.Error("nothing was learnt")
		}
	}
}

func binaryRows(t *testing.T) {
	xs, ys := []float64{0.2, 0.9, 0.6}, []float64{0, 1, 1}
	data := rowsOf(t, xs, ys)
	h := pupil(t, weight(), nb.Config{Data: data, Loss: nb.BCE, Batch: 3, Optimizer: nb.SGD{LR: 0.1}})
	near(t, "the loss", h.Evaluate(data)["loss"], -(math.Log(0.8)+math.Log(0.9)+math.Log(0.6))/3)
	quietly(h, 1)
	// The slope is the mean of x (p - y) / (p (1 - p)), where p is x itself.
	slope := (0.2*0.2/(0.2*0.8) - 0.9*0.1/(0.9*0.1) - 0.6*0.4/(0.6*0.4)) / 3
	near(t, "the weight", float64(states(t, h)["dense_1/weight"][0]), 1-0.1*slope)
}

func binaryEnds(t *testing.T) {
	for _, y := range []float64{0, 1} {
		data := nb.Data("ends", [][]float64{{0}, {1}}, []float64{y, y})
		h := nb.NewTrainer("ends", weight(), nb.Config{Data: data, Loss: nb.BCE, Optimizer: nb.SGD{LR: 1e-3}})
		if l := h.Evaluate(data)["loss"]; math.IsNaN(l) || math.IsInf(l, 0) || l < 1 {
			t.Errorf("a certain error costs %v", l)
		}
		quietly(h, 1)
		h.Drop()
	}
}

func oneOutputLabels(t *testing.T) {
	data := nb.Data("signs", [][]float64{{-2}, {-1}, {1}, {2}}, []int{0, 0, 1, 1})
	h := pupil(t, nb.Input(1).Dense(1), nb.Config{Data: data, Loss: nb.BCELogits, Optimizer: nb.Adam{LR: 0.1}})
	quietly(h, 100)
	p := h.Predict(data.X()).Values()
	if p[0] > 0.2 || p[1] > 0.4 || p[2] < 0.6 || p[3] < 0.8 || h.Evaluate(data)["accuracy"] != 1 {
		t.Errorf("the probabilities of 1 are %v", p)
	}
}
