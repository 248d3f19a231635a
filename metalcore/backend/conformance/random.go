package conformance

import (
	"math/rand/v2"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// random runs graphs of elementwise, reducing and moving ops that nobody would
// write by hand, with states that they update, for three steps. Values stay
// near 1, so that a difference is a fault and not a rounding that grew. Every
// second graph is optimized first.
func (s *suite) random(t T) {
	defer func() { s.optimize = false }()
	for seed := range uint64(200) {
		s.optimize = seed%2 == 1
		g := randomGraph(rand.New(rand.NewPCG(seed, 7)))
		s.checkGraph(t, g, nil, 3, tolerance{5e-5, 5e-5})
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// grower adds random values to a graph.
type grower struct {
	*rand.Rand
	vals []*ir.Value
	most int // elements of a value, beyond some thousand
}

func (r *grower) pick() *ir.Value { return r.vals[r.IntN(len(r.vals))] }

func (r *grower) add(v *ir.Value) {
	if v.Shape.Elems() <= max(3000, r.most) {
		r.vals = append(r.vals, v)
	}
}

func randomGraph(rnd *rand.Rand) *ir.Graph {
	r := &grower{Rand: rnd}
	states := []*ir.Value{state("s", 3, 4), state("t", 4), state("u", 3, 1)}
	r.vals = append(r.vals, f32("x", 3, 4), f32("y", 2, 1, 4), f32("z"), f32("one", 1, 1), ir.Const(0.5, ir.F32))
	r.vals = append(r.vals, states...)
	for range 4 + r.IntN(30) {
		switch r.IntN(6) {
		case 0, 1:
			r.elementwise()
		case 2, 3:
			r.pairwise()
		case 4:
			r.fold()
		case 5:
			r.move()
		}
	}
	var updates []ir.Update
	for _, s := range states {
		if v := r.shaped(s); r.IntN(4) > 0 {
			updates = append(updates, ir.Update{State: s, New: v})
		}
	}
	outs := []*ir.Value{r.vals[len(r.vals)-1]}
	for range r.IntN(4) {
		outs = append(outs, r.pick())
	}
	return ir.NewGraph("random", named(outs...), updates)
}

// shaped returns a value of the state's shape, the last one there is with some
// probability.
func (r *grower) shaped(s *ir.Value) *ir.Value {
	fit := []*ir.Value{s}
	for _, v := range r.vals {
		if v.Shape.Equal(s.Shape) {
			fit = append(fit, v)
		}
	}
	if r.IntN(2) == 0 {
		return fit[len(fit)-1]
	}
	return fit[r.IntN(len(fit))]
}

// elementwise functions are smooth and bounded, or exact.
func (r *grower) elementwise() {
	fs := []func(*ir.Value) *ir.Value{op.Neg, op.Abs, op.Tanh, op.Sigmoid, op.ReLU,
		func(a *ir.Value) *ir.Value { return op.Exp(op.Neg(op.Abs(a))) },
		func(a *ir.Value) *ir.Value { return op.Log1p(op.Abs(a)) }}
	r.add(fs[r.IntN(len(fs))](r.pick()))
}

func (r *grower) pairwise() {
	a, b := r.pick(), r.pick()
	fs := []func(a, b *ir.Value) *ir.Value{op.Add, op.Sub, op.Max, op.Min,
		func(a, b *ir.Value) *ir.Value { return op.Mul(op.Tanh(a), b) },
		func(a, b *ir.Value) *ir.Value { return op.Select(op.Lt(op.Tanh(a), ir.Const(2, ir.F32)), a, b) }}
	f := fs[r.IntN(len(fs))]
	var v *ir.Value
	if op.Try(func() { v = f(a, b) }) == nil {
		r.add(v)
	}
}

func (r *grower) fold() {
	a := r.pick()
	if len(a.Shape) == 0 {
		return
	}
	axis, keep := r.IntN(len(a.Shape)), r.IntN(2) == 0
	if r.IntN(2) == 0 {
		r.add(op.Mean(a, keep, axis))
	} else {
		r.add(op.MaxOver(a, keep, axis))
	}
}

func (r *grower) move() {
	a := r.pick()
	switch r.IntN(6) {
	case 0:
		r.add(op.Reshape(a, ir.Shape{a.Shape.Elems()}))
	case 1:
		r.add(op.Reshape(a, append(ir.Shape{1}, a.Shape...)))
	case 2:
		r.add(op.Transpose(a, r.Perm(len(a.Shape))...))
	case 3:
		r.add(op.Broadcast(a, append(ir.Shape{2}, a.Shape...)))
	case 4:
		r.piece(op.Reshape(a, ir.Shape{1, a.Shape.Elems()}))
	case 5:
		b := r.pick()
		r.add(op.Concat(0, op.Reshape(a, ir.Shape{a.Shape.Elems()}), op.Reshape(b, ir.Shape{b.Shape.Elems()})))
	}
}

// piece takes every other element of a row from somewhere on, and puts a part
// of it back into zeros.
func (r *grower) piece(row *ir.Value) {
	n := row.Shape[1]
	from := r.IntN(n)
	r.add(op.Slice(row, []int{0, from}, []int{1, n}, []int{1, 1 + r.IntN(2)}))
	r.add(op.Pad(op.SliceAxis(row, 1, from, n), []int{0, r.IntN(3)}, []int{0, from}, 0))
}
