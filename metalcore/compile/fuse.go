package compile

import (
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
// several results of its group. Small groups of a bias and relu are joined to
// the product before them.
func fuse(p *program) error {
	level := levels(p.graph)
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
		if !plan.Fusible(v.Op) && !plan.Product(v) {
			continue
		}
		root := sets.root(i)
		if _, ok := at[root]; !ok {
			at[root] = len(p.groups)
			p.groups = append(p.groups, nil)
		}
		p.groups[at[root]] = append(p.groups[at[root]], v)
	}
	p.gather()
	return nil
}

// epilogues finds products whose only user adds a bias, and is alone with that
// or has one other value in its set, which is its relu. Nothing else reads what
// lies between them.
func epilogues(g *ir.Graph, sets sets, number map[*ir.Value]int) (pairs [][2]*ir.Value) {
	users, size := map[*ir.Value]int{}, map[int]int{}
	next := map[*ir.Value]*ir.Value{} // the last user
	taken := map[*ir.Value]bool{}     // by the first of two products that are added
	for i, v := range g.Values {
		size[sets.root(i)]++
		for _, in := range v.In {
			users[in]++
			next[in] = v
		}
	}
	for _, o := range g.Outputs {
		users[o.Value]++
	}
	for _, u := range g.Updates {
		users[u.New]++
	}
	for _, v := range g.Values {
		sum := next[v]
		if !plan.Product(v) || users[v] != 1 || sum == nil || taken[sum] || plan.Bias(sum, v) == nil {
			continue
		}
		after := next[sum]
		switch root := sets.root(number[sum]); size[root] {
		case 1:
		case 2:
			if users[sum] != 1 || after == nil || after.Op != "relu" || sets.root(number[after]) != root {
				continue
			}
		default:
			continue
		}
		pairs, taken[sum] = append(pairs, [2]*ir.Value{v, sum}), true
	}
	return pairs
}

// joins reports whether the two ends of an edge may be in one group.
func joins(in, v *ir.Value) bool {
	return plan.Fusible(in.Op) && plan.Fusible(v.Op) && plan.SameSpace(in.Shape, v.Shape)
}

func levels(g *ir.Graph) map[*ir.Value]int {
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
