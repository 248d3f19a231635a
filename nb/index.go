package nb

import (
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// Take gathers along an axis, the first one unless another is named: of t
// [n, rest...] and indices [k...] it makes [k..., rest...]. Negative indices
// count from the end.
func (t *Tensor) Take(index *Tensor, axis ...int) *Tensor {
	a := 0
	if len(axis) > 0 {
		a = oneAxis("take", axis)
	}
	a = t.axis("take", a)
	index.within("take", t.v, t.v.Shape[a])
	return apply("take", []*Tensor{t, index}, func() *ir.Value { return takeAxis(t.v, counted(index, t.v.Shape[a]), a) })
}

// TakeAlong picks elements along an axis by indices of the same shape but for
// that axis, like those of ArgSort and TopK.
func (t *Tensor) TakeAlong(index *Tensor, axis int) *Tensor {
	axis = t.axis("takealong", axis)
	index.within("takealong", t.v, t.v.Shape[axis])
	return apply("takealong", []*Tensor{t, index}, func() *ir.Value {
		return op.TakeAlong(t.v, counted(index, t.v.Shape[axis]), axis)
	})
}

// within raises an error when an index is outside of an axis of size n. Of
// indices that are not computed yet it knows nothing; those take the nearest.
func (t *Tensor) within(method string, of *ir.Value, n int) {
	if !t.v.DType.Integer() {
		argument("convert them with Int()", "%s: the indices are %s", method, t.v.Type())
	}
	if t.data == nil || n < 0 {
		return
	}
	for _, x := range t.Values() {
		if i := int(x); i < -n || i >= n {
			argument("use indices from 0 on, or from -1 back", "%s: index %d is outside an axis of size %d of %s", method, i, n, of.Type())
		}
	}
}

// counted makes negative indices count from the start of an axis of size n.
func counted(index *Tensor, n int) *ir.Value {
	v := as(index.v, ir.I32)
	if n < 0 || v.Op == ir.OpIota {
		return v
	}
	return op.Select(op.Lt(v, ir.Const(0, v.DType)), plus(v, n), v)
}

// takeAxis gathers along any axis; those of the index take its place.
func takeAxis(v, index *ir.Value, axis int) *ir.Value {
	if axis == 0 {
		return op.Gather(v, index)
	}
	front := slices.Concat([]int{axis}, upTo(axis), upTo(len(v.Shape))[axis+1:])
	y := op.Gather(op.Transpose(v, front...), index)
	k := len(index.Shape)
	all := upTo(len(y.Shape))
	back := slices.Concat(all[k:k+axis], all[:k], all[k+axis:])
	return op.Transpose(y, back...)
}

// NonZero finds the elements that are not 0: a row of indices for each, of type
// i32. How many there are is known only by computing t, and so it does that.
func (t *Tensor) NonZero() *Tensor {
	at := [][]int{}
	shape := t.v.Shape
	for i, x := range t.Values() {
		if x == 0 {
			continue
		}
		row := make([]int, len(shape))
		for a := len(shape) - 1; a >= 0; a-- {
			row[a], i = i%shape[a], i/shape[a]
		}
		at = append(at, row)
	}
	if len(at) == 0 || len(shape) == 0 {
		return &Tensor{v: ir.Const(0, ir.I32, len(at), len(shape))}
	}
	return Array(at)
}

// Masked selects the elements where the mask is not 0, in their order: of t
// [mask's axes, rest...] it makes [how many, rest...]. The mask is computed at
// once, because shapes must be known. In a model, where there are no numbers
// yet, Where keeps the shape.
func (t *Tensor) Masked(mask *Tensor) *Tensor {
	if mask.v.Shape.HasBatch() || t.v.Shape.HasBatch() {
		argument("use mask.Where(t, 0), which keeps the shape", "masked: how many elements of %s are chosen differs from batch to batch", t.v.Type())
	}
	n := len(mask.v.Shape)
	if n > len(t.v.Shape) || !mask.v.Shape.Equal(t.v.Shape[:n]) {
		argument("give a mask of the shape of the first axes", "masked: a mask %s does not fit %s", mask.v.Type(), t.v.Type())
	}
	at := []int{}
	for i, x := range mask.Values() {
		if x != 0 {
			at = append(at, i)
		}
	}
	rest := t.v.Shape[n:]
	index := Array(at)
	return apply("masked", []*Tensor{t, index}, func() *ir.Value {
		rows := op.Reshape(t.v, append(ir.Shape{mask.v.Shape.Elems()}, rest...))
		return op.Gather(rows, index.v)
	})
}
