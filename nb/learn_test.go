package nb_test

import (
	"strings"
	"testing"

	"github.com/metalnb/metalnb/datasets"
	"github.com/metalnb/metalnb/nb"
)

// image is a row of digits, rows the eight rows of its pixels as a sequence,
// and words its 64 pixels as whole numbers 0 to 16.
func image() *nb.Tensor { return nb.Input(8, 8, 1) }
func rows() *nb.Tensor  { return image().Reshape(8, 8) }
func words() *nb.Tensor { return image().Reshape(64).Mul(16).Int() }

// learners are models of each family of layers, with the accuracy on the test
// digits that they reach.
var learners = []struct {
	name   string
	model  func() *nb.Tensor
	epochs int
	score  float64
}{
	{"batch norm", func() *nb.Tensor {
		return image().Conv2DWith(nb.Conv{Filters: 16, Kernel: [2]int{3, 3}, NoBias: true}).BatchNorm().ReLU().MaxPool2D(2).Flatten().Dense(10)
	}, 5, 0.95},
	{"layer norm", func() *nb.Tensor { return image().Flatten().Dense(64).LayerNorm().GELU().Dense(10) }, 5, 0.94},
	{"group norm", func() *nb.Tensor {
		return image().Conv2D(16, 3).GroupNorm(4).SiLU().AvgPool2D(2).Flatten().Dense(10)
	}, 8, 0.94},
	{"rms norm", func() *nb.Tensor { return image().Flatten().Dense(64).RMSNorm().Mish().Dense(10) }, 5, 0.93},
	{"dropout", func() *nb.Tensor { return image().Flatten().Dense(128).ReLU().Dropout(0.5).Dense(10) }, 8, 0.93},
	{"depthwise", func() *nb.Tensor {
		return image().Conv2D(16, 3).HardSwish().DepthwiseConv2D(3).BatchNorm().HardSwish().Conv2D(32, 1).BatchNorm().ReLU().GlobalMaxPool2D().Dense(10)
	}, 6, 0.93},
	{"groups and pooling", func() *nb.Tensor {
		h := image().Conv2DWith(nb.Conv{Filters: 16, Kernel: [2]int{3, 3}, Padding: nb.Same}).PReLU()
		h = h.Conv2DWith(nb.Conv{Filters: 32, Kernel: [2]int{3, 3}, Groups: 4, Stride: [2]int{2, 2}, Padding: nb.Same}).LeakyReLU(0.1)
		return h.AvgPool2DWith(nb.Pool{Window: [2]int{3, 3}, Stride: [2]int{2, 2}, Padding: nb.Same}).Flatten().Dense(10)
	}, 6, 0.93},
	{"larger images", func() *nb.Tensor {
		h := image().Conv2DWith(nb.Conv{Filters: 8, Kernel: [2]int{3, 3}, Stride: [2]int{2, 2}, Padding: nb.Same}).ELU(1)
		return h.ConvTranspose2D(8, 2, 2).CELU(1).UpSample2D(2).MaxPool2D(4).Flatten().Dense(10)
	}, 8, 0.92},
	{"conv1d", func() *nb.Tensor {
		return rows().Conv1DWith(nb.Conv1{Filters: 32, Kernel: 3, Padding: nb.Same}).ReLU().Conv1D(32, 3).ReLU().Flatten().Dense(10)
	}, 5, 0.94},
	{"lstm", func() *nb.Tensor { return rows().LSTM(48).Dense(10) }, 10, 0.94},
	{"gru both ways", func() *nb.Tensor {
		x := rows()
		return nb.Concat(1, x.GRU(32), x.GRUWith(nb.Recurrent{Units: 32, Reverse: true})).Dense(10)
	}, 8, 0.93},
	{"attention", func() *nb.Tensor {
		h := rows().Dense(32).LearnedPositions()
		h = h.LayerNorm().MultiHeadAttention(4, nb.Attention{Dropout: 0.1}).Add(h)
		h = h.LayerNorm().Dense(64).GELUTanh().Dense(32).Add(h)
		return h.Flatten().Dense(10)
	}, 6, 0.94},
	{"positions", func() *nb.Tensor {
		h := rows().Dense(32).PositionalEncoding()
		return h.MultiHeadAttention(4, nb.Attention{Causal: true}).Add(h).Flatten().Dense(10)
	}, 6, 0.93},
	{"embedding", func() *nb.Tensor {
		return words().Embedding(17, 8, nb.InitNormal).Flatten().Dense(64).Softplus().Dense(10)
	}, 8, 0.94},
	{"selu", func() *nb.Tensor {
		return image().Flatten().DenseWith(nb.Linear{Units: 64, Init: nb.InitLecunNormal}).SELU().Dense(10)
	}, 5, 0.93},
	{"shared halves", func() *nb.Tensor {
		half := nb.Share(func(x *nb.Tensor) *nb.Tensor { return x.Flatten().Dense(32).BatchNorm().ReLU() })
		halves := image().Split(2, 1)
		return nb.Concat(1, half(halves[0]), half(halves[1])).Dense(10)
	}, 6, 0.94},
}

