package conformance

import (
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

func state(name string, shape ...int) *ir.Value { return ir.State(name, ir.F32, shape, nil) }

// named makes outputs "0", "1", ... of some values.
func named(vs ...*ir.Value) []ir.Output {
	var out []ir.Output
	for i, v := range vs {
		out = append(out, ir.Output{Name: name(i), Value: v})
	}
	return out
}

// results has every way in which a value is handed back: computed, an input, a
// state, a constant, the same twice, a reshape of another one.
func (s *suite) results(t T) {
	x, w := f32("x", 4, 3), state("w", 4, 3)
	sum := op.Add(x, w)
	flat := op.Reshape(sum, ir.Shape{12})
	neg := op.Neg(flat)
	for _, c := range []struct {
		name    string
		outs    []*ir.Value
		updates []ir.Update
	}{
		{"computed", []*ir.Value{sum, neg}, nil},
		{"leaves", []*ir.Value{x, w, ir.Const(2.5, ir.F32, 3), ir.Iota(5), ir.Const(-7, ir.I32)}, nil},
		{"twice", []*ir.Value{sum, sum, flat, x, x}, nil},
		{"reshaped leaves", []*ir.Value{op.Reshape(x, ir.Shape{3, 4}), op.Reshape(w, ir.Shape{2, 6})}, nil},
		{"read after output", []*ir.Value{sum, op.Mul(sum, sum), op.Exp(sum)}, nil},
		{"nothing", nil, nil},
		{"empty", []*ir.Value{op.Neg(f32("e", 0, 3))}, nil},
		{"old and new state", []*ir.Value{w, sum}, []ir.Update{{State: w, New: sum}}},
		{"state by constant", []*ir.Value{w}, []ir.Update{{State: w, New: ir.Const(3, ir.F32, 4, 3)}}},
		{"state by input", []*ir.Value{sum}, []ir.Update{{State: w, New: x}}},
		{"state by itself", []*ir.Value{sum}, []ir.Update{{State: w, New: w}}},
	} {
		t.Run(c.name, func(t T) {
			s.checkGraph(t, ir.NewGraph("results", named(c.outs...), c.updates), nil, 2, single)
		})
	}
}

// steps runs many steps in one Submit, with states that depend on each other
// and on values that may be computed in place.
func (s *suite) steps(t T) {
	a, b, c := state("a", 6), state("b", 6), state("c", 6)
	x := f32("x", 6)
	count := ir.State("count", ir.I32, ir.Shape{}, nil)
	half := ir.Const(0.5, ir.F32)
	sum := op.Mul(op.Add(a, x), half)
	one := op.Add(count, ir.Const(1, ir.I32))
	matrix := state("m", 3, 3)
	for _, k := range []struct {
		name    string
		outs    []*ir.Value
		updates []ir.Update
	}{
		{"counter", []*ir.Value{count}, []ir.Update{{State: count, New: one}}},
		{"momentum", []*ir.Value{op.Sum(a, false)}, []ir.Update{{State: a, New: sum}, {State: b, New: op.Sub(b, sum)}}},
		{"swap", nil, []ir.Update{{State: a, New: b}, {State: b, New: a}}},
		{"rotate", nil, []ir.Update{{State: a, New: b}, {State: b, New: c}, {State: c, New: a}}},
		{"shift", nil, []ir.Update{{State: a, New: sum}, {State: b, New: a}, {State: c, New: b}}},
		{"one for two", nil, []ir.Update{{State: a, New: sum}, {State: b, New: sum}}},
		{"old value read late", []*ir.Value{op.Mul(sum, a)}, []ir.Update{{State: a, New: sum}}},
		{"repeated operand", nil, []ir.Update{{State: a, New: op.Mul(half, op.Tanh(op.Add(a, op.Sum(a, true, 0))))}}},
		{"not in place", nil, []ir.Update{{State: matrix, New: op.Tanh(op.MatMul(matrix, matrix, false, true))}}},
		{"transposed", nil, []ir.Update{{State: matrix, New: op.Transpose(matrix)}}},
		{"reshaped", nil, []ir.Update{{State: a, New: op.Reshape(op.Reshape(sum, ir.Shape{2, 3}), ir.Shape{6})}}},
		{"row from a counter", []*ir.Value{op.Gather(f32("t", 5, 2), one)}, []ir.Update{{State: count, New: one}}},
	} {
		t.Run(k.name, func(t T) {
			for _, n := range []int{0, 1, 7} {
				if n == 0 && len(k.outs) > 0 {
					continue // no step, no outputs
				}
				s.checkGraph(t, ir.NewGraph("steps", named(k.outs...), k.updates), data{"count": {2}}, n, sums)
			}
		})
	}
	t.Run("programs in turns", s.repeat)
}

// table fails when the suite has left out an op. It must be the last part.
func (s *suite) table(t T) {
	for _, row := range op.All() {
		if !s.seen[row.Name] && row.Class != op.Choice {
			t.Errorf("no test has run %s", row.Name)
		}
	}
	missing := map[string]bool{}
	for _, v := range s.typed {
		s.tryTypes(v, missing)
	}
	for key := range missing {
		t.Errorf("no test has run %s", key)
	}
}

// tryTypes gives the operands of one type another one, and collects what the op
// accepts and was not run.
func (s *suite) tryTypes(v *ir.Value, missing map[string]bool) {
	row := op.Lookup(v.Op)
	if row == nil || row.Variadic && len(v.In) > 2 {
		return
	}
	for _, was := range v.In {
		for _, d := range ir.DTypes() {
			w := *v
			w.In = make([]*ir.Value, len(v.In))
			for i, in := range v.In {
				x := *in
				if in.DType == was.DType {
					x.DType = d
				}
				w.In[i] = &x
			}
			if _, _, err := row.Infer(&w); err == nil && s.typed[signature(&w)] == nil {
				missing[signature(&w)] = true
			}
		}
	}
}
