package cpu

import (
	"fmt"
	"math"

	"github.com/metalnb/metalnb/metalcore/ir"
)

func init() {
	register(map[string]maker{"gather": makeGather, "scatter_add": makeScatterAdd})
}

// clampIndex is the nearest of the rows 0 to n-1.
func clampIndex(i int32, n int) int { return min(max(int(i), 0), n-1) }

func makeGather(c *compiler, v *ir.Value) (kernel, error) {
	table, index := v.In[0].Shape, v.In[1].Shape
	n, row := table[0], table[1:].Elems()
	if err := numbered(n); err != nil {
		return nil, err
	}
	size := row * v.DType.Size()
	dst, src, idx := c.id(v), c.id(v.In[0]), c.id(v.In[1])
	part := func(fr *frame, _, lo, hi int) {
		d, x := fr.bytes(dst), fr.bytes(src)
		for r, i := range view[int32](fr, idx)[lo:hi] {
			from := clampIndex(i, n) * size
			copy(d[(lo+r)*size:(lo+r+1)*size], x[from:from+size])
		}
	}
	grain, rows := max(1, cheapGrain/max(row, 1)), index.Elems()
	return func(fr *frame) { fr.pool.run(fr, rows, grain, part) }, nil
}

func makeScatterAdd(c *compiler, v *ir.Value) (kernel, error) {
	return ofType(v.DType, scatterAdd[float32], scatterAdd[int32], scatterAdd[int64], nil)(c, v), numbered(v.Shape[0])
}

// numbered fails where indices, which are read as i32, cannot name each row.
func numbered(rows int) error {
	if rows > math.MaxInt32 {
		return fmt.Errorf("it has %d rows and reads indices of 32 bits", rows)
	}
	return nil
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
