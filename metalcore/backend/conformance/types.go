package conformance

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// halves are stored in 16 bits and computed with in f32.
var halves = []ir.DType{ir.F16, ir.BF16}

// types runs each op over the element types that it takes. What is the same for
// all of them, like the shapes, the other parts have tried with f32 and i32.
func (s *suite) types(t T) {
	t.Run("casts", s.casts)
	for _, d := range ir.DTypes() {
		t.Run(d.String(), func(t T) {
			s.moveTyped(t, d)
			s.indexTyped(t, d)
			s.compareTyped(t, d)
			s.orderTyped(t, d)
			s.resultsTyped(t, d)
			if d != ir.Bool {
				s.arithmeticTyped(t, d)
			}
			if d != ir.Bool && d != ir.U8 {
				s.totalsTyped(t, d)
			}
			if d.Half() {
				s.functionsTyped(t, d)
				s.productsTyped(t, d)
			}
		})
	}
	t.Run("fused", s.fusedTyped)
}

// numbersOf are numbers of the type that tend to be forgotten.
func numbersOf(d ir.DType) []float64 {
	var out []float64
	for _, x := range slices.Concat(special, wide, []float64{255, 256, 65504, 65519, 65520, 0x1p-14, 0x1p-24, 0x1p-25, 1.00048828125, 16777217}) {
		if d.Float() || !math.IsNaN(x) && !math.IsInf(x, 0) {
			out = append(out, ir.RoundTo(d, max(-0x1p52, min(x, 0x1p52))))
		}
	}
	if d.Float() {
		out = append(out, inf, -inf)
	}
	return out
}

// casts are those between each two types.
func (s *suite) casts(t T) {
	for _, from := range ir.DTypes() {
		x := numbersOf(from)
		for _, to := range ir.DTypes() {
			given := data{"x": x}
			s.check(t, op.Cast(ir.Input("x", from, len(x)), to), given, exact)
			s.check(t, op.Cast(ir.Input("x", from, 301, 3), to), nil, exact)
			if to != ir.F32 || from.Float() { // the interpreter rounds no f32
				s.check(t, op.Cast(op.Cast(ir.Input("x", from, len(x)), to), from), given, exact)
			}
			s.check(t, op.Cast(ir.Const(2.5, from, 7), to), nil, exact)
		}
	}
}

func (s *suite) moveTyped(t T, d ir.DType) {
	x := func(shape ...int) *ir.Value { return ir.Input("x", d, shape...) }
	for _, y := range []*ir.Value{
		op.Transpose(x(13, 17)), op.Transpose(x(2, 3, 5), 2, 0, 1), op.Reshape(x(4, 3), ir.Shape{6, 2}), op.StopGradient(x(5)),
		op.Broadcast(x(3, 1), ir.Shape{2, 3, 5}), op.Broadcast(x(7), ir.Shape{300, 7}), op.Broadcast(x(), ir.Shape{3}),
		op.Slice(x(13, 17), []int{1, 2}, []int{13, 16}, []int{4, 1}), op.Slice(x(71), []int{1}, []int{71}, []int{3}),
		op.Concat(1, x(3, 5), op.Transpose(ir.Input("y", d, 2, 3))), op.Concat(0, x(7), ir.Const(1, d, 2)), op.Concat(0, x(5)),
		op.PadBetween(x(3, 5), []int{1, 2}, []int{0, 1}, []int{2, 1}, 1), op.Transpose(x(0, 3)),
	} {
		s.check(t, y, nil, exact)
	}
}

