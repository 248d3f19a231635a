package gpu

import (
	"fmt"
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// rowEach is how many elements of a row a thread holds in registers, and
// rowsTogether how many short rows a threadgroup works on, a SIMD group each.
const (
	rowEach      = 4
	rowsTogether = 4
)

// rowGroup writes the text of a step that works row by row: norms and softmax,
// and their gradients. Each row is read once, and lies in the registers of a
// SIMD group or of a threadgroup until all that is to be written is known.
type rowGroup struct {
	*group
	t       *text
	columns int
	threads int   // for a row
	each    int   // elements of a row that a thread has
	last    []int // distances of operands along a row
	folded  bool  // the shared memory has been used
}

// rows emits a step whose values are rows of the given shape, or numbers of
// rows.
func (l *lowerer) rows(s *plan.Step, full ir.Shape) error {
	g := &rowGroup{group: l.rowOperands(s, full), t: newText(), columns: full[len(full)-1]}
	for i := range g.ops {
		axes := g.ops[i].axes
		g.last = append(g.last, axes[len(axes)-1])
		g.ops[i].axes = axes[:len(axes)-1]
	}
	if err := g.check(); err != nil {
		return err
	}
	var all [][]int
	for _, o := range g.ops {
		all = append(all, o.axes)
	}
	g.space, all = newSpace(full[:len(full)-1], all)
	for i := range g.ops {
		g.ops[i].axes = all[i]
	}
	g.threads = 32
	if g.columns > 32*rowEach {
		g.threads = (g.columns + 32*rowEach - 1) / (32 * rowEach) * 32
	}
	g.each = (g.columns + g.threads - 1) / g.threads
	k := Kernel{Params: g.params, Threads: g.threads}
	count := g.space.n
	if g.threads == 32 {
		k.Threads, count = 32*rowsTogether, (count+rowsTogether-1)/rowsTogether
	} else {
		k.Shared = []Shared{{"part", "float", g.threads / 32}}
	}
	g.body()
	k.Body = g.t.String()
	l.call(fmt.Sprintf("rows_%s_and_%d", s.Values[len(s.Values)-1].Op, len(s.Values)-1), k, [3]int{count, 1, 1}, g.args...)
	return nil
}

// rowOperands is a group whose operands have distances along all axes of rows of
// the given shape.
func (l *lowerer) rowOperands(s *plan.Step, full ir.Shape) *group {
	g := &group{l: l, step: s, values: s.Values, index: "uint", from: map[*ir.Value][]int{}, number: map[*ir.Value]int{}}
	for _, v := range g.values {
		g.number[v] = len(g.number)
	}
	for _, v := range g.values {
		for _, in := range v.In {
			shape := v.Shape
			if plan.RowFold(v) {
				shape = full
			}
			g.from[v] = append(g.from[v], g.rowOperand(in, shape))
		}
	}
	for _, w := range g.writes() {
		g.param(l.write(w), w.DType, fmt.Sprintf("y%d", g.number[w]))
	}
	return g
}

// rowOperand is the number of an operand of a value that has one element for
// each one, or for each row, of the full shape.
func (g *group) rowOperand(in *ir.Value, shape ir.Shape) int {
	if _, inside := g.number[in]; inside {
		return -1
	}
	o := operand{v: in, axes: strides(in.Shape, shape)}
	at := slices.IndexFunc(g.ops, func(p operand) bool { return p.v == in && slices.Equal(p.axes, o.axes) })
	if at >= 0 {
		return at
	}
	if in.Op != ir.OpConst && in.Op != ir.OpIota {
		o.name = g.param(g.l.read(in), in.DType, fmt.Sprintf("x%d", len(g.params)))
	}
	g.ops = append(g.ops, o)
	return len(g.ops) - 1
}

// body writes the kernel's text.
func (g *rowGroup) body() {
	t := g.t
	if g.threads == 32 {
		t.line("uint row = group.x * %du + simd, at = lane;", rowsTogether)
		t.line("if (row < %du) {", g.space.n)
	} else {
		t.line("uint row = group.x, at = local;")
	}
	t.line("uint start = row * %du;", g.columns)
	for k := range g.each {
		t.line("uint j_%d = at + %du;", k, k*g.threads)
	}
	var all [][]int
	for _, o := range g.ops {
		all = append(all, o.axes)
	}
	g.space.coordinates(t, "uint", "row", "c", all)
	for k := range g.ops {
		g.loadRow(k)
	}
	for _, v := range g.values {
		g.value(v)
	}
	if g.overwrites() {
		t.line("%s();", map[bool]string{true: "simd_device_barrier", false: "device_barrier"}[g.threads == 32])
	}
	for _, w := range g.writes() {
		g.store(w)
	}
	if g.threads == 32 {
		t.line("}")
	}
}

// overwrites reports whether a row's number comes to lie where another one lay,
// which all threads of the row have read.
func (g *rowGroup) overwrites() bool {
	return slices.ContainsFunc(g.writes(), func(w *ir.Value) bool {
		to := g.l.read(w)
		return !g.whole(w) && slices.ContainsFunc(g.args, func(a Arg) bool { return !a.Write && a.overlaps(&to) })
	})
}

// partial reports whether not all threads have an element k.
func (g *rowGroup) partial(k int) bool { return (k+1)*g.threads > g.columns }

// loadRow declares an operand: one number, or the thread's elements of the row.
func (g *rowGroup) loadRow(k int) {
	o := g.ops[k]
	if o.v.Op == ir.OpConst {
		return
	}
	base := offset(o.axes, "c")
	if g.last[k] == 0 {
		g.declare(g.t, k, "", base)
		return
	}
	for e := range g.each {
		at := plus(base, times(fmt.Sprint("j_", e), g.last[k]))
		x := fmt.Sprintf("(int)(%s)", at)
		if o.v.Op != ir.OpIota {
			x = loaded(o.v.DType, fmt.Sprintf("%s[%s]", o.name, at))
		}
		if g.partial(e) {
			x = fmt.Sprintf("j_%d < %du ? %s : 0", e, g.columns, x)
		}
		g.t.line("%s o%d_%d = %s;", valueType(o.v.DType), k, e, x)
	}
}

// whole reports whether a value of the group has an element for each one of the
// row.
func (g *rowGroup) whole(v *ir.Value) bool {
	return !plan.RowFold(v) && v.Shape.Elems() == g.space.n*g.columns
}

// value declares a value of the group.
func (g *rowGroup) value(v *ir.Value) {
	switch {
	case plan.RowFold(v):
		g.fold(v)
	case g.whole(v):
		for e := range g.each {
			g.t.line("%s %s_%d = %s;", valueType(v.DType), g.name(v, ""), e, g.expression(v, e))
		}
	default:
		g.t.line("%s %s = %s;", valueType(v.DType), g.name(v, ""), g.expression(v, 0))
	}
}

func (g *rowGroup) expression(v *ir.Value, e int) string {
	in := make([]string, len(v.In))
	for k := range in {
		in[k] = g.rowTerm(v, k, e)
	}
	x, _ := expression(v, in)
	return x
}

// rowTerm is what element e of operand k of v is called.
func (g *rowGroup) rowTerm(v *ir.Value, k, e int) string {
	at, in := g.from[v][k], v.In[k]
	if at >= 0 && g.last[at] != 0 || at < 0 && g.whole(in) {
		return g.term(v, k, fmt.Sprint("_", e))
	}
	return g.term(v, k, "")
}

// fold declares a number of the row: of the thread's elements, of those of its
// SIMD group, and of those of all.
func (g *rowGroup) fold(v *ir.Value) {
	t, name := g.t, g.name(v, "")
	none, join, all := "0.0f", "%s + %s", "simd_sum(%s)"
	if v.Op == "reduce_max" {
		none, join, all = "-F_INF", "f_larger(%s, %s)", "simd_largest(%s)"
	}
	for e := range g.each {
		x := g.rowTerm(v, 0, e)
		if g.partial(e) {
			x = fmt.Sprintf("(j_%d < %du ? %s : %s)", e, g.columns, x, none)
		}
		if e == 0 {
			t.line("float %s = %s;", name, x)
		} else {
			t.line("%s = "+join+";", name, name, x)
		}
	}
	t.line("%s = "+all+";", name, name)
	if g.threads > 32 {
		if g.folded {
			t.line("barrier();")
		}
		g.folded = true
		t.line("if (lane == 0u) part[simd] = %s;", name)
		t.line("barrier();")
		t.line("%s = part[0];", name)
		t.line("for (uint s = 1u; s < %du; s++) %s = "+join+";", g.threads/32, name, name, "part[s]")
	}
	if v.Op == "reduce_mean" {
		t.line("%s = %s / %d.0f;", name, name, g.columns)
	}
}

// store writes a value to memory.
func (g *rowGroup) store(w *ir.Value) {
	y := fmt.Sprintf("y%d", g.number[w])
	if !g.whole(w) {
		g.t.line("if (at == 0u) %s[row] = %s;", y, stored(w.DType, g.name(w, "")))
		return
	}
	for e := range g.each {
		if g.partial(e) {
			g.t.line("if (j_%d < %du) %s[start + j_%d] = %s;", e, g.columns, y, e, stored(w.DType, g.name(w, fmt.Sprint("_", e))))
			continue
		}
		g.t.line("%s[start + j_%d] = %s;", y, e, stored(w.DType, g.name(w, fmt.Sprint("_", e))))
	}
}
