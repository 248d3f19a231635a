package cpu

import (
	"math"

	"github.com/metalnb/metalnb/metalcore/ir"
)

func init() {
	register(map[string]maker{
		"softmax_cross_entropy":      makeCrossEntropy,
		"softmax_cross_entropy_grad": makeCrossEntropyGrad,
	})
}

// logSumExp returns the largest logit and the sum of exp(logit - largest).
// NaN anywhere makes both NaN.
func logSumExp(x []float32) (top, sum float64) {
	top = float64(x[0])
	for _, a := range x[1:] {
		top = max(top, float64(a))
	}
	for _, a := range x {
		sum += math.Exp(float64(a) - top)
	}
	return top, sum
}

func makeCrossEntropy(c *compiler, v *ir.Value) (kernel, error) {
	rows, classes := v.In[0].Shape[0], v.In[0].Shape[1]
	dst, logits, labels := c.id(v), c.id(v.In[0]), c.id(v.In[1])
	part := func(fr *frame, _, lo, hi int) {
		d, x, label := fr.vals[dst], fr.vals[logits], view[int32](fr, labels)
		for r := lo; r < hi; r++ {
			row := x[r*classes : (r+1)*classes]
			top, sum := logSumExp(row)
			d[r] = float32(math.Log(sum) + (top - float64(row[clampIndex(label[r], classes)])))
		}
	}
	return func(fr *frame) { fr.pool.run(fr, rows, max(1, costlyGrain/classes), part) }, nil
}

func makeCrossEntropyGrad(c *compiler, v *ir.Value) (kernel, error) {
	rows, classes := v.Shape[0], v.Shape[1]
	dst, logits, labels, grad := c.id(v), c.id(v.In[0]), c.id(v.In[1]), c.id(v.In[2])
	part := func(fr *frame, _, lo, hi int) {
		d, x, label, g := fr.vals[dst], fr.vals[logits], view[int32](fr, labels), fr.vals[grad]
		for r := lo; r < hi; r++ {
			row, out := x[r*classes:(r+1)*classes], d[r*classes:(r+1)*classes]
			top, sum := logSumExp(row)
			right, scale := clampIndex(label[r], classes), float64(g[r])
			for i, a := range row {
				p := math.Exp(float64(a)-top) / sum
				if i == right {
					p--
				}
				out[i] = float32(scale * p)
			}
		}
	}
	return func(fr *frame) { fr.pool.run(fr, rows, max(1, costlyGrain/classes), part) }, nil
}
