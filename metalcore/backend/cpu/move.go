package cpu

import "github.com/metalnb/metalnb/metalcore/ir"

func init() {
	register(map[string]maker{"reshape": makeCopy, "transpose": makeTranspose})
}

func makeTranspose(c *compiler, v *ir.Value) (kernel, error) {
	from := strides(v.In[0].Shape, len(v.Shape))
	to := make([]int, len(from))
	for i, axis := range v.Ints("perm") {
		to[i] = from[axis]
	}
	l, err := newLayout(v.Shape, to)
	if err != nil {
		return nil, err
	}
	return gatherStrided(c, v, l, 0), nil
}

// gatherStrided writes the result in order and reads the operand with strides
// from its element first on: copying where it is dense, filling where it is one
// number.
func gatherStrided(c *compiler, v *ir.Value, l *layout, first int) kernel {
	return ofSize(v.DType, gatherSized[uint8], gatherSized[uint16], gatherSized[uint32], gatherSized[uint64])(c, v, l, first)
}

func gatherSized[T uint8 | uint16 | uint32 | uint64](c *compiler, v *ir.Value, l *layout, first int) kernel {
	dst, src, n, step := c.id(v), c.id(v.In[0]), v.Shape.Elems(), l.stride[0][0]
	part := func(fr *frame, _, lo, hi int) {
		d, x := view[T](fr, dst), view[T](fr, src)
		for at := l.seek(lo); lo < hi; at.nextRow() {
			k := min(at.left(), hi-lo)
			row, i := d[lo:lo+k], first+at.off[0]
			switch step {
			case 1:
				copy(row, x[i:i+k])
			case 0:
				fill(row, x[i])
			default:
				for j := range row {
					row[j] = x[i]
					i += step
				}
			}
			lo += k
		}
	}
	return func(fr *frame) { fr.pool.run(fr, n, cheapGrain, part) }
}
