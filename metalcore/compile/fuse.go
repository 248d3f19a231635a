package compile

import (
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// fuse forms groups of elementwise values that a device computes together, in
// one pass over memory.
//
// Every value gets a level: 0 for what no other value needs, and for all others
// the level of the user that has the lowest, one less where the two cannot be in
// one group. Members of a group are joined by edges within one level. Every way
// that leaves a group goes to a higher level, so none leads back, and the groups
// can be put in an order. Because levels count from the results, an optimizer's
// update is one group up to its gradient, however late the learning rate is
// known.
//
// Nothing is computed twice. A value that is also read elsewhere becomes one of
// several results of its group. A product that only a group reads is joined to
// it, so that the group is computed of its results while they are at hand.
//
// Reductions of rows join, too, with what is computed of the rows' numbers, see
// plan.RowSpace. Where a set comes out that cannot be computed row by row, none
// of them do.
func fuse(p *program) error {
	if !p.fuse(true) {
		p.fuse(false)
	}
	return nil
}

// fuse reports whether all groups can be computed.
func (p *program) fuse(rows bool) bool {
	joins := func(in, v *ir.Value) bool { return joins(in, v) || rows && joinsRows(in, v) }
	level := levels(p.graph, joins)
	sets := newSets(len(p.graph.Values))
	number := map[*ir.Value]int{}
	scalars := map[int]int{} // level to the number of a scalar
	for i, v := range p.graph.Values {
		number[v] = i
		for _, in := range v.In {
			if joins(in, v) && level[in] == level[v] {
				sets.join(number[in], i)
			}
		}
		if plan.Fusible(v.Op) && v.Shape.Elems() == 1 { // too small to be worth a step of its own
			if first, ok := scalars[level[v]]; ok {
				sets.join(first, i)
			}
			scalars[level[v]] = i
		}
	}
	for _, u := range epilogues(p.graph, sets, number) {
		sets.join(number[u[0]], number[u[1]])
	}
	p.groups = nil
	at := map[int]int{} // root of a set to its place in groups
	for i, v := range p.graph.Values {
		if !plan.Fusible(v.Op) && !plan.Product(v) && !plan.RowFold(v) {
			continue
		}
		root := sets.root(i)
		if _, ok := at[root]; !ok {
			at[root] = len(p.groups)
			p.groups = append(p.groups, nil)
		}
		members := &p.groups[at[root]]
		if *members = append(*members, v); plan.Product(v) { // which needs none of the others
			*members = slices.Insert((*members)[:len(*members)-1], 0, v)
		}
	}
	for _, members := range p.groups {
		if !computable(members) {
			return false
		}
	}
	p.gather()
	return true
}

// computable reports whether values that are not all of one shape can be
// computed row by row.
func computable(members plan.Group) bool {
	if plan.Product(members[0]) {
		members = members[1:]
	}
	for _, v := range members {
		if plan.RowFold(v) || !plan.SameSpace(v.Shape, members[0].Shape) {
			_, ok := plan.RowSpace(members)
			return ok || len(members) == 1
		}
	}
	return true
}

// epilogues finds products that a set reads and nobody else does, one for each
// set at most. The product lies in the memory of a result until the others are
// computed of it, so that there must be one of its type. A set that updates
// states is left alone: its results lie where its operands are.
func epilogues(g *ir.Graph, sets sets, number map[*ir.Value]int) (pairs [][2]*ir.Value) {
	users := map[*ir.Value]int{}
	next := map[*ir.Value]*ir.Value{} // the last user
	room, taken := map[[2]int]bool{}, map[int]bool{}
	leaves := func(v *ir.Value) {
		if v.DType == ir.F32 {
			room[[2]int{sets.root(number[v]), v.Shape.Elems()}] = true
		}
	}
	for _, v := range g.Values {
		for _, in := range v.In {
			users[in]++
			next[in] = v
			if sets.root(number[in]) != sets.root(number[v]) {
				leaves(in)
			}
		}
	}
	for _, o := range g.Outputs {
		users[o.Value]++
		leaves(o.Value)
	}
	for _, u := range g.Updates {
		users[u.New]++
		taken[sets.root(number[u.New])] = true
	}
	for i := len(g.Values) - 1; i >= 0; i-- {
		v := g.Values[i]
		to := next[v]
		if !plan.Product(v) || users[v] != 1 || to == nil || !plan.Fusible(to.Op) || !plan.SameSpace(to.Shape, v.Shape) {
			continue
		}
		if root := sets.root(number[to]); room[[2]int{root, v.Shape.Elems()}] && !taken[root] {
			taken[root] = true
			pairs = append(pairs, [2]*ir.Value{v, to})
		}
	}
	return pairs
}

// joins reports whether the two ends of an edge may be in one group.
func joins(in, v *ir.Value) bool {
	return plan.Fusible(in.Op) && plan.Fusible(v.Op) && plan.SameSpace(in.Shape, v.Shape)
}

// joinsRows reports the same of edges between rows and their numbers.
func joinsRows(in, v *ir.Value) bool {
	member := func(v *ir.Value) bool { return plan.Fusible(v.Op) || plan.RowFold(v) }
	switch {
	case !member(in) || !member(v):
		return false
	case plan.RowFold(v):
		return true
	}
	return plan.PerRow(in.Shape, v.Shape) || plan.RowFold(in) && in.Shape.Equal(v.Shape)
}

func levels(g *ir.Graph, joins func(in, v *ir.Value) bool) map[*ir.Value]int {
	level := make(map[*ir.Value]int, len(g.Values))
	for i := len(g.Values) - 1; i >= 0; i-- {
		v := g.Values[i]
		for _, in := range v.In {
			l := level[v] - 1
			if joins(in, v) {
				l = level[v]
			}
			level[in] = min(level[in], l)
		}
	}
	return level
}

// sets are disjoint sets of numbers, each in one tree.
type sets []int

func newSets(n int) sets {
	s := make(sets, n)
	for i := range s {
		s[i] = i
	}
	return s
}

func (s sets) root(i int) int {
	for s[i] != i {
		s[i] = s[s[i]]
		i = s[i]
	}
	return i
}

func (s sets) join(i, j int) { s[s.root(i)] = s.root(j) }

// gather drops groups of one value and puts the graph in an order in which the
// values of a group stand together.
func (p *program) gather() {
	group := map[*ir.Value]plan.Group{}
	kept := p.groups[:0]
	for _, members := range p.groups {
		if len(members) < 2 {
			continue
		}
		kept = append(kept, members)
		for _, v := range members {
			group[v] = members
		}
	}
	p.groups = kept
	done := make(map[*ir.Value]bool, len(p.graph.Values))
	out := make([]*ir.Value, 0, len(p.graph.Values))
	var visit func(v *ir.Value)
	visit = func(v *ir.Value) {
		if done[v] {
			return
		}
		members := group[v]
		if members == nil {
			members = plan.Group{v}
		}
		for _, w := range members {
			done[w] = true
		}
		for _, w := range members {
			for _, in := range w.In {
				visit(in)
			}
		}
		out = append(out, members...)
	}
	for _, v := range p.graph.Values {
		visit(v)
	}
	g := *p.graph
	g.Values = out
	p.graph = &g
}
