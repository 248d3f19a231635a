package op

import "github.com/metalnb/metalnb/metalcore/ir"

// Eq is true where a = b. Like all comparisons its result is bool.
func Eq(a, b *ir.Value) *ir.Value { return build("eq", nil, a, b) }

// Lt is true where a < b.
func Lt(a, b *ir.Value) *ir.Value { return build("lt", nil, a, b) }

// Le is true where a <= b.
func Le(a, b *ir.Value) *ir.Value { return build("le", nil, a, b) }

// Select is a where cond (bool) is true, else b; all three broadcast. The gradient
// goes to the one that was chosen.
func Select(cond, a, b *ir.Value) *ir.Value { return build("select", nil, cond, a, b) }

func compareOps() []Op {
	return []Op{
		compare("eq", "true where a = b"),
		compare("lt", "true where a < b"),
		compare("le", "true where a <= b"),
		{Name: "select", Doc: "a where cond (bool), else b", Class: Elementwise, Arity: 3,
			Shape: selectShape, Grad: selectGrad},
	}
}

const truthResult = "the result is true or false"

func compare(name, doc string) Op {
	return Op{Name: name, Doc: doc, Class: Elementwise, Arity: 2, NoGrad: truthResult,
		Shape: func(v *ir.Value) (ir.DType, ir.Shape, error) {
			_, shape, err := sameTypeShape(v)
			return ir.Bool, shape, err
		},
	}
}

func selectShape(v *ir.Value) (ir.DType, ir.Shape, error) {
	if err := wantType(v, 0, ir.Bool); err != nil {
		return 0, nil, err
	}
	if err := wantSame(v, v.In[1:]...); err != nil {
		return 0, nil, err
	}
	shape, err := broadcastAll(v, v.In...)
	return v.In[1].DType, shape, err
}

func selectGrad(v, g *ir.Value) []*ir.Value {
	cond, zero := v.In[0], num(0, v)
	ga := fit(Select(cond, g, zero), v.In[1].Shape)
	gb := fit(Select(cond, zero, g), v.In[2].Shape)
	return []*ir.Value{nil, ga, gb}
}
