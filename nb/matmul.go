package nb

import (
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// MatMul is the matrix product over the last two axes. As in NumPy the axes
// before them broadcast, and a vector counts as a row on the left and as a
// column on the right.
func (t *Tensor) MatMul(x *Tensor) *Tensor {
	return t.binary("matmul", x, func(a, b *ir.Value) *ir.Value {
		a, b = floating(a), floating(b)
		left, right := len(a.Shape) == 1, len(b.Shape) == 1
		if left {
			a = op.Reshape(a, ir.Shape{1, a.Shape[0]})
		}
		if right {
			b = op.Reshape(b, ir.Shape{b.Shape[0], 1})
		}
		y := op.MatMul(sameLead(a, b), sameLead(b, a), false, false)
		shape := slices.Clone(y.Shape)
		if right {
			shape = slices.Delete(shape, len(shape)-1, len(shape))
		}
		if left {
			i := len(y.Shape) - 2
			shape = slices.Delete(shape, i, i+1)
		}
		return op.Reshape(y, shape)
	})
}

// sameLead repeats a along the axes before its last two as those of b demand.
// One matrix serves all without, and where axes do not fit the product says so.
func sameLead(a, b *ir.Value) *ir.Value {
	n, m := len(a.Shape)-2, len(b.Shape)-2
	if n <= 0 || m <= 0 {
		return a
	}
	lead := slices.Clone(b.Shape[:m])
	if n > m {
		lead = slices.Concat(a.Shape[:n-m], lead)
	}
	for i, d := range a.Shape[:n] {
		if at := len(lead) - n + i; lead[at] == 1 {
			lead[at] = d
		} else if d != lead[at] && d != 1 {
			return a
		}
	}
	return op.Broadcast(a, slices.Concat(lead, a.Shape[n:]))
}

// Outer is the product of each element of t with each of x: of [n] and [m] it
// makes [n,m].
func (t *Tensor) Outer(x *Tensor) *Tensor { return Einsum("i,j->ij", t, x) }

// Einsum is Einstein's sum, as in NumPy: each letter of the specification names
// an axis, axes of one letter are walked together, and those that the result
// does not name are summed. Dots stand for any axes in front, which broadcast.
//
//	nb.Einsum("ij,jk->ik", a, b)       // a matrix product
//	nb.Einsum("...ij,...jk", a, b)     // many of them
//	nb.Einsum("ii", a)                 // the sum of a diagonal
//	nb.Einsum("bqhd,bkhd->bhqk", q, k) // the scores of attention
func Einsum(spec string, in ...*Tensor) *Tensor {
	if len(in) == 0 {
		argument(`like nb.Einsum("ij,jk->ik", a, b)`, "Einsum of nothing")
	}
	return apply("einsum", in, func() *ir.Value {
		vs := common(in)
		for i, v := range vs {
			vs[i] = totals(v)
		}
		return op.Einsum(spec, vs...)
	})
}

// common gives all tensors one type: floats when one has floats.
func common(in []*Tensor) []*ir.Value {
	out := make([]*ir.Value, len(in))
	for i, t := range in {
		out[i] = t.v
	}
	for i := range out {
		out[0], out[i] = alike(out[0], out[i])
	}
	for i := range out {
		out[i] = as(out[i], out[0].DType)
	}
	return out
}
