package bench

import (
	"github.com/metalnb/metalnb/metalcore/autodiff"
	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// flops counts the floating-point operations of a graph's products and
// convolutions. The batch must be bound.
func flops(g *ir.Graph) float64 {
	sum := int64(0)
	for _, v := range g.Values {
		sum += compile.ProductFLOPs(v)
	}
	return float64(sum)
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