func TestEveryLayerLearns(t *testing.T) {
	for _, l := range learners {
		t.Run(l.name, func(t *testing.T) {
			h := nb.NewTrainer("learn "+l.name, l.model(), nb.Config{Data: digits.Train, Optimizer: nb.Adam{LR: 5e-3}, Seed: 1})
			defer h.Drop()
			h.Fit(l.epochs)
			a := h.Evaluate(digits.Test)["accuracy"]
			t.Logf("accuracy %.4f on the test digits after %d epochs", a, l.epochs)
			if a < l.score {
				t.Errorf("that is less than %.2f", l.score)
			}
		})
	}
}

// Every layer learns in mixed precision, too, nearly as well.
func TestEveryLayerLearnsInHalves(t *testing.T) {
	for _, precision := range []nb.Precision{nb.MixedFloat16, nb.MixedBFloat16} {
		for _, l := range learners {
			t.Run(string(precision)+"/"+l.name, func(t *testing.T) {
				h := nb.NewTrainer(string(precision)+" "+l.name, l.model(),
					nb.Config{Data: digits.Train, Optimizer: nb.Adam{LR: 5e-3}, Seed: 1, Precision: precision})
				defer h.Drop()
				h.Fit(l.epochs)
				if a := h.Evaluate(digits.Test)["accuracy"]; a < l.score-0.015 {
					t.Errorf("accuracy %.3f on the test digits after %d epochs with %d steps skipped, want %.3f", a, l.epochs, h.Skipped(), l.score-0.015)
				}
			})
		}
	}
}

// An autoencoder that makes images small and large again does so with images that
// it has not seen, with less than a fifth of their variance lost.
func TestAutoencoderLearns(t *testing.T) {
	images := func(name string, x *nb.Tensor) *nb.Dataset {
		var rows [][]float64
		for i, v := range x.Values() {
			if i%64 == 0 {
				rows = append(rows, nil)
			}
			rows[i/64] = append(rows[i/64], v)
		}
		return nb.Data(name, rows, rows)
	}
	x := digits.Test.X()
	train, test := images("images", digits.Train.X()), images("other images", x)
	h := nb.Input(64).Reshape(8, 8, 1).Conv2DWith(nb.Conv{Filters: 8, Kernel: [2]int{3, 3}, Stride: [2]int{2, 2}, Padding: nb.Same}).BatchNorm().ReLU()
	h = h.Flatten().Dense(16).Tanh().Dense(4*4*8).ReLU().Reshape(4, 4, 8)
	h = h.ConvTranspose2DWith(nb.Conv{Filters: 1, Kernel: [2]int{3, 3}, Stride: [2]int{2, 2}, Padding: nb.Same}).Sigmoid().Flatten()
	tr := nb.NewTrainer("autoencoder", h, nb.Config{Data: train, Loss: nb.MSE, Optimizer: nb.Adam{LR: 5e-3}})
	defer tr.Drop()
	variance := x.Sub(x.Mean(0)).Pow(2).Mean().Item()
	tr.Fit(20)
	mse := tr.Evaluate(test)["loss"]
	t.Logf("the mean squared error is %.4f, the variance of the pixels %.4f", mse, variance)
	if mse > variance/5 {
		t.Error("that is more than a fifth")
	}
}

// A frozen body stays as it is: its outputs are those of the start.
func TestFrozenPartStays(t *testing.T) {
	iris := datasets.Iris()
	body := func() *nb.Tensor { return nb.Input(4).Dense(32).Tanh().Freeze() }
	h := nb.NewTrainer("frozen", body().Dense(3), nb.Config{Data: iris.Train, Optimizer: nb.Adam{LR: 0.05}, Seed: 4})
	defer h.Drop()
	h.Fit(40)
	if a := h.Evaluate(iris.Test)["accuracy"]; a < 0.9 {
		t.Errorf("accuracy %v with a frozen body", a)
	}
	if e := raised(t, nb.NewTrainer("all frozen", body(), nb.Config{Data: iris.Train}).Attach); !strings.Contains(e.Message, "nothing to train") {
		t.Errorf("a model without anything to train: %v", e)
	}
}

// In prediction a batch norm uses its running statistics, so that a row's
// result does not depend on the rows beside it, and predicting changes nothing.
func TestBatchNormPredictsRowByRow(t *testing.T) {
	iris := datasets.Iris()
	h := nb.NewTrainer("rows", nb.Input(4).Dense(8).BatchNorm().ReLU().Dropout(0.5).Dense(3), nb.Config{Data: iris.Train, Batch: 16, Seed: 2})
	defer h.Drop()
	before := h.Logits(iris.Test.X(0, 1, 2))
	h.Fit(5)
	all := h.Logits(iris.Test.X(0, 1, 2))
	if all.Sub(before).Abs().Max().Item() == 0 {
		t.Error("training changed nothing")
	}
	for i := range 3 {
		one := h.Logits(iris.Test.X(i))
		if d := one.Sub(all.Slice(0, i, i+1)).Abs().Max().Item(); d > 1e-5 {
			t.Errorf("row %d alone differs by %v", i, d)
		}
	}
	if d := h.Logits(iris.Test.X(0, 1, 2)).Sub(all).Abs().Max().Item(); d != 0 {
		t.Errorf("the second prediction differs by %v", d)
	}
}
