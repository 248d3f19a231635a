package cpu

import "github.com/metalnb/metalnb/metalcore/ir"

func init() {
	register(map[string]maker{
		"eq":     comparison(loopsOf(eq[float32]), loopsOf(eq[int32])),
		"lt":     comparison(loopsOf(lt[float32]), loopsOf(lt[int32])),
		"le":     comparison(loopsOf(le[float32]), loopsOf(le[int32])),
		"select": makeSelect,
	})
}

func eq[T number](a, b T) int32 { return b2i(a == b) }
func lt[T number](a, b T) int32 { return b2i(a < b) }
func le[T number](a, b T) int32 { return b2i(a <= b) }

func comparison(f loops[int32, float32], i loops[int32, int32]) maker {
	return func(c *compiler, v *ir.Value) (kernel, error) {
		if v.In[0].DType == ir.F32 {
			return binary(c, v, f)
		}
		return binary(c, v, i)
	}
}

// makeSelect moves elements as they are, so one kernel serves all types.
func makeSelect(c *compiler, v *ir.Value) (kernel, error) {
	l, err := broadcastLayout(v)
	if err != nil {
		return nil, err
	}
	dst, cond, a, b, n := c.id(v), c.id(v.In[0]), c.id(v.In[1]), c.id(v.In[2]), v.Shape.Elems()
	sc, sa, sb := l.stride[0][0], l.stride[1][0], l.stride[2][0]
	part := func(fr *frame, _, lo, hi int) {
		d, t, x, y := view[int32](fr, dst), view[int32](fr, cond), view[int32](fr, a), view[int32](fr, b)
		for at := l.seek(lo); lo < hi; at.nextRow() {
			k := min(at.left(), hi-lo)
			ic, ia, ib := at.off[0], at.off[1], at.off[2]
			for i := lo; i < lo+k; i++ {
				if t[ic] != 0 {
					d[i] = x[ia]
				} else {
					d[i] = y[ib]
				}
				ic, ia, ib = ic+sc, ia+sa, ib+sb
			}
			lo += k
		}
	}
	return func(fr *frame) { fr.pool.run(fr, n, cheapGrain, part) }, nil
}
