package cpu

import (
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// product makes the kernel of a product with what is computed of it. The rest
// that is not done in registers runs over each block of rows while it is in the
// cache; until then the product lies in the memory of a result.
func (c *compiler) product(s *plan.Step, e plan.Epilogue) kernel {
	home := c.id(s.Home(e.Base))
	c.ids[e.Product], c.ids[e.Base] = home, home
	how := epilogue{relu: e.ReLU}
	if e.Bias != nil {
		bias := c.id(e.Bias)
		how.bias = &bias
	}
	if len(e.Rest) == 0 {
		return c.multiply(e.Product, how)
	}
	step, f := c.rest(s, e)
	all := func() kernel { return tiled(c, step, f) }
	row := lastAxis(e.Product)
	if !f.space.cutsAt(row) {
		return after(c.multiply(e.Product, how), all())
	}
	f.reserve(c)
	rows := e.Product.Shape.Elems() / row // of a matrix, where there are several
	if e.Product.Op == "matmul" {
		rows = newMatMul(c, e.Product).m
	}
	how.rest = all
	how.finish = func(fr *frame, worker int, b block) {
		lo := (b.batch*rows + b.row) * row
		f.span(fr, worker, lo, lo+b.rows*row)
	}
	return c.multiply(e.Product, how)
}

// multiply makes the kernel of a product with what comes after it.
func (c *compiler) multiply(v *ir.Value, after epilogue) kernel {
	switch v.Op {
	case "conv2d":
		return newConv2D(c, v, after)(c)
	case "conv2d_grad_input":
		return newConv2DGradInput(c, v, after)
	}
	p := newMatMul(c, v)
	p.after = after
	return p.kernel(c)
}

// rest prepares what is computed of an epilogue's base.
func (c *compiler) rest(s *plan.Step, e plan.Epilogue) (*plan.Step, *fused) {
	step := &plan.Step{Values: e.Rest, Reads: append(slices.Clone(s.Reads), e.Base)}
	for _, v := range s.Writes {
		if v != e.Base {
			step.Writes = append(step.Writes, v)
		}
	}
	f := newFuser(c, step)
	f.collect()
	return step, f.compile()
}

func lastAxis(v *ir.Value) int { return v.Shape[len(v.Shape)-1] }

// cutsAt reports whether work may begin at any multiple of n elements.
func (s *space) cutsAt(n int) bool { return s.wide() || s.dims[0] == n }
