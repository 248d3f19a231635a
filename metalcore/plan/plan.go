package plan

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// inPlace holds the ops that read element i of a full-sized operand only to
// compute element i of the result, which may therefore lie in the same memory.
var inPlace = map[string]bool{
	"neg": true, "exp": true, "log": true, "log1p": true, "expm1": true, "sqrt": true, "abs": true, "sign": true,
	"tanh": true, "sigmoid": true, "relu": true, "floor": true, "is_finite": true, "cast": true,
	"rsqrt": true, "erf": true, "sin": true, "cos": true, "atan": true, "round": true, "stop_gradient": true,
	"add": true, "sub": true, "mul": true, "div": true, "max": true, "min": true, "pow": true,
	"eq": true, "lt": true, "le": true, "select": true,
}

// InPlace reports whether the op may write its result over an operand that has
// as many elements as the result. Devices must compute these ops so.
func InPlace(op string) bool { return inPlace[op] }

// New plans a graph whose batch is bound, in the order of its values; each
// group of values becomes one step. The program's graph is g, with an explicit
// copy added where two states trade their values.
func New(g *ir.Graph, groups ...Group) (*Program, error) {
	if err := check(g); err != nil {
		return nil, err
	}
	g = withSnapshots(g)
	steps, err := stepsOf(g, groups)
	if err != nil {
		return nil, err
	}
	p := newPlanner(g, steps)
	p.placeLeaves()
	p.placeUpdates()
	p.placeOutputs()
	p.placeArena()
	return p.prog, nil
}

func check(g *ir.Graph) error {
	if err := g.Check(); err != nil {
		return err
	}
	for _, v := range g.Values {
		if v.Shape.HasBatch() {
			return fmt.Errorf("graph %s: %s is %s and depends on the batch: bind the graph to a batch size first", g.Name, v.Op, v.Type())
		}
	}
	return nil
}

// storage is the value whose memory v lies in: a reshape lies in its operand's.
func storage(v *ir.Value) *ir.Value {
	for v.Op == "reshape" {
		v = v.In[0]
	}
	return v
}

// withSnapshots gives every state that takes over the old value of another
// updated state a copy of it, made by a last instruction of the step. Without
// it a swap of two states would lose one of them.
func withSnapshots(g *ir.Graph) *ir.Graph {
	updated := map[*ir.Value]bool{}
	for _, u := range g.Updates {
		updated[u.State] = storage(u.New) != u.State
	}
	out := *g
	out.Values = append([]*ir.Value(nil), g.Values...)
	out.Updates = append([]ir.Update(nil), g.Updates...)
	for i, u := range g.Updates {
		old := storage(u.New)
		if !updated[old] || old == u.State {
			continue
		}
		snap := &ir.Value{Op: OpCopy, In: []*ir.Value{u.New}, Shape: u.New.Shape, DType: u.New.DType, Layer: u.State.Layer, Pos: u.State.Pos}
		out.Values = append(out.Values, snap)
		out.Updates[i].New = snap
	}
	return &out
}

// OpCopy copies its operand. Only the planner makes it: see New.
const OpCopy = "copy"

// planner decides by storage: the maps hold no entry for a reshape.
type planner struct {
	prog  *Program
	step  map[*ir.Value]int // number of the step that computes it
	end   map[*ir.Value]int // number of the last step that reads it
	place map[*ir.Value]Place
}

func newPlanner(g *ir.Graph, steps []Step) *planner {
	p := &planner{
		prog: &Program{
			Graph: g, Steps: steps, Inputs: g.Leaves(ir.OpInput), States: g.Leaves(ir.OpState), Outputs: g.Outputs,
			Places: make(map[*ir.Value]Place, len(g.Values)),
		},
		step:  make(map[*ir.Value]int, len(g.Values)),
		end:   make(map[*ir.Value]int, len(g.Values)),
		place: map[*ir.Value]Place{},
	}
	for i := range steps {
		for _, v := range steps[i].Values {
			p.step[v], p.end[v] = i, i
		}
		for _, in := range steps[i].Reads {
			p.end[storage(in)] = i
		}
	}
	return p
}

// placeLeaves gives inputs and states their buffers, and keeps alive to the
// step's end what a copy reads there.
func (p *planner) placeLeaves() {
	for i, v := range p.prog.Inputs {
		p.place[v] = Place{Kind: Input, Index: i}
	}
	for i, v := range p.prog.States {
		p.place[v] = Place{Kind: State, Index: i}
	}
	for _, o := range p.prog.Outputs {
		p.keep(o.Value)
	}
	for _, u := range p.prog.Graph.Updates {
		p.keep(u.New)
	}
}

// keep makes a value live until the copies at the end of the step.
func (p *planner) keep(v *ir.Value) { p.end[storage(v)] = len(p.prog.Steps) }

// placeUpdates computes new states in the old ones' buffers where that harms
// no reader. Copies to states come after those to outputs, which may read old
// states.
func (p *planner) placeUpdates() {
	var copies []Copy
	for _, u := range p.prog.Graph.Updates {
		s := storage(u.New)
		switch to := p.place[u.State]; {
		case s == u.State:
		case p.free(s) && p.overwritable(u.State, s):
			p.place[s] = to
		default:
			copies = append(copies, Copy{From: u.New, To: to})
		}
	}
	p.prog.Copies = copies
}

// free reports whether the value is computed and has no place yet.
func (p *planner) free(s *ir.Value) bool {
	_, placed := p.place[s]
	return !placed && !s.IsLeaf()
}

// overwritable reports whether the value v may be computed into the memory of
// old: all readers of old come before v's step, or are in it and read element
// by element.
func (p *planner) overwritable(old, v *ir.Value) bool {
	if p.end[old] > p.step[v] {
		return false
	}
	s := &p.prog.Steps[p.step[v]]
	if _, ok := s.Epilogue(); ok && p.end[old] == p.step[v] {
		return false
	}
	for _, w := range s.Values {
		for _, in := range w.In {
			aligned := (InPlace(w.Op) || Fusible(w.Op)) && in.Shape.Elems() == w.Shape.Elems()
			if storage(in) == old && !aligned {
				return false
			}
		}
	}
	return true
}

// placeOutputs computes outputs in their buffers; what has a place already is
// copied.
func (p *planner) placeOutputs() {
	var copies []Copy
	for i, o := range p.prog.Outputs {
		to := Place{Kind: Output, Index: i}
		if s := storage(o.Value); p.free(s) {
			p.place[s] = to
		} else {
			copies = append(copies, Copy{From: o.Value, To: to})
		}
	}
	p.prog.Copies = append(copies, p.prog.Copies...)
}
