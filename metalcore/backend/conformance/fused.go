package conformance

import (
	"math/rand/v2"
	"slices"

	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// spaces are the shapes that groups of elementwise ops walk over: short and
// long rows, a few axes, more elements than a tile has, one and none.
var spaces = []ir.Shape{
	{}, {1}, {7}, {5000}, {40, 7}, {3, 1700}, {300, 16}, {1, 9, 1}, {13, 1, 600}, {6, 5, 4, 3}, {2, 3, 800}, {2000, 3}, {0, 5},
}

// fused runs random groups of elementwise ops, with operands that are repeated
// along some axes, several results and states that are written over, and
// holds them against the same ops one by one and against the interpreter.
func (s *suite) fused(t T) {
	t.Run("epilogues", s.epilogues)
	t.Run("tails", s.tails)
	t.Run("rows", s.rows)
	for i, shape := range spaces {
		for seed := range uint64(6) {
			g := randomGroup(rand.New(rand.NewPCG(seed, uint64(i))), shape)
			s.checkFused(t, g)
			if t.Failed() {
				t.Fatalf("shape %v, seed %d", shape, seed)
			}
		}
	}
}

// epilogues are products with a bias and relu, with NaN and infinities among
// their results, whatever the size of the bias is.
func (s *suite) epilogues(t T) {
	for _, n := range []int{1, 7, 16, 33, 64} {
		for _, rows := range []int{1, 5, 40} {
			w, b := f32("w", 9, n), f32("b", n)
			x := f32("x", rows, 9)
			sum := op.Add(op.MatMul(x, w, false, false), b)
			s.checkFused(t, graphOf(sum))
			s.checkFused(t, graphOf(op.ReLU(op.Add(b, op.MatMul(x, w, false, false)))))
			s.checkFused(t, ir.NewGraph("test", named(sum, op.ReLU(sum), op.Tanh(sum)), nil))
			image := f32("image", 2, 6, 5, 3)
			for _, size := range []int{1, 3} {
				y := op.Conv2D(image, f32("k", size, size, 3, n), op.ConvSpec{Pad: []int{size / 2, size / 2, size / 2, size / 2}})
				s.checkFused(t, graphOf(op.ReLU(op.Add(y, op.Reshape(b, ir.Shape{1, 1, n})))))
			}
			square := f32("square", n, n) // a column is no bias
			s.checkGraph(t, graphOf(op.Add(op.MatMul(square, square, false, false), f32("column", n, 1))), nil, 1, sums)
		}
	}
	given := data{"x": {nan, 1, inf, 1, -inf, 1, 1, -1}, "w": {1, 2, 0.5, -1}, "b": {1, -1}}
	y := op.ReLU(op.Add(op.MatMul(f32("x", 4, 2), f32("w", 2, 2), false, false), f32("b", 2)))
	defer func() { s.optimize = false }()
	for _, s.optimize = range []bool{false, true} {
		s.checkGraph(t, graphOf(y), given, 1, single)
	}
	row, v, w := f32("row", 1, 9), f32("v", 9, 7), f32("w", 9, 7) // one of two products is the other's bias
	s.checkFused(t, graphOf(op.Add(op.MatMul(row, v, false, false), op.MatMul(row, w, false, false))))
	a, b := f32("a", 1, 1), f32("b", 1, 1) // the sum is a result, and in one set with another number
	s.checkFused(t, ir.NewGraph("test", named(op.Add(op.MatMul(a, b, false, false), a), op.Exp(b)), nil))
	p, q := f32("p", 3, 4, 5), f32("q", 3, 5, 6)
	s.checkFused(t, graphOf(op.ReLU(op.Add(op.MatMul(p, q, false, false), f32("b", 6)))))
}

// tails are products with what else is computed of them, one or several results,
// from operands of all shapes.
func (s *suite) tails(t T) {
	for _, shape := range []ir.Shape{{1, 1}, {5, 33}, {60, 70}, {3, 20, 16}, {2, 9, 8, 24}, {1, 40, 520}} {
		n, rows := shape[len(shape)-1], shape[len(shape)-2]
		outer := slices.Clone(shape[:len(shape)-2])
		product := op.MatMul(f32("a", append(slices.Clone(outer), rows, 7)...), f32("b", append(slices.Clone(outer), 7, n)...), false, false)
		residual, bias := f32("r", shape...), f32("bias", n)
		column, number := f32("column", append(slices.Clone(shape[:len(shape)-1]), 1)...), f32("number")
		sum := op.Add(product, bias)
		for _, list := range [][]*ir.Value{
			{op.Tanh(sum)},
			{op.Add(residual, sum)},
			{op.Add(op.ReLU(sum), residual)},
			{op.Mul(op.Sub(product, column), number)},
			{op.Select(op.Lt(ir.Const(0, ir.F32), residual), product, ir.Const(0, ir.F32))},
			{sum, op.Mul(sum, op.Sigmoid(sum)), op.Cast(op.Lt(residual, sum), ir.I32)},
			{op.Add(op.Tanh(residual), op.Mul(product, product)), op.Neg(op.Tanh(residual))},
			{op.Reshape(op.Tanh(op.Reshape(product, ir.Shape{shape.Elems()})), shape), op.Max(column, residual)},
		} {
			s.checkFused(t, ir.NewGraph("tail", named(list...), nil))
		}
	}
	image, k := f32("image", 2, 6, 5, 3), f32("k", 3, 3, 3, 19)
	y := op.Conv2D(image, k, op.ConvSpec{Pad: []int{1, 1, 1, 1}})
	s.checkFused(t, graphOf(op.Add(op.Tanh(op.Add(y, f32("bias", 19))), f32("r", y.Shape...))))
	s.checkFused(t, graphOf(op.Mul(y, f32("image scale", 2, 1, 1, 1))))
	back := op.Conv2DGradInput(f32("g", y.Shape...), k, image.Shape, op.ConvSpec{Pad: []int{1, 1, 1, 1}})
	s.checkFused(t, graphOf(op.Select(op.Lt(ir.Const(0, ir.F32), image), back, ir.Const(0, ir.F32))))
}

// checkFused compares fused, apart and interpreted.
func (s *suite) checkFused(t T, g *ir.Graph) {
	t.Helper()
	s.checkGroups(t, g)
	p, _, err := compile.Compile(g, compile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(p.Steps, func(s plan.Step) bool { return s.Fused() }) {
		t.Errorf("nothing was fused\n%s", p)
	}
}

// checkGroups compares as they come, and fused, with the interpreter.
func (s *suite) checkGroups(t T, g *ir.Graph) {
	t.Helper()
	defer func() { s.optimize = false }()
	for _, s.optimize = range []bool{false, true} {
		s.checkGraph(t, g, nil, 2, sums)
	}
}

// randomGroup computes with operands of a shape and of what broadcasts to it.
func randomGroup(rnd *rand.Rand, shape ir.Shape) *ir.Graph {
	r := &grower{Rand: rnd}
	states := []*ir.Value{state("s", shape...), state("t", shape...)}
	r.vals = append(r.vals, states...)
	r.vals = append(r.vals, f32("x", shape...), f32("scalar"), ir.Const(0.25, ir.F32))
	for i := range 3 {
		r.vals = append(r.vals, f32("part"+name(i), r.part(shape)...))
	}
	counts := []*ir.Value{i32("i", shape...), i32("j", r.part(shape)...), op.Cast(op.Lt(r.vals[0], r.vals[2]), ir.I32)}
	for range 6 + r.IntN(20) {
		switch r.IntN(7) {
		case 0, 1:
			r.elementwise()
		case 2, 3, 4:
			r.pairwise()
		case 5:
			c := counts[r.IntN(len(counts))]
			r.vals = append(r.vals, op.Select(op.Cast(c, ir.Bool), op.Add(r.vals[0], r.pick()), op.Tanh(r.pick())), op.Cast(c, ir.F32))
			counts = append(counts, op.Add(c, counts[0]), op.Max(c, ir.Const(3, ir.I32)))
		case 6:
			r.vals = append(r.vals, op.Broadcast(r.pick(), shape))
		}
	}
	full := slices.DeleteFunc(slices.Clone(r.vals), func(v *ir.Value) bool { return v.IsLeaf() || !v.Shape.Equal(shape) })
	full = append(full, op.Neg(op.Add(states[0], states[1])))
	updates := []ir.Update{{State: states[0], New: full[len(full)-1]}, {State: states[1], New: full[r.IntN(len(full))]}}
	outs := []*ir.Value{full[r.IntN(len(full))], full[r.IntN(len(full))], r.pick(), counts[len(counts)-1]}
	return ir.NewGraph("group", named(outs...), updates)
}

// part makes some axes 1, and drops some in front.
func (r *grower) part(shape ir.Shape) ir.Shape {
	out := slices.Clone(shape)
	for i := range out {
		if r.IntN(2) == 0 {
			out[i] = 1
		}
	}
	for len(out) > 0 && out[0] == 1 && r.IntN(2) == 0 {
		out = out[1:]
	}
	return out
}
