package conformance

import (
	"math/bits"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// reduce folds every set of axes of some shapes.
func (s *suite) reduce(t T) {
	shapes := []ir.Shape{{}, {1}, {7}, {70001}, {1, 5}, {5, 1}, {13, 17}, {3, 300}, {500, 5}, {2, 3, 5}, {3, 1, 4}, {2, 3, 4, 5}, {3000, 20}, {2, 1500, 3}, {3, 40, 7, 33}, {0, 3}}
	for _, shape := range shapes {
		for set := range 1 << len(shape) {
			if set == 0 && len(shape) > 0 {
				continue
			}
			var axes []int
			empty := false
			for i := range shape {
				if set>>i&1 == 1 {
					axes = append(axes, i)
					empty = empty || shape[i] == 0
				}
			}
			keep := bits.OnesCount(uint(set))%2 == 1
			s.check(t, op.Sum(f32("x", shape...), keep, axes...), nil, sums)
			s.check(t, op.Sum(i32("x", shape...), !keep, axes...), nil, exact)
			s.check(t, op.Prod(f32("x", shape...), keep, axes...), nil, sums)
			s.check(t, op.Prod(i32("x", shape...), !keep, axes...), nil, exact)
			if empty {
				continue
			}
			s.check(t, op.MinOver(f32("x", shape...), keep, axes...), nil, exact)
			s.check(t, op.MinOver(i32("x", shape...), !keep, axes...), nil, exact)
			s.check(t, op.Mean(f32("x", shape...), keep, axes...), nil, sums)
			s.check(t, op.MaxOver(f32("x", shape...), keep, axes...), nil, exact)
			s.check(t, op.MaxOver(i32("x", shape...), !keep, axes...), nil, exact)
		}
	}
	t.Run("special", s.reduceSpecial)
	t.Run("all finite", s.allFinite)
	t.Run("accuracy", s.accuracy)
	t.Run("argmax", s.argmax)
}

// allFinite hides one bad number among the elements of one of the operands.
func (s *suite) allFinite(t T) {
	for _, n := range []int{0, 1, 5, 33, 70001} {
		for _, bad := range []float64{0, nan, inf, -inf} {
			last := make([]float64, n)
			for i := range last {
				last[i] = 3e38
			}
			if n > 0 {
				last[n/2] = bad
			}
			all := op.AllFinite(f32("x", 7), f32("y", 2, 3), f32("z", n))
			s.check(t, op.Cast(all, ir.I32), data{"z": last}, exact)
		}
	}
	for _, d := range []ir.DType{ir.F32, ir.F16, ir.BF16} {
		for _, last := range []float64{2, inf} {
			all := op.AllFinite(ir.Input("x", d, 3), ir.Input("y", d))
			s.check(t, op.Cast(all, ir.I32), data{"x": {1, 2, 3}, "y": {last}}, exact)
		}
	}
}

func (s *suite) reduceSpecial(t T) {
	given := data{"x": {1, nan, -inf, -1, inf, 2, -inf, -inf, -inf, inf, -inf, 0}}
	for _, axis := range []int{0, 1} {
		x := f32("x", 4, 3)
		s.check(t, op.Sum(x, false, axis), given, exact)
		s.check(t, op.Mean(x, false, axis), given, single)
	}
	for _, axis := range []int{0, 1} {
		s.check(t, op.MaxOver(f32("x", 4, 3), false, axis), given, exact)
		s.check(t, op.MinOver(f32("x", 4, 3), false, axis), given, exact)
		s.check(t, op.Prod(f32("x", 4, 3), false, axis), given, single)
	}
	s.check(t, op.Sum(i32("x", 3), false), data{"x": {2147483647, 1, 5}}, exact)
}

// accuracy sums numbers that float32 would lose if it added them one by one.
func (s *suite) accuracy(t T) {
	x := make([]float64, 1<<20)
	for i := range x {
		x[i] = float64(float32(0.1))
	}
	x[0] = 4096
	s.check(t, op.Sum(f32("x", len(x)), false), data{"x": x}, tolerance{0, 1e-5})
	s.check(t, op.Mean(f32("x", 1<<10, 1<<10), false, 0), data{"x": x}, tolerance{0, 1e-5})
}

func (s *suite) argmax(t T) {
	for _, shape := range []ir.Shape{{1}, {9}, {13, 17}, {2, 3, 5}, {40000, 3}, {3, 40000}, {2, 1500, 7}} {
		for axis := range shape {
			s.check(t, op.ArgMax(f32("x", shape...), axis), nil, exact)
			s.check(t, op.ArgMax(i32("x", shape...), axis), nil, exact)
		}
	}
	given := data{"x": {1, 3, 3, -inf, -inf, -inf, 0, inf, inf}}
	s.check(t, op.ArgMax(f32("x", 3, 3), 1), given, exact)
}

func (s *suite) move(t T) {
	for _, c := range []struct{ shape, perm ir.Shape }{
		{ir.Shape{5}, ir.Shape{0}}, {ir.Shape{3, 4}, ir.Shape{1, 0}}, {ir.Shape{2, 3, 5}, ir.Shape{2, 0, 1}},
		{ir.Shape{2, 3, 5}, ir.Shape{1, 0, 2}}, {ir.Shape{2, 3, 4, 5}, ir.Shape{0, 3, 1, 2}}, {ir.Shape{2, 3, 4, 5}, ir.Shape{3, 2, 1, 0}},
		{ir.Shape{1, 7, 1}, ir.Shape{2, 1, 0}}, {ir.Shape{0, 3}, ir.Shape{1, 0}}, {ir.Shape{301, 257}, ir.Shape{1, 0}},
		{ir.Shape{2, 3, 2, 3, 2}, ir.Shape{4, 1, 3, 0, 2}},
	} {
		s.check(t, op.Transpose(f32("x", c.shape...), c.perm...), nil, exact)
		s.check(t, op.Transpose(i32("x", c.shape...), c.perm...), nil, exact)
	}
	for _, c := range [][2]ir.Shape{
		{{}, {}}, {{}, {3, 4}}, {{4}, {3, 4}}, {{3, 1}, {3, 4}}, {{1, 3, 1}, {2, 2, 3, 5}}, {{1}, {0}}, {{300, 1}, {300, 201}}, {{1, 1}, {1, 1}},
	} {
		s.check(t, op.Broadcast(f32("x", c[0]...), c[1]), nil, exact)
		s.check(t, op.Broadcast(i32("x", c[0]...), c[1]), nil, exact)
	}
	for _, c := range [][2]ir.Shape{{{}, {1, 1}}, {{6}, {2, 3}}, {{2, 3}, {3, 2}}, {{0, 4}, {2, 0}}} {
		s.check(t, op.Reshape(f32("x", c[0]...), c[1]), nil, exact)
		s.check(t, op.Exp(op.Reshape(op.Neg(f32("x", c[0]...)), c[1])), nil, single)
	}
	s.check(t, op.Neg(op.Transpose(f32("x", 1, len(special)))), data{"x": rounded(special)}, exact)
}

func (s *suite) index(t T) {
	for _, c := range []struct{ table, index ir.Shape }{
		{ir.Shape{5}, ir.Shape{}}, {ir.Shape{5}, ir.Shape{7}}, {ir.Shape{5, 3}, ir.Shape{2, 2}}, {ir.Shape{1, 2, 3}, ir.Shape{4}},
		{ir.Shape{5, 3}, ir.Shape{0}}, {ir.Shape{0, 3}, ir.Shape{2, 0}}, {ir.Shape{5, 0}, ir.Shape{2}}, {ir.Shape{9, 4096}, ir.Shape{33}}, {ir.Shape{9, 2}, ir.Shape{30011}}, {ir.Shape{300, 70}, ir.Shape{1100}},
	} {
		rows := append(append([]int{}, c.index...), c.table[1:]...)
		s.check(t, op.Gather(f32("x", c.table...), i32("i", c.index...)), nil, exact)
		s.check(t, op.Gather(i32("x", c.table...), i32("i", c.index...)), nil, exact)
		s.check(t, op.ScatterAdd(i32("i", c.index...), f32("x", rows...), c.table[0]), nil, tolerance{1e-4, 1e-4})
		s.check(t, op.ScatterAdd(i32("i", c.index...), i32("x", rows...), c.table[0]), nil, exact)
	}
	given := data{"i": {0, 4, 5, -1, 2147483647, -2147483648}}
	s.check(t, op.Gather(f32("x", 5, 2), i32("i", 6)), given, exact)
	s.check(t, op.ScatterAdd(i32("i", 6), f32("x", 6, 2), 5), given, single)
	s.check(t, op.Gather(op.Cast(ir.Iota(10), ir.F32), i32("i", 6)), given, exact)
}

func (s *suite) loss(t T) {
	for _, shape := range []ir.Shape{{1, 1}, {1, 10}, {32, 10}, {7, 1}, {0, 10}, {301, 97}, {5, 129}, {3, 5000}} {
		x, labels, g := f32("x", shape...), i32("labels", shape[0]), f32("g", shape[0])
		s.check(t, op.SoftmaxCrossEntropy(x, labels), nil, sums)
		s.check(t, op.SoftmaxCrossEntropyGrad(x, labels, g), nil, sums)
	}
	given := data{"x": {1e4, -1e4, 0, 3e4, 3e4, -3e4, -inf, 0, 1, nan, 0, 1, -100, -100, -100},
		"labels": {1, 0, 1, 2, 3}, "g": {1, -2, 0.5, 1, 1}}
	x, labels, g := f32("x", 5, 3), i32("labels", 5), f32("g", 5)
	s.check(t, op.SoftmaxCrossEntropy(x, labels), given, sums)
	s.check(t, op.SoftmaxCrossEntropyGrad(x, labels, g), given, sums)
}
