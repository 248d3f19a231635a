package autodiff_test

import (
	"math/rand/v2"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// A gradCase is a function of f32 inputs whose gradients are checked by
// differences. The batch is bound to 3 rows.
type gradCase struct {
	name   string
	shapes []ir.Shape
	sample sampler
	build  func(in []*ir.Value) *ir.Value
}

// A sampler fills an input; at kinks and poles differences mean nothing, and so
// it stays away from them.
type sampler func(rng *rand.Rand, n int) []float64

func around(rng *rand.Rand, n int) []float64 { // -2..2 without -0.2..0.2
	return sampleWith(n, func() float64 {
		x := 0.2 + 1.7*rng.Float64()
		if rng.IntN(2) == 0 {
			return -x
		}
		return x
	})
}

func positive(rng *rand.Rand, n int) []float64 {
	return sampleWith(n, func() float64 { return 0.3 + 2*rng.Float64() })
}

func distinct(rng *rand.Rand, n int) []float64 { // all apart, and apart from 0
	order := rng.Perm(n)
	i := -1
	return sampleWith(n, func() float64 { i++; return (float64(order[i]-n/2) + 0.3) / 5 })
}

func sampleWith(n int, f func() float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = f()
	}
	return out
}

const b = ir.Batch

func shapes(s ...ir.Shape) []ir.Shape { return s }

// indices is an i32 value that needs no input: numbers of rows, one of them
// twice, one outside.
func indices(n int) *ir.Value {
	i := ir.Iota(n)
	return op.Sub(op.Mul(i, i), ir.Const(1, ir.I32))
}

func elementwiseCases() []gradCase {
	var cases []gradCase
	unary := map[string]func(*ir.Value) *ir.Value{"neg": op.Neg, "exp": op.Exp, "expm1": op.Expm1, "abs": op.Abs,
		"sign": op.Sign, "erf": op.Erf, "sin": op.Sin, "cos": op.Cos, "atan": op.Atan, "round": op.Round, "tanh": op.Tanh, "sigmoid": op.Sigmoid, "relu": op.ReLU, "floor": op.Floor}
	for name, f := range unary {
		cases = append(cases, gradCase{name, shapes(ir.Shape{b, 4}), around,
			func(in []*ir.Value) *ir.Value { return f(in[0]) }})
	}
	above0 := map[string]func(*ir.Value) *ir.Value{"log": op.Log, "log1p": op.Log1p, "sqrt": op.Sqrt, "rsqrt": op.Rsqrt}
	for name, f := range above0 {
		cases = append(cases, gradCase{name, shapes(ir.Shape{2, 3}), positive,
			func(in []*ir.Value) *ir.Value { return f(in[0]) }})
	}
	pairs := [][]ir.Shape{{{2, 3}, {2, 3}}, {{b, 4}, {4}}, {{3, 1}, {1, 4}}, {{}, {b, 2}}, {{1}, {2, 1, 3}}, {{}, {}}}
	binary := map[string]func(a, b *ir.Value) *ir.Value{"add": op.Add, "sub": op.Sub, "mul": op.Mul, "div": op.Div,
		"max": op.Max, "min": op.Min, "pow": op.Pow}
	for name, f := range binary {
		sample := around
		if name == "pow" {
			sample = positive
		}
		for _, pair := range pairs {
			cases = append(cases, gradCase{name, pair, sample,
				func(in []*ir.Value) *ir.Value { return f(in[0], in[1]) }})
		}
	}
	return append(cases,
		gradCase{"cast", shapes(ir.Shape{3}), around, func(in []*ir.Value) *ir.Value { return op.Cast(in[0], ir.F32) }},
		gradCase{"select", shapes(ir.Shape{b, 3}, ir.Shape{3}, ir.Shape{}), around, func(in []*ir.Value) *ir.Value {
			return op.Select(op.Lt(in[0], in[1]), in[1], in[2])
		}},
		gradCase{"stop_gradient", shapes(ir.Shape{3}), around, func(in []*ir.Value) *ir.Value {
			return op.Mul(in[0], op.StopGradient(op.Floor(in[0])))
		}},
		gradCase{"used twice", shapes(ir.Shape{3}), around, func(in []*ir.Value) *ir.Value {
			return op.Add(op.Mul(in[0], in[0]), op.Exp(in[0]))
		}})
}

