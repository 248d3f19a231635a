package cpu

import "github.com/metalnb/metalnb/metalcore/ir"

func init() {
	register(map[string]maker{
		"reduce_min": func(c *compiler, v *ir.Value) (kernel, error) {
			return ofType(v.DType, smallest[float32], smallest[int32], smallest[int64], smallest[uint8])(c, v)
		},
		"reduce_prod": func(c *compiler, v *ir.Value) (kernel, error) {
			return ofType(v.DType, foldProduct[float32, float64], foldProduct[int32, int32], foldProduct[int64, int64], nil)(c, v)
		},
	})
}

func smallest[T number](c *compiler, v *ir.Value) (kernel, error) {
	return reduction(c, v, minFolder[T]())
}

func minFolder[T number]() folder[T, T] {
	smaller := func(a, x T) T { return min(a, x) }
	return folder[T, T]{first: true, add: smaller, end: same[T], row: func(x []T) T {
		m := x[0]
		for _, a := range x[1:] {
			m = min(m, a)
		}
		return m
	}}
}

// foldProduct multiplies the elements of one result after the other; floats in
// float64, where a product of many numbers overflows later.
func foldProduct[T number, A number | float64](c *compiler, v *ir.Value) (kernel, error) {
	stay, fold, err := axes(v)
	if err != nil {
		return nil, err
	}
	dst, src, n, count := c.id(v), c.id(v.In[0]), v.Shape.Elems(), reduced(v)
	part := func(fr *frame, _, lo, hi int) {
		d, x := view[T](fr, dst), view[T](fr, src)
		if count == 0 {
			fill(d[lo:hi], 1)
			return
		}
		for r := lo; r < hi; r++ {
			from := stay.seek(r)
			acc, left := A(1), count
			for at := fold.seek(0); left > 0; at.nextRow() {
				i := from.off[0] + at.off[0]
				for range at.left() {
					acc *= A(x[i])
					i += fold.stride[0][0]
				}
				left -= at.left()
			}
			d[r] = T(acc)
		}
	}
	grain := max(1, cheapGrain/max(count, 1))
	return func(fr *frame) { fr.pool.run(fr, n, grain, part) }, nil
}
