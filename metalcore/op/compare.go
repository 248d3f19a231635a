package op

import "github.com/metalnb/metalnb/metalcore/ir"

// Eq is the i32 number 1 where a = b, else 0.
func Eq(a, b *ir.Value) *ir.Value { return build("eq", nil, a, b) }

// Lt is the i32 number 1 where a < b, else 0.
func Lt(a, b *ir.Value) *ir.Value { return build("lt", nil, a, b) }

// Le is the i32 number 1 where a <= b, else 0.
func Le(a, b *ir.Value) *ir.Value { return build("le", nil, a, b) }

// Select is a where cond is not 0, else b; all three broadcast. The gradient
// goes to the one that was chosen.
func Select(cond, a, b *ir.Value) *ir.Value { return build("select", nil, cond, a, b) }

func compareOps() []Op {
	return []Op{
		compare("eq", "1 where a = b, else 0 (i32)"),
		compare("lt", "1 where a < b, else 0 (i32)"),
		compare("le", "1 where a <= b, else 0 (i32)"),
		{Name: "select", Doc: "a where cond (i32) is not 0, else b", Class: Elementwise, Arity: 3,
			Shape: selectShape, Grad: selectGrad},
	}
}

func compare(name, doc string) Op {
	return Op{Name: name, Doc: doc, Class: Elementwise, Arity: 2, NoGrad: integerResult,
		Shape: func(v *ir.Value) (ir.DType, ir.Shape, error) {
			_, shape, err := sameTypeShape(v)
			return ir.I32, shape, err
		},
	}
}

func selectShape(v *ir.Value) (ir.DType, ir.Shape, error) {
	if err := wantType(v, 0, ir.I32); err != nil {
		return 0, nil, err
	}
	if err := wantType(v, 2, v.In[1].DType); err != nil {
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