func reduceCases() []gradCase {
	var cases []gradCase
	reductions := map[string]func(*ir.Value, bool, ...int) *ir.Value{"reduce_sum": op.Sum, "reduce_max": op.MaxOver, "reduce_mean": op.Mean,
		"reduce_min": op.MinOver, "reduce_prod": op.Prod}
	for name, f := range reductions {
		for _, axes := range [][]int{nil, {0}, {1}, {-1, 0}, {0, 1, 2}} {
			for _, keep := range []bool{false, true} {
				cases = append(cases, gradCase{name, shapes(ir.Shape{b, 2, 1}), distinct,
					func(in []*ir.Value) *ir.Value { return f(in[0], keep, axes...) }})
			}
		}
		cases = append(cases, gradCase{name + " of a scalar", shapes(ir.Shape{}), distinct,
			func(in []*ir.Value) *ir.Value { return f(in[0], false) }})
	}
	return append(cases,
		gradCase{"mean over a folded batch", shapes(ir.Shape{b, 4, 2}), around, func(in []*ir.Value) *ir.Value {
			return op.Mean(op.Reshape(in[0], ir.Shape{4 * b, 2}), false, 0)
		}},
		gradCase{"softmax", shapes(ir.Shape{b, 4}), around, func(in []*ir.Value) *ir.Value { return op.Softmax(in[0], 1) }},
		gradCase{"log softmax", shapes(ir.Shape{2, 3}), around, func(in []*ir.Value) *ir.Value { return op.LogSoftmax(in[0], -1) }},
		gradCase{"cross-entropy", shapes(ir.Shape{4, 3}), around, func(in []*ir.Value) *ir.Value {
			return op.SoftmaxCrossEntropy(in[0], indices(4))
		}},
		gradCase{"cross-entropy's gradient", shapes(ir.Shape{3, 4}, ir.Shape{3}), around, func(in []*ir.Value) *ir.Value {
			return op.SoftmaxCrossEntropyGrad(in[0], indices(3), in[1])
		}})
}

func moveCases() []gradCase {
	return []gradCase{
		{"reshape", shapes(ir.Shape{b, 4, 2}), around, func(in []*ir.Value) *ir.Value { return op.Reshape(in[0], ir.Shape{4 * b, 2}) }},
		{"transpose", shapes(ir.Shape{2, b, 4}), around, func(in []*ir.Value) *ir.Value { return op.Transpose(in[0], 2, 0, 1) }},
		{"transpose of a scalar", shapes(ir.Shape{}), around, func(in []*ir.Value) *ir.Value { return op.Transpose(in[0]) }},
		{"broadcast", shapes(ir.Shape{2, 1}), around, func(in []*ir.Value) *ir.Value { return op.Broadcast(in[0], ir.Shape{b, 2, 3}) }},
		{"slice", shapes(ir.Shape{b, 5, 4}), around, func(in []*ir.Value) *ir.Value {
			return op.Slice(in[0], []int{0, 1, 0}, []int{b, 5, 4}, []int{1, 2, 3})
		}},
		{"slice of nothing", shapes(ir.Shape{5, 2}), around, func(in []*ir.Value) *ir.Value {
			return op.Add(op.Sum(op.SliceAxis(in[0], 0, 3, 3), false, 0), op.Reshape(op.SliceAxis(in[0], 0, 4, 5), ir.Shape{2}))
		}},
		{"slice and its gradient", shapes(ir.Shape{4}), around, func(in []*ir.Value) *ir.Value {
			return op.PadBetween(op.Slice(in[0], []int{1}, []int{4}, []int{2}), []int{1}, []int{0}, []int{2}, 3)
		}},
		{"concat", shapes(ir.Shape{b, 1, 2}, ir.Shape{b, 3, 2}, ir.Shape{b, 2, 2}), around, func(in []*ir.Value) *ir.Value {
			return op.Concat(1, in[0], in[1], in[2], in[0])
		}},
		{"pad", shapes(ir.Shape{b, 3, 2}), around, func(in []*ir.Value) *ir.Value {
			return op.PadBetween(in[0], []int{0, 1, 0}, []int{0, 0, 2}, []int{0, 2, 1}, 5)
		}},
		{"pad of nothing", shapes(ir.Shape{2}), around, func(in []*ir.Value) *ir.Value {
			return op.Mul(in[0], op.Pad(op.SliceAxis(in[0], 0, 1, 1), []int{1}, []int{1}, 2))
		}},
		{"cumsum", shapes(ir.Shape{b, 4}), around, func(in []*ir.Value) *ir.Value { return op.CumSum(in[0], 1, false) }},
		{"cumsum over the batch, reversed", shapes(ir.Shape{b, 2}), around, func(in []*ir.Value) *ir.Value { return op.CumSum(in[0], 0, true) }},
		{"take_along", shapes(ir.Shape{2, 5}), around, func(in []*ir.Value) *ir.Value {
			return op.TakeAlong(in[0], op.Reshape(indices(8), ir.Shape{2, 4}), 1)
		}},
		{"take_along the batch", shapes(ir.Shape{b, 1}), around, func(in []*ir.Value) *ir.Value {
			return op.TakeAlong(in[0], op.Reshape(indices(4), ir.Shape{4, 1}), 0)
		}},
		{"add_along", shapes(ir.Shape{2, 2, 3}), around, func(in []*ir.Value) *ir.Value {
			return op.AddAlong(op.Reshape(indices(12), ir.Shape{2, 2, 3}), in[0], 1, 4)
		}},
		{"sort", shapes(ir.Shape{b, 5}), distinct, func(in []*ir.Value) *ir.Value { return op.Sort(in[0], 1, true) }},
		{"gather", shapes(ir.Shape{5, 2}), around, func(in []*ir.Value) *ir.Value { return op.Gather(in[0], indices(4)) }},
		{"gather rows of the batch", shapes(ir.Shape{b, 2}), around, func(in []*ir.Value) *ir.Value { return op.Gather(in[0], indices(4)) }},
		{"gather one", shapes(ir.Shape{3}), around, func(in []*ir.Value) *ir.Value { return op.Gather(in[0], ir.Const(1, ir.I32)) }},
		{"scatter_add", shapes(ir.Shape{4, 2}), around, func(in []*ir.Value) *ir.Value { return op.ScatterAdd(indices(4), in[0], 5) }},
	}
}

