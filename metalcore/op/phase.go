package op

import (
	"fmt"
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// Phase stands for train while a model is trained, and for eval when it is
// evaluated or predicts. Resolve puts one of them in its place; no device
// knows the op.
func Phase(train, eval *ir.Value) *ir.Value { return build("phase", nil, train, eval) }

// Resolve copies the graph with each Phase replaced by its first operand when
// training, else by its second one. What only the others need is left out.
func Resolve(g *ir.Graph, training bool) *ir.Graph {
	return g.Rewrite(func(v *ir.Value) *ir.Value {
		switch {
		case v.Op != "phase":
			return v
		case training:
			return v.In[0]
		}
		return v.In[1]
	})
}

func phaseOps() []Op {
	return []Op{
		{Name: "phase", Doc: "a in a training program, b elsewhere", Class: Choice, Arity: 2, Shape: phaseShape,
			NoGrad: "it must be decided first, by op.Resolve"},
	}
}

func phaseShape(v *ir.Value) (ir.DType, ir.Shape, error) {
	a, b := v.In[0], v.In[1]
	if a.DType != b.DType || !a.Shape.Equal(b.Shape) {
		return 0, nil, fail(v, SizesDiffer, fmt.Sprintf("%s when training and %s else differ", a.Type(), b.Type()),
			"give both one type and shape")
	}
	return a.DType, slices.Clone(a.Shape), nil
}