// indexTyped reads and adds elements by indices of all types.
func (s *suite) indexTyped(t T, d ir.DType) {
	for _, index := range []ir.DType{ir.I32, ir.I64, ir.U8} {
		far := data{"i": {0, 4, 200, 2, 1, 3}}
		if index != ir.U8 {
			far = data{"i": {0, 4, 5, -1, ir.RoundTo(index, 1e15), ir.RoundTo(index, -1e15)}}
		}
		i := ir.Input("i", index, 6)
		s.check(t, op.Gather(ir.Input("x", d, 5, 3), i), far, exact)
		s.check(t, op.TakeAlong(ir.Input("x", d, 5), i, 0), far, exact)
		if d == ir.Bool || d == ir.U8 {
			continue
		}
		s.check(t, op.ScatterAdd(i, ir.Input("x", d, 6, 3), 5), far, single)
		s.check(t, op.AddAlong(i, ir.Input("x", d, 6), 0, 5), far, single)
	}
	if d.Float() {
		for _, labels := range []ir.DType{ir.I32, ir.I64, ir.U8} {
			x, y := ir.Input("x", d, 33, 10), ir.Input("y", labels, 33)
			s.check(t, op.SoftmaxCrossEntropy(x, y), nil, sums)
			s.check(t, op.SoftmaxCrossEntropyGrad(x, y, ir.Input("g", d, 33)), nil, sums)
		}
	}
}

func (s *suite) compareTyped(t T, d ir.DType) {
	each := numbersOf(d)
	n := len(each)
	for _, o := range comparisons {
		s.check(t, o.f(ir.Input("a", d, n, 1), ir.Input("b", d, n)), data{"a": each, "b": each}, exact)
		s.check(t, o.f(ir.Input("a", d, 300, 7), ir.Input("b", d, 7)), nil, exact)
		s.check(t, o.f(ir.Input("a", d), ir.Input("b", d, 5)), nil, exact)
	}
	for _, c := range [][3]ir.Shape{{{5}, {5}, {5}}, {{}, {5}, {5}}, {{5}, {}, {}}, {{300, 1}, {1, 7}, {}}, {{3, 700}, {700}, {3, 1}}, {{}, {}, {}}} {
		s.check(t, op.Select(yesNo("c", c[0]...), ir.Input("a", d, c[1]...), ir.Input("b", d, c[2]...)), nil, exact)
	}
}

func (s *suite) orderTyped(t T, d ir.DType) {
	for _, shape := range []ir.Shape{{9}, {13, 17}, {2, 3, 5}, {301, 3}} {
		for axis := range shape {
			x := ir.Input("x", d, shape...)
			s.check(t, op.MaxOver(x, false, axis), nil, exact)
			s.check(t, op.MinOver(x, true, axis), nil, exact)
			s.check(t, op.ArgMax(x, axis), nil, exact)
			s.check(t, op.ArgSort(x, axis, axis == 0), nil, exact)
		}
	}
	for _, o := range []func(a, b *ir.Value) *ir.Value{op.Max, op.Min} {
		s.check(t, o(ir.Input("a", d, 13, 17), ir.Input("b", d, 13, 1)), nil, exact)
	}
	if d == ir.Bool {
		s.check(t, op.Mul(yesNo("a", 13, 17), yesNo("b", 17)), nil, exact)
	}
}

func (s *suite) arithmeticTyped(t T, d ir.DType) {
	for _, o := range arithmetic {
		if o.floats && !d.Float() {
			continue
		}
		for _, p := range pairs[:16] {
			s.check(t, o.f(ir.Input("a", d, p[0]...), ir.Input("b", d, p[1]...)), nil, o.tol)
		}
	}
	small := []float64{0, 1, 2, 3, 7, 100, 255}
	if d != ir.U8 {
		small = append(small, -1, -7, -100)
	}
	for _, o := range arithmetic[:4] { // integers wrap around, and x/0 is 0
		s.check(t, o.f(ir.Input("a", d, len(small), 1), ir.Input("b", d, len(small))), data{"a": small, "b": small}, o.tol)
	}
}

