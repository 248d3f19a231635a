package compile

import (
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// schedule tries the order that is given and a greedy one, and keeps the one
// whose plan needs less memory and copies.
func schedule(p *program) error {
	best, err := cost(p)
	if err != nil {
		return err
	}
	g := *p.graph
	g.Values = greedy(p)
	if c, err := cost(&program{&g, p.groups}); err == nil && c < best {
		p.graph = &g
	}
	return nil
}

// cost is the memory that a step writes beyond its results: the arena, and what
// is copied at the end.
func cost(p *program) (int64, error) {
	planned, err := plan.New(p.graph, p.groups...)
	if err != nil {
		return 0, err
	}
	sum := planned.Arena
	for _, c := range planned.Copies {
		sum += c.From.Bytes()
	}
	return sum, nil
}

// unit is what is put in order: a value, or a group.
type unit struct {
	values []*ir.Value
	reads  []*unit // each once
	users  []*unit // values that wait for this one
	late   int     // readers of an old state that are not yet computed
	free   []*unit // units that wait for this reader of an old state
	wait   int     // operands not yet computed
	left   int     // users not yet computed, and results
	bytes  int64   // that it takes: no leaf and no reshape takes any
	pos    int
}

// scheduler orders units so that each comes after its operands, and a state's
// new value after all readers of the old one where that is possible.
type scheduler struct {
	units []*unit
	of    map[*ir.Value]*unit
}

// greedy takes, of the units whose operands are there, the one that frees the
// most memory and takes the least; of equals the first in the graph.
func greedy(p *program) []*ir.Value {
	s := newScheduler(p)
	var out []*ir.Value
	var leaves, ready []*unit
	for _, u := range s.units {
		if u.wait == 0 {
			leaves = append(leaves, u)
		}
	}
	for _, u := range leaves {
		out = append(out, u.values...)
		ready = append(ready, u.done()...)
	}
	for len(ready) > 0 {
		i := choose(ready)
		u := ready[i]
		ready = append(ready[:i], ready[i+1:]...)
		out = append(out, u.values...)
		ready = append(ready, u.done()...)
	}
	return out
}

func newScheduler(p *program) *scheduler {
	s := &scheduler{of: make(map[*ir.Value]*unit, len(p.graph.Values))}
	for _, members := range p.groups {
		u := &unit{}
		for _, v := range members {
			s.of[v] = u
		}
	}
	for i, v := range p.graph.Values {
		u := s.of[v]
		if u == nil {
			u = &unit{}
			s.of[v] = u
		}
		if u.values == nil {
			u.pos = i
			s.units = append(s.units, u)
		}
		u.values = append(u.values, v)
	}
	for _, u := range s.units {
		s.connect(u)
	}
	for _, o := range p.graph.Outputs {
		s.of[o.Value].left++
	}
	for _, up := range p.graph.Updates {
		s.of[up.New].left++
	}
	s.weigh(p.graph)
	for _, up := range p.graph.Updates {
		next := s.of[up.New]
		for _, reader := range s.of[up.State].users {
			if reader != next {
				next.late++
				reader.free = append(reader.free, next)
			}
		}
	}
	return s
}

func (s *scheduler) connect(u *unit) {
	for _, v := range u.values {
		for _, in := range v.In {
			from := s.of[in]
			if from == u || slices.Contains(u.reads, from) {
				continue
			}
			u.reads = append(u.reads, from)
			from.users = append(from.users, u)
			from.left++
			u.wait++
		}
	}
}

// weigh counts the bytes of what each unit writes: what others read, and
// results.
func (s *scheduler) weigh(g *ir.Graph) {
	outside := map[*ir.Value]bool{}
	for _, v := range g.Values {
		for _, in := range v.In {
			if s.of[in] != s.of[v] {
				outside[in] = true
			}
		}
	}
	for _, o := range g.Outputs {
		outside[o.Value] = true
	}
	for _, u := range g.Updates {
		outside[u.New] = true
	}
	for _, u := range s.units {
		for _, v := range u.values {
			if (outside[v] || len(u.values) == 1) && !v.IsLeaf() && v.Op != "reshape" {
				u.bytes += v.Bytes()
			}
		}
	}
}

// done marks u as computed and returns what became ready by it.
func (u *unit) done() []*unit {
	var ready []*unit
	for _, w := range u.users {
		if w.wait--; w.wait == 0 {
			ready = append(ready, w)
		}
	}
	for _, in := range u.reads {
		in.left--
	}
	for _, w := range u.free {
		w.late--
	}
	return ready
}

// choose returns the index of the best ready unit. Units that others ask to
// wait come last, but they come: the wish may be impossible.
func choose(ready []*unit) int {
	best := 0
	for i, u := range ready {
		if i > 0 && u.better(ready[best]) {
			best = i
		}
	}
	return best
}

func (u *unit) better(w *unit) bool {
	if a, b := u.late > 0, w.late > 0; a != b {
		return b
	}
	if a, b := u.gain(), w.gain(); a != b {
		return a > b
	}
	return u.pos < w.pos
}

// gain is the memory that is free after u was computed and was not before.
func (u *unit) gain() int64 {
	free := -u.bytes
	for _, in := range u.reads {
		if in.left == 1 {
			free += in.bytes
		}
	}
	return free
}
