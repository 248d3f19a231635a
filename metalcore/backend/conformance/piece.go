package conformance

import (
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// pieces cuts, joins and pads: whole axes, single elements, none, strides that
// leave a rest, large rows, and all axes at once.
func (s *suite) pieces(t T) {
	for _, c := range []struct{ shape, start, limit, stride ir.Shape }{
		{ir.Shape{}, ir.Shape{}, ir.Shape{}, ir.Shape{}}, {ir.Shape{1}, ir.Shape{0}, ir.Shape{1}, ir.Shape{1}},
		{ir.Shape{7}, ir.Shape{0}, ir.Shape{7}, ir.Shape{3}}, {ir.Shape{7}, ir.Shape{6}, ir.Shape{7}, ir.Shape{9}},
		{ir.Shape{7}, ir.Shape{3}, ir.Shape{3}, ir.Shape{1}}, {ir.Shape{0}, ir.Shape{0}, ir.Shape{0}, ir.Shape{2}},
		{ir.Shape{13, 17}, ir.Shape{2, 5}, ir.Shape{11, 16}, ir.Shape{1, 1}}, {ir.Shape{13, 17}, ir.Shape{1, 0}, ir.Shape{13, 17}, ir.Shape{4, 1}},
		{ir.Shape{3, 1, 5}, ir.Shape{1, 0, 1}, ir.Shape{3, 1, 5}, ir.Shape{1, 1, 2}},
		{ir.Shape{2, 3, 4, 5}, ir.Shape{1, 1, 1, 1}, ir.Shape{2, 3, 4, 5}, ir.Shape{1, 1, 2, 3}},
		{ir.Shape{500, 260}, ir.Shape{1, 3}, ir.Shape{500, 259}, ir.Shape{1, 1}}, {ir.Shape{70001}, ir.Shape{1}, ir.Shape{70001}, ir.Shape{2}},
	} {
		y := op.Slice(f32("x", c.shape...), c.start, c.limit, c.stride)
		s.check(t, y, nil, exact)
		s.check(t, op.Slice(i32("x", c.shape...), c.start, c.limit, c.stride), nil, exact)
		s.check(t, op.PadBetween(f32("x", y.Shape...), c.start, c.start, c.stride, -2.5), nil, exact)
		s.check(t, op.PadBetween(i32("x", y.Shape...), c.stride, c.start, c.start, 7), nil, exact)
		s.check(t, op.Pad(f32("x", c.shape...), c.stride, c.start, inf), nil, exact)
	}
	for _, c := range []struct {
		axis   int
		shapes []ir.Shape
	}{
		{0, []ir.Shape{{3}}}, {0, []ir.Shape{{1}, {0}, {5}}}, {1, []ir.Shape{{2, 3}, {2, 1}, {2, 4}}}, {0, []ir.Shape{{2, 3}, {4, 3}}},
		{1, []ir.Shape{{2, 1, 5}, {2, 3, 5}}}, {2, []ir.Shape{{2, 3, 1}, {2, 3, 1}, {2, 3, 1}}}, {1, []ir.Shape{{300, 200}, {300, 3}}},
		{1, []ir.Shape{{0, 2}, {0, 3}}},
	} {
		var floats, ints []*ir.Value
		for i, shape := range c.shapes {
			floats, ints = append(floats, f32(name("x", i), shape...)), append(ints, i32(name("x", i), shape...))
		}
		s.check(t, op.Concat(c.axis, floats...), nil, exact)
		s.check(t, op.Concat(c.axis, ints...), nil, exact)
	}
	x := f32("x", 3, 4)
	s.check(t, op.Concat(1, x, x, op.Neg(x)), nil, exact)
}

// along works on lines along each axis of some shapes.
func (s *suite) along(t T) {
	for _, shape := range []ir.Shape{{1}, {9}, {13, 17}, {2, 3, 5}, {2, 0, 3}, {301, 129}, {4099}, {6001, 2}} {
		for axis := range shape {
			for _, flag := range []bool{false, true} {
				s.check(t, op.CumSum(f32("x", shape...), axis, flag), nil, tolerance{1e-4, 2e-5})
				s.check(t, op.CumSum(i32("x", shape...), axis, flag), nil, exact)
				s.check(t, op.ArgSort(f32("x", shape...), axis, flag), nil, exact)
				s.check(t, op.ArgSort(i32("x", shape...), axis, flag), nil, exact)
			}
			sizes := []int{0, 1, 4, shape[axis] + 3}
			if shape[axis] == 0 {
				sizes = sizes[:1] // there is nothing to choose
			}
			for _, n := range sizes {
				index := append(ir.Shape{}, shape...)
				index[axis] = n
				s.check(t, op.TakeAlong(f32("x", shape...), i32("i", index...), axis), nil, exact)
				s.check(t, op.TakeAlong(i32("x", shape...), i32("i", index...), axis), nil, exact)
				s.check(t, op.AddAlong(i32("i", index...), f32("x", index...), axis, shape[axis]), nil, tolerance{2e-4, 2e-4})
				s.check(t, op.AddAlong(i32("i", index...), i32("x", index...), axis, shape[axis]), nil, exact)
			}
		}
	}
	given := data{"x": {3, nan, 1, inf, 3, negZero, 0, -inf, nan, 1}}
	for _, descending := range []bool{false, true} {
		s.check(t, op.ArgSort(f32("x", 10), 0, descending), given, exact)
		s.check(t, op.ArgSort(f32("x", 2, 5), 0, descending), given, exact)
	}
	s.check(t, op.CumSum(i32("x", 3), 0, false), data{"x": {2147483647, 1, 5}}, exact)
	far := data{"i": {0, 4, 5, -1, 2147483647, -2147483648}}
	s.check(t, op.TakeAlong(f32("x", 5), i32("i", 6), 0), far, exact)
	s.check(t, op.AddAlong(i32("i", 6), f32("x", 6), 0, 5), far, single)
}
