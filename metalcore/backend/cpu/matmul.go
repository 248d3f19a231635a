package cpu

import "github.com/metalnb/metalnb/metalcore/ir"

func init() { register(map[string]maker{"matmul": makeMatMul}) }

func makeMatMul(c *compiler, v *ir.Value) (kernel, error) { return newMatMul(c, v).kernel(c), nil }

// newMatMul is the product of a matmul, whose epilogue may still be set.
func newMatMul(c *compiler, v *ir.Value) *product {
	a, b, ta, tb := v.In[0].Shape, v.In[1].Shape, v.Bool("ta"), v.Bool("tb")
	rank := len(v.Shape)
	p := &product{dst: c.id(v), batch: v.Shape[:rank-2].Elems(), m: v.Shape[rank-2], n: v.Shape[rank-1],
		k: a[len(a)-1], oneB: len(b) == 2}
	if ta {
		p.k = a[len(a)-2]
	}
	p.a = matrices{id: c.id(v.In[0]), step: p.m * p.k, line: p.k, inner: 1}
	if ta {
		p.a.line, p.a.inner = 1, p.m
	}
	p.b = matrices{id: c.id(v.In[1]), step: p.k * p.n, line: 1, inner: p.n}
	if tb {
		p.b.line, p.b.inner = p.k, 1
	}
	if len(a) == 2 {
		p.a.step = 0
	}
	if p.oneB {
		p.b.step = 0
		if !ta { // one product over the rows of all matrices
			p.m, p.batch = p.m*p.batch, 1
		}
	}
	return p
}
