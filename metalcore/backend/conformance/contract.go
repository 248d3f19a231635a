package conformance

import (
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// deep is the tolerance of sums of some thousand products.
var deep = tolerance{5e-4, 1e-4}

func (s *suite) matmul(t T) {
	for _, d := range [][3]int{
		{1, 1, 1}, {1, 7, 1}, {2, 3, 4}, {4, 2, 4}, {5, 1, 3}, {3, 5, 7}, {0, 3, 2}, {3, 0, 2}, {3, 2, 0}, {1, 300, 5}, {33, 17, 65},
		{64, 64, 64}, {65, 257, 66}, {127, 31, 3}, {2, 1031, 3}, {200, 300, 10},
	} {
		s.product(t, d[0], d[1], d[2], nil, nil)
	}
	for _, lead := range [][2]ir.Shape{{{3}, {3}}, {{2, 3}, {2, 3}}, {{3}, {}}, {{}, {3}}, {{0}, {}}, {{1}, {1}}, {{40}, {}}} {
		s.product(t, 5, 3, 7, lead[0], lead[1])
		s.product(t, 4, 6, 2, lead[0], lead[1])
	}
	x := f32("x", 9, 9)
	s.check(t, op.MatMul(x, x, false, true), nil, sums)
	given := data{"a": {1, nan, inf, 0, 2, -inf}, "b": {1, 2, 3, 4, 0, 6}}
	s.check(t, op.MatMul(f32("a", 2, 3), f32("b", 3, 2), false, false), given, single)
}

// product runs a matrix product with all four ways to store the operands.
func (s *suite) product(t T, m, k, n int, leadA, leadB ir.Shape) {
	t.Helper()
	for _, ta := range []bool{false, true} {
		for _, tb := range []bool{false, true} {
			a := slices.Concat(leadA, turned(m, k, ta))
			b := slices.Concat(leadB, turned(k, n, tb))
			s.check(t, op.MatMul(f32("a", a...), f32("b", b...), ta, tb), nil, deep)
		}
	}
}

func turned(rows, cols int, t bool) ir.Shape {
	if t {
		return ir.Shape{cols, rows}
	}
	return ir.Shape{rows, cols}
}

// convs are images, kernel and the way it slides: one pixel, one channel,
// LeNet-like, strides that leave a rest, pads on one side, dilation, a kernel
// that hangs over on all sides, and many channels.
var convs = []struct {
	x, k ir.Shape
	spec op.ConvSpec
}{
	{ir.Shape{1, 1, 1, 1}, ir.Shape{1, 1, 1, 1}, op.ConvSpec{}},
	{ir.Shape{2, 4, 5, 1}, ir.Shape{3, 3, 1, 2}, op.ConvSpec{}},
	{ir.Shape{3, 8, 8, 1}, ir.Shape{3, 3, 1, 16}, op.ConvSpec{Pad: []int{1, 1, 1, 1}}},
	{ir.Shape{2, 7, 9, 3}, ir.Shape{3, 2, 3, 5}, op.ConvSpec{Stride: []int{2, 3}}},
	{ir.Shape{2, 7, 6, 2}, ir.Shape{2, 3, 2, 3}, op.ConvSpec{Stride: []int{3, 1}, Pad: []int{0, 2, 1, 0}}},
	{ir.Shape{1, 9, 11, 2}, ir.Shape{3, 3, 2, 4}, op.ConvSpec{Dilation: []int{2, 3}, Pad: []int{1, 0, 2, 3}}},
	{ir.Shape{2, 9, 8, 3}, ir.Shape{2, 3, 3, 2}, op.ConvSpec{Stride: []int{2, 2}, Dilation: []int{3, 2}, Pad: []int{2, 1, 0, 1}}},
	{ir.Shape{2, 2, 2, 3}, ir.Shape{5, 5, 3, 2}, op.ConvSpec{Pad: []int{3, 3, 3, 3}}},
	{ir.Shape{1, 5, 5, 7}, ir.Shape{1, 1, 7, 9}, op.ConvSpec{}},
	{ir.Shape{1, 5, 5, 4}, ir.Shape{5, 5, 4, 3}, op.ConvSpec{}},
	{ir.Shape{2, 6, 6, 37}, ir.Shape{3, 3, 37, 11}, op.ConvSpec{Pad: []int{1, 1, 1, 1}}},
	{ir.Shape{0, 4, 4, 1}, ir.Shape{3, 3, 1, 2}, op.ConvSpec{}},
	{ir.Shape{5, 20, 20, 4}, ir.Shape{3, 3, 4, 6}, op.ConvSpec{}},
	// Groups: two of several channels, depthwise, two results for each channel.
	{ir.Shape{2, 6, 7, 6}, ir.Shape{3, 2, 3, 4}, op.ConvSpec{Groups: 2, Stride: []int{1, 2}, Pad: []int{1, 0, 2, 1}}},
	{ir.Shape{1, 9, 8, 5}, ir.Shape{3, 3, 1, 5}, op.ConvSpec{Groups: 5, Pad: []int{1, 1, 1, 1}, Dilation: []int{1, 2}}},
	{ir.Shape{3, 5, 5, 3}, ir.Shape{2, 2, 1, 6}, op.ConvSpec{Groups: 3}},
	{ir.Shape{4, 17, 19, 32}, ir.Shape{3, 3, 1, 32}, op.ConvSpec{Groups: 32, Stride: []int{2, 2}}},
	{ir.Shape{0, 4, 4, 2}, ir.Shape{3, 3, 1, 2}, op.ConvSpec{Groups: 2}},
}

func (s *suite) conv(t T) {
	for _, c := range convs {
		y := op.Conv2D(f32("x", c.x...), f32("k", c.k...), c.spec)
		g := f32("g", y.Shape...)
		s.check(t, y, nil, deep)
		s.check(t, op.Conv2DGradInput(g, f32("k", c.k...), c.x, c.spec), nil, deep)
		s.check(t, op.Conv2DGradKernel(f32("x", c.x...), g, c.k, c.spec), nil, deep)
	}
}

func (s *suite) pool(t T) {
	for _, c := range []struct {
		x    ir.Shape
		spec op.PoolSpec
	}{
		{ir.Shape{1, 1, 1, 1}, op.PoolSpec{Window: []int{1, 1}}},
		{ir.Shape{2, 6, 6, 3}, op.PoolSpec{Window: []int{2, 2}}},
		{ir.Shape{2, 7, 5, 1}, op.PoolSpec{Window: []int{2, 3}}},
		{ir.Shape{2, 7, 8, 2}, op.PoolSpec{Window: []int{3, 3}, Stride: []int{1, 2}, Pad: []int{1, 2, 2, 1}}},
		{ir.Shape{1, 5, 5, 2}, op.PoolSpec{Window: []int{2, 2}, Stride: []int{3, 3}}},
		{ir.Shape{1, 4, 6, 5}, op.PoolSpec{Window: []int{4, 6}}},
		{ir.Shape{0, 4, 4, 1}, op.PoolSpec{Window: []int{2, 2}}},
		{ir.Shape{2, 7, 6, 8}, op.PoolSpec{Window: []int{3, 2}, Stride: []int{2, 1}, Pad: []int{1, 1, 1, 0}}},
		{ir.Shape{9, 32, 32, 8}, op.PoolSpec{Window: []int{2, 2}}},
	} {
		x := f32("x", c.x...)
		y := op.MaxPool2D(x, c.spec)
		s.check(t, y, nil, exact)
		s.check(t, op.MaxPool2DGrad(x, y, f32("g", y.Shape...), c.spec), nil, single)
		for _, countPad := range []bool{false, true} {
			s.check(t, op.AvgPool2D(x, c.spec, countPad), nil, sums)
			s.check(t, op.AvgPool2DGrad(f32("g", y.Shape...), c.x, c.spec, countPad), nil, sums)
		}
		s.check(t, op.MaxPool2DGrad(x, y, f32("g", y.Shape...), c.spec), data{"x": make([]float64, c.x.Elems())}, single)
	}
	t.Run("special", func(t T) {
		x := f32("x", 1, 2, 6, 1)
		given := data{"x": {1, nan, -inf, -inf, inf, 2, 3, 0, -inf, -inf, 1, 1}}
		s.check(t, op.MaxPool2D(x, op.PoolSpec{Window: []int{2, 2}}), given, exact)
	})
}
