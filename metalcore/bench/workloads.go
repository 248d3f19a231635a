package bench

import (
	"fmt"
	"math"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// workload is a model whose training is measured, always by the same name.
type workload struct {
	name, what string
	input      ir.Shape // of one row
	classes    int
	rows       int // of the data
	batch      int
	optimizer  string
	goal       float64 // steps a second over PyTorch's; 0 where it is not compared
	model      func(b *builder, x *ir.Value) *ir.Value
}

// workloads are the steps that peers are compared on.
var workloads = []workload{
	{"digits", "8x8x1: conv16 3x3, pool, dense 10; batch 32, Adam", ir.Shape{8, 8, 1}, 10, 2048, 32, "adam", 0, digitsModel},
	{"W1", "MLP 784-128-10; batch 32, Adam", ir.Shape{784}, 10, 8192, 32, "adam", 4,
		func(b *builder, x *ir.Value) *ir.Value { return b.mlp(x, 128, 10) }},
	{"W2", "MLP 784-512-256-10; batch 128, Adam", ir.Shape{784}, 10, 8192, 128, "adam", 2,
		func(b *builder, x *ir.Value) *ir.Value { return b.mlp(x, 512, 256, 10) }},
	{"W3", "28x28x1: conv16, pool, conv32, pool, dense 128, dense 10; batch 32, Adam", ir.Shape{28, 28, 1}, 10, 2048, 32, "adam", 2.2, mnistModel},
	{"W4", "32x32x3: conv32, conv32/2, conv64, conv64/2, dense 128, dropout, dense 10; batch 8, SGD", ir.Shape{32, 32, 3}, 10, 512, 8, "sgd", 2, colourModel},
	{"W5", "MLP 10-16-2; batch 8, Adam", ir.Shape{10}, 2, 32768, 8, "adam", 150,
		func(b *builder, x *ir.Value) *ir.Value { return b.mlp(x, 16, 2) }},
	{"W6", "2 x (attention d=64, layer norm, MLP 64-256-64), sequence 64; batch 16, Adam", ir.Shape{64, 64}, 10, 512, 16, "adam", 2.5, transformer},
}

// builder makes layers with parameters of their own.
type builder struct{ params int }

func (b *builder) param(init string, shape ...int) *ir.Value {
	b.params++
	return ir.State(fmt.Sprintf("p%d", b.params), ir.F32, shape, ir.Attrs{ir.AttrInit: init, ir.AttrTrain: true})
}

// dense is x W + bias over the last axis; leading axes beside the first are
// folded into the batch, so that the product is one of matrices.
func (b *builder) dense(x *ir.Value, units int) *ir.Value {
	in := x.Shape[len(x.Shape)-1]
	flat := op.Reshape(x, ir.Shape{x.Shape.Elems() / in, in})
	y := op.Add(op.MatMul(flat, b.param("he_normal", in, units), false, false), b.param("zeros", units))
	shape := append(ir.Shape{}, x.Shape...)
	shape[len(shape)-1] = units
	return op.Reshape(y, shape)
}

func (b *builder) mlp(x *ir.Value, units ...int) *ir.Value {
	for i, n := range units {
		if x = b.dense(x, n); i < len(units)-1 {
			x = op.ReLU(x)
		}
	}
	return x
}

// conv is a convolution of 3 x 3 with a ReLU.
func (b *builder) conv(x *ir.Value, filters, stride, pad int) *ir.Value {
	k := b.param("he_normal", 3, 3, x.Shape[3], filters)
	y := op.Conv2D(x, k, op.ConvSpec{Stride: []int{stride, stride}, Pad: []int{pad, pad, pad, pad}})
	return op.ReLU(op.Add(y, b.param("zeros", filters)))
}

func pool(x *ir.Value) *ir.Value { return op.MaxPool2D(x, op.PoolSpec{Window: []int{2, 2}}) }

func flatten(x *ir.Value) *ir.Value {
	return op.Reshape(x, ir.Shape{ir.Batch, x.Shape[1:].Elems()})
}

func digitsModel(b *builder, x *ir.Value) *ir.Value {
	return b.dense(flatten(pool(b.conv(x, 16, 1, 0))), 10)
}

func mnistModel(b *builder, x *ir.Value) *ir.Value {
	x = pool(b.conv(pool(b.conv(x, 16, 1, 1)), 32, 1, 1))
	return b.mlp(flatten(x), 128, 10)
}

func colourModel(b *builder, x *ir.Value) *ir.Value {
	for _, c := range []struct{ filters, stride int }{{32, 1}, {32, 2}, {64, 1}, {64, 2}} {
		x = b.conv(x, c.filters, c.stride, 1)
	}
	return b.dense(dropout(op.ReLU(b.dense(flatten(x), 128)), 0.5), 10)
}

// dropout drops elements of x in training, and scales the others.
func dropout(x *ir.Value, rate float64) *ir.Value {
	state := func(name string) *ir.Value { return ir.State(name, ir.I32, ir.Shape{}, ir.Attrs{ir.AttrInit: "zeros"}) }
	drawn := op.Random(state(ir.StateSeed), state(ir.StateStep), 0, x.Shape)
	mask := op.Select(op.Le(ir.Const(rate, ir.F32), drawn), ir.Const(1/(1-rate), ir.F32), ir.Const(0, ir.F32))
	return op.Phase(op.Mul(x, mask), x)
}

// layerNorm is that of Ba et al. (2016) over the last axis.
func (b *builder) layerNorm(x *ir.Value) *ir.Value {
	d := x.Shape[len(x.Shape)-1]
	c := op.Sub(x, op.Mean(x, true, -1))
	v := op.Mean(op.Mul(c, c), true, -1)
	y := op.Div(c, op.Sqrt(op.Add(v, ir.Const(1e-5, ir.F32))))
	return op.Add(op.Mul(y, b.param("ones", d)), b.param("zeros", d))
}

// block is a transformer block with one head, norms in front.
func (b *builder) block(x *ir.Value) *ir.Value {
	d := x.Shape[2]
	h := b.layerNorm(x)
	q, k, v := b.dense(h, d), b.dense(h, d), b.dense(h, d)
	scores := op.Mul(op.MatMul(q, k, false, true), ir.Const(1/math.Sqrt(float64(d)), ir.F32))
	x = op.Add(x, b.dense(op.MatMul(op.Softmax(scores, -1), v, false, false), d))
	return op.Add(x, b.mlp(b.layerNorm(x), 4*d, d))
}

func transformer(b *builder, x *ir.Value) *ir.Value {
	x = b.layerNorm(b.block(b.block(x)))
	return b.dense(op.Mean(x, false, 1), 10)
}
