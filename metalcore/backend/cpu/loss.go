package cpu

import (
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/backend/cpu/vec"
	"github.com/metalnb/metalnb/metalcore/ir"
)

func init() {
	register(map[string]maker{
		"softmax_cross_entropy":      makeCrossEntropy,
		"softmax_cross_entropy_grad": makeCrossEntropyGrad,
	})
}

// lossBlock is how many logits are taken at a time, so that what is computed of
// them stays in the first cache.
const lossBlock = 2048

// fewClasses are not worth a call.
const fewClasses = 8

// crossEntropy is what loss and gradient have in common.
type crossEntropy struct {
	rows, classes, block  int // block is in rows
	logits, labels, grain int
}

func newCrossEntropy(c *compiler, v *ir.Value, scratch int) *crossEntropy {
	e := &crossEntropy{rows: v.In[0].Shape[0], classes: v.In[0].Shape[1], logits: c.id(v.In[0]), labels: c.id(v.In[1])}
	e.block = max(1, min(e.rows, lossBlock/e.classes))
	e.grain = max(1, costlyGrain/e.classes)
	c.need(0, e.block*(2+scratch))
	return e
}

// each calls f for blocks of the rows lo to hi, with the memory for their
// largest logits and sums, and what is left of the scratch.
func (e *crossEntropy) each(fr *frame, worker, lo, hi int, f func(at int, top, sum, rest []float32)) {
	s := fr.local[worker]
	for ; lo < hi; lo += e.block {
		n := min(e.block, hi-lo)
		f(lo, s[:n], s[e.block:e.block+n], s[2*e.block:])
	}
}

func makeCrossEntropy(c *compiler, v *ir.Value) (kernel, error) {
	e := newCrossEntropy(c, v, v.In[0].Shape[1])
	dst, classes, variant := c.id(v), e.classes, c.pool.variant
	log := vec.Find(variant, "log.f32", 0)
	part := func(fr *frame, worker, lo, hi int) {
		d, x, label := fr.vals[dst], fr.vals[e.logits], view[int32](fr, e.labels)
		e.each(fr, worker, lo, hi, func(at int, top, sum, rest []float32) {
			vec.SoftmaxRows(variant, rest, x[at*classes:], top, sum, classes)
			out := unsafe.Pointer(&sum[0])
			log(out, out, nil, nil, len(sum))
			for i := range top {
				r := at + i
				d[r] = sum[i] + (top[i] - x[r*classes+clampIndex(label[r], classes)])
			}
		})
	}
	return func(fr *frame) { fr.pool.run(fr, e.rows, e.grain, part) }, nil
}

func makeCrossEntropyGrad(c *compiler, v *ir.Value) (kernel, error) {
	e := newCrossEntropy(c, v, 0)
	dst, grad, classes, variant := c.id(v), c.id(v.In[2]), e.classes, c.pool.variant
	mul := vec.Find(variant, "mul.f32", 2)
	part := func(fr *frame, worker, lo, hi int) {
		d, x, label, g := fr.vals[dst], fr.vals[e.logits], view[int32](fr, e.labels), fr.vals[grad]
		e.each(fr, worker, lo, hi, func(at int, top, sum, _ []float32) {
			vec.SoftmaxRows(variant, d[at*classes:], x[at*classes:], top, sum, classes)
			for i := range top {
				r := at + i
				sum[i] = g[r] / sum[i]
				row := d[r*classes:][:classes]
				if classes < fewClasses {
					for j := range row {
						row[j] *= sum[i]
					}
				} else {
					mul(unsafe.Pointer(&row[0]), unsafe.Pointer(&row[0]), unsafe.Pointer(&sum[i]), nil, classes)
				}
				row[clampIndex(label[r], classes)] -= g[r]
			}
		})
	}
	return func(fr *frame) { fr.pool.run(fr, e.rows, e.grain, part) }, nil
}
