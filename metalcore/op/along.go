package op

import (
	"fmt"
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// CumSum is the sum of the elements up to and with each one along an axis, or
// from each one to the end if reverse.
func CumSum(a *ir.Value, axis int, reverse bool) *ir.Value {
	return build("cumsum", ir.Attrs{"axis": normAxis(a, axis), "reverse": reverse}, a)
}

// CumProd is the product of the elements up to and with each one along an
// axis. Each is multiplied with what lies 1, 2, 4, ... places before it, so
// that the gradient is right also where elements are 0.
func CumProd(a *ir.Value, axis int) *ir.Value {
	y := CumSum(a, axis, false) // checks the axis
	axis = y.Int("axis")
	n := a.Shape[axis]
	if n < 0 {
		panic(fail(&ir.Value{Op: "cumprod", In: []*ir.Value{a}}, BadAttr, fmt.Sprintf("axis %d depends on the batch", axis), "use another axis"))
	}
	y = a
	for before := 1; before < n; before *= 2 {
		low := make([]int, len(a.Shape))
		low[axis] = before
		y = Mul(y, Pad(SliceAxis(y, axis, 0, n-before), low, make([]int, len(low)), 1))
	}
	return y
}

// TakeAlong picks elements along an axis by an index (i32, i64 or u8) that has the axes of
// a, of the same sizes but for that axis. An index outside takes the nearest.
func TakeAlong(a, index *ir.Value, axis int) *ir.Value {
	return build("take_along", ir.Attrs{"axis": normAxis(a, axis)}, a, index)
}

// AddAlong adds elements x into zeros that have n elements along the axis, each
// at the place that the index names: it is the gradient of TakeAlong.
func AddAlong(index, x *ir.Value, axis, n int) *ir.Value {
	return build("add_along", ir.Attrs{"axis": normAxis(index, axis), "n": n}, index, x)
}

// ArgSort is the order of the elements along an axis: their indices, of the
// smallest first, or of the largest if descending. Equal ones stay as they
// stand; NaN counts as the largest.
func ArgSort(a *ir.Value, axis int, descending bool) *ir.Value {
	return build("argsort", ir.Attrs{"axis": normAxis(a, axis), "descending": descending}, a)
}

// Sort puts the elements along an axis in order.
func Sort(a *ir.Value, axis int, descending bool) *ir.Value {
	return TakeAlong(a, ArgSort(a, axis, descending), axis)
}

func alongOps() []Op {
	axis := Attr{"axis", IntAttr}
	return []Op{
		{Name: "cumsum", Doc: `y[i] = sum of x[0] to x[i] along "axis"; of x[i] to the last if "reverse"`, Class: Reduce, Arity: 1,
			Attrs: []Attr{axis, {"reverse", BoolAttr}}, Shape: cumSumShape,
			Grad: func(v, g *ir.Value) []*ir.Value {
				return []*ir.Value{CumSum(g, v.Int("axis"), !v.Bool("reverse"))}
			}},
		{Name: "take_along", Doc: `y[..,i,..] = x[.., clamp(index[..,i,..], 0, N-1), ..] along "axis"`, Class: Index, Arity: 2,
			Attrs: []Attr{axis}, Shape: takeAlongShape,
			Grad: func(v, g *ir.Value) []*ir.Value {
				at := v.Int("axis")
				return []*ir.Value{AddAlong(v.In[1], g, at, v.In[0].Shape[at]), nil}
			}},
		{Name: "add_along", Doc: `y[.., clamp(index[..,i,..], 0, "n"-1), ..] += x[..,i,..] along "axis", y = 0 before`, Class: Index, Arity: 2,
			Attrs: []Attr{axis, {"n", IntAttr}}, Shape: addAlongShape,
			Grad: func(v, g *ir.Value) []*ir.Value {
				return []*ir.Value{nil, TakeAlong(g, v.In[0], v.Int("axis"))}
			}},
		{Name: "argsort", Doc: `indices (i32) of x along "axis" from the smallest to the largest, or the other way if "descending"; stable`,
			Class: Index, Arity: 1, Attrs: []Attr{axis, {"descending", BoolAttr}},
			Shape: func(v *ir.Value) (ir.DType, ir.Shape, error) {
				return ir.I32, slices.Clone(v.In[0].Shape), wantAxis(v, v.Int("axis"))
			}, NoGrad: integerResult},
	}
}

func cumSumShape(v *ir.Value) (ir.DType, ir.Shape, error) {
	if err := wantTotals(v, 0); err != nil {
		return 0, nil, err
	}
	return v.In[0].DType, slices.Clone(v.In[0].Shape), wantAxis(v, v.Int("axis"))
}

func takeAlongShape(v *ir.Value) (ir.DType, ir.Shape, error) {
	x, index, axis := v.In[0], v.In[1], v.Int("axis")
	if err := wantAxis(v, axis); err != nil {
		return 0, nil, err
	}
	if err := wantIndex(v, 1); err != nil {
		return 0, nil, err
	}
	if err := wantChoice(v, axis); err != nil {
		return 0, nil, err
	}
	return x.DType, slices.Clone(index.Shape), wantBeside(v, x.Shape, index.Shape, axis)
}

// wantBeside fails unless two shapes differ along the axis only.
func wantBeside(v *ir.Value, a, b ir.Shape, axis int) error {
	if len(a) != len(b) {
		return fail(v, BadRank, fmt.Sprintf("%s and %s have not as many axes", a, b), "reshape one of them")
	}
	for i := range a {
		if i != axis && a[i] != b[i] {
			return fail(v, SizesDiffer, fmt.Sprintf("axis %d is %s and %s", i, dim(a[i]), dim(b[i])),
				fmt.Sprintf("only axis %d may differ", axis))
		}
	}
	return nil
}

func addAlongShape(v *ir.Value) (ir.DType, ir.Shape, error) {
	index, x, axis := v.In[0], v.In[1], v.Int("axis")
	if err := wantAxis(v, axis); err != nil {
		return 0, nil, err
	}
	if err := wantIndex(v, 0); err != nil {
		return 0, nil, err
	}
	if err := wantTotals(v, 1); err != nil {
		return 0, nil, err
	}
	if !index.Shape.Equal(x.Shape) {
		return 0, nil, fail(v, SizesDiffer, fmt.Sprintf("the index %s is not one for each element %s", index.Shape, x.Shape),
			"give as many of both")
	}
	if err := wantPlaces(v); err != nil {
		return 0, nil, err
	}
	out := slices.Clone(x.Shape)
	out[axis] = v.Int("n")
	return x.DType, out, nil
}
