package interp

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// A counter goes up by the sum of the inputs; the output sees the old value.
func ExampleRun() {
	x := ir.Input("x", ir.F32, ir.Batch)
	s := ir.State("total", ir.F32, ir.Shape{}, nil)
	g := ir.NewGraph("count", []ir.Output{{Name: "before", Value: op.Mul(s, ir.Const(1, ir.F32))}},
		[]ir.Update{{State: s, New: op.Add(s, op.Sum(x, false))}})
	out, states, err := Run(g.Bind(3), map[string][]float64{"x": {1, 2, 3}}, map[string][]float64{"total": {10}})
	fmt.Println(out["before"], states["total"], err)
	// Output: [10] [16] <nil>
}

// TestKernels: each op of the table has a kernel, and there are no others.
func TestKernels(t *testing.T) {
	rows := 0
	for _, row := range op.All() {
		if row.Class == op.Choice {
			continue
		}
		rows++
		if kernels[row.Name] == nil {
			t.Errorf("there is no kernel for %s", row.Name)
		}
	}
	if len(kernels) != rows {
		t.Errorf("%d kernels for %d ops", len(kernels), rows)
	}
}

// vector is an input of its numbers, and what they are.
type vector struct {
	dtype ir.DType
	shape ir.Shape
	data  []float64
}

func f32(data ...float64) vector { return vector{ir.F32, ir.Shape{len(data)}, data} }
func i32(data ...float64) vector { return vector{ir.I32, ir.Shape{len(data)}, data} }

func of(d ir.DType, data ...float64) vector { return vector{d, ir.Shape{len(data)}, data} }

func to(d ir.DType) func(in []*ir.Value) *ir.Value {
	return func(in []*ir.Value) *ir.Value { return op.Cast(in[0], d) }
}

func (x vector) as(shape ...int) vector { return vector{x.dtype, shape, x.data} }

