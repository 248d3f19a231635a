package plan

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// memory stands for everything a program can write: for each buffer and each
// 4-byte cell of it, which value's element it holds. Running a program on it
// shows every hazard, independent of how the planner reasons.
type memory map[Kind]map[int64]cell

// cell is element i of the value v; a state's old value is the state itself.
type cell struct {
	v *ir.Value
	i int
}

const stretch = 1 << 32 // distance between the buffers of one kind

func base(p Place) int64 { return int64(p.Index)*stretch + p.Offset }

func (m memory) write(p Place, v *ir.Value) {
	if m[p.Kind] == nil {
		m[p.Kind] = map[int64]cell{}
	}
	for i := range v.Shape.Elems() {
		m[p.Kind][base(p)+4*int64(i)] = cell{v, i}
	}
}

func (m memory) holds(p Place, v *ir.Value) error {
	for i := range v.Shape.Elems() {
		if got := m[p.Kind][base(p)+4*int64(i)]; got != (cell{v, i}) {
			return fmt.Errorf("%v should hold element %d of %s, holds %v", p, i, v.Op, got)
		}
	}
	return nil
}

// verify runs the program symbolically and reports the first operand, output
// or state that was overwritten too early or never written.
func verify(p *Program) error {
	m := memory{}
	for _, v := range p.Graph.Values {
		if p.Places[v].Kind == Arena && p.Places[v].Offset+v.Bytes() > p.Arena {
			return fmt.Errorf("%s lies outside the arena", v.Op)
		}
		if v.IsLeaf() {
			m.write(p.Places[v], v)
		}
	}
	for range 2 {
		if err := verifyStep(p, m); err != nil {
			return err
		}
		for _, s := range p.States {
			m.write(p.Places[s], s)
		}
	}
	return nil
}

func verifyStep(p *Program, m memory) error {
	for i := range p.Steps {
		st := &p.Steps[i]
		for _, in := range st.Reads {
			if err := m.holds(p.Places[in], storage(in)); err != nil {
				return fmt.Errorf("operand of %s: %w", st.Values[0].Op, err)
			}
		}
		for _, v := range st.Writes {
			m.write(p.Places[v], v)
			for _, w := range st.Values {
				for _, in := range w.In {
					_, product := st.Epilogue()
					if slices.Contains(st.Reads, in) && shares(p, v, in) && (product || !mayShare(p, v, w, in)) {
						return fmt.Errorf("%s is written over %s, an operand of %s", v.Op, in.Op, w.Op)
					}
				}
			}
		}
		for _, v := range st.Writes { // none over another one
			if err := m.holds(p.Places[v], v); err != nil {
				return fmt.Errorf("result of %s: %w", v.Op, err)
			}
		}
	}
	for _, c := range p.Copies {
		if err := m.holds(p.Places[c.From], storage(c.From)); err != nil {
			return fmt.Errorf("copy: %w", err)
		}
		m.write(c.To, storage(c.From))
	}
	return verifyResults(p, m)
}

// mayShare: the result v may lie where the operand in of w, a value of the same
// step, lay, if they are the same elements.
func mayShare(p *Program, v, w, in *ir.Value) bool {
	inPlace := InPlace(w.Op) || Fusible(w.Op)
	return inPlace && p.Places[v] == p.Places[in] && in.Shape.Elems() == w.Shape.Elems()
}

func shares(p *Program, a, b *ir.Value) bool {
	x, y := p.Places[a], p.Places[b]
	return x.Kind == y.Kind && base(x) < base(y)+b.Bytes() && base(y) < base(x)+a.Bytes()
}

func verifyResults(p *Program, m memory) error {
	for i, o := range p.Outputs {
		if err := m.holds(Place{Kind: Output, Index: i}, storage(o.Value)); err != nil {
			return fmt.Errorf("output %s: %w", o.Name, err)
		}
	}
	for _, u := range p.Graph.Updates {
		want := u.New
		if want.Op == OpCopy {
			if err := m.holds(p.Places[u.State], want); err != nil {
				return err
			}
			continue
		}
		if err := m.holds(p.Places[u.State], storage(want)); err != nil {
			return fmt.Errorf("state %s: %w", u.State.Name, err)
		}
	}
	return nil
}

// randomGraph mixes ops that work in place with ops that do not, reshapes,
// broadcasts, constants, outputs of every kind and updates between states.
func randomGraph(r *rand.Rand) *ir.Graph {
	shapes := []ir.Shape{{6}, {2, 3}, {6, 1}, {1, 6}, {}, {6, 6}, {0, 6}}
	vals := []*ir.Value{ir.Input("x", ir.F32, 6), ir.Input("y", ir.F32, 6, 6), ir.Const(2, ir.F32), ir.Iota(6)}
	var states []*ir.Value
	for _, name := range []string{"s", "t", "u"} {
		states = append(states, ir.State(name, ir.F32, ir.Shape{6}, nil))
	}
	vals = append(vals, states...)
	pick := func() *ir.Value { return vals[r.IntN(len(vals))] }
	for range 3 + r.IntN(25) {
		a, b := pick(), pick()
		switch r.IntN(5) {
		case 0:
			vals = append(vals, node("exp", a.Shape, a))
		case 1:
			shape := a.Shape
			if b.Shape.Elems() > shape.Elems() {
				shape = b.Shape
			}
			vals = append(vals, node("add", shape, a, b))
		case 2:
			vals = append(vals, node("matmul", shapes[r.IntN(len(shapes))], a, b))
		case 3:
			for _, s := range shapes {
				if s.Elems() == a.Shape.Elems() && r.IntN(2) == 0 {
					vals = append(vals, node("reshape", s, a))
				}
			}
		case 4:
			vals = append(vals, node("select", a.Shape, a, a, b))
		}
	}
	return results(r, vals, states)
}

func results(r *rand.Rand, vals, states []*ir.Value) *ir.Graph {
	var outs []ir.Output
	for i := range 1 + r.IntN(4) {
		outs = append(outs, ir.Output{Name: fmt.Sprint(i), Value: vals[r.IntN(len(vals))]})
	}
	var updates []ir.Update
	for _, s := range states {
		var fit []*ir.Value
		for _, v := range vals {
			if v.Shape.Equal(s.Shape) && v.DType == s.DType {
				fit = append(fit, v)
			}
		}
		if r.IntN(4) > 0 {
			updates = append(updates, ir.Update{State: s, New: fit[r.IntN(len(fit))]})
		}
	}
	return ir.NewGraph("random", outs, updates)
}

// randomGroups cuts runs of fusible values of one shape out of the graph.
func randomGroups(r *rand.Rand, g *ir.Graph) []Group {
	var groups []Group
	var run Group
	cut := func() {
		if len(run) > 1 {
			groups = append(groups, run)
		}
		run = nil
	}
	for _, v := range g.Values {
		if !Fusible(v.Op) || len(run) > 0 && !SameSpace(run[0].Shape, v.Shape) || r.IntN(5) == 0 {
			cut()
		}
		if Fusible(v.Op) {
			run = append(run, v)
		}
	}
	cut()
	return groups
}
