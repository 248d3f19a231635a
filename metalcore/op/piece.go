package op

import (
	"fmt"
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// Slice takes along each axis the elements start, start+stride, ... below
// limit. Axes that depend on the batch are taken whole: start 0, stride 1 and
// the axis itself as limit.
func Slice(a *ir.Value, start, limit, stride []int) *ir.Value {
	return build("slice", ir.Attrs{"start": ints(start), "limit": ints(limit), "stride": ints(stride)}, a)
}

// SliceAxis is Slice along one axis with stride 1: the elements from start up
// to, but without, limit. Negative numbers count from the axis' end.
func SliceAxis(a *ir.Value, axis, start, limit int) *ir.Value {
	axis = normAxis(a, axis)
	from, to, step := make([]int, rank(a)), []int{}, make([]int, rank(a))
	for i := range step {
		to, step[i] = append(to, a.Shape[i]), 1
	}
	if axis >= 0 && axis < rank(a) {
		from[axis], to[axis] = fromEnd(start, a.Shape[axis]), fromEnd(limit, a.Shape[axis])
	} else {
		from = append(from, start) // one too many: the shape rule refuses it
	}
	return Slice(a, from, to, step)
}

// fromEnd makes a negative place count from the start of an axis of size d.
func fromEnd(at, d int) int {
	if at < 0 && d > 0 {
		return at + d
	}
	return at
}

// Concat puts its operands one after the other along an axis; their other axes
// are the same.
func Concat(axis int, in ...*ir.Value) *ir.Value {
	if len(in) > 0 {
		axis = normAxis(in[0], axis)
	}
	return build("concat", ir.Attrs{"axis": axis}, in...)
}

// Pad adds elements of the given value at the ends of each axis: low before
// and high after it.
func Pad(a *ir.Value, low, high []int, value float64) *ir.Value {
	return PadBetween(a, low, high, make([]int, rank(a)), value)
}

// PadBetween is Pad that also puts interior elements between each two of an
// axis. It is the gradient of Slice.
func PadBetween(a *ir.Value, low, high, interior []int, value float64) *ir.Value {
	return build("pad", ir.Attrs{"low": ints(low), "high": ints(high), "interior": ints(interior), "value": value}, a)
}

func pieceOps() []Op {
	return []Op{
		{Name: "slice", Doc: `y[i,...] = x["start" + i "stride", ...] below "limit", for each axis`, Class: Move, Arity: 1,
			Attrs: []Attr{{"start", IntsAttr}, {"limit", IntsAttr}, {"stride", IntsAttr}}, Shape: sliceShape, Grad: sliceGrad},
		{Name: "concat", Doc: `the operands one after the other along "axis"`, Class: Move, Arity: 1, Variadic: true,
			Attrs: []Attr{{"axis", IntAttr}}, Shape: concatShape, Grad: concatGrad},
		{Name: "pad", Doc: `x with "low" elements "value" before, "high" after and "interior" between those of each axis`,
			Class: Move, Arity: 1, Attrs: []Attr{{"low", IntsAttr}, {"high", IntsAttr}, {"interior", IntsAttr}, {"value", FloatAttr}},
			Shape: padShape, Grad: padGrad},
	}
}

// wantEach fails unless the attribute has a number for each axis.
func wantEach(v *ir.Value, attrs ...string) error {
	for _, name := range attrs {
		if got, n := v.Ints(name), len(v.In[0].Shape); len(got) != n {
			return fail(v, BadAttr, fmt.Sprintf("%s %v has %d numbers", name, got, len(got)), fmt.Sprintf("give one for each of %d axes", n))
		}
	}
	return nil
}

func sliceShape(v *ir.Value) (ir.DType, ir.Shape, error) {
	if err := wantEach(v, "start", "limit", "stride"); err != nil {
		return 0, nil, err
	}
	out := slices.Clone(v.In[0].Shape)
	for i, d := range out {
		start, limit, stride := v.Ints("start")[i], v.Ints("limit")[i], v.Ints("stride")[i]
		switch {
		case d < 0 && (start != 0 || limit != d || stride != 1):
			return 0, nil, fail(v, BadAttr, fmt.Sprintf("axis %d depends on the batch and is cut", i), "cut the other axes only")
		case d >= 0 && (start < 0 || limit < start || limit > d || stride < 1 || stride > ir.MaxElems):
			return 0, nil, fail(v, BadAttr, fmt.Sprintf("%d to %d by %d is no part of axis %d of size %d", start, limit, stride, i, d),
				"use 0 <= start <= limit <= size and a positive stride")
		case d >= 0:
			out[i] = (limit - start + stride - 1) / stride
		}
	}
	return v.In[0].DType, out, nil
}

func sliceGrad(v, g *ir.Value) []*ir.Value {
	n := len(v.Shape)
	high, between := make([]int, n), make([]int, n)
	for i, d := range v.In[0].Shape {
		if d < 0 || v.Shape[i] == 0 {
			high[i] = max(0, d-v.Ints("start")[i])
			continue
		}
		between[i] = v.Ints("stride")[i] - 1
		high[i] = d - v.Ints("start")[i] - (v.Shape[i]-1)*v.Ints("stride")[i] - 1
	}
	return []*ir.Value{PadBetween(g, v.Ints("start"), high, between, 0)}
}

func concatShape(v *ir.Value) (ir.DType, ir.Shape, error) {
	axis := v.Int("axis")
	if err := wantAxis(v, axis); err != nil {
		return 0, nil, err
	}
	out := slices.Clone(v.In[0].Shape)
	out[axis] = 0
	for i, x := range v.In {
		if err := wantType(v, i, v.In[0].DType); err != nil {
			return 0, nil, err
		}
		if len(x.Shape) != len(out) {
			return 0, nil, fail(v, BadRank, fmt.Sprintf("operand %d has %d axes, the first one %d", i+1, len(x.Shape), len(out)),
				"reshape it")
		}
		for a, d := range x.Shape {
			switch {
			case a == axis && d < 0:
				return 0, nil, fail(v, BadAttr, fmt.Sprintf("axis %d depends on the batch", axis), "join along another axis")
			case a == axis:
				out[a] += d
			case d != out[a]:
				return 0, nil, fail(v, SizesDiffer, fmt.Sprintf("axis %d of operand %d is %s, of the first one %s", a, i+1, dim(d), dim(out[a])),
					fmt.Sprintf("only axis %d may differ", axis))
			}
		}
		if out[axis] > ir.MaxElems {
			return 0, nil, fail(v, BadResult, fmt.Sprintf("axis %d becomes too long", axis), "join less")
		}
	}
	return v.In[0].DType, out, nil
}

func concatGrad(v, g *ir.Value) []*ir.Value {
	axis, at := v.Int("axis"), 0
	var shares []*ir.Value
	for _, x := range v.In {
		n := x.Shape[axis]
		shares = append(shares, SliceAxis(g, axis, at, at+n))
		at += n
	}
	return shares
}

func padShape(v *ir.Value) (ir.DType, ir.Shape, error) {
	if err := wantEach(v, "low", "high", "interior"); err != nil {
		return 0, nil, err
	}
	out := slices.Clone(v.In[0].Shape)
	for i, d := range out {
		low, high, between := v.Ints("low")[i], v.Ints("high")[i], v.Ints("interior")[i]
		switch {
		case min(low, high, between) < 0 || max(low, high, between) > maxPad:
			return 0, nil, fail(v, BadAttr, fmt.Sprintf("axis %d is padded by %d before, %d after and %d between", i, low, high, between),
				"use numbers of at least 0; Slice makes an axis shorter")
		case d < 0 && max(low, high, between) > 0:
			return 0, nil, fail(v, BadAttr, fmt.Sprintf("axis %d depends on the batch and is padded", i), "pad the other axes only")
		case d > 1 && between > maxPad/(d-1):
			return 0, nil, fail(v, BadResult, fmt.Sprintf("axis %d becomes too long", i), "pad less")
		case d >= 0:
			out[i] = low + d + max(d-1, 0)*between + high
		}
	}
	return v.In[0].DType, out, nil
}

// maxPad keeps the sizes that pad adds up from overflowing.
const maxPad = ir.MaxElems

func padGrad(v, g *ir.Value) []*ir.Value {
	limit, stride := slices.Clone(v.Shape), make([]int, len(v.Shape))
	for i, d := range v.In[0].Shape {
		stride[i] = v.Ints("interior")[i] + 1
		if d >= 0 {
			limit[i] -= v.Ints("high")[i]
		}
	}
	return []*ir.Value{Slice(g, v.Ints("low"), limit, stride)}
}
