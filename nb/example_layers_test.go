package nb_test

import (
	"fmt"

	"github.com/metalnb/metalnb/datasets"
	"github.com/metalnb/metalnb/nb"
)

// A block of a small ResNet: normalised convolutions, and the input around them.
func ExampleTensor_BatchNorm() {
	conv := func(x *nb.Tensor, stride int) *nb.Tensor {
		return x.Conv2DWith(nb.Conv{Filters: 16, Kernel: [2]int{3, 3}, Stride: [2]int{stride, stride}, Padding: nb.Same, NoBias: true}).BatchNorm()
	}
	block := func(x *nb.Tensor) *nb.Tensor { return conv(conv(x, 1).ReLU(), 1).Add(x).ReLU() }
	model := block(conv(nb.Input(32, 32, 3), 2).ReLU()).GlobalAvgPool2D().Dense(10)
	fmt.Println(model)
	// Output: Tensor(add f32[B,10])
}

// A transformer that reads 20 words and says one of two things.
func ExampleTensor_MultiHeadAttention() {
	h := nb.InputInts(20).Embedding(5000, 64).PositionalEncoding()
	for range 2 {
		h = h.LayerNorm().MultiHeadAttention(4, nb.Attention{Dropout: 0.1}).Add(h)
		h = h.LayerNorm().Dense(256).GELU().Dense(64).Dropout(0.1).Add(h)
	}
	fmt.Println(h.Shape(), h.Mean(1).Dense(2).Shape())
	// Output: [-1 20 64] [-1 2]
}

// A sequence read from both ends.
func ExampleTensor_LSTMWith() {
	x := nb.Input(28, 28)
	y := nb.Concat(-1,
		x.LSTMWith(nb.Recurrent{Units: 32, Sequences: true}),
		x.LSTMWith(nb.Recurrent{Units: 32, Sequences: true, Reverse: true}))
	fmt.Println(y.Shape(), y.GRU(16).Shape())
	// Output: [-1 28 64] [-1 16]
}

// Two halves of an image go through the same layers.
func ExampleShare() {
	encode := nb.Share(func(x *nb.Tensor) *nb.Tensor { return x.Flatten().Dense(16).ReLU() })
	halves := nb.Input(8, 8, 1).Split(2, 1)
	distance := encode(halves[0]).Sub(encode(halves[1])).Abs()
	fmt.Println(distance.Shape())
	// Output: [-1 16]
}

// Only the last layer is trained; the others stay as the seed made them.
func ExampleTensor_Freeze() {
	iris := datasets.Iris()
	body := nb.Input(4).Dense(32).Tanh().Freeze()
	t := nb.NewTrainer("last layer", body.Dense(3), nb.Config{Data: iris.Train, Optimizer: nb.Adam{LR: 0.05}, Seed: 4})
	defer t.Drop()
	t.Start(40)
	for t.Running() {
	}
	fmt.Println("good:", t.Evaluate(iris.Test)["accuracy"] > 0.9)
	// Output: good: true
}

// Pieces of arrays, put together in another way.
func ExampleConcat() {
	x := nb.Array([][]float64{{1, 2, 3}, {4, 5, 6}})
	fmt.Println(nb.Concat(1, x.Slice(1, -1, 3), x.Slice(1, 0, 2).Pad(1, 0, 1)))
	// Output:
	// [[3. 1. 2. 0.]
	//  [6. 4. 5. 0.]]
}

// Augmentation is made of layers, of which evaluation and prediction see nothing.
func ExampleTensor_RandomCrop() {
	digits := datasets.Digits()
	model := nb.Input(8, 8, 1).RandomCrop(1).Rotate(10).Conv2D(16, 3).ReLU().MaxPool2D(2).Flatten().Dense(10)
	t := nb.NewTrainer("augmented", model, nb.Config{Data: digits.Train, Optimizer: nb.Adam{LR: 3e-3}})
	defer t.Drop()
	t.Start(15)
	for t.Running() {
	}
	fmt.Println("good:", t.Evaluate(digits.Test)["accuracy"] > 0.93)
	// Output: good: true
}
