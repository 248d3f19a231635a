package gpu

import "github.com/metalnb/metalnb/metalcore/ir"

// matmul emits a product of matrices.
func (l *lowerer) matmul(e *ending) {
	v := e.product
	ta, tb := v.Bool("ta"), v.Bool("tb")
	a, b, lead := v.In[0].Shape, v.In[1].Shape, len(v.Shape)-2
	c := &contraction{ending: e, m: v.Shape[lead], n: v.Shape[lead+1], k: a[len(a)-1], batch: v.Shape[:lead].Elems()}
	if ta {
		c.k = a[len(a)-2]
	}
	if len(b) == 2 && !ta { // one matrix of all rows
		c.m, c.batch = c.m*c.batch, 1
	}
	c.a = matrixOf("a", v.In[0], c.m, c.k, !ta, c.batch > 1 && len(a) > 2)
	c.b = matrixOf("b", v.In[1], c.n, c.k, tb, c.batch > 1 && len(b) > 2)
	c.rowsOf(c.n)
	if min(c.m, c.n) <= fewRows && (c.k <= longSum || max(c.m, c.n)*c.batch >= enough) {
		c.emitFew()
		return
	}
	c.emit()
}

// matrixOf is an operand that is a matrix, or one for each z: of own rows of k
// elements if inner, else of k rows.
func matrixOf(name string, v *ir.Value, own, k int, inner, many bool) matrix {
	across := own
	if inner {
		across = k
	}
	index := indexType(v)
	return matrix{name: name, dtype: v.DType, inner: inner, wide: across%4 == 0, at: func(t *text, o, l spot) (string, string) {
		row, col := l, o
		if inner {
			row, col = o, l
		}
		at := plus(times(as(index, factor(row.String())), across), col.String())
		if many {
			at = plus(times(as(index, "z"), own*k), at)
		}
		return at, ""
	}}
}

// as is a number as one of the type that counts elements.
func as(index, x string) string {
	if index == "uint" {
		return x
	}
	return paren(index) + x
}
