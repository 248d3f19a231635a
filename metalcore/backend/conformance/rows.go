package conformance

import (
	"math/rand/v2"

	"github.com/metalnb/metalnb/metalcore/autodiff"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// rowSpaces are rows of all lengths: of which several make a tile, or one, and
// some that are too long or too few to be worked on as rows.
var rowSpaces = []ir.Shape{
	{5, 2}, {40, 7}, {1000, 3}, {64, 64}, {9, 1024}, {3, 1025}, {1, 12}, {12, 1}, {3, 20, 33}, {2, 1, 16}, {4, 3, 2, 5},
}

// rows runs groups that work row by row: norms and softmax with their gradients,
// and random ones, with products in front of some.
func (s *suite) rows(t T) {
	for i, shape := range rowSpaces {
		x := state("x", shape...)
		up, scale := f32("up", shape...), f32("scale", shape[len(shape)-1])
		centered := op.Sub(x, op.Mean(x, true, -1))
		norm := op.Mul(op.Mul(centered, op.Rsqrt(op.Add(op.Mean(op.Mul(centered, centered), true, -1), ir.Const(1e-2, ir.F32)))), scale)
		for _, y := range []*ir.Value{norm, op.Softmax(x, -1), op.LogSoftmax(op.Add(x, up), -1)} {
			grads, err := autodiff.Gradients(op.Sum(op.Mul(y, up), false), []*ir.Value{x})
			if err != nil {
				t.Fatal(err)
			}
			s.checkGroups(t, ir.NewGraph("rows", named(y, grads[0]), []ir.Update{{State: x, New: op.Sub(x, grads[0])}}))
		}
		for seed := range uint64(6) {
			s.checkGroups(t, randomRows(rand.New(rand.NewPCG(seed, uint64(i))), shape))
			if t.Failed() {
				t.Fatalf("shape %v, seed %d", shape, seed)
			}
		}
	}
}

// randomRows computes with whole rows, numbers of rows, and numbers.
func randomRows(rnd *rand.Rand, shape ir.Shape) *ir.Graph {
	r := &grower{Rand: rnd, most: shape.Elems()}
	n := shape[len(shape)-1]
	column := append(shape[:len(shape)-1:len(shape)-1], 1)
	a, b := f32("a", append(shape[:len(shape)-1:len(shape)-1], 5)...), f32("b", 5, n)
	states := []*ir.Value{state("s", shape...), state("t", column...)}
	r.vals = append(states, f32("x", shape...), f32("column", column...), f32("scale", n), f32("number"), ir.Const(0.5, ir.F32))
	if r.IntN(2) == 0 {
		r.vals = append(r.vals, op.MatMul(a, b, false, false))
	}
	for range 4 + r.IntN(16) {
		switch v := r.pick(); r.IntN(6) {
		case 0:
			r.elementwise()
		case 1, 2, 3:
			r.pairwise()
		default:
			if v.Shape.Equal(shape) {
				folds := []func(*ir.Value, bool, ...int) *ir.Value{op.Mean, op.MaxOver}
				r.add(folds[r.IntN(2)](v, true, -1))
			}
		}
	}
	updates := []ir.Update{{State: states[0], New: r.shaped(states[0])}, {State: states[1], New: r.shaped(states[1])}}
	return ir.NewGraph("rows", named(r.vals[len(r.vals)-1], r.pick(), r.pick()), updates)
}
