package nb

import (
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// Add, Sub, Mul, Div and Pow work element by element with a tensor or a
// number, whose shapes are broadcast as in NumPy. Maximum and Minimum take the
// larger and the smaller element.
func (t *Tensor) Add(x any) *Tensor     { return t.binary("add", x, op.Add) }
func (t *Tensor) Sub(x any) *Tensor     { return t.binary("sub", x, op.Sub) }
func (t *Tensor) Mul(x any) *Tensor     { return t.binary("mul", x, op.Mul) }
func (t *Tensor) Div(x any) *Tensor     { return t.binary("div", x, op.Div) }
func (t *Tensor) Pow(x any) *Tensor     { return t.binary("pow", x, op.Pow) }
func (t *Tensor) Maximum(x any) *Tensor { return t.binary("maximum", x, op.Max) }
func (t *Tensor) Minimum(x any) *Tensor { return t.binary("minimum", x, op.Min) }

// Eq, Lt and Le compare element by element; the result is 1 where it holds and
// 0 elsewhere, of type i32.
func (t *Tensor) Eq(x any) *Tensor { return t.binary("eq", x, op.Eq) }
func (t *Tensor) Lt(x any) *Tensor { return t.binary("lt", x, op.Lt) }
func (t *Tensor) Le(x any) *Tensor { return t.binary("le", x, op.Le) }

// Where is a where t, a condition of type i32, is not 0, and b elsewhere.
func (t *Tensor) Where(a *Tensor, b any) *Tensor {
	o := a.operand("where", b)
	return apply("where", []*Tensor{t, a, o}, func() *ir.Value { return op.Select(t.v, a.v, o.v) })
}

// Neg, Exp, Log, Sqrt and Abs work element by element.
func (t *Tensor) Neg() *Tensor  { return t.unary("neg", op.Neg) }
func (t *Tensor) Exp() *Tensor  { return t.unary("exp", op.Exp) }
func (t *Tensor) Log() *Tensor  { return t.unary("log", op.Log) }
func (t *Tensor) Sqrt() *Tensor { return t.unary("sqrt", op.Sqrt) }
func (t *Tensor) Abs() *Tensor  { return t.unary("abs", op.Abs) }

// Float and Int convert the elements; Int cuts off what is behind the point.
func (t *Tensor) Float() *Tensor {
	return t.unary("float", func(v *ir.Value) *ir.Value { return op.Cast(v, ir.F32) })
}

// Int converts to i32.
func (t *Tensor) Int() *Tensor {
	return t.unary("int", func(v *ir.Value) *ir.Value { return op.Cast(v, ir.I32) })
}

// MatMul is the matrix product over the last two axes.
func (t *Tensor) MatMul(x *Tensor) *Tensor {
	return t.binary("matmul", x, func(a, b *ir.Value) *ir.Value { return op.MatMul(a, b, false, false) })
}

// Sum, Mean and Max reduce over the axes, over all of them when none is given.
// The axes are gone from the result.
func (t *Tensor) Sum(axes ...int) *Tensor {
	return t.unary("sum", func(v *ir.Value) *ir.Value { return op.Sum(v, false, axes...) })
}

// Mean reduces to the arithmetic mean.
func (t *Tensor) Mean(axes ...int) *Tensor {
	return t.unary("mean", func(v *ir.Value) *ir.Value { return op.Mean(v, false, axes...) })
}

// Max reduces to the largest element.
func (t *Tensor) Max(axes ...int) *Tensor {
	return t.unary("max", func(v *ir.Value) *ir.Value { return op.MaxOver(v, false, axes...) })
}

// ArgMax is the index of the first largest element along an axis, of type i32.
func (t *Tensor) ArgMax(axis int) *Tensor {
	return t.unary("argmax", func(v *ir.Value) *ir.Value { return op.ArgMax(v, axis) })
}

// Reshape gives the elements another shape. In a model the sizes are those of
// one row: the batch stays in front.
func (t *Tensor) Reshape(shape ...int) *Tensor {
	return t.unary("reshape", func(v *ir.Value) *ir.Value {
		if v.Shape.HasBatch() && v.Shape[0] < 0 {
			shape = append([]int{v.Shape[0]}, shape...)
		}
		return op.Reshape(v, shape)
	})
}

// Transpose reorders the axes; without arguments it reverses them.
func (t *Tensor) Transpose(axes ...int) *Tensor {
	return t.unary("transpose", func(v *ir.Value) *ir.Value {
		if len(axes) == 0 {
			for i := len(v.Shape) - 1; i >= 0; i-- {
				axes = append(axes, i)
			}
		}
		return op.Transpose(v, axes...)
	})
}

// Take gathers rows by index: of t [n, rest...] and i32 indices [k...] it makes
// [k..., rest...].
func (t *Tensor) Take(index *Tensor) *Tensor {
	return t.binary("take", index, op.Gather)
}
