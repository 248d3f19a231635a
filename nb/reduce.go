package nb

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// Sum, Prod, Mean, Max and Min reduce over the axes, over all of them when none
// is given. The axes are gone from the result; ExpandDims brings one back.
func (t *Tensor) Sum(axes ...int) *Tensor {
	return t.unary("sum", func(v *ir.Value) *ir.Value { return op.Sum(totals(v), false, axes...) })
}

// totals are numbers that sums are formed of: u8 and bool, whose sums would soon
// overflow, become i64.
func totals(v *ir.Value) *ir.Value {
	if v.DType == ir.U8 || v.DType == ir.Bool {
		return op.Cast(v, ir.I64)
	}
	return v
}

// Prod reduces to the product of the elements.
func (t *Tensor) Prod(axes ...int) *Tensor {
	return t.unary("prod", func(v *ir.Value) *ir.Value { return op.Prod(totals(v), false, axes...) })
}

// Mean reduces to the arithmetic mean, of integers, too.
func (t *Tensor) Mean(axes ...int) *Tensor {
	return t.floats("mean", func(v *ir.Value) *ir.Value { return op.Mean(v, false, axes...) })
}

// Max reduces to the largest element, NaN where one is NaN.
func (t *Tensor) Max(axes ...int) *Tensor {
	return t.unary("max", func(v *ir.Value) *ir.Value { return op.MaxOver(v, false, axes...) })
}

// Min reduces to the smallest element, NaN where one is NaN.
func (t *Tensor) Min(axes ...int) *Tensor {
	return t.unary("min", func(v *ir.Value) *ir.Value { return op.MinOver(v, false, axes...) })
}

// Var is the mean square distance from the mean, and Std its root. As in NumPy
// they divide by the number of elements, not by one less.
func (t *Tensor) Var(axes ...int) *Tensor {
	return t.floats("var", func(v *ir.Value) *ir.Value { return variance(v, axes) })
}

// Std is the standard deviation.
func (t *Tensor) Std(axes ...int) *Tensor {
	return t.floats("std", func(v *ir.Value) *ir.Value { return op.Sqrt(variance(v, axes)) })
}

func variance(v *ir.Value, axes []int) *ir.Value {
	d := op.Sub(v, op.Mean(v, true, axes...))
	return op.Mean(op.Mul(d, d), false, axes...)
}

// Any is 1 where an element along the axes is not 0, and All where none is;
// without elements Any is 0 and All is 1.
func (t *Tensor) Any(axes ...int) *Tensor {
	return t.unary("any", func(v *ir.Value) *ir.Value { return truth(op.Sum(op.Cast(truth(v), ir.I32), false, axes...)) })
}

// All is true where no element along the axes is 0.
func (t *Tensor) All(axes ...int) *Tensor {
	return t.unary("all", func(v *ir.Value) *ir.Value { return not(op.Sum(op.Cast(not(v), ir.I32), false, axes...)) })
}

// Norm is the root of the sum of squares: of a vector its length, of a matrix
// its Frobenius norm. Its gradient at 0 is 0, as in PyTorch.
func (t *Tensor) Norm(axes ...int) *Tensor {
	return t.floats("norm", func(v *ir.Value) *ir.Value {
		s, zero := op.Sum(op.Mul(v, v), false, axes...), ir.Const(0, v.DType)
		none := op.Eq(s, zero)
		return op.Select(none, zero, op.Sqrt(op.Select(none, ir.Const(1, v.DType), s)))
	})
}

// LogSumExp is log(sum of exp(x)) over the axes, without overflow.
func (t *Tensor) LogSumExp(axes ...int) *Tensor {
	return t.floats("logsumexp", func(v *ir.Value) *ir.Value {
		most := op.StopGradient(op.MaxOver(v, true, axes...))
		most = op.Select(op.IsFinite(most), most, ir.Const(0, v.DType))
		sum := op.Sum(op.Exp(op.Sub(v, most)), false, axes...)
		return op.Add(op.Log(sum), op.Reshape(most, sum.Shape))
	})
}