func matmulCases() []gradCase {
	var cases []gradCase
	leads := [][2]ir.Shape{{{}, {}}, {{2}, {2}}, {{b, 2}, {b, 2}}, {{b}, {}}, {{}, {2, 1}}}
	for i := range 4 {
		ta, tb := i&1 != 0, i&2 != 0
		for _, lead := range leads {
			x, y := ir.Shape{2, 4}, ir.Shape{4, 3}
			if ta {
				x = ir.Shape{4, 2}
			}
			if tb {
				y = ir.Shape{3, 4}
			}
			cases = append(cases, gradCase{"matmul", shapes(append(lead[0][:len(lead[0]):len(lead[0])], x...),
				append(lead[1][:len(lead[1]):len(lead[1])], y...)), around,
				func(in []*ir.Value) *ir.Value { return op.MatMul(in[0], in[1], ta, tb) }})
		}
	}
	return append(cases, gradCase{"matmul over the batch", shapes(ir.Shape{b, 2}, ir.Shape{b, 4}), around,
		func(in []*ir.Value) *ir.Value { return op.MatMul(in[0], in[1], true, false) }})
}

func imageCases() []gradCase {
	var cases []gradCase
	for _, spec := range []op.ConvSpec{
		{},
		{Stride: []int{2, 1}, Pad: []int{1, 0, 2, 1}},
		{Dilation: []int{2, 1}, Pad: []int{0, 1, 1, 0}},
		{Stride: []int{2, 3}, Pad: []int{2, 2, 2, 2}, Dilation: []int{1, 2}},
		{Stride: []int{1, 2}, Pad: []int{1, 0, 1, 0}, Groups: 2},
	} {
		x, k := ir.Shape{b, 4, 3, 2}, ir.Shape{2, 2, 2, 1}
		if spec.Groups == 2 {
			k = ir.Shape{2, 2, 1, 4}
		}
		probe := op.Conv2D(ir.Input("x", ir.F32, x...), ir.Input("k", ir.F32, k...), spec)
		cases = append(cases,
			gradCase{"conv2d", shapes(x, k), around, func(in []*ir.Value) *ir.Value { return op.Conv2D(in[0], in[1], spec) }},
			gradCase{"conv2d_grad_input", shapes(probe.Shape, k), around, func(in []*ir.Value) *ir.Value {
				return op.Conv2DGradInput(in[0], in[1], x, spec)
			}},
			gradCase{"conv2d_grad_kernel", shapes(x, probe.Shape), around, func(in []*ir.Value) *ir.Value {
				return op.Conv2DGradKernel(in[0], in[1], k, spec)
			}})
	}
	for _, spec := range []op.PoolSpec{
		{Window: []int{2, 2}},
		{Window: []int{3, 2}, Stride: []int{1, 2}, Pad: []int{1, 1, 0, 1}},
		{Window: []int{1, 1}, Stride: []int{2, 2}},
	} {
		cases = append(cases, gradCase{"maxpool2d", shapes(ir.Shape{b, 4, 5, 2}), distinct,
			func(in []*ir.Value) *ir.Value { return op.MaxPool2D(in[0], spec) }})
		for _, countPad := range []bool{false, true} {
			x := ir.Shape{b, 4, 5, 2}
			probe := op.AvgPool2D(ir.Input("x", ir.F32, x...), spec, countPad)
			cases = append(cases,
				gradCase{"avgpool2d", shapes(x), around, func(in []*ir.Value) *ir.Value { return op.AvgPool2D(in[0], spec, countPad) }},
				gradCase{"avgpool2d_grad", shapes(probe.Shape), around, func(in []*ir.Value) *ir.Value {
					return op.AvgPool2DGrad(in[0], x, spec, countPad)
				}})
		}
	}
	return cases
}
