package op

import (
	"math"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// Neg is -x.
func Neg(a *ir.Value) *ir.Value { return build("neg", nil, a) }

// Exp is e to the power of x.
func Exp(a *ir.Value) *ir.Value { return build("exp", nil, a) }

// Log is the natural logarithm.
func Log(a *ir.Value) *ir.Value { return build("log", nil, a) }

// Log1p is log(1+x), exact for small x.
func Log1p(a *ir.Value) *ir.Value { return build("log1p", nil, a) }

// Expm1 is exp(x)-1, exact for small x.
func Expm1(a *ir.Value) *ir.Value { return build("expm1", nil, a) }

// Sqrt is the square root.
func Sqrt(a *ir.Value) *ir.Value { return build("sqrt", nil, a) }

// Rsqrt is 1/sqrt(x).
func Rsqrt(a *ir.Value) *ir.Value { return build("rsqrt", nil, a) }

// Erf is the error function, 2/sqrt(pi) times the integral of exp(-t^2) from 0
// to x.
func Erf(a *ir.Value) *ir.Value { return build("erf", nil, a) }

// Sin is the sine of x in radians.
func Sin(a *ir.Value) *ir.Value { return build("sin", nil, a) }

// Cos is the cosine of x in radians.
func Cos(a *ir.Value) *ir.Value { return build("cos", nil, a) }

// Atan is the angle in radians, within a quarter turn, whose tangent is x.
func Atan(a *ir.Value) *ir.Value { return build("atan", nil, a) }

// Abs is |x|. Its gradient at 0 is 0, as in PyTorch.
func Abs(a *ir.Value) *ir.Value { return build("abs", nil, a) }

// Sign is -1, 0 or 1. Its gradient is 0.
func Sign(a *ir.Value) *ir.Value { return build("sign", nil, a) }

// Tanh is the hyperbolic tangent.
func Tanh(a *ir.Value) *ir.Value { return build("tanh", nil, a) }

// Sigmoid is 1/(1+exp(-x)).
func Sigmoid(a *ir.Value) *ir.Value { return build("sigmoid", nil, a) }

// ReLU is max(x, 0). Its gradient at 0 is 0, as in PyTorch; NaN stays NaN.
func ReLU(a *ir.Value) *ir.Value { return build("relu", nil, a) }

// Floor is the largest whole number that is not above x. Its gradient is 0.
func Floor(a *ir.Value) *ir.Value { return build("floor", nil, a) }

// Round is the nearest whole number, the even one of two. Its gradient is 0.
func Round(a *ir.Value) *ir.Value { return build("round", nil, a) }

// IsFinite is true where x is neither infinite nor NaN.
func IsFinite(a *ir.Value) *ir.Value { return build("is_finite", nil, a) }

// Cast changes the element type. To integers it drops the fraction; numbers
// outside the range become the nearest one of it, and NaN becomes 0. To floats it
// rounds to nearest, the even one of two; to halves all numbers go by f32. A bool
// is 1 or 0 as a number, and a number is true unless it is 0.
func Cast(a *ir.Value, to ir.DType) *ir.Value {
	return build("cast", ir.Attrs{"to": to.String()}, a)
}

// StopGradient is x, and takes the gradient for a constant.
func StopGradient(a *ir.Value) *ir.Value { return build("stop_gradient", nil, a) }

// slope is the gradient of an elementwise function of one operand.
type slope = func(v, x, g *ir.Value) *ir.Value

func unaryOps() []Op {
	one := func(like *ir.Value) *ir.Value { return num(1, like) }
	return []Op{
		unary("neg", "-x", func(v, x, g *ir.Value) *ir.Value { return Neg(g) }),
		unary("exp", "e^x", func(v, x, g *ir.Value) *ir.Value { return Mul(g, v) }),
		unary("log", "natural logarithm of x", func(v, x, g *ir.Value) *ir.Value { return Div(g, x) }),
		unary("log1p", "log(1+x)", func(v, x, g *ir.Value) *ir.Value { return Div(g, Add(x, one(x))) }),
		unary("expm1", "e^x - 1", func(v, x, g *ir.Value) *ir.Value { return Mul(g, Add(v, one(v))) }),
		unary("sqrt", "square root of x", func(v, x, g *ir.Value) *ir.Value { return Div(Mul(g, num(0.5, v)), v) }),
		unary("rsqrt", "1 / square root of x", func(v, x, g *ir.Value) *ir.Value {
			return Mul(Mul(g, num(-0.5, v)), Mul(v, Mul(v, v)))
		}),
		unary("erf", "2/sqrt(pi) times the integral of e^-t^2 from 0 to x", func(v, x, g *ir.Value) *ir.Value {
			return Mul(Mul(g, num(2/math.Sqrt(math.Pi), x)), Exp(Neg(Mul(x, x))))
		}),
		unary("sin", "sine of x", func(v, x, g *ir.Value) *ir.Value { return Mul(g, Cos(x)) }),
		unary("cos", "cosine of x", func(v, x, g *ir.Value) *ir.Value { return Neg(Mul(g, Sin(x))) }),
		unary("atan", "angle whose tangent is x", func(v, x, g *ir.Value) *ir.Value {
			return Div(g, Add(one(x), Mul(x, x)))
		}),
		unary("abs", "|x|; gradient 0 at 0", func(v, x, g *ir.Value) *ir.Value { return Mul(g, Sign(x)) }),
		unary("sign", "-1, 0 or 1; gradient 0", flat),
		unary("tanh", "(e^x - e^-x) / (e^x + e^-x)", func(v, x, g *ir.Value) *ir.Value {
			return Mul(g, Sub(one(v), Mul(v, v)))
		}),
		unary("sigmoid", "1 / (1 + e^-x)", func(v, x, g *ir.Value) *ir.Value {
			return Mul(g, Mul(v, Sub(one(v), v)))
		}),
		unary("relu", "max(x, 0); gradient 0 at 0; NaN stays NaN", func(v, x, g *ir.Value) *ir.Value {
			return Select(Lt(num(0, v), v), g, num(0, v))
		}),
		unary("floor", "largest whole number <= x; gradient 0", flat),
		unary("round", "nearest whole number, the even one of two; gradient 0", flat),
		{Name: "stop_gradient", Doc: "x; gradient 0", Class: Elementwise, Arity: 1,
			Shape: func(v *ir.Value) (ir.DType, ir.Shape, error) { return v.In[0].DType, v.In[0].Shape, nil },
			Grad:  func(v, g *ir.Value) []*ir.Value { return []*ir.Value{nil} }},
		{Name: "is_finite", Doc: "true where x is neither infinite nor NaN", Class: Elementwise, Arity: 1,
			Shape:  func(v *ir.Value) (ir.DType, ir.Shape, error) { return ir.Bool, v.In[0].Shape, wantFloats(v) },
			NoGrad: truthResult},
		{Name: "cast", Doc: `x as another element type ("to"); to integers truncates, saturates, and turns NaN into 0`,
			Class: Elementwise, Arity: 1, Attrs: []Attr{{"to", StrAttr}}, Shape: castShape, Grad: castGrad},
	}
}

const integerResult = "the result is an integer"

// flat is the gradient of step functions: zero almost everywhere.
func flat(v, x, g *ir.Value) *ir.Value { return nil }

func unary(name, doc string, grad slope) Op {
	return Op{Name: name, Doc: doc, Class: Elementwise, Arity: 1,
		Shape: func(v *ir.Value) (ir.DType, ir.Shape, error) { return v.In[0].DType, v.In[0].Shape, wantFloats(v) },
		Grad:  func(v, g *ir.Value) []*ir.Value { return []*ir.Value{grad(v, v.In[0], g)} },
	}
}

func castShape(v *ir.Value) (ir.DType, ir.Shape, error) {
	to, err := ir.ParseDType(v.Str("to"))
	if err != nil {
		return 0, nil, fail(v, BadAttr, err.Error(), "cast to one of them")
	}
	return to, v.In[0].Shape, nil
}

// castGrad is reached only when the result is a float; what is none gets no
// gradient.
func castGrad(v, g *ir.Value) []*ir.Value {
	if from := v.In[0].DType; from.Float() {
		return []*ir.Value{as(g, from)}
	}
	return []*ir.Value{nil}
}