func (s *suite) totalsTyped(t T, d ir.DType) {
	for _, shape := range []ir.Shape{{}, {9}, {13, 17}, {2, 3, 5}, {301, 3}, {0, 3}} {
		x := ir.Input("x", d, shape...)
		s.check(t, op.Sum(x, true), nil, sums)
		for axis := range shape {
			s.check(t, op.Sum(x, false, axis), nil, sums)
			s.check(t, op.Prod(op.Slice(x, make([]int, len(shape)), smaller(shape, 5), ones(shape)), false, axis), nil, sums)
			s.check(t, op.CumSum(x, axis, axis == 1), nil, sums)
			if d.Float() && shape[axis] > 0 {
				s.check(t, op.Mean(x, false, axis), nil, sums)
			}
		}
	}
}

// smaller bounds each axis, so that products of integers stay small.
func smaller(shape ir.Shape, n int) []int {
	out := slices.Clone(shape)
	for i := range out {
		out[i] = min(out[i], n)
	}
	return out
}

func ones(shape ir.Shape) []int {
	out := slices.Clone(shape)
	for i := range out {
		out[i] = 1
	}
	return out
}

// resultsTyped hands values of the type back in all ways, for some steps.
func (s *suite) resultsTyped(t T, d ir.DType) {
	for _, n := range []int{1, 3, 7, 4099} {
		x := ir.Input("x", d, n)
		a, b := ir.State("a", d, ir.Shape{n}, nil), ir.State("b", d, ir.Shape{n}, nil)
		top := op.Max(a, x)
		outs := named(x, a, ir.Const(1, d, n), op.Reshape(top, ir.Shape{1, n}), top, op.Eq(top, a))
		s.checkGraph(t, ir.NewGraph("typed", outs, []ir.Update{{State: a, New: top}, {State: b, New: a}}), nil, 3, exact)
		s.checkGraph(t, ir.NewGraph("swap", nil, []ir.Update{{State: a, New: b}, {State: b, New: a}}), nil, 3, exact)
	}
}

func (s *suite) functionsTyped(t T, d ir.DType) {
	each := numbersOf(d)
	for _, o := range unaryOps {
		s.check(t, o.f(ir.Input("x", d, 301, 3)), nil, o.tol)
		if o.name != "sin" && o.name != "cos" {
			s.check(t, o.f(ir.Input("x", d, len(each))), data{"x": each}, o.tol)
		}
	}
}

func (s *suite) productsTyped(t T, d ir.DType) {
	in := func(name string, shape ...int) *ir.Value { return ir.Input(name, d, shape...) }
	for _, n := range [][3]int{{1, 1, 1}, {5, 1, 3}, {33, 17, 65}, {3, 0, 2}, {65, 257, 66}} {
		for _, flip := range []bool{false, true} {
			a, b := in("a", turned(n[0], n[1], flip)...), in("b", turned(n[1], n[2], flip)...)
			s.check(t, op.MatMul(a, b, flip, flip), nil, deep)
		}
	}
	sum := op.Add(op.MatMul(in("x", 40, 9), in("w", 9, 33), false, false), in("b", 33))
	s.checkFused(t, graphOf(op.ReLU(sum)))
	wide := op.Add(op.MatMul(f32("u", 40, 9), f32("v", 9, 33), false, false), f32("c", 33))
	s.checkFused(t, ir.NewGraph("test", named(op.ReLU(wide), op.Cast(wide, d), op.Mul(op.Cast(wide, d), in("b", 33))), nil))
	for _, c := range convs {
		if c.x.Elems() > 3000 {
			continue
		}
		y := op.Conv2D(in("x", c.x...), in("k", c.k...), c.spec)
		g := in("g", y.Shape...)
		s.check(t, y, nil, deep)
		s.check(t, op.Conv2DGradInput(g, in("k", c.k...), c.x, c.spec), nil, deep)
		s.check(t, op.Conv2DGradKernel(in("x", c.x...), g, c.k, c.spec), nil, deep)
	}
	spec := op.PoolSpec{Window: []int{3, 3}, Stride: []int{1, 2}, Pad: []int{1, 2, 2, 1}}
	x := in("x", 2, 7, 8, 3)
	y := op.MaxPool2D(x, spec)
	s.check(t, y, nil, exact)
	s.check(t, op.MaxPool2DGrad(x, y, in("g", y.Shape...), spec), nil, single)
	s.check(t, op.AvgPool2D(x, spec, true), nil, sums)
	s.check(t, op.AvgPool2DGrad(in("g", y.Shape...), x.Shape, spec, false), nil, sums)
}

