package nb

import (
	"math"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// Add, Sub, Mul, Div and Pow work element by element with a tensor or a
// number, whose shapes are broadcast as in NumPy. Integers that meet floats
// become floats; Div and Pow always make floats. Maximum and Minimum take the
// larger and the smaller element, NaN where one is NaN.
func (t *Tensor) Add(x any) *Tensor     { return t.binary("add", x, op.Add) }
func (t *Tensor) Sub(x any) *Tensor     { return t.binary("sub", x, op.Sub) }
func (t *Tensor) Mul(x any) *Tensor     { return t.binary("mul", x, op.Mul) }
func (t *Tensor) Div(x any) *Tensor     { return t.binary("div", x, ofFloats(op.Div)) }
func (t *Tensor) Pow(x any) *Tensor     { return t.binary("pow", x, ofFloats(op.Pow)) }
func (t *Tensor) Maximum(x any) *Tensor { return t.binary("maximum", x, op.Max) }
func (t *Tensor) Minimum(x any) *Tensor { return t.binary("minimum", x, op.Min) }

// FloorDiv is the largest whole number that is not above the quotient, and Mod
// what it leaves, which has the sign of x: those of Python. Integers stay
// integers, and of x = 0 FloorDiv is 0 then.
func (t *Tensor) FloorDiv(x any) *Tensor { return t.binary("floordiv", x, floorDiv) }
func (t *Tensor) Mod(x any) *Tensor {
	return t.binary("mod", x, func(a, b *ir.Value) *ir.Value { return op.Sub(a, op.Mul(floorDiv(a, b), b)) })
}

func floorDiv(a, b *ir.Value) *ir.Value {
	if a.DType.Float() {
		return op.Floor(op.Div(a, b))
	}
	q := op.Div(a, b)
	rest := op.Sub(a, op.Mul(q, b))
	below := op.Lt(op.Mul(sign(rest), sign(b)), ir.Const(0, a.DType))
	return op.Sub(q, op.Cast(below, a.DType))
}

// ofFloats is a function of two operands that are made floats.
func ofFloats(f func(a, b *ir.Value) *ir.Value) func(a, b *ir.Value) *ir.Value {
	return func(a, b *ir.Value) *ir.Value { return f(floating(a), floating(b)) }
}

// Eq, Ne, Lt, Le, Gt and Ge compare element by element; the result is of type
// bool.
func (t *Tensor) Eq(x any) *Tensor { return t.binary("eq", x, op.Eq) }
func (t *Tensor) Ne(x any) *Tensor { return t.binary("ne", x, ne) }
func (t *Tensor) Lt(x any) *Tensor { return t.binary("lt", x, op.Lt) }
func (t *Tensor) Le(x any) *Tensor { return t.binary("le", x, op.Le) }
func (t *Tensor) Gt(x any) *Tensor { return t.binary("gt", x, flipped(op.Lt)) }
func (t *Tensor) Ge(x any) *Tensor { return t.binary("ge", x, flipped(op.Le)) }

func ne(a, b *ir.Value) *ir.Value { return not(op.Eq(a, b)) }

func not(v *ir.Value) *ir.Value { return op.Eq(v, ir.Const(0, v.DType)) }

func flipped(f func(a, b *ir.Value) *ir.Value) func(a, b *ir.Value) *ir.Value {
	return func(a, b *ir.Value) *ir.Value { return f(b, a) }
}

// truth is true where v is not 0; NaN is not 0.
func truth(v *ir.Value) *ir.Value {
	if v.DType == ir.Bool {
		return v
	}
	return op.Cast(v, ir.Bool)
}

// And, Or and Not take what is not 0 for true; their results are as those of
// comparisons.
func (t *Tensor) And(x any) *Tensor {
	return t.binary("and", x, func(a, b *ir.Value) *ir.Value { return op.Min(truth(a), truth(b)) })
}

// Or is true where one of both is not 0.
func (t *Tensor) Or(x any) *Tensor {
	return t.binary("or", x, func(a, b *ir.Value) *ir.Value { return op.Max(truth(a), truth(b)) })
}

// Not is true where t is 0.
func (t *Tensor) Not() *Tensor { return t.unary("not", not) }

// IsNaN is true where an element is NaN.
func (t *Tensor) IsNaN() *Tensor {
	return t.unary("isnan", func(v *ir.Value) *ir.Value { return ne(v, v) })
}

// IsFinite is true where an element is neither NaN nor infinite.
func (t *Tensor) IsFinite() *Tensor { return t.floats("isfinite", op.IsFinite) }

// Where is a where t is not 0, and b elsewhere; a and b are tensors or numbers.
func (t *Tensor) Where(a, b any) *Tensor {
	like := &Tensor{v: ir.Const(0, ir.F32)}
	for _, x := range []any{a, b} {
		if y, ok := x.(*Tensor); ok && y != nil {
			like = y
		}
	}
	x, y := like.operand("where", a), like.operand("where", b)
	return apply("where", []*Tensor{t, x, y}, func() *ir.Value {
		u, v := alike(x.v, y.v)
		return op.Select(truth(t.v), u, v)
	})
}

// Clip keeps the elements within lo and hi.
func (t *Tensor) Clip(lo, hi any) *Tensor { return t.Maximum(lo).Minimum(hi) }

// floats applies a function of floats, which integers become before.
func (t *Tensor) floats(kind string, f func(*ir.Value) *ir.Value) *Tensor {
	return t.unary(kind, func(v *ir.Value) *ir.Value { return f(floating(v)) })
}

// Neg, Abs, Sign and Square work element by element.
func (t *Tensor) Neg() *Tensor { return t.unary("neg", neg) }
func (t *Tensor) Abs() *Tensor {
	return t.unary("abs", func(v *ir.Value) *ir.Value {
		switch {
		case v.DType == ir.U8:
			return v
		case !v.DType.Float():
			return op.Max(v, neg(v))
		}
		return op.Abs(v)
	})
}
func (t *Tensor) Square() *Tensor {
	return t.unary("square", func(v *ir.Value) *ir.Value { return op.Mul(v, v) })
}

// Sign is -1, 0 or 1.
func (t *Tensor) Sign() *Tensor { return t.unary("sign", sign) }

func neg(v *ir.Value) *ir.Value {
	if !v.DType.Float() {
		return op.Sub(ir.Const(0, v.DType), v)
	}
	return op.Neg(v)
}

func sign(v *ir.Value) *ir.Value {
	if v.DType.Float() {
		return op.Sign(v)
	}
	zero := ir.Const(0, v.DType)
	return op.Sub(op.Cast(op.Lt(zero, v), v.DType), op.Cast(op.Lt(v, zero), v.DType))
}

// Exp, Expm1 (exp(x)-1), Log, Log1p (log(1+x)), Log2, Log10, Sqrt, Rsqrt
// (1/sqrt(x)) and Erf (the error function) work element by element. Integers
// become floats.
func (t *Tensor) Exp() *Tensor   { return t.floats("exp", op.Exp) }
func (t *Tensor) Expm1() *Tensor { return t.floats("expm1", op.Expm1) }
func (t *Tensor) Log() *Tensor   { return t.floats("log", op.Log) }
func (t *Tensor) Log1p() *Tensor { return t.floats("log1p", op.Log1p) }
func (t *Tensor) Log2() *Tensor  { return t.floats("log2", scaled(op.Log, 1/math.Ln2)) }
func (t *Tensor) Log10() *Tensor { return t.floats("log10", scaled(op.Log, 1/math.Ln10)) }
func (t *Tensor) Sqrt() *Tensor  { return t.floats("sqrt", op.Sqrt) }
func (t *Tensor) Rsqrt() *Tensor { return t.floats("rsqrt", op.Rsqrt) }
func (t *Tensor) Erf() *Tensor   { return t.floats("erf", op.Erf) }

func scaled(f func(*ir.Value) *ir.Value, by float64) func(*ir.Value) *ir.Value {
	return func(v *ir.Value) *ir.Value { return op.Mul(f(v), ir.Const(by, v.DType)) }
}

// Sin, Cos and Tan take radians; Sinh and Cosh are the hyperbolic ones, beside
// Tanh.
func (t *Tensor) Sin() *Tensor { return t.floats("sin", op.Sin) }
func (t *Tensor) Cos() *Tensor { return t.floats("cos", op.Cos) }
func (t *Tensor) Tan() *Tensor {
	return t.floats("tan", func(v *ir.Value) *ir.Value { return op.Div(op.Sin(v), op.Cos(v)) })
}

// Asin, Acos and Atan are the angles whose sine, cosine or tangent is t, and
// Atan2 is that of the point with height t above x, from -pi to pi; in radians.
func (t *Tensor) Asin() *Tensor {
	return t.floats("asin", func(v *ir.Value) *ir.Value {
		one := ir.Const(1, v.DType)
		return twice(op.Atan(op.Div(v, op.Add(one, op.Sqrt(op.Mul(op.Sub(one, v), op.Add(one, v)))))))
	})
}

// Acos is the angle whose cosine is t.
func (t *Tensor) Acos() *Tensor {
	return t.floats("acos", func(v *ir.Value) *ir.Value {
		one := ir.Const(1, v.DType)
		return twice(op.Atan(op.Sqrt(op.Div(op.Sub(one, v), op.Add(one, v)))))
	})
}

// Atan is the angle whose tangent is t.
func (t *Tensor) Atan() *Tensor { return t.floats("atan", op.Atan) }

// Atan2 is the angle of the point with height t above x.
func (t *Tensor) Atan2(x any) *Tensor {
	return t.binary("atan2", x, ofFloats(func(y, x *ir.Value) *ir.Value {
		zero, turn := ir.Const(0, x.DType), ir.Const(math.Pi, x.DType)
		// Of the quotients the one below 1 is taken, so that x or y may be 0.
		flat := op.Le(op.Abs(y), op.Abs(x))
		over := op.Select(op.Eq(op.Max(op.Abs(x), op.Abs(y)), zero), ir.Const(1, x.DType), op.Select(flat, x, y))
		angle := op.Atan(op.Div(op.Select(flat, y, x), over))
		beside := op.Select(op.Lt(x, zero), op.Select(op.Lt(y, zero), op.Neg(turn), turn), zero)
		above := op.Select(op.Lt(y, zero), ir.Const(-math.Pi/2, x.DType), ir.Const(math.Pi/2, x.DType))
		return op.Select(flat, op.Add(angle, beside), op.Sub(above, angle))
	}))
}

func twice(v *ir.Value) *ir.Value { return op.Mul(v, ir.Const(2, v.DType)) }

// Sinh is (e^x - e^-x) / 2, by e^x - 1 so that small x are exact.
func (t *Tensor) Sinh() *Tensor {
	return t.floats("sinh", func(v *ir.Value) *ir.Value {
		return op.Mul(op.Sub(op.Expm1(v), op.Expm1(op.Neg(v))), ir.Const(0.5, v.DType))
	})
}

// Cosh is (e^x + e^-x) / 2.
func (t *Tensor) Cosh() *Tensor {
	return t.floats("cosh", func(v *ir.Value) *ir.Value {
		return op.Mul(op.Add(op.Exp(v), op.Exp(op.Neg(v))), ir.Const(0.5, v.DType))
	})
}

// Floor, Ceil, Round (halves to the even number) and Trunc (towards 0) make
// whole numbers, still as floats.
func (t *Tensor) Floor() *Tensor { return t.floats("floor", op.Floor) }
func (t *Tensor) Ceil() *Tensor  { return t.floats("ceil", ceil) }
func (t *Tensor) Round() *Tensor { return t.floats("round", op.Round) }
func (t *Tensor) Trunc() *Tensor {
	return t.floats("trunc", func(v *ir.Value) *ir.Value {
		return op.Select(op.Lt(v, ir.Const(0, v.DType)), ceil(v), op.Floor(v))
	})
}

func ceil(v *ir.Value) *ir.Value { return op.Neg(op.Floor(op.Neg(v))) }

// Float and Int convert the elements; Int cuts off what is behind the point.
func (t *Tensor) Float() *Tensor {
	return t.unary("float", func(v *ir.Value) *ir.Value { return op.Cast(v, ir.F32) })
}

// Int converts to i32.
func (t *Tensor) Int() *Tensor {
	return t.unary("int", func(v *ir.Value) *ir.Value { return op.Cast(v, ir.I32) })
}
