package nb

import (
	"fmt"
	"maps"
	"strings"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// modelText writes a model for the core: the graph from its input to output y,
// and how its states change in training. Layers and streams of random numbers
// are numbered within the model, in the order in which it is computed, so that
// the same declaration is the same text in every cell.
func modelText(name string, model *Tensor) string {
	g := ir.NewGraph(name, []ir.Output{{Name: "y", Value: model.v}}, updatesOf(model))
	if inputs := g.Leaves(ir.OpInput); len(inputs) != 1 || inputs[0].Name != "x" {
		argument("build the model from one nb.Input; numbers in it can be nb.Full or nb.Arange",
			"trainer %q: a model has one input, this one has %d", name, len(inputs))
	}
	names, counts, shared, streams := map[string]string{}, map[string]int{}, map[string]*ir.Value{}, 0
	g = g.Rewrite(func(v *ir.Value) *ir.Value {
		if v.Op == ir.OpState && (v.Name == ir.StateStep || v.Name == ir.StateSeed) {
			if shared[v.Name] == nil {
				v.Layer, v.Pos, shared[v.Name] = "", ir.Pos{}, v
			}
			return shared[v.Name]
		}
		v.Layer = layerName(v.Layer, names, counts)
		switch v.Op {
		case ir.OpState:
			v.Name = v.Layer + "/" + v.Name
		case "random":
			if v.In[0].Op != ir.OpState {
				return v // numbers of the user's own seed
			}
			v.Attrs = maps.Clone(v.Attrs)
			v.Attrs["stream"] = streams
			streams++
		}
		return v
	})
	if err := g.Check(); err != nil {
		argument("give each layer a name of its own", "trainer %q: %v", name, err)
	}
	return g.String()
}

// updatesOf collects the updates of all layers that a tensor went through. A
// state that several uses of a layer update takes them one after the other.
func updatesOf(model *Tensor) (list []ir.Update) {
	at := map[*ir.Value]int{}
	seen := map[*Tensor]bool{}
	var walk func(t *Tensor)
	walk = func(t *Tensor) {
		if seen[t] {
			return
		}
		seen[t] = true
		for _, from := range t.from {
			walk(from)
		}
		for _, u := range t.updates {
			i, again := at[u.state]
			if !again {
				i = len(list)
				at[u.state], list = i, append(list, ir.Update{State: u.state, New: u.state})
			}
			list[i].New = u.next(list[i].New)
			ir.Stamp(list[i].New, u.state.Layer, u.state.Pos)
		}
	}
	walk(model)
	return list
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