// fusedTyped runs random groups of elementwise ops of several types with casts
// between them.
func (s *suite) fusedTyped(t T) {
	for _, d := range halves { // what f32 has loops of its own for
		for _, n := range []int{5, 9000} {
			x, g, zero := ir.Input("x", d, n), ir.Input("g", d, n), ir.Const(0, d)
			s.checkFused(t, graphOf(op.Select(op.Lt(zero, x), g, zero)))
			state := ir.State("s", d, ir.Shape{n}, nil)
			lr, ok := ir.Input("lr", d), yesNo("ok")
			next := op.Select(ok, op.Sub(state, op.Mul(lr, g)), state)
			s.checkFused(t, ir.NewGraph("sgd", nil, []ir.Update{{State: state, New: next}}))
		}
	}
	for i, shape := range spaces {
		for seed := range uint64(8) {
			g := randomTyped(rand.New(rand.NewPCG(seed, uint64(i))), shape)
			s.checkTyped(t, g)
			if t.Failed() {
				t.Fatalf("shape %v, seed %d", shape, seed)
			}
		}
	}
}

// checkTyped compares fused and apart, which must agree in every bit, and
// whatever is exact with the interpreter.
func (s *suite) checkTyped(t T, g *ir.Graph) {
	t.Helper()
	defer func() { s.optimize = false }()
	for _, s.optimize = range []bool{false, true} {
		s.checkGraph(t, g, nil, 2, exact)
	}
}

// randomTyped uses only ops that are exact or rounded once in all types, so that
// one result is right: a cast turns the smallest error into another integer.
func randomTyped(rnd *rand.Rand, shape ir.Shape) *ir.Graph {
	r := &grower{Rand: rnd}
	of := map[ir.DType][]*ir.Value{}
	var states []*ir.Value
	for _, d := range ir.DTypes() {
		st := ir.State("s"+d.String(), d, shape, nil)
		states = append(states, st)
		of[d] = []*ir.Value{st, ir.Input("x"+d.String(), d, shape...), ir.Input("p"+d.String(), d, r.part(shape)...),
			ir.Input("n"+d.String(), d), ir.Const(1, d)}
	}
	pick := func(d ir.DType) *ir.Value { return of[d][r.IntN(len(of[d]))] }
	for range 10 + r.IntN(25) {
		d := ir.DTypes()[r.IntN(len(of))]
		a, b := pick(d), pick(d)
		var v *ir.Value
		switch {
		case r.IntN(3) == 0:
			v = op.Cast(a, ir.DTypes()[r.IntN(len(of))])
		case r.IntN(4) == 0:
			v = op.Select(pick(ir.Bool), a, b)
		case r.IntN(4) == 0:
			v = []func(a, b *ir.Value) *ir.Value{op.Eq, op.Lt, op.Le}[r.IntN(3)](a, b)
		case d != ir.Bool && d != ir.F32 && r.IntN(2) == 0:
			v = []func(a, b *ir.Value) *ir.Value{op.Add, op.Sub}[r.IntN(2)](a, b)
		default:
			v = []func(a, b *ir.Value) *ir.Value{op.Max, op.Min}[r.IntN(2)](a, b)
		}
		of[v.DType] = append(of[v.DType], v)
	}
	var outs []*ir.Value
	var updates []ir.Update
	for i, d := range ir.DTypes() {
		outs = append(outs, of[d][len(of[d])-1], pick(d))
		updates = append(updates, ir.Update{State: states[i], New: op.Max(states[i], op.Select(pick(ir.Bool), pick(d), states[i]))})
	}
	return ir.NewGraph("typed", named(outs...), updates)
}
