package cpu

import "github.com/metalnb/metalnb/metalcore/ir"

func init() {
	register(map[string]maker{"slice": makeSlice, "concat": makeConcat, "pad": makePad})
}

// makeSlice reads the operand with strides, from the first element on.
func makeSlice(c *compiler, v *ir.Value) (kernel, error) {
	first, steps := 0, strides(v.In[0].Shape, len(v.Shape))
	for i := range steps {
		first += v.Ints("start")[i] * steps[i]
		steps[i] *= v.Ints("stride")[i]
	}
	l, err := newLayout(v.Shape, steps)
	if err != nil {
		return nil, err
	}
	return gatherStrided(c, v, l, first), nil
}

// makeConcat copies from each operand what lies together: everything from the
// axis on.
func makeConcat(c *compiler, v *ir.Value) (kernel, error) {
	axis := v.Int("axis")
	outer, width := v.Shape[:axis].Elems(), v.Shape[axis:].Elems()
	dst := c.id(v)
	srcs, sizes := make([]int, len(v.In)), make([]int, len(v.In))
	for i, x := range v.In {
		srcs[i], sizes[i] = c.id(x), x.Shape[axis:].Elems()
	}
	part := func(fr *frame, _, lo, hi int) {
		at := lo * width
		for r := lo; r < hi; r++ {
			for i, n := range sizes {
				copy(fr.vals[dst][at:at+n], fr.vals[srcs[i]][r*n:])
				at += n
			}
		}
	}
	return func(fr *frame) { fr.pool.run(fr, outer, max(1, cheapGrain/max(1, width)), part) }, nil
}

func makePad(c *compiler, v *ir.Value) (kernel, error) {
	if v.DType == ir.I32 {
		return pad(c, v, int32(v.Float("value")))
	}
	return pad(c, v, float32(v.Float("value")))
}

// pad fills the result with the value and writes the operand into it with
// strides.
func pad[T number](c *compiler, v *ir.Value, value T) (kernel, error) {
	in := v.In[0].Shape
	first, step := 0, 1
	steps := make([]int, len(in))
	for i := len(in) - 1; i >= 0; i-- {
		first += v.Ints("low")[i] * step
		steps[i] = (v.Ints("interior")[i] + 1) * step
		step *= v.Shape[i]
	}
	l, err := newLayout(in, steps)
	if err != nil {
		return nil, err
	}
	dst, src, n, elems := c.id(v), c.id(v.In[0]), v.Shape.Elems(), in.Elems()
	blank := func(fr *frame, _, lo, hi int) { fill(view[T](fr, dst)[lo:hi], value) }
	part := func(fr *frame, _, lo, hi int) {
		d, x := view[T](fr, dst), view[T](fr, src)
		for at := l.seek(lo); lo < hi; at.nextRow() {
			k := min(at.left(), hi-lo)
			to := first + at.off[0]
			if l.stride[0][0] == 1 {
				copy(d[to:to+k], x[lo:lo+k])
			} else {
				for _, a := range x[lo : lo+k] {
					d[to] = a
					to += l.stride[0][0]
				}
			}
			lo += k
		}
	}
	return func(fr *frame) {
		fr.pool.run(fr, n, cheapGrain, blank)
		fr.pool.run(fr, elems, cheapGrain, part)
	}, nil
}
