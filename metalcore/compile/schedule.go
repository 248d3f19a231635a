package compile

import (
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// schedule tries the order that is given and a greedy one, and keeps the one
// whose plan needs less memory and copies.
func schedule(g *ir.Graph) (*ir.Graph, error) {
	best, err := cost(g)
	if err != nil {
		return nil, err
	}
	other := *g
	other.Values = greedy(g)
	if c, err := cost(&other); err != nil || c >= best {
		return g, err
	}
	return &other, nil
}

// cost is the memory that a step writes beyond its results: the arena, and what
// is copied at the end.
func cost(g *ir.Graph) (int64, error) {
	p, err := plan.New(g)
	if err != nil {
		return 0, err
	}
	sum := p.Arena
	for _, c := range p.Copies {
		sum += c.From.Bytes()
	}
	return sum, nil
}

// scheduler orders values so that each comes after its operands, and a state's
// new value after all readers of the old one where that is possible.
type scheduler struct {
	users   map[*ir.Value][]*ir.Value // values that wait for this one
	wait    map[*ir.Value]int         // operands not yet computed
	late    map[*ir.Value]int         // readers of the old state not yet computed
	release map[*ir.Value][]*ir.Value // new states that wait for this reader
	left    map[*ir.Value]int         // users not yet computed
	pos     map[*ir.Value]int
}

// greedy takes, of the values whose operands are there, the one that frees the
// most memory and takes the least; of equals the first in the graph.
func greedy(g *ir.Graph) []*ir.Value {
	s := newScheduler(g)
	var out, ready []*ir.Value
	for _, v := range g.Values {
		if v.IsLeaf() {
			out = append(out, v)
		}
	}
	for _, v := range out {
		ready = append(ready, s.done(v)...)
	}
	for len(ready) > 0 {
		i := s.choose(ready)
		v := ready[i]
		ready = append(ready[:i], ready[i+1:]...)
		out = append(out, v)
		ready = append(ready, s.done(v)...)
	}
	return out
}

func newScheduler(g *ir.Graph) *scheduler {
	s := &scheduler{users: map[*ir.Value][]*ir.Value{}, wait: map[*ir.Value]int{}, late: map[*ir.Value]int{},
		release: map[*ir.Value][]*ir.Value{}, left: map[*ir.Value]int{}, pos: map[*ir.Value]int{}}
	for i, v := range g.Values {
		s.pos[v] = i
		s.wait[v] = len(v.In)
		for _, in := range v.In {
			s.users[in] = append(s.users[in], v)
			s.left[in]++
		}
	}
	for _, o := range g.Outputs {
		s.left[o.Value]++
	}
	for _, u := range g.Updates {
		s.left[u.New]++
		for _, reader := range s.users[u.State] {
			if reader != u.New {
				s.late[u.New]++
				s.release[reader] = append(s.release[reader], u.New)
			}
		}
	}
	return s
}

// done marks v as computed and returns what became ready by it.
func (s *scheduler) done(v *ir.Value) []*ir.Value {
	var ready []*ir.Value
	for _, w := range s.users[v] {
		if s.wait[w]--; s.wait[w] == 0 {
			ready = append(ready, w)
		}
	}
	for _, in := range v.In {
		s.left[in]--
	}
	for _, w := range s.release[v] {
		s.late[w]--
	}
	return ready
}

// choose returns the index of the best ready value. Values that others ask to
// wait come last, but they come: the wish may be impossible.
func (s *scheduler) choose(ready []*ir.Value) int {
	best := 0
	for i, v := range ready {
		if i > 0 && s.better(v, ready[best]) {
			best = i
		}
	}
	return best
}

func (s *scheduler) better(v, w *ir.Value) bool {
	if a, b := s.late[v] > 0, s.late[w] > 0; a != b {
		return b
	}
	if a, b := s.gain(v), s.gain(w); a != b {
		return a > b
	}
	return s.pos[v] < s.pos[w]
}

// gain is the memory that is free after v was computed and was not before.
func (s *scheduler) gain(v *ir.Value) int64 {
	free := -v.Bytes()
	if v.Op == "reshape" {
		free = 0
	}
	for i, in := range v.In {
		if in.IsLeaf() || slices.Contains(v.In[:i], in) {
			continue
		}
		uses := 0
		for _, other := range v.In {
			if other == in {
				uses++
			}
		}
		if s.left[in] == uses {
			free += in.Bytes()
		}
	}
	return free
}
