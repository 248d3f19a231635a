package gpu

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/ir"
)

func init() {
	register(map[string]lowering{"scatter_add": (*lowerer).scatterAdd, "add_along": (*lowerer).addAlong})
}

// Elements are added in the order of the index, or of parts of it, and never by
// atomics, so that a sum is the same each time. Either each result goes through
// the whole index, or the index is sorted, so that those which name the same
// place stand together.
const (
	scanMost  = 512     // indices that each result goes through at most
	scanWork  = 1 << 23 // times the number of results
	sumAcross = 64      // columns of a threadgroup that adds rows
)

// indexed are sums of rows of width elements: those of x [outer, size, inner,
// width] go to y [outer, n, inner, width], where the index [outer, size, inner]
// says.
type indexed struct {
	lines
	n, width int
	index, x *ir.Value
	y        *ir.Value
}

func (l *lowerer) scatterAdd(v *ir.Value) error {
	index := v.In[0]
	return l.sums(&indexed{lines{1, index.Shape.Elems(), 1}, v.Int("n"), v.Shape[1:].Elems(), index, v.In[1], v})
}

func (l *lowerer) addAlong(v *ir.Value) error {
	return l.sums(&indexed{linesOf(v.In[0].Shape, v.Int("axis")), v.Int("n"), 1, v.In[0], v.In[1], v})
}

func (l *lowerer) sums(s *indexed) error {
	if s.size <= scanMost && s.size*s.y.Shape.Elems() <= scanWork {
		l.scan(s)
		return numbered(s.n)
	}
	l.zero(s.y)
	keys, order := l.sortedIndex(s.index, s.lines, s.n)
	if s.width < 32 {
		l.sumEach(s, keys, order)
	} else {
		l.sumRows(s, keys, order)
	}
	return numbered(s.n)
}

// zero emits the clearing of a value.
func (l *lowerer) zero(v *ir.Value) {
	d := moved(v.DType)
	l.emit(block{what: "zero", units: v.Shape.Elems(), index: indexType(v), args: []Arg{l.write(v)},
		params: []Param{{Name: "y", DType: d, Write: true}}, body: func(t *text) { t.line("y[i] = 0;") }})
}

// add writes that an element of x is added to the sum.
func (s *indexed) add(t *text, at string) {
	plus := map[string]string{"float": "sum + %s", "int": "i_add(sum, %s)", "long": "l_add(sum, %s)"}[valueType(s.x.DType)]
	t.line("sum = "+plus+";", loaded(s.x.DType, "x["+at+"]"))
}

// total is the sum as it lies in memory.
func (s *indexed) total() string { return stored(s.y.DType, "sum") }

func (s *indexed) kind() string { return indexType(s.x, s.y, s.index) }

// scan emits sums for each of which the whole index is gone through.
func (l *lowerer) scan(s *indexed) {
	b := block{what: "scan_add_" + s.x.DType.String(), units: s.y.Shape.Elems(), index: s.kind(), args: []Arg{l.read(s.index), l.read(s.x), l.write(s.y)},
		params: []Param{{Name: "at", DType: s.index.DType}, {Name: "x", DType: s.x.DType}, {Name: "y", DType: s.y.DType, Write: true}}}
	b.body = func(t *text) {
		t.line("%s row = i / %du, line = row / %du * %du + row %% %du;", b.index, s.width, s.n*s.inner, s.size*s.inner, s.inner)
		t.line("uint place = (uint)(row / %du %% %du);", s.inner, s.n)
		t.line("%s sum = 0;", valueType(s.x.DType))
		t.line("for (uint k = 0u; k < %du; k++, line += %du) {", s.size, s.inner)
		t.line("if (%s == place) {", clamped(s.index.DType, "at[line]", s.n))
		s.add(t, fmt.Sprintf("line * %du + i %% %du", s.width, s.width))
		t.line("}")
		t.line("}")
		t.line("y[i] = %s;", s.total())
	}
	l.emit(b)
}

