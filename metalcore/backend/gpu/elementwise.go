package gpu

import (
	"fmt"
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// groupThreads is the number of threads of a threadgroup that works element by
// element.
const groupThreads = 256

// block is work that threads do independently of each other: number i of units.
// Several blocks can be one kernel, see join.
type block struct {
	what   string
	units  int
	index  string // type of i
	args   []Arg
	params []Param
	body   func(t *text) // of the thread's unit i, with the names of params
}

// emit makes a block a call of its own, for now.
func (l *lowerer) emit(b block) {
	l.code.Calls = append(l.code.Calls, Call{Kernel: -1, Step: l.step, blocks: []block{b}})
}

// operand is a value that a group reads from outside, as one of its members sees
// it.
type operand struct {
	v    *ir.Value
	axes []int
	name string // of its parameter; none for constants
}

// group writes the text that computes elements of a plan step's values.
type group struct {
	l      *lowerer
	step   *plan.Step
	values []*ir.Value
	space  space
	index  string              // type of element numbers
	quad   bool                // a thread computes four elements
	from   map[*ir.Value][]int // number of each operand; -1 for values of the group
	ops    []operand
	args   []Arg
	params []Param
	number map[*ir.Value]int // of values, in names
}

// elementwise emits a step of values that are computed element by element.
func (l *lowerer) elementwise(s *plan.Step) error {
	if full, ok := plan.RowSpace(s.Values); ok && l.byRows(s.Values, full) {
		return l.rows(s, full)
	}
	g := l.newGroup(s, s.Values, s.Values[len(s.Values)-1].Shape)
	if err := g.check(); err != nil {
		return err
	}
	what := s.Values[len(s.Values)-1].Op
	if s.Fused() {
		what = fmt.Sprintf("%s_and_%d", what, len(s.Values)-1)
	}
	after := l.stage(g.args, g.params)
	b := block{what: what, units: g.space.n, index: g.index, args: g.args, params: g.params, body: g.one}
	if g.quad {
		b.units, b.body = (g.space.n+3)/4, g.four
	}
	l.emit(b)
	for _, copy := range after {
		copy()
	}
	return nil
}

// byRows reports whether values are not all of one shape.
func (l *lowerer) byRows(values []*ir.Value, full ir.Shape) bool {
	return slices.ContainsFunc(values, func(v *ir.Value) bool { return plan.RowFold(v) || v.Shape.Elems() != full.Elems() })
}

// newGroup finds what the values read, and the space of the given shape, which
// theirs is but for axes of size 1.
//
// A kernel that has a value of the step already gives it as given, and declares
// an element of it under its name before it has the rest computed.
func (l *lowerer) newGroup(s *plan.Step, values []*ir.Value, shape ir.Shape, given ...*ir.Value) *group {
	g := &group{l: l, step: s, values: values, from: map[*ir.Value][]int{}, number: map[*ir.Value]int{}}
	g.index = indexType(append(slices.Clone(values), s.Reads...)...)
	for _, v := range append(given, values...) {
		g.number[v] = len(g.number)
	}
	var all [][]int
	for _, v := range values {
		for _, in := range v.In {
			g.from[v] = append(g.from[v], g.operand(v, in))
		}
	}
	for _, o := range g.ops {
		all = append(all, o.axes)
	}
	kept := slices.DeleteFunc(slices.Clone(shape), func(d int) bool { return d == 1 })
	g.space, all = newSpace(kept, all)
	for i := range g.ops {
		g.ops[i].axes = all[i]
	}
	for _, w := range s.Writes {
		if _, ok := g.number[w]; ok {
			g.param(l.write(w), w.DType, fmt.Sprintf("y%d", g.number[w]))
		}
	}
	inner := g.space.dims[0]
	g.quad = inner%4 == 0 || len(g.space.dims) == 1 && inner > 4
	return g
}

// operand is the number of the operand in of v, -1 if the group computes it.
func (g *group) operand(v, in *ir.Value) int {
	if _, inside := g.number[in]; inside {
		return -1
	}
	var axes []int
	for i, step := range strides(in.Shape, v.Shape) {
		if v.Shape[i] != 1 {
			axes = append(axes, step)
		}
	}
	at := slices.IndexFunc(g.ops, func(o operand) bool { return o.v == in && slices.Equal(o.axes, axes) })
	if at >= 0 {
		return at
	}
	o := operand{v: in, axes: axes}
	if in.Op != ir.OpConst && in.Op != ir.OpIota {
		o.name = g.param(g.l.read(in), in.DType, fmt.Sprintf("x%d", len(g.params)))
	}
	g.ops = append(g.ops, o)
	return len(g.ops) - 1
}

// param adds a buffer unless it is there already, and returns its name.
func (g *group) param(a Arg, d ir.DType, name string) string {
	for i := range g.args {
		if g.args[i] == a && g.params[i].DType == d {
			return g.params[i].Name
		}
	}
	g.args, g.params = append(g.args, a), append(g.params, Param{Name: name, DType: d, Write: a.Write})
	return name
}

// check reports the first op that has no expression.
func (g *group) check() error {
	for _, v := range g.values {
		if plan.RowFold(v) {
			continue
		}
		if _, err := expression(v, make([]string, len(v.In))); err != nil {
			return err
		}
	}
	return nil
}

// one writes the text of element i.
func (g *group) one(t *text) { g.elementAt(t, "i") }

// four writes the text of the elements 4i to 4i+3; the last ones of a space may
// be fewer.
func (g *group) four(t *text) {
	rest := g.space.n % 4
	if rest > 0 {
		t.line("if (i == %du) {", g.space.n/4)
		t.line("for (%s e = i * 4u; e < %du; e++) {", g.index, g.space.n)
		g.elementAt(t, "e")
		t.line("}")
		t.line("} else {")
	}
	t.line("%s e = i * 4u;", g.index)
	g.quadAt(t)
	if rest > 0 {
		t.line("}")
	}
}

// elementAt writes the text of the element with the given name.
func (g *group) elementAt(t *text, e string) {
	g.locate(t, e)
	g.load(t, e, "")
	g.compute(t, "")
	for _, w := range g.writes() {
		t.line("y%d[%s] = %s;", g.number[w], e, stored(w.DType, g.name(w, "")))
	}
}

// quadAt writes the text of the elements e to e+3.
func (g *group) quadAt(t *text) {
	g.locate(t, "e")
	g.loadFour(t)
	for k := range 4 {
		g.compute(t, fmt.Sprint("_", k))
	}
	for _, w := range g.writes() {
		g.storeFour(t, w)
	}
}

// writes are the values of the group that have a place in memory.
func (g *group) writes() []*ir.Value {
	return slices.DeleteFunc(slices.Clone(g.step.Writes), func(w *ir.Value) bool { _, ok := g.number[w]; return !ok })
}

// locate declares the coordinates that operands need.
func (g *group) locate(t *text, element string) {
	var all [][]int
	for _, o := range g.ops {
		if !g.space.dense(o.axes) && o.v.Op != ir.OpConst {
			all = append(all, o.axes)
		}
	}
	g.space.coordinates(t, g.index, element, "c", all)
}

// load declares an element of each operand.
func (g *group) load(t *text, element, suffix string) {
	for k, o := range g.ops {
		at := element
		if !g.space.dense(o.axes) {
			at = offset(o.axes, "c")
		}
		g.declare(t, k, suffix, at)
	}
}

// declare gives operand k a name, with the element that lies at a place.
func (g *group) declare(t *text, k int, suffix, at string) {
	o := g.ops[k]
	x := ""
	switch o.v.Op {
	case ir.OpConst:
		return
	case ir.OpIota:
		x = "(int)(" + at + ")"
	default:
		x = loaded(o.v.DType, fmt.Sprintf("%s[%s]", o.name, at))
	}
	t.line("%s o%d%s = %s;", valueType(o.v.DType), k, suffix, x)
}

// loadFour declares four elements of each operand, from element e on.
func (g *group) loadFour(t *text) {
	for k, o := range g.ops {
		dense := g.space.dense(o.axes)
		at := "e"
		if !dense {
			at = offset(o.axes, "c")
		}
		switch {
		case o.v.Op == ir.OpConst:
		case o.v.Op != ir.OpIota && o.v.DType != ir.I64 && (dense || o.axes[0] == 1 && aligned4(o.axes[1:])):
			t.line("%s4 p%d = *(device const %s4*)(%s + %s);", memoryType(o.v.DType), k, memoryType(o.v.DType), o.name, at)
			for j, m := range []string{"x", "y", "z", "w"} {
				t.line("%s o%d_%d = %s;", valueType(o.v.DType), k, j, loaded(o.v.DType, fmt.Sprintf("p%d.%s", k, m)))
			}
		default:
			for j := range 4 {
				from, step := at, o.axes[0]
				if dense {
					step = 1
				}
				if j > 0 && step > 0 {
					from = fmt.Sprintf("%s + %du", at, j*step)
				}
				if j > 0 && step == 0 {
					t.line("%s o%d_%d = o%d_0;", valueType(o.v.DType), k, j, k)
					continue
				}
				g.declare(t, k, fmt.Sprint("_", j), from)
			}
		}
	}
}

// aligned4 reports whether all distances are multiples of four.
func aligned4(axes []int) bool {
	return !slices.ContainsFunc(axes, func(d int) bool { return d%4 != 0 })
}

func paren(x string) string { return "(" + x + ")" }

// compute declares an element of each value of the group.
func (g *group) compute(t *text, suffix string) {
	for _, v := range g.values {
		in := make([]string, len(v.In))
		for k := range in {
			in[k] = g.term(v, k, suffix)
		}
		x, _ := expression(v, in)
		t.line("%s %s = %s;", valueType(v.DType), g.name(v, suffix), x)
	}
}

// term is what operand k of v is called.
func (g *group) term(v *ir.Value, k int, suffix string) string {
	at := g.from[v][k]
	switch {
	case at < 0:
		return g.name(v.In[k], suffix)
	case v.In[k].Op == ir.OpConst:
		return paren(literal(v.In[k].DType, v.In[k].Float("value")))
	}
	return fmt.Sprintf("o%d%s", at, suffix)
}

func (g *group) name(v *ir.Value, suffix string) string {
	return fmt.Sprintf("v%d%s", g.number[v], suffix)
}

// storeFour writes four elements of a value.
func (g *group) storeFour(t *text, w *ir.Value) {
	var x [4]any
	for j := range x {
		x[j] = stored(w.DType, g.name(w, fmt.Sprint("_", j)))
	}
	y := fmt.Sprintf("y%d", g.number[w])
	if w.DType == ir.I64 {
		for j := range x {
			t.line("%s[e + %du] = %s;", y, j, x[j])
		}
		return
	}
	m := memoryType(w.DType)
	t.line("*(device %s4*)(%s + e) = make_%s4(%s, %s, %s, %s);", m, y, m, x[0], x[1], x[2], x[3])
}
