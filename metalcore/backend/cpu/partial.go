package cpu

import "github.com/metalnb/metalnb/metalcore/ir"

// Sums of so many elements are cut into parts, even on one thread, so that the
// result does not depend on the number of workers.
const (
	partialLeast = 1 << 15
	sumParts     = 8
)

// partialSum computes a sum with few results over a long way: of one dense row,
// or of rows whose neighbouring columns are summed. Each part is a sum of its
// own, and the parts are summed at the end. ok is false for all other sums.
func partialSum(c *compiler, v *ir.Value, f folder[float32, float64]) (k kernel, ok bool) {
	stay, fold, err := axes(v)
	n, each := v.Shape.Elems(), reduced(v)
	if err != nil || n*each < partialLeast || n > columns || fold.rank != 1 || stay.rank != 1 {
		return nil, false
	}
	dst, src := c.id(v), c.id(v.In[0])
	stride := fold.stride[0][0]
	switch {
	case n == 1 && stride == 1:
	case stride == n && stay.stride[0][0] == 1:
	default:
		return nil, false
	}
	part := sumFolder(1)
	c.need(sumParts*n, 0)
	work := func(fr *frame, _, lo, hi int) {
		for i := lo; i < hi; i++ {
			from, end := i*each/sumParts, (i+1)*each/sumParts
			d, x := fr.shared[i*n:(i+1)*n], fr.vals[src][from*n:end*n]
			if n == 1 {
				part.rows(fr.pool.variant, d, x, end-from)
			} else {
				part.columns(fr.pool.variant, d, x, end-from, n)
			}
		}
	}
	grain := max(1, partialLeast*sumParts/(n*each))
	return func(fr *frame) {
		fr.pool.run(fr, sumParts, grain, work)
		if n == 1 {
			f.rows(fr.pool.variant, fr.vals[dst], fr.shared[:sumParts], sumParts)
		} else {
			f.columns(fr.pool.variant, fr.vals[dst][:n], fr.shared, sumParts, n)
		}
	}, true
}
