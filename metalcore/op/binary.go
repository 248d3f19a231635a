package op

import "github.com/metalnb/metalnb/metalcore/ir"

// Add is a+b. Like all functions of two operands here it broadcasts as NumPy
// does, and its operands have one element type. Integers wrap around.
func Add(a, b *ir.Value) *ir.Value { return build("add", nil, a, b) }

// Sub is a-b.
func Sub(a, b *ir.Value) *ir.Value { return build("sub", nil, a, b) }

// Mul is a*b; of bools it is "and".
func Mul(a, b *ir.Value) *ir.Value { return build("mul", nil, a, b) }

// Div is a/b. Of integers it drops the fraction, and x/0 is 0.
func Div(a, b *ir.Value) *ir.Value { return build("div", nil, a, b) }

// Max is the larger of a and b, NaN when one is NaN; of bools it is "or". Where they are equal each
// gets half the gradient, as in PyTorch.
func Max(a, b *ir.Value) *ir.Value { return build("max", nil, a, b) }

// Min is the smaller of a and b, NaN when one is NaN; of bools it is "and". Where they are equal each
// gets half the gradient, as in PyTorch.
func Min(a, b *ir.Value) *ir.Value { return build("min", nil, a, b) }

// Pow is a to the power of b, both of one floating point type. Of b = 0 the gradient for a is 0, and
// of a = 0, b >= 0 that for b is 0, as in PyTorch.
func Pow(a, b *ir.Value) *ir.Value { return build("pow", nil, a, b) }

func binaryOps() []Op {
	return []Op{
		arithmetic("add", "a + b; integers wrap around", func(v, a, b, g *ir.Value) (ga, gb *ir.Value) { return g, g }),
		arithmetic("sub", "a - b; integers wrap around", func(v, a, b, g *ir.Value) (ga, gb *ir.Value) { return g, Neg(g) }),
		binary("mul", "a * b; integers wrap around, bools: a and b", func(v, a, b, g *ir.Value) (ga, gb *ir.Value) { return Mul(g, b), Mul(g, a) }),
		arithmetic("div", "a / b; integers truncate and x/0 is 0", func(v, a, b, g *ir.Value) (ga, gb *ir.Value) {
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
	return Select(Eq(lo, hi), num(0.5, lo), Cast(Lt(lo, hi), lo.DType))
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

// arithmetic is binary for numbers only.
func arithmetic(name, doc string, grad slopes) Op {
	row := binary(name, doc, grad)
	row.Shape = func(v *ir.Value) (ir.DType, ir.Shape, error) {
		if err := wantNumbers(v, "cast it to i32; max is \"or\" and min is \"and\" of bools"); err != nil {
			return 0, nil, err
		}
		return sameTypeShape(v)
	}
	return row
}

// sameTypeShape is the rule of functions of two operands of one element type.
func sameTypeShape(v *ir.Value) (ir.DType, ir.Shape, error) {
	a, b := v.In[0], v.In[1]
	if err := wantSame(v, a, b); err != nil {
		return 0, nil, err
	}
	shape, err := broadcastAll(v, a, b)
	return a.DType, shape, err
}

func powOp() Op {
	row := binary("pow", "a^b, floats only", powSlopes)
	row.Shape = func(v *ir.Value) (ir.DType, ir.Shape, error) {
		if err := wantFloats(v); err != nil {
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
