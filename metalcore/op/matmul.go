package op

import (
	"fmt"
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// MatMul is the matrix product over the last two axes, a of [..., M, K] and b
// of [..., K, N]; ta and tb say that an operand is stored transposed. The axes
// before are the same in both, or one operand has none and serves all.
func MatMul(a, b *ir.Value, ta, tb bool) *ir.Value {
	return build("matmul", ir.Attrs{"ta": ta, "tb": tb}, a, b)
}

func matmulOps() []Op {
	return []Op{
		{Name: "matmul", Doc: `c[m,n] = sum over k of a[m,k] b[k,n]; "ta", "tb": stored as [k,m], [n,k]`,
			Class: Contract, Arity: 2, Attrs: []Attr{{"ta", BoolAttr}, {"tb", BoolAttr}},
			Shape: matmulShape, Grad: matmulGrad},
	}
}

// matrix returns the rows and columns of an operand, turned if t.
func matrix(x *ir.Value, t bool) (rows, cols int) {
	n := len(x.Shape)
	rows, cols = x.Shape[n-2], x.Shape[n-1]
	if t {
		rows, cols = cols, rows
	}
	return rows, cols
}

func matmulShape(v *ir.Value) (ir.DType, ir.Shape, error) {
	if err := wantFloats(v); err != nil {
		return 0, nil, err
	}
	a, b, tb := v.In[0], v.In[1], v.Bool("tb")
	for i, x := range v.In {
		if len(x.Shape) < 2 {
			return 0, nil, fail(v, BadRank, fmt.Sprintf("operand %d has %d axes and needs two or more", i+1, len(x.Shape)),
				"reshape it to a matrix")
		}
	}
	m, k := matrix(a, v.Bool("ta"))
	kb, n := matrix(b, tb)
	leadA, leadB := a.Shape[:len(a.Shape)-2], b.Shape[:len(b.Shape)-2]
	if k != kb {
		want := slices.Concat(leadB, ir.Shape{k, n})
		if tb {
			want = slices.Concat(leadB, ir.Shape{n, k})
		}
		return 0, nil, fail(v, SizesDiffer, fmt.Sprintf("inner sizes %s and %s differ", dim(k), dim(kb)),
			"make the second operand "+want.String())
	}
	lead := leadA
	switch {
	case len(leadA) == 0:
		lead = leadB
	case len(leadB) != 0 && !leadA.Equal(leadB):
		return 0, nil, fail(v, SizesDiffer, fmt.Sprintf("the leading axes %s and %s differ", leadA, leadB),
			"make them equal, or one operand a matrix")
	}
	return a.DType, slices.Concat(lead, ir.Shape{m, n}), nil
}

func matmulGrad(v, g *ir.Value) []*ir.Value {
	a, b, ta, tb := v.In[0], v.In[1], v.Bool("ta"), v.Bool("tb")
	var ga, gb *ir.Value
	if ta {
		ga = fit(MatMul(b, g, tb, true), a.Shape)
	} else {
		ga = fit(MatMul(g, b, false, !tb), a.Shape)
	}
	if len(b.Shape) == 2 && !ta {
		// One product over all rows, instead of one for each matrix and a sum.
		a, g = asRows(a), asRows(g)
	}
	if tb {
		gb = fit(MatMul(g, a, true, ta), b.Shape)
	} else {
		gb = fit(MatMul(a, g, !ta, false), b.Shape)
	}
	return []*ir.Value{ga, gb}
}

// asRows folds all axes but the last into one.
func asRows(x *ir.Value) *ir.Value {
	last := len(x.Shape) - 1
	return Reshape(x, ir.Shape{x.Shape[:last].Elems(), x.Shape[last]})
}