// eval runs f on the given inputs.
func eval(t *testing.T, f func(in []*ir.Value) *ir.Value, xs ...vector) []float64 {
	t.Helper()
	var in []*ir.Value
	values := map[string][]float64{}
	for i, x := range xs {
		in = append(in, ir.Input(fmt.Sprint("x", i), x.dtype, x.shape...))
		values[in[i].Name] = x.data
	}
	out, _, err := Run(ir.NewGraph("eval", []ir.Output{{Name: "y", Value: f(in)}}, nil), values, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out["y"]
}

// same compares exactly, and takes NaN for equal to NaN.
func same(a, b []float64) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

func one(f func(a *ir.Value) *ir.Value) func(in []*ir.Value) *ir.Value {
	return func(in []*ir.Value) *ir.Value { return f(in[0]) }
}

func two(f func(a, b *ir.Value) *ir.Value) func(in []*ir.Value) *ir.Value {
	return func(in []*ir.Value) *ir.Value { return f(in[0], in[1]) }
}

// TestMeaning fixes what the docs of the table promise, by results that can be
// checked by eye.
func TestMeaning(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	toInt := one(func(a *ir.Value) *ir.Value { return op.Cast(a, ir.I32) })
	for _, c := range []struct {
		what string
		got  []float64
		want []float64
	}{
		{"relu", eval(t, one(op.ReLU), f32(-1, 0, 2, nan)), []float64{0, 0, 2, nan}},
		{"sign", eval(t, one(op.Sign), f32(-3, 0, 2)), []float64{-1, 0, 1}},
		{"floor", eval(t, one(op.Floor), f32(-1.5, 1.5)), []float64{-2, 1}},
		{"is_finite", eval(t, one(op.IsFinite), f32(1, inf, -inf, nan)), []float64{1, 0, 0, 0}},
		{"cast", eval(t, toInt, f32(1.9, -1.9, 3e9, -inf, nan)), []float64{1, -1, math.MaxInt32, math.MinInt32, 0}},
		{"log", eval(t, one(op.Log), f32(1, math.E, 0)), []float64{0, 1, -inf}},
		{"log1p and expm1", eval(t, func(in []*ir.Value) *ir.Value { return op.Expm1(op.Log1p(in[0])) }, f32(1e-20)), []float64{1e-20}},
		{"div", eval(t, two(op.Div), i32(7, -7, 7), i32(2, 2, 0)), []float64{3, -3, 0}},
		{"mul wraps", eval(t, two(op.Mul), i32(1<<30, 3), i32(4, -2)), []float64{0, -6}},
		{"add wraps", eval(t, two(op.Add), i32(math.MaxInt32), i32(1)), []float64{math.MinInt32}},
		{"max", eval(t, two(op.Max), f32(1, nan, 3), f32(2, 2, nan)), []float64{2, nan, nan}},
		{"min broadcasts", eval(t, two(op.Min), f32(1, 3).as(2, 1), f32(2, 0)), []float64{1, 0, 2, 0}},
		{"pow", eval(t, two(op.Pow), f32(2, 4, 0), f32(3, 0.5, 0)), []float64{8, 2, 1}},
		{"eq", eval(t, two(op.Eq), f32(1, 2, nan), f32(1, 3, nan)), []float64{1, 0, 0}},
		{"lt", eval(t, two(op.Lt), i32(1, 2, 3), i32(2)), []float64{1, 0, 0}},
		{"le", eval(t, two(op.Le), i32(1, 2, 3), i32(2)), []float64{1, 1, 0}},
		{"select", eval(t, func(in []*ir.Value) *ir.Value { return op.Select(in[0], in[1], in[2]) }, of(ir.Bool, 0, 1), f32(1, 2), f32(9)),
			[]float64{9, 2}},
		{"cast to f16", eval(t, to(ir.F16), f32(1.0/3, 65519, 65520, 1e-8, nan)), []float64{0.333251953125, 65504, inf, 0, nan}},
		{"cast to bf16", eval(t, to(ir.BF16), i32(257, 259, -1)), []float64{256, 260, -1}},
		{"cast to u8", eval(t, to(ir.U8), f32(-1, 2.9, 300, nan)), []float64{0, 2, 255, 0}},
		{"cast to i64", eval(t, to(ir.I64), f32(-2.9, 1e15)), []float64{-2, 1e15}},
		{"cast to bool", eval(t, to(ir.Bool), f32(0, -0.5, nan)), []float64{0, 1, 1}},
		{"f16 rounds", eval(t, two(op.Add), of(ir.F16, 2048, 2050), of(ir.F16, 1, 1)), []float64{2048, 2052}},
		{"u8 wraps", eval(t, two(op.Mul), of(ir.U8, 16, 255), of(ir.U8, 17, 2)), []float64{16, 254}},
		{"and", eval(t, two(op.Mul), of(ir.Bool, 1, 1, 0), of(ir.Bool, 1, 0, 0)), []float64{1, 0, 0}},
		{"sum", eval(t, one(func(a *ir.Value) *ir.Value { return op.Sum(a, false, 0) }), f32(1, 2, 3, 4, 5, 6).as(3, 2)), []float64{9, 12}},
		{"sum wraps", eval(t, one(func(a *ir.Value) *ir.Value { return op.Sum(a, false) }), i32(math.MaxInt32, 2)), []float64{math.MinInt32 + 1}},
		{"sum of nothing", eval(t, one(func(a *ir.Value) *ir.Value { return op.Sum(a, false, 0) }), f32().as(0, 2)), []float64{0, 0}},
		{"mean", eval(t, one(func(a *ir.Value) *ir.Value { return op.Mean(a, true, 1) }), f32(1, 2, 3, 4).as(2, 2)), []float64{1.5, 3.5}},
		{"max over", eval(t, one(func(a *ir.Value) *ir.Value { return op.MaxOver(a, false, -1) }), f32(-3, -2, nan, 4).as(2, 2)), []float64{-2, nan}},
		{"min over", eval(t, one(func(a *ir.Value) *ir.Value { return op.MinOver(a, false, -1) }), f32(-3, -2, nan, 4).as(2, 2)), []float64{-3, nan}},
		{"prod", eval(t, one(func(a *ir.Value) *ir.Value { return op.Prod(a, false, 0) }), f32(1, 2, 3, 4, 5, 6).as(3, 2)), []float64{15, 48}},
		{"prod of nothing", eval(t, one(func(a *ir.Value) *ir.Value { return op.Prod(a, false, 0) }), f32().as(0, 2)), []float64{1, 1}},
		{"round", eval(t, one(op.Round), f32(0.5, 1.5, -2.5, 2.6)), []float64{0, 2, -2, 3}},
		{"slice", eval(t, one(func(a *ir.Value) *ir.Value { return op.Slice(a, []int{1}, []int{6}, []int{2}) }), f32(0, 1, 2, 3, 4, 5, 6)), []float64{1, 3, 5}},
		{"slice from the end", eval(t, one(func(a *ir.Value) *ir.Value { return op.SliceAxis(a, -1, -2, 3) }), f32(1, 2, 3, 4, 5, 6).as(2, 3)), []float64{2, 3, 5, 6}},
		{"concat", eval(t, two(func(a, b *ir.Value) *ir.Value { return op.Concat(1, a, b) }), f32(1, 2).as(2, 1), f32(3, 4, 5, 6).as(2, 2)), []float64{1, 3, 4, 2, 5, 6}},
		{"pad", eval(t, one(func(a *ir.Value) *ir.Value { return op.PadBetween(a, []int{1}, []int{2}, []int{1}, 9) }), f32(1, 2)), []float64{9, 1, 9, 2, 9, 9}},
		{"cumsum", eval(t, one(func(a *ir.Value) *ir.Value { return op.CumSum(a, -1, false) }), f32(1, 2, 3, 4).as(2, 2)), []float64{1, 3, 3, 7}},
		{"cumsum reversed", eval(t, one(func(a *ir.Value) *ir.Value { return op.CumSum(a, 0, true) }), i32(1, 2, 3)), []float64{6, 5, 3}},
		{"take along clamps", eval(t, two(func(a, i *ir.Value) *ir.Value { return op.TakeAlong(a, i, 1) }), f32(1, 2, 3, 4).as(2, 2), i32(1, 0, -5, 9).as(2, 2)),
			[]float64{2, 1, 3, 4}},
		{"add along", eval(t, two(func(i, a *ir.Value) *ir.Value { return op.AddAlong(i, a, 1, 3) }), i32(1, 1, 0, 2).as(2, 2), f32(1, 2, 3, 4).as(2, 2)),
			[]float64{0, 3, 0, 3, 0, 4}},
		{"argsort", eval(t, one(func(a *ir.Value) *ir.Value { return op.ArgSort(a, 0, false) }), f32(3, nan, 1, 3, inf, 1)), []float64{2, 5, 0, 3, 4, 1}},
		{"argsort descending", eval(t, one(func(a *ir.Value) *ir.Value { return op.ArgSort(a, 0, true) }), f32(3, nan, 1, 3, inf, 1)), []float64{1, 4, 0, 3, 2, 5}},
		{"sort", eval(t, one(func(a *ir.Value) *ir.Value { return op.Sort(a, 1, false) }), f32(2, 1, 3, 4).as(2, 2)), []float64{1, 2, 3, 4}},
		{"mean pool", eval(t, one(func(a *ir.Value) *ir.Value {
			return op.AvgPool2D(a, op.PoolSpec{Window: []int{2, 2}, Pad: []int{1, 1, 1, 1}}, false)
		}), f32(1, 2, 3, 4).as(1, 2, 2, 1)), []float64{1, 2, 3, 4}},
		{"mean pool with pad", eval(t, one(func(a *ir.Value) *ir.Value {
			return op.AvgPool2D(a, op.PoolSpec{Window: []int{2, 2}, Pad: []int{1, 1, 1, 1}}, true)
		}), f32(1, 2, 3, 4).as(1, 2, 2, 1)), []float64{0.25, 0.5, 0.75, 1}},
		{"argmax", eval(t, one(func(a *ir.Value) *ir.Value { return op.ArgMax(a, 0) }), f32(1, 5, 1, 5, 0, 6).as(3, 2)), []float64{0, 2}},
		{"transpose", eval(t, one(func(a *ir.Value) *ir.Value { return op.Transpose(a) }), f32(1, 2, 3, 4, 5, 6).as(2, 3)), []float64{1, 4, 2, 5, 3, 6}},
		{"gather clamps", eval(t, two(op.Gather), f32(1, 2, 3, 4, 5, 6).as(3, 2), i32(2, -7, 99)), []float64{5, 6, 1, 2, 5, 6}},
		{"scatter_add clamps", eval(t, two(func(i, r *ir.Value) *ir.Value { return op.ScatterAdd(i, r, 3) }), i32(0, 0, -1, 99), f32(1, 2, 4, 8)),
			[]float64{7, 0, 8}},
		{"matmul", eval(t, two(func(a, b *ir.Value) *ir.Value { return op.MatMul(a, b, false, true) }), f32(1, 2, 3, 4).as(2, 2), f32(1, 1, 0, 2).as(2, 2)),
			[]float64{3, 4, 7, 8}},
		{"cross-entropy clamps", eval(t, two(op.SoftmaxCrossEntropy), f32(0, 0, 1e4, 0).as(2, 2), i32(-5, 9)), []float64{math.Log(2), 1e4}},
		{"softmax", eval(t, one(func(a *ir.Value) *ir.Value { return op.Softmax(a, 0) }), f32(1e9, 1e9)), []float64{0.5, 0.5}},
	} {
		if !same(c.got, c.want) {
			t.Errorf("%s: %v, want %v", c.what, c.got, c.want)
		}
	}
}

func TestRunErrors(t *testing.T) {
	x := ir.Input("x", ir.F32, ir.Batch)
	g := ir.NewGraph("g", []ir.Output{{Name: "y", Value: op.Neg(x)}}, nil)
	wrong := op.Neg(ir.Input("x", ir.F32, 2))
	wrong.Shape = ir.Shape{3}
	for want, f := range map[string]func() error{
		"bind the graph to a batch first": func() error { _, _, err := Run(g, nil, nil); return err },
		`the input "x" is not given`:      func() error { _, _, err := Run(g.Bind(2), nil, nil); return err },
		`the input "x" has 1 elements, its type is f32[2]`: func() error {
			_, _, err := Run(g.Bind(2), map[string][]float64{"x": {1}}, nil)
			return err
		},
		"the graph says f32[3]": func() error {
			_, _, err := Run(ir.NewGraph("g", []ir.Output{{Name: "y", Value: wrong}}, nil), nil, nil)
			return err
		},
	} {
		if err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// TestRunLeavesStates: what is given is not written to, and states without an
// update are handed on.
func TestRunLeavesStates(t *testing.T) {
	s := ir.State("s", ir.F32, ir.Shape{2}, nil)
	g := ir.NewGraph("g", []ir.Output{{Name: "y", Value: op.Reshape(s, ir.Shape{2, 1})}}, nil)
	states := map[string][]float64{"s": {1, 2}, "other": {3}}
	out, after, err := Run(g, nil, states)
	if err != nil {
		t.Fatal(err)
	}
	out["y"][0], after["s"][1], after["other"][0] = 9, 9, 9
	if !same(states["s"], []float64{1, 2}) || !same(states["other"], []float64{3}) {
		t.Errorf("the states given were changed: %v", states)
	}
}
