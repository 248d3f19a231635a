package bench

import (
	"github.com/metalnb/metalnb/metalcore/autodiff"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// flops counts the floating-point operations of a graph's products and
// convolutions: two for each multiply-add. The batch must be bound. The zeros
// around an image count like its pixels.
func flops(g *ir.Graph) float64 {
	sum := 0.0
	for _, v := range g.Values {
		sum += 2 * multiplyAdds(v)
	}
	return sum
}

// multiplyAdds is the number of results times the length of the sums they are.
func multiplyAdds(v *ir.Value) float64 {
	elems := func(s ir.Shape) float64 { return float64(s.Elems()) }
	switch v.Op {
	case "matmul":
		a := v.In[0].Shape
		inner := a[len(a)-1]
		if v.Bool("ta") {
			inner = a[len(a)-2]
		}
		return elems(v.Shape) * float64(inner)
	case "conv2d": // each result is a sum over a kernel's window
		return elems(v.Shape) * elems(v.In[1].Shape[:3])
	case "conv2d_grad_input":
		return elems(v.In[0].Shape) * elems(v.In[1].Shape[:3])
	case "conv2d_grad_kernel":
		return elems(v.In[1].Shape) * elems(v.Shape[:3])
	}
	return 0
}

// stepFLOPs are those of a training step of a model: forward, and the gradients
// of its parameters.
func stepFLOPs(model *ir.Graph, output string, batch int) (float64, error) {
	g := op.Resolve(model.Bind(batch), true)
	grads, err := autodiff.Gradients(op.Sum(g.Output(output), false), g.Params())
	if err != nil {
		return 0, err
	}
	for _, v := range grads {
		g.Outputs = append(g.Outputs, ir.Output{Value: v})
	}
	return flops(ir.NewGraph(g.Name, g.Outputs, nil)), nil
}
