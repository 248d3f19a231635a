package cpu

import (
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// unguard looks for a step that either takes over all of its results or none:
// each of them is selected, by one and the same number, from what the step
// computes and what lies in its place already. Then the number guards the step
// as a whole, and the selections are left out.
func (f *fuser) unguard() {
	stands := map[*ir.Value]*ir.Value{} // the selection in place of its value
	var guard *ir.Value
	for _, w := range f.step.Writes {
		if w.Op != "select" || guard != nil && w.In[0] != guard || !f.keeps(w) || stands[w.In[1]] != nil {
			return
		}
		guard = w.In[0]
		stands[w.In[1]] = w
	}
	var kept []node
	for _, n := range f.nodes {
		if slices.Contains(f.step.Writes, n.v) {
			continue
		}
		if w := stands[n.v]; w != nil {
			n.v = w
		}
		n.in = slices.Clone(n.in)
		for k, in := range n.in {
			if w := stands[in]; w != nil {
				n.in[k] = w
			}
		}
		kept = append(kept, n)
	}
	f.nodes, f.guard = kept, guard
}

// keeps reports whether the selection w either takes over a value that only the
// step knows or keeps what lies in its place.
func (f *fuser) keeps(w *ir.Value) bool {
	cond, fresh, old := w.In[0], w.In[1], w.In[2]
	inside := func(v *ir.Value) bool { return slices.Contains(f.step.Values, v) }
	return cond.Shape.Elems() == 1 && !inside(cond) && inside(fresh) && !slices.Contains(f.step.Writes, fresh) &&
		old.Shape.Elems() == w.Shape.Elems() && f.c.prog.Places[old] == f.c.prog.Places[w]
}
