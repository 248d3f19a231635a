package gpu

import (
	"fmt"
	"math"

	"github.com/metalnb/metalnb/metalcore/ir"
)

func init() {
	register(map[string]lowering{"gather": (*lowerer).gather, "take_along": (*lowerer).takeAlong})
}

// clamped is an index, given as it lies in memory, as the nearest one below n.
func clamped(d ir.DType, x string, n int) string {
	if d == ir.I64 {
		return fmt.Sprintf("l_clamp(%s, %du)", x, n-1)
	}
	return fmt.Sprintf("(uint)i_smaller(i_larger(%s, 0), %d)", loaded(d, x), n-1)
}

// numbered fails where indices of 32 bits cannot name each of n.
func numbered(n int) error {
	if n > math.MaxInt32 {
		return fmt.Errorf("it chooses from %d and has indices of 32 bits", n)
	}
	return nil
}

// gather emits rows of a table.
func (l *lowerer) gather(v *ir.Value) error {
	table, index := v.In[0], v.In[1]
	d, rows, width := moved(v.DType), table.Shape[0], table.Shape[1:].Elems()
	m, each := memoryType(d), 1
	if width%4 == 0 && d != ir.I64 {
		m, width, each = m+"4", width/4, 4
	}
	l.emit(block{what: fmt.Sprintf("gather_%d", 8*d.Size()), units: v.Shape.Elems() / each, index: indexType(v, table),
		args:   []Arg{l.read(table), l.read(index), l.write(v)},
		params: []Param{{Name: "x", DType: d}, {Name: "at", DType: index.DType}, {Name: "y", DType: d, Write: true}},
		body: func(t *text) {
			t.line("uint row = %s;", clamped(index.DType, fmt.Sprintf("at[i / %du]", width), rows))
			from := fmt.Sprintf("%s + i %% %du", times("("+indexType(v, table)+")row", width), width)
			t.line("((device %s*)y)[i] = ((device const %s*)x)[%s];", m, m, from)
		}})
	return numbered(rows)
}

// beside splits a shape along an axis: lines of size elements that lie inner
// apart.
func beside(s ir.Shape, axis int) (size, inner int) { return s[axis], s[axis+1:].Elems() }

// takeAlong emits elements of lines.
func (l *lowerer) takeAlong(v *ir.Value) error {
	x, index := v.In[0], v.In[1]
	d, kind := moved(v.DType), indexType(v, x)
	n, inner := beside(x.Shape, v.Int("axis"))
	size, _ := beside(v.Shape, v.Int("axis"))
	l.emit(block{what: fmt.Sprintf("take_along_%d", 8*d.Size()), units: v.Shape.Elems(), index: kind,
		args:   []Arg{l.read(x), l.read(index), l.write(v)},
		params: []Param{{Name: "x", DType: d}, {Name: "at", DType: index.DType}, {Name: "y", DType: d, Write: true}},
		body: func(t *text) {
			t.line("%s k = %s;", kind, clamped(index.DType, "at[i]", n))
			t.line("y[i] = x[(i / %du * %du + k) * %du + i %% %du];", size*inner, n, inner, inner)
		}})
	return numbered(n)
}