// sumEach emits a thread for each element of x, in the order of the sorted
// index: the first of those that go to one place adds them up.
func (l *lowerer) sumEach(s *indexed, keys, order Arg) {
	b := block{what: "add_runs_" + s.x.DType.String(), units: s.x.Shape.Elems(), index: s.kind(), args: []Arg{keys, order, l.read(s.x), l.write(s.y)},
		params: s.params()}
	b.body = func(t *text) {
		t.line("%s row = i / %du, column = i %% %du;", b.index, s.width, s.width)
		s.run(t, b.index)
		t.line("if (k == 0u || keys[first + (k - 1u) * %du] != place) {", s.inner)
		t.line("%s sum = 0;", valueType(s.x.DType))
		t.line("for (; k < %du && keys[first + k * %du] == place; k++) {", s.size, s.inner)
		s.add(t, fmt.Sprintf("(first + (%s)order[first + k * %du] * %du) * %du + column", b.index, s.inner, s.inner, s.width))
		t.line("}")
		t.line("y[to + column] = %s;", s.total())
		t.line("}")
	}
	l.emit(b)
}

func (s *indexed) params() []Param {
	return []Param{{Name: "keys", DType: ir.I32}, {Name: "order", DType: ir.I32}, {Name: "x", DType: s.x.DType}, {Name: "y", DType: s.y.DType, Write: true}}
}

// run declares of a row of the index: k, its place in its line, whose first
// element lies at first; and the place that it names, which begins at to.
func (s *indexed) run(t *text, kind string) {
	t.line("%s k = row / %du %% %du, outer = row / %du;", kind, s.inner, s.size, s.size*s.inner)
	t.line("%s first = outer * %du + row %% %du;", kind, s.size*s.inner, s.inner)
	t.line("int place = keys[first + k * %du];", s.inner)
	t.line("%s to = ((outer * %du + (%s)place) * %du + row %% %du) * %du;", kind, s.n, kind, s.inner, s.inner, s.width)
}

// sumRows emits a threadgroup for each row of x and some columns, in the order
// of the sorted index: the first of those that go to one place adds them up, of
// which each slice of the threadgroup takes every so many.
func (l *lowerer) sumRows(s *indexed, keys, order Arg) {
	slices, kind, value := groupThreads/sumAcross, s.kind(), valueType(s.x.DType)
	across := (s.width + sumAcross - 1) / sumAcross
	t := newText()
	t.line("uint slice = local / %du, column = group.x %% %du * %du + local %% %du;", sumAcross, across, sumAcross, sumAcross)
	t.line("%s row = group.x / %du;", kind, across)
	s.run(t, kind)
	t.line("if (k == 0u || keys[first + (k - 1u) * %du] != place) {", s.inner)
	t.line("%s sum = 0;", value)
	t.line("for (k += slice; k < %du && column < %du && keys[first + k * %du] == place; k += %du) {", s.size, s.width, s.inner, slices)
	s.add(t, fmt.Sprintf("(first + (%s)order[first + k * %du] * %du) * %du + column", kind, s.inner, s.inner, s.width))
	t.line("}")
	t.line("part[local] = sum;")
	t.line("barrier();")
	t.line("if (slice == 0u && column < %du) {", s.width)
	t.line("for (uint p = local + %du; p < %du; p += %du) {", sumAcross, groupThreads, sumAcross)
	t.line("sum = %s;", map[string]string{"float": "sum + part[p]", "int": "i_add(sum, part[p])", "long": "l_add(sum, part[p])"}[value])
	t.line("}")
	t.line("y[to + column] = %s;", s.total())
	t.line("}")
	t.line("}")
	k := Kernel{Threads: groupThreads, Params: s.params(), Shared: []Shared{{"part", value, groupThreads}}, Body: t.String()}
	l.call("add_rows_"+s.x.DType.String(), k, [3]int{s.x.Shape.Elems() / s.width * across, 1, 1}, keys, order, l.read(s.x), l.write(s.y))
}
