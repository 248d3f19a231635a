package cpu

import (
	"encoding/binary"

	"github.com/metalnb/metalnb/metalcore/ir"
)

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
	srcs, sizes := make([]int, len(v.In)), make([]int, len(v.In)) // in bytes
	for i, x := range v.In {
		srcs[i], sizes[i] = c.id(x), x.Shape[axis:].Elems()*v.DType.Size()
	}
	row := width * v.DType.Size()
	part := func(fr *frame, _, lo, hi int) {
		at := lo * row
		for r := lo; r < hi; r++ {
			for i, n := range sizes {
				copy(fr.bytes(dst)[at:at+n], fr.bytes(srcs[i])[r*n:])
				at += n
			}
		}
	}
	return func(fr *frame) { fr.pool.run(fr, outer, max(1, cheapGrain/max(1, width)), part) }, nil
}

func makePad(c *compiler, v *ir.Value) (kernel, error) {
	return ofSize(v.DType, pad[uint8], pad[uint16], pad[uint32], pad[uint64])(c, v)
}

// pad fills the result with the value and writes the operand into it with
// strides.
func pad[T uint8 | uint16 | uint32 | uint64](c *compiler, v *ir.Value) (kernel, error) {
	in := v.In[0].Shape
	element := append(ir.AppendElement(nil, v.DType, v.Float("value")), make([]byte, 8)...)
	value := T(binary.LittleEndian.Uint64(element))
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
