package nb

import (
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// Transpose reorders the axes; without arguments it reverses them.
func (t *Tensor) Transpose(axes ...int) *Tensor {
	return t.unary("transpose", func(v *ir.Value) *ir.Value { return op.Transpose(v, axes...) })
}

// SwapAxes exchanges two axes.
func (t *Tensor) SwapAxes(a, b int) *Tensor {
	a, b = t.axis("swapaxes", a), t.axis("swapaxes", b)
	order := upTo(len(t.v.Shape))
	order[a], order[b] = b, a
	return t.unary("swapaxes", func(v *ir.Value) *ir.Value {
		if a == b {
			return v
		}
		return op.Transpose(v, order...)
	})
}

// Reshape gives the elements another shape; one size may be -1, for whatever is
// left. In a model the sizes are those of one row: the batch stays in front.
func (t *Tensor) Reshape(shape ...int) *Tensor {
	shape = slices.Clone(shape)
	if free := slices.Index(shape, -1); free >= 0 {
		total, rest := t.v.Shape.Elems(), 1
		if total < 0 {
			total = -total // the elements of one row
		}
		for i, d := range shape {
			if i != free {
				rest *= d
			}
		}
		if rest < 1 || total%rest != 0 {
			argument("use sizes whose product divides the number of elements", "reshape: %s does not become %v", t.v.Type(), shape)
		}
		shape[free] = total / rest
	}
	return t.unary("reshape", func(v *ir.Value) *ir.Value {
		if v.Shape.HasBatch() && v.Shape[0] < 0 {
			shape = append([]int{v.Shape[0]}, shape...)
		}
		return op.Reshape(v, shape)
	})
}

// ExpandDims puts an axis of size 1 at a place, counted in the result.
func (t *Tensor) ExpandDims(axis int) *Tensor {
	n := len(t.v.Shape) + 1
	if axis < -n || axis >= n {
		argument("name its place in the result", "expanddims: %s cannot get an axis %d", t.v.Type(), axis)
	}
	return t.unary("expanddims", func(v *ir.Value) *ir.Value { return expand(v, (axis+n)%n) })
}

func expand(v *ir.Value, axis int) *ir.Value {
	return op.Reshape(v, slices.Insert(slices.Clone(v.Shape), axis, 1))
}

// Squeeze takes away axes of size 1: those named, or all.
func (t *Tensor) Squeeze(axes ...int) *Tensor {
	gone := map[int]bool{}
	for _, a := range axes {
		a = t.axis("squeeze", a)
		if t.v.Shape[a] != 1 {
			argument("name axes of size 1", "squeeze: axis %d of %s has more than one element", a, t.v.Type())
		}
		gone[a] = true
	}
	shape := ir.Shape{}
	for i, d := range t.v.Shape {
		if d != 1 || len(axes) > 0 && !gone[i] {
			shape = append(shape, d)
		}
	}
	return t.unary("squeeze", func(v *ir.Value) *ir.Value { return op.Reshape(v, shape) })
}

// BroadcastTo repeats the elements along new axes in front and along axes of
// size 1.
func (t *Tensor) BroadcastTo(shape ...int) *Tensor {
	return t.unary("broadcast", func(v *ir.Value) *ir.Value { return op.Broadcast(v, shape) })
}

// Stack puts tensors of one shape side by side along a new axis.
func Stack(axis int, parts ...*Tensor) *Tensor {
	if len(parts) == 0 {
		argument("like nb.Stack(0, a, b)", "Stack of nothing")
	}
	n := len(parts[0].v.Shape) + 1
	if axis < -n || axis >= n {
		argument("name its place in the result", "Stack: %s cannot get an axis %d", parts[0].v.Type(), axis)
	}
	for i, p := range parts {
		if !p.v.Shape.Equal(parts[0].v.Shape) {
			argument("give all one shape", "Stack: part %d is %s and the first one %s", i, p.v.Type(), parts[0].v.Type())
		}
	}
	return apply("stack", parts, func() *ir.Value {
		in := common(parts)
		for i := range in {
			in[i] = expand(in[i], (axis+n)%n)
		}
		return op.Concat(axis, in...)
	})
}

// Tile repeats the whole tensor along each axis; counts for fewer axes are for
// the last ones, for more of them new axes are made in front.
func (t *Tensor) Tile(counts ...int) *Tensor {
	if len(counts) > 0 && slices.Min(counts) < 0 {
		argument("give how often to repeat along each axis", "tile: counts %v", counts)
	}
	return t.unary("tile", func(v *ir.Value) *ir.Value {
		n := max(len(counts), len(v.Shape))
		from := slices.Concat(slices.Repeat(ir.Shape{1}, n-len(v.Shape)), v.Shape)
		times := slices.Concat(slices.Repeat([]int{1}, n-len(counts)), counts)
		var apart, many, out ir.Shape
		for i, d := range from {
			apart, many, out = append(apart, 1, d), append(many, times[i], d), append(out, times[i]*d)
		}
		return op.Reshape(op.Broadcast(op.Reshape(v, apart), many), out)
	})
}

// Repeat repeats each element n times along an axis.
func (t *Tensor) Repeat(n, axis int) *Tensor {
	axis = t.axis("repeat", axis)
	if n < 0 {
		argument("give how often to repeat", "repeat: %d times", n)
	}
	return t.unary("repeat", func(v *ir.Value) *ir.Value {
		many := slices.Insert(slices.Clone(v.Shape), axis+1, n)
		out := slices.Clone(v.Shape)
		out[axis] *= n
		return op.Reshape(op.Broadcast(expand(v, axis+1), many), out)
	})
}

// Flip turns the order of the elements along the axes, along all without any.
func (t *Tensor) Flip(axes ...int) *Tensor {
	if len(axes) == 0 {
		axes = upTo(len(t.v.Shape))
	}
	turn := make([]int, len(axes))
	for i, a := range axes {
		turn[i] = t.axis("flip", a)
	}
	return t.unary("flip", func(v *ir.Value) *ir.Value {
		for _, a := range turn {
			v = reverse(v, a)
		}
		return v
	})
}

// reverse turns the order of the elements along an axis.
func reverse(v *ir.Value, axis int) *ir.Value {
	n := v.Shape[axis]
	if n == 0 || n == 1 {
		return v
	}
	if n < 0 {
		argument("turn another axis", "axis %d of %s depends on the batch and is turned", axis, v.Type())
	}
	return takeAxis(v, op.Sub(ir.Const(float64(n-1), ir.I32), ir.Iota(n)), axis)
}

// Roll moves the elements along an axis by some places; those that leave at the
// end come in at the start.
func (t *Tensor) Roll(by, axis int) *Tensor {
	axis = t.axis("roll", axis)
	return t.unary("roll", func(v *ir.Value) *ir.Value {
		n := v.Shape[axis]
		if n == 0 {
			return v
		}
		cut := ((-by)%n + n) % n
		if cut == 0 {
			return v
		}
		return op.Concat(axis, op.SliceAxis(v, axis, cut, n), op.SliceAxis(v, axis, 0, cut))
	})
}

// Tril keeps what is on and below the diagonal of the last two axes, or one of
// those above (k > 0) or below (k < 0), and makes the rest 0; Triu keeps what
// is on and above it.
func (t *Tensor) Tril(k int) *Tensor {
	return t.unary("tril", func(v *ir.Value) *ir.Value {
		return triangle(v, func(i, j *ir.Value) *ir.Value { return op.Le(j, plus(i, k)) })
	})
}

// Triu keeps what is on and above the diagonal.
func (t *Tensor) Triu(k int) *Tensor {
	return t.unary("triu", func(v *ir.Value) *ir.Value {
		return triangle(v, func(i, j *ir.Value) *ir.Value { return op.Le(plus(i, k), j) })
	})
}

func plus(v *ir.Value, k int) *ir.Value { return op.Add(v, ir.Const(float64(k), ir.I32)) }

// triangle keeps the elements of matrices whose row and column fulfil keep.
func triangle(v *ir.Value, keep func(row, col *ir.Value) *ir.Value) *ir.Value {
	n := len(v.Shape)
	if n < 2 || v.Shape[n-2] < 0 || v.Shape[n-1] < 0 {
		argument("give a matrix, or several of them", "%s has no triangle", v.Type())
	}
	rows, cols := v.Shape[n-2], v.Shape[n-1]
	cond := keep(op.Reshape(ir.Iota(rows), ir.Shape{rows, 1}), ir.Iota(cols))
	return op.Select(cond, v, ir.Const(0, v.DType))
}

// Diagonal is the diagonal of the last two axes.
func (t *Tensor) Diagonal() *Tensor {
	return t.unary("diagonal", func(v *ir.Value) *ir.Value { return op.Einsum("...ii->...i", v) })
}

// Trace is the sum of the diagonal of the last two axes.
func (t *Tensor) Trace() *Tensor { return Einsum("...ii->...", t) }
