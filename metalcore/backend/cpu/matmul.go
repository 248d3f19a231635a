package cpu

import "github.com/metalnb/metalnb/metalcore/ir"

func init() { register(map[string]maker{"matmul": makeMatMul}) }

func makeMatMul(c *compiler, v *ir.Value) (kernel, error) {
	a, b, ta, tb := v.In[0].Shape, v.In[1].Shape, v.Bool("ta"), v.Bool("tb")
	rank := len(v.Shape)
	p := &product{dst: c.id(v), batch: v.Shape[:rank-2].Elems(), m: v.Shape[rank-2], n: v.Shape[rank-1],
		k: a[len(a)-1], oneB: len(b) == 2}
	if ta {
		p.k = a[len(a)-2]
	}
	if len(b) == 2 && !ta { // one product over the rows of all matrices
		p.m, p.batch = p.m*p.batch, 1
	}
	stepA := p.m * p.k
	if len(a) == 2 {
		stepA = 0
	}
	p.packA = matrixPacker(c.id(v.In[0]), p.m, p.k, stepA, tileM, ta)
	p.packB = matrixPacker(c.id(v.In[1]), p.n, p.k, p.n*p.k, tileN, !tb)
	return p.kernel(c), nil
}

// matrixPacker packs from a dense operand, stored [rows,depth], or the other
// way when across; step is from one matrix of the batch to the next.
func matrixPacker(id, rows, depth, step, width int, across bool) packer {
	if across {
		return func(fr *frame, dst []float32, batch, i, n, k, d int) {
			packColumns(dst, fr.vals[id][batch*step+k*rows+i:], rows, width, n, d)
		}
	}
	return func(fr *frame, dst []float32, batch, i, n, k, d int) {
		packRows(dst, fr.vals[id][batch*step+i*depth+k:], depth, width, n, d)
	}
}
