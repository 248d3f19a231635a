package op

import (
	"fmt"
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// Sum adds the elements along axes, all when none are named. Negative axes
// count from the end. With keep the axes stay, with size 1.
func Sum(a *ir.Value, keep bool, axes ...int) *ir.Value { return reduce("reduce_sum", a, keep, axes) }

// MaxOver is the largest element along axes; of bools it says whether any is
// true. Elements that are equally large
// share its gradient, as in PyTorch.
func MaxOver(a *ir.Value, keep bool, axes ...int) *ir.Value {
	return reduce("reduce_max", a, keep, axes)
}

// MinOver is the smallest element along axes; of bools it says whether all are
// true. Elements that are equally small
// share its gradient, as in PyTorch.
func MinOver(a *ir.Value, keep bool, axes ...int) *ir.Value {
	return reduce("reduce_min", a, keep, axes)
}

// Prod is the product of the elements along axes. Its gradient is right also
// where elements are 0; its second derivative is right where none is.
func Prod(a *ir.Value, keep bool, axes ...int) *ir.Value { return reduce("reduce_prod", a, keep, axes) }

// Mean is the mean of the elements along axes. They may be the batch: the
// divisor is then the size of the batch that is bound.
func Mean(a *ir.Value, keep bool, axes ...int) *ir.Value { return reduce("reduce_mean", a, keep, axes) }

// ArgMax is the index (i32) of the largest element along an axis, the first of
// several; the axis goes away.
func ArgMax(a *ir.Value, axis int) *ir.Value {
	return build("argmax", ir.Attrs{"axis": normAxis(a, axis)}, a)
}

// AllFinite is true if no element of any of the operands is infinite or NaN. An
// optimizer asks before it takes a step.
func AllFinite(in ...*ir.Value) *ir.Value { return build("all_finite", nil, in...) }

func reduce(name string, a *ir.Value, keep bool, axes []int) *ir.Value {
	return build(name, ir.Attrs{"axes": normAxes(a, axes), "keep": keep}, a)
}

func reduceOps() []Op {
	attrs := []Attr{{"axes", IntsAttr}, {"keep", BoolAttr}}
	return []Op{
		{Name: "reduce_sum", Doc: `sum of x along "axes"`, Class: Reduce, Arity: 1, Attrs: attrs,
			Shape: totalShape, Grad: sumGrad},
		{Name: "reduce_max", Doc: `largest x along "axes"; equal ones share the gradient; NaN wins`, Class: Reduce,
			Arity: 1, Attrs: attrs, Shape: filledReduceShape, Grad: extremeGrad},
		{Name: "reduce_min", Doc: `smallest x along "axes"; equal ones share the gradient; NaN wins`, Class: Reduce,
			Arity: 1, Attrs: attrs, Shape: filledReduceShape, Grad: extremeGrad},
		{Name: "reduce_prod", Doc: `product of x along "axes"`, Class: Reduce, Arity: 1, Attrs: attrs,
			Shape: totalShape, Grad: prodGrad},
		{Name: "reduce_mean", Doc: `mean of x along "axes" = sum / number of elements`, Class: Reduce,
			Arity: 1, Attrs: attrs, Shape: meanShape, Grad: meanGrad},
		{Name: "all_finite", Doc: "true if no element of the operands is infinite or NaN", Class: Reduce, Arity: 1, Variadic: true,
			Shape:  func(v *ir.Value) (ir.DType, ir.Shape, error) { return ir.Bool, ir.Shape{}, wantFloats(v) },
			NoGrad: truthResult},
		{Name: "argmax", Doc: `index (i32) of the first largest x along "axis"`, Class: Reduce, Arity: 1,
			Attrs: []Attr{{"axis", IntAttr}}, Shape: argMaxShape, NoGrad: integerResult},
	}
}

func reduceShape(v *ir.Value) (ir.DType, ir.Shape, error) {
	x, axes, keep := v.In[0], v.Ints("axes"), v.Bool("keep")
	for i, axis := range axes {
		if err := wantAxis(v, axis); err != nil {
			return 0, nil, err
		}
		if i > 0 && axes[i-1] >= axis {
			return 0, nil, fail(v, BadAttr, fmt.Sprintf("the axes %v are not in order", axes), "name each axis once")
		}
	}
	out := ir.Shape{}
	for i, d := range x.Shape {
		switch {
		case !slices.Contains(axes, i):
			out = append(out, d)
		case keep:
			out = append(out, 1)
		}
	}
	return x.DType, out, nil
}

// totalShape demands numbers that can be added up.
func totalShape(v *ir.Value) (ir.DType, ir.Shape, error) {
	if err := wantTotals(v, 0); err != nil {
		return 0, nil, err
	}
	return reduceShape(v)
}

// filledReduceShape demands that there is something along the axes.
func filledReduceShape(v *ir.Value) (ir.DType, ir.Shape, error) {
	dtype, shape, err := reduceShape(v)
	if err != nil {
		return 0, nil, err
	}
	for _, axis := range v.Ints("axes") {
		if err := wantFilled(v, axis); err != nil {
			return 0, nil, err
		}
	}
	return dtype, shape, nil
}

func wantFilled(v *ir.Value, axis int) error {
	if v.In[0].Shape[axis] == 0 {
		return fail(v, EmptyAxis, fmt.Sprintf("axis %d is empty", axis), "give it at least one element")
	}
	return nil
}

func meanShape(v *ir.Value) (ir.DType, ir.Shape, error) {
	if err := wantFloats(v); err != nil {
		return 0, nil, err
	}
	return filledReduceShape(v)
}

func argMaxShape(v *ir.Value) (ir.DType, ir.Shape, error) {
	x, axis := v.In[0], v.Int("axis")
	if err := wantAxis(v, axis); err != nil {
		return 0, nil, err
	}
	if err := wantFilled(v, axis); err != nil {
		return 0, nil, err
	}
	return ir.I32, slices.Delete(slices.Clone(x.Shape), axis, axis+1), nil
}

// kept gives a reduced value, or its gradient, the reduced axes back as size 1.
func kept(v, y *ir.Value) *ir.Value {
	shape := slices.Clone(v.In[0].Shape)
	for _, axis := range v.Ints("axes") {
		shape[axis] = 1
	}
	return Reshape(y, shape)
}

func sumGrad(v, g *ir.Value) []*ir.Value {
	return []*ir.Value{Broadcast(kept(v, g), v.In[0].Shape)}
}

// extremeGrad: the elements that are the largest or smallest share g.
func extremeGrad(v, g *ir.Value) []*ir.Value {
	x, axes := v.In[0], v.Ints("axes")
	if len(axes) == 0 {
		return []*ir.Value{g}
	}
	chosen := Eq(x, kept(v, v))
	count := Sum(Cast(chosen, ir.F32), true, axes...) // which may be beyond a half
	each := as(Div(as(kept(v, g), ir.F32), count), v.DType)
	return []*ir.Value{Mul(Cast(chosen, v.DType), each)}
}

// prodGrad gives each element g times the product of all others. With one 0
// among them only that one has such a product that is not 0; with two none has.
func prodGrad(v, g *ir.Value) []*ir.Value {
	x, axes := v.In[0], v.Ints("axes")
	if len(axes) == 0 {
		return []*ir.Value{g}
	}
	zero, one := num(0, v), num(1, v)
	isZero := Eq(x, zero)
	filled := Select(isZero, one, x)
	product := Prod(filled, true, axes...)
	zeros := Sum(Cast(isZero, ir.F32), true, axes...)
	are := func(n float64) *ir.Value { return Cast(Eq(zeros, ir.Const(n, ir.F32)), v.DType) }
	others := Select(isZero, Mul(product, are(1)), Mul(Div(product, filled), are(0)))
	return []*ir.Value{Mul(kept(v, g), others)}
}

func meanGrad(v, g *ir.Value) []*ir.Value {
	each := as(Div(as(kept(v, g), ir.F32), count(v)), v.DType) // the count may be beyond a half
	return []*ir.Value{Broadcast(each, v.In[0].Shape)}
}

// count is the number of elements that a mean divides by. The batch is a sum of
// ones, so that it is right for every batch the graph is bound to.
func count(v *ir.Value) *ir.Value {
	n := 1
	for _, axis := range v.Ints("axes") {
		n *= v.In[0].Shape[axis]
	}
	if n < 0 {
		return Sum(ir.Const(float64(-n), ir.F32, ir.Batch), false)
	}
	return ir.Const(float64(n), ir.F32)
}
