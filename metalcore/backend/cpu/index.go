package cpu

import "github.com/metalnb/metalnb/metalcore/ir"

func init() {
	register(map[string]maker{"gather": makeGather, "scatter_add": makeScatterAdd})
}

// clampIndex is the nearest of the rows 0 to n-1.
func clampIndex(i int32, n int) int { return min(max(int(i), 0), n-1) }

func makeGather(c *compiler, v *ir.Value) (kernel, error) {
	table, index := v.In[0].Shape, v.In[1].Shape
	n, row := table[0], table[1:].Elems()
	dst, src, idx := c.id(v), c.id(v.In[0]), c.id(v.In[1])
	part := func(fr *frame, _, lo, hi int) {
		d, x := fr.vals[dst], fr.vals[src]
		for r, i := range view[int32](fr, idx)[lo:hi] {
			from := clampIndex(i, n) * row
			copy(d[(lo+r)*row:(lo+r+1)*row], x[from:from+row])
		}
	}
	grain, rows := max(1, cheapGrain/max(row, 1)), index.Elems()
	return func(fr *frame) { fr.pool.run(fr, rows, grain, part) }, nil
}

func makeScatterAdd(c *compiler, v *ir.Value) (kernel, error) {
	if v.DType == ir.I32 {
		return scatterAdd[int32](c, v), nil
	}
	return scatterAdd[float32](c, v), nil
}

// scatterAdd shares the result's rows among the workers; each of them walks
// over the whole index, so that rows are added in the index's order.
func scatterAdd[T number](c *compiler, v *ir.Value) kernel {
	n, row := v.Shape[0], v.Shape[1:].Elems()
	dst, idx, src := c.id(v), c.id(v.In[0]), c.id(v.In[1])
	part := func(fr *frame, _, lo, hi int) {
		d, x := view[T](fr, dst), view[T](fr, src)
		clear(d[lo*row : hi*row])
		for r, i := range view[int32](fr, idx) {
			to := clampIndex(i, n)
			if to < lo || to >= hi {
				continue
			}
			sum := d[to*row : (to+1)*row]
			for j, a := range x[r*row : (r+1)*row] {
				sum[j] += a
			}
		}
	}
	each := v.In[1].Shape.Elems()/n + v.In[0].Shape.Elems() + row
	grain := max(1, cheapGrain/max(each, 1))
	return func(fr *frame) { fr.pool.run(fr, n, grain, part) }
}