// ArgMax is the index of the first largest element along an axis, of type i32,
// and without an axis that among all elements. NaN is passed over.
func (t *Tensor) ArgMax(axis ...int) *Tensor {
	return t.unary("argmax", func(v *ir.Value) *ir.Value { return argMax(v, axis) })
}

// ArgMin is the index of the first smallest element, as ArgMax.
func (t *Tensor) ArgMin(axis ...int) *Tensor {
	return t.unary("argmin", func(v *ir.Value) *ir.Value {
		if !v.DType.Float() {
			v = totals(v)
			return argMax(op.Sub(ir.Const(-1, v.DType), v), axis) // -v of the least number is no i32
		}
		return argMax(op.Neg(v), axis)
	})
}

func argMax(v *ir.Value, axis []int) *ir.Value {
	if len(axis) == 0 {
		return op.ArgMax(op.Reshape(v, ir.Shape{v.Shape.Elems()}), 0)
	}
	return op.ArgMax(v, oneAxis("argmax", axis))
}

// oneAxis is the axis of a method that takes one.
func oneAxis(method string, axis []int) int {
	if len(axis) > 1 {
		argument("name one axis", "%s: %d axes", method, len(axis))
	}
	return axis[0]
}

// Sort puts the elements along an axis in order, the smallest first, and
// ArgSort gives their indices; SortDescending and ArgSortDescending begin with
// the largest. Equal elements stay as they stand; NaN counts as the largest.
func (t *Tensor) Sort(axis int) *Tensor {
	return t.unary("sort", func(v *ir.Value) *ir.Value { return op.Sort(v, axis, false) })
}

// SortDescending puts the largest first.
func (t *Tensor) SortDescending(axis int) *Tensor {
	return t.unary("sort", func(v *ir.Value) *ir.Value { return op.Sort(v, axis, true) })
}

// ArgSort is the order that Sort brings the elements in, of type i32.
func (t *Tensor) ArgSort(axis int) *Tensor {
	return t.unary("argsort", func(v *ir.Value) *ir.Value { return op.ArgSort(v, axis, false) })
}

// ArgSortDescending is the order of SortDescending.
func (t *Tensor) ArgSortDescending(axis int) *Tensor {
	return t.unary("argsort", func(v *ir.Value) *ir.Value { return op.ArgSort(v, axis, true) })
}

// TopK returns the k largest elements along an axis, the largest first, and
// their indices.
func (t *Tensor) TopK(k, axis int) (values, indices *Tensor) {
	axis = t.axis("topk", axis)
	if n := t.v.Shape[axis]; n >= 0 && (k < 0 || k > n) {
		argument("ask for as many as there are, or fewer", "topk: %d elements of axis %d of %s", k, axis, t.v.Type())
	}
	indices = t.unary("topk", func(v *ir.Value) *ir.Value { return op.SliceAxis(op.ArgSort(v, axis, true), axis, 0, k) })
	return t.TakeAlong(indices, axis), indices
}

// axis counts an axis from the start and raises an error when there is none.
func (t *Tensor) axis(method string, axis int) int {
	n := len(t.v.Shape)
	if axis < -n || axis >= n {
		remedy := "a tensor of one number has no axes"
		if n > 0 {
			remedy = fmt.Sprintf("use one of 0 to %d, or count from the end with -1 to -%d", n-1, n)
		}
		argument(remedy, "%s: there is no axis %d in %s", method, axis, t.v.Type())
	}
	return (axis + n) % n
}

// CumSum and CumProd are the sums and products of the elements up to and with
// each one along an axis.
func (t *Tensor) CumSum(axis int) *Tensor {
	return t.unary("cumsum", func(v *ir.Value) *ir.Value { return op.CumSum(totals(v), axis, false) })
}

// CumProd is the product of the elements up to and with each one.
func (t *Tensor) CumProd(axis int) *Tensor {
	return t.unary("cumprod", func(v *ir.Value) *ir.Value { return op.CumProd(totals(v), axis) })
}
