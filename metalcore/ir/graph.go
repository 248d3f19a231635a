package ir

import (
	"fmt"
	"maps"
	"slices"
)

// Output names a value that a run hands back.
type Output struct {
	Name  string
	Value *Value
}

// Update says that at the end of a run the state takes a new value. All values
// of a run see the old one.
type Update struct {
	State *Value
	New   *Value
}

// Graph is a program: values in an order in which each comes after what it is
// computed from, the results that a run hands back, and the states it updates.
type Graph struct {
	Name    string
	Values  []*Value
	Outputs []Output
	Updates []Update
}

// NewGraph collects what the outputs and updates need, depth first, inputs of
// a value from left to right.
func NewGraph(name string, outputs []Output, updates []Update) *Graph {
	g := &Graph{Name: name, Outputs: outputs, Updates: updates}
	seen := map[*Value]bool{}
	for _, o := range outputs {
		g.collect(o.Value, seen)
	}
	for _, u := range updates {
		g.collect(u.State, seen)
		g.collect(u.New, seen)
	}
	return g
}

func (g *Graph) collect(v *Value, seen map[*Value]bool) {
	if seen[v] {
		return
	}
	seen[v] = true
	for _, in := range v.In {
		g.collect(in, seen)
	}
	g.Values = append(g.Values, v)
}

// Leaves returns the values of one leaf op, like OpInput or OpState, in order.
func (g *Graph) Leaves(op string) []*Value {
	var out []*Value
	for _, v := range g.Values {
		if v.Op == op {
			out = append(out, v)
		}
	}
	return out
}

// Params returns the states that an optimizer trains, in order.
func (g *Graph) Params() []*Value {
	return slices.DeleteFunc(g.Leaves(OpState), func(v *Value) bool { return !v.Bool(AttrTrain) })
}

// Output returns the output of that name, nil when there is none.
func (g *Graph) Output(name string) *Value {
	for _, o := range g.Outputs {
		if o.Name == name {
			return o.Value
		}
	}
	return nil
}

// Bind copies the graph for a batch of n rows: every dimension that depends on
// the batch, in shapes and in attributes named "shape", "limit" and "n", gets
// its number.
func (g *Graph) Bind(n int) *Graph {
	return g.Rewrite(func(v *Value) *Value {
		w := *v
		w.Shape = v.Shape.Bind(n)
		for _, key := range []string{"shape", "limit"} {
			if s := v.Ints(key); Shape(s).HasBatch() {
				w.Attrs = maps.Clone(w.Attrs)
				w.Attrs[key] = []int(Shape(s).Bind(n))
			}
		}
		if k := v.Int("n"); k < 0 {
			w.Attrs = maps.Clone(v.Attrs)
			w.Attrs["n"] = -k * n
		}
		return &w
	})
}

// Rewrite copies the graph, value by value in order: f gets a copy of each
// value whose inputs are already the new ones, and returns what stands in its
// place. What is no longer needed is left out.
func (g *Graph) Rewrite(f func(v *Value) *Value) *Graph {
	to := make(map[*Value]*Value, len(g.Values))
	for _, v := range g.Values {
		w := *v
		w.In = make([]*Value, len(v.In))
		for i, in := range v.In {
			w.In[i] = to[in]
		}
		to[v] = f(&w)
	}
	outputs := make([]Output, len(g.Outputs))
	for i, o := range g.Outputs {
		outputs[i] = Output{o.Name, to[o.Value]}
	}
	updates := make([]Update, len(g.Updates))
	for i, u := range g.Updates {
		updates[i] = Update{to[u.State], to[u.New]}
	}
	return NewGraph(g.Name, outputs, updates)
}

// Check reports the first fault in the graph's form: an order in which a value
// comes before what it needs, two states, inputs or outputs of one name, an
// update of something that is no state or of another type. Shapes of ops are checked by
// op.Check.
func (g *Graph) Check() error {
	seen := make(map[*Value]bool, len(g.Values))
	names := map[string]bool{}
	for _, v := range g.Values {
		for _, in := range v.In {
			if !seen[in] {
				return fmt.Errorf("graph %s: %s uses a value that comes after it", g.Name, v.Op)
			}
		}
		if v.Op == OpInput || v.Op == OpState {
			if v.Name == "" || names[v.Name] {
				return fmt.Errorf("graph %s: two inputs or states are named %q", g.Name, v.Name)
			}
			names[v.Name] = true
		}
		seen[v] = true
	}
	outputs := map[string]bool{}
	for _, o := range g.Outputs {
		if !seen[o.Value] || outputs[o.Name] {
			return fmt.Errorf("graph %s: the output %q is no value of it, or there are two", g.Name, o.Name)
		}
		outputs[o.Name] = true
	}
	updated := map[*Value]bool{}
	for _, u := range g.Updates {
		if !seen[u.State] || !seen[u.New] {
			return fmt.Errorf("graph %s: an update of what is no value of it", g.Name)
		}
		if u.State.Op != OpState || updated[u.State] {
			return fmt.Errorf("graph %s: an update needs a state of its own, got %s %q", g.Name, u.State.Op, u.State.Name)
		}
		if u.State.DType != u.New.DType || !u.State.Shape.Equal(u.New.Shape) {
			return fmt.Errorf("graph %s: state %q is %s, its new value %s", g.Name, u.State.Name, u.State.Type(), u.New.Type())
		}
		updated[u.State] = true
	}
	return nil
}
