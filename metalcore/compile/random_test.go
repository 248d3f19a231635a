package compile

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// numbers has NaN, infinities and zeros among them, which no pass may lose.
func numbers(r *rand.Rand, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = []float64{math.NaN(), math.Inf(1), 0, 1, -2, 0.5, 3, r.NormFloat64()}[r.IntN(8)]
	}
	return out
}

// equal allows for constants that were rounded to f32.
func equal(a, b []float64) bool {
	if len(a) != len(b) {
		return false
	}
	for i, x := range a {
		y := b[i]
		same := x == y || math.IsNaN(x) && math.IsNaN(y)
		if !same && !(math.Abs(x-y) <= 1e-5*max(1, math.Abs(y))) {
			return false
		}
	}
	return true
}

// randomGraph is made of what the rules look for: neutral constants, moves
// after moves, equal values.
func randomGraph(r *rand.Rand) *ir.Graph {
	vals := []*ir.Value{ir.Input("x", ir.F32, 2, 3), ir.Input("y", ir.F32, 3), ir.Input("z", ir.F32, 1, 1),
		num(0), num(1), num(1, 2, 3), num(0, 3), num(0.3, 1, 3)}
	pick := func() *ir.Value { return vals[r.IntN(len(vals))] }
	binary := []func(a, b *ir.Value) *ir.Value{op.Add, op.Sub, op.Mul, op.Div, op.Add, op.Mul,
		func(a, b *ir.Value) *ir.Value { return op.MatMul(a, b, r.IntN(2) == 0, r.IntN(2) == 0) },
		func(a, b *ir.Value) *ir.Value { return op.Select(op.Lt(a, b), a, b) }}
	unary := []func(a *ir.Value) *ir.Value{op.Neg, op.Neg, op.ReLU, op.Abs,
		func(a *ir.Value) *ir.Value { return op.Transpose(a) },
		func(a *ir.Value) *ir.Value { return op.Transpose(a, r.Perm(len(a.Shape))...) },
		func(a *ir.Value) *ir.Value { return op.Reshape(a, ir.Shape{a.Shape.Elems()}) },
		func(a *ir.Value) *ir.Value { return op.Reshape(a, append(ir.Shape{1}, a.Shape...)) },
		func(a *ir.Value) *ir.Value { return op.Broadcast(a, append(ir.Shape{2}, a.Shape...)) },
		func(a *ir.Value) *ir.Value { return op.Sum(a, r.IntN(2) == 0, r.IntN(len(a.Shape)+1)-1) },
		func(a *ir.Value) *ir.Value { return op.Cast(a, ir.F32) },
		func(a *ir.Value) *ir.Value {
			a = longer(a)
			axis := r.IntN(len(a.Shape))
			from := r.IntN(a.Shape[axis] + 1)
			return op.SliceAxis(a, axis, from, from+r.IntN(a.Shape[axis]-from+1))
		},
		func(a *ir.Value) *ir.Value { return padTo(r, longer(a), 6) },
		func(a *ir.Value) *ir.Value { return op.Add(padTo(r, longer(a), 6), padTo(r, longer(a), 6)) },
		func(a *ir.Value) *ir.Value { return op.Concat(-1, longer(a), longer(a)) },
	}
	for range 5 + r.IntN(30) {
		var v *ir.Value
		grow := func() { v = unary[r.IntN(len(unary))](pick()) }
		if r.IntN(2) == 0 {
			grow = func() { v = binary[r.IntN(len(binary))](pick(), pick()) }
		}
		if op.Try(grow) == nil && v.Shape.Elems() < 500 {
			vals = append(vals, v)
		}
	}
	var outs []ir.Output
	for i := range 3 {
		outs = append(outs, ir.Output{Name: fmt.Sprint(i), Value: vals[len(vals)-1-r.IntN(min(i+1, len(vals)))]})
	}
	// Every input is there, so that the interpreter finds what it is given.
	outs = append(outs, ir.Output{Name: "x", Value: vals[0]}, ir.Output{Name: "y", Value: vals[1]}, ir.Output{Name: "z", Value: vals[2]})
	return ir.NewGraph("random", outs, nil)
}

// longer gives a value one axis more, so that a scalar has one.
func longer(a *ir.Value) *ir.Value { return op.Reshape(a, append(ir.Shape{1}, a.Shape...)) }

// padTo makes the last axis n long, with a somewhere in it.
func padTo(r *rand.Rand, a *ir.Value, n int) *ir.Value {
	low, high := make([]int, len(a.Shape)), make([]int, len(a.Shape))
	last := len(a.Shape) - 1
	if room := n - a.Shape[last]; room > 0 {
		low[last] = r.IntN(room + 1)
		high[last] = room - low[last]
	}
	return op.Pad(a, low, high, 0)
}
