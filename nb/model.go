package nb

import (
	"fmt"
	"strings"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// modelText writes a model for the core: the graph from its input to output y.
// Layers are numbered within the model, in the order in which it is computed,
// so that the same declaration is the same text in every cell.
func modelText(name string, model *Tensor) string {
	g := ir.NewGraph(name, []ir.Output{{Name: "y", Value: model.v}}, nil)
	if inputs := g.Leaves(ir.OpInput); len(inputs) != 1 || inputs[0].Name != "x" {
		argument("build the model from one nb.Input; numbers in it can be nb.Full or nb.Arange",
			"trainer %q: a model has one input, this one has %d", name, len(inputs))
	}
	names, counts := map[string]string{}, map[string]int{}
	g = g.Rewrite(func(v *ir.Value) *ir.Value {
		v.Layer = layerName(v.Layer, names, counts)
		if v.Op == ir.OpState {
			v.Name = v.Layer + "/" + v.Name
		}
		return v
	})
	if err := g.Check(); err != nil {
		argument("give each layer a name of its own", "trainer %q: %v", name, err)
	}
	return g.String()
}

// layerName turns the stamp "conv2d#17" into "conv2d_1", and keeps names that
// the user gave.
func layerName(stamp string, names map[string]string, counts map[string]int) string {
	kind, _, stamped := strings.Cut(stamp, "#")
	if !stamped {
		return stamp
	}
	if names[stamp] == "" {
		counts[kind]++
		names[stamp] = fmt.Sprintf("%s_%d", kind, counts[kind])
	}
	return names[stamp]
}
