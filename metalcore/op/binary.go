package op

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// Add is a+b. Like all functions of two operands here it broadcasts as NumPy
// does, and its operands have one element type.
func Add(a, b *ir.Value) *ir.Value { return build("add", nil, a, b) }

// Sub is a-b.
func Sub(a, b *ir.Value) *ir.Value { return build("sub", nil, a, b) }

// Mul is a*b.
func Mul(a, b *ir.Value) *ir.Value { return build("mul", nil, a, b) }

// Div is a/b. Of integers it drops the fraction, and x/0 is 0.
func Div(a, b *ir.Value) *ir.Value { return build("div", nil, a, b) }

// Max is the larger of a and b, NaN when one is NaN. Where they are equal each
// gets half the gradient, as in PyTorch.
func Max(a, b *ir.Value) *ir.Value { return build("max", nil, a, b) }

// Min is the smaller of a and b, NaN when one is NaN. Where they are equal each
// gets half the gradient, as in PyTorch.
func Min(a, b *ir.Value) *ir.Value { return build("min", nil, a, b) }

// Pow is a to the power of b, both f32. Of b = 0 the gradient for a is 0, and
// of a = 0, b >= 0 that for b is 0, as in PyTorch.
func Pow(a, b *ir.Value) *ir.Value { return build("pow", nil, a, b) }

func binaryOps() []Op {
	return []Op{
		binary("add", "a + b", func(v, a, b, g *ir.Value) (ga, gb *ir.Value) { return g, g }),
		binary("sub", "a - b", func(v, a, b, g *ir.Value) (ga, gb *ir.Value) { return g, Neg(g) }),
		binary("mul", "a * b", func(v, a, b, g *ir.Value) (ga, gb *ir.Value) { return Mul(g, b), Mul(g, a) }),
		binary("div", "a / b; i32 truncates and x/0 is 0", func(v, a, b, g *ir.Value) (ga, gb *ir.Value) {
			ga = Div(g, b)
			return ga, Neg(Mul(ga, v))
		}),
		binary("max", "the larger of a and b; equal ones share the gradient", func(v, a, b, g *ir.Value) (ga, gb *ir.Value) {
			return Mul(g, share(b, a)), Mul(g, share(a, b))
		}),
		binary("min", "the smaller of a and b; equal ones share the gradient", func(v, a, b, g *ir.Value) (ga, gb *ir.Value) {
			return Mul(g, share(a, b)), Mul(g, share(b, a))
		}),
		powOp(),
	}
}

// share is 1 where lo < hi, 0.5 where they are equal, else 0: the part of the
// gradient that the larger one, hi, gets.
func share(lo, hi *ir.Value) *ir.Value {
	return Select(Eq(lo, hi), num(0.5, lo), Cast(Lt(lo, hi), ir.F32))
}

// slopes are the gradients of an elementwise function of two operands, still in
// the shape of the result.
type slopes = func(v, a, b, g *ir.Value) (ga, gb *ir.Value)

func binary(name, doc string, grad slopes) Op {
	return Op{Name: name, Doc: doc, Class: Elementwise, Arity: 2, Shape: sameTypeShape,
		Grad: func(v, g *ir.Value) []*ir.Value {
			a, b := v.In[0], v.In[1]
			ga, gb := grad(v, a, b, g)
			return []*ir.Value{fit(ga, a.Shape), fit(gb, b.Shape)}
		},
	}
}

// sameTypeShape is the rule of functions of two operands of one element type.
func sameTypeShape(v *ir.Value) (ir.DType, ir.Shape, error) {
	a, b := v.In[0], v.In[1]
	if a.DType != b.DType {
		return 0, nil, fail(v, BadType, fmt.Sprintf("the element types %s and %s differ", a.DType, b.DType),
			"cast one of them to the other's type")
	}
	shape, err := broadcastAll(v, a, b)
	return a.DType, shape, err
}

func powOp() Op {
	row := binary("pow", "a^b, f32 only", powSlopes)
	row.Shape = func(v *ir.Value) (ir.DType, ir.Shape, error) {
		if err := wantF32(v); err != nil {
			return 0, nil, err
		}
		return sameTypeShape(v)
	}
	return row
}

func powSlopes(v, a, b, g *ir.Value) (ga, gb *ir.Value) {
	zero, one := num(0, v), num(1, v)
	ga = Select(Eq(b, zero), zero, Mul(g, Mul(b, Pow(a, Sub(b, one)))))
	atZero := Mul(Eq(a, zero), Le(zero, b))
	return ga, Select(atZero, zero, Mul(g, Mul(v, Log(a))))
}
