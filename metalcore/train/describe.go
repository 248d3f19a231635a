package train

import (
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// LayerInfo is a line of a model's summary.
type LayerInfo struct {
	Name   string // "conv2d_1"
	Op     string // what it mainly does: "conv2d"
	Shape  ir.Shape
	Params int // trainable numbers
}

// mainOps give a layer its name in a summary when they are among its ops.
var mainOps = []string{"conv2d", "conv2d_grad_input", "matmul", "maxpool2d", "avgpool2d", "gather"}

// Describe lists the layers of a model in the order in which they are computed,
// the input first. A value that no layer made is a layer of its own; how states
// are updated is no part of it.
func Describe(g *ir.Graph) []LayerInfo {
	var list []LayerInfo
	at := map[string]int{}
	for _, v := range ir.NewGraph(g.Name, g.Outputs, nil).Values {
		if v.Op == ir.OpConst || v.Op == ir.OpIota || v.Op == ir.OpState && v.Layer == "" {
			continue
		}
		name := v.Layer
		if name == "" || v.Op == ir.OpInput {
			name = v.Op
			if v.Name != "" {
				name = v.Name
			}
			list = append(list, LayerInfo{Name: name, Op: v.Op, Shape: v.Shape})
			continue
		}
		i, ok := at[name]
		if !ok {
			i = len(list)
			at[name] = i
			list = append(list, LayerInfo{Name: name})
		}
		list[i].take(v)
	}
	return list
}

// take adds a value to its layer. The layer's last value is its result.
func (l *LayerInfo) take(v *ir.Value) {
	if v.Op == ir.OpState {
		if v.Bool(ir.AttrTrain) {
			l.Params += v.Shape.Elems()
		}
		return
	}
	l.Shape = v.Shape
	if !slices.Contains(mainOps, l.Op) {
		l.Op = v.Op
	}
}

// Describe lists the layers of the trainer's model.
func (t *Trainer) Describe() []LayerInfo { return Describe(t.machine.spec.Model) }
