package nb

import (
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// Permute puts the axes in another order: axis axes[i] comes to place i. In a
// model axis 0, the batch, should stay in front.
func (t *Tensor) Permute(axes ...int) *Tensor {
	if len(axes) != len(t.v.Shape) {
		argument("name each axis once, like Permute(0, 2, 1)", "permute: %d axes named of %s", len(axes), t.v.Type())
	}
	return t.unary("permute", func(v *ir.Value) *ir.Value { return op.Transpose(v, axes...) })
}

// Concat puts tensors one after the other along an axis; their other axes are
// the same.
func Concat(axis int, parts ...*Tensor) *Tensor {
	if len(parts) == 0 {
		argument("like nb.Concat(-1, a, b)", "Concat of nothing")
	}
	return apply("concat", parts, func() *ir.Value { return op.Concat(axis, common(parts)...) })
}

// Split cuts an axis into n equal parts.
func (t *Tensor) Split(n, axis int) []*Tensor {
	axis = t.axis("split", axis)
	size := t.v.Shape[axis]
	if n < 1 || size < 1 || size%n != 0 {
		argument("use a number that divides the axis", "split: axis %d of %s does not fall into %d parts", axis, t.v.Type(), n)
	}
	out := make([]*Tensor, n)
	for i := range out {
		out[i] = t.Slice(axis, i*size/n, (i+1)*size/n)
	}
	return out
}

// Slice takes the elements from start up to, but without, limit along an axis.
// Negative numbers count from the end.
func (t *Tensor) Slice(axis, start, limit int) *Tensor {
	return t.unary("slice", func(v *ir.Value) *ir.Value { return op.SliceAxis(v, axis, start, limit) })
}

// Pad adds elements before and after an axis: zeros, or the value given.
func (t *Tensor) Pad(axis, before, after int, value ...float64) *Tensor {
	x := 0.0
	if len(value) > 0 {
		x = value[0]
	}
	axis = t.axis("pad", axis)
	return t.unary("pad", func(v *ir.Value) *ir.Value {
		low, high := make([]int, len(v.Shape)), make([]int, len(v.Shape))
		low[axis], high[axis] = before, after
		return op.Pad(v, low, high, x)
	})
}
