package gpu

import (
	"fmt"
	"slices"
	"strings"

	"github.com/metalnb/metalnb/metalcore/ir"
)

func init() {
	register(map[string]lowering{"concat": (*lowerer).concat, "pad": (*lowerer).pad})
}

// concat emits copies of the operands to their parts of the result: as many in
// one kernel as it may have buffers.
func (l *lowerer) concat(v *ir.Value) error {
	axis, to := v.Int("axis"), side{axes: steps(v.Shape)}
	step := to.axes[axis]
	var routes []*route
	var from []*ir.Value
	for _, x := range v.In {
		if x.Shape.Elems() > 0 {
			routes = append(routes, newRoute(x.Shape, v.DType, indexType(v), side{axes: steps(x.Shape)}, to))
			from = append(from, x)
		}
		to.start += x.Shape[axis] * step
	}
	for len(routes) > 0 {
		n := min(len(routes), l.limits.Bindings-1)
		l.parts(v, routes[:n], from[:n])
		routes, from = routes[n:], from[n:]
	}
	return nil
}

// parts emits several routes into one value.
func (l *lowerer) parts(v *ir.Value, routes []*route, from []*ir.Value) {
	d := routes[0].dtype
	b := block{what: fmt.Sprintf("concat_%d", 8*d.Size()), index: indexType(v)}
	for k, r := range routes {
		b.units += r.units()
		b.args, b.params = append(b.args, l.read(from[k])), append(b.params, Param{Name: fmt.Sprint("x", k), DType: d})
	}
	b.args, b.params = append(b.args, l.write(v)), append(b.params, Param{Name: "y", DType: d, Write: true})
	b.body = func(t *text) {
		first := 0
		for k, r := range routes {
			switch {
			case len(routes) == 1:
				t.line("{")
			case k == 0:
				t.line("if (i < %du) {", r.units())
			case k < len(routes)-1:
				t.line("} else if (i < %du) {", first+r.units())
			default:
				t.line("} else {")
			}
			t.line("%s u = i - %du;", r.index, first)
			r.write(t, "u", fmt.Sprint("x", k), "y")
			first += r.units()
		}
		t.line("}")
	}
	l.emit(b)
}

// padded is an axis of a pad.
type padded struct {
	size, of     int // elements of the operand, and of the result
	low, between int // others before the first one, and between two
	from         int // distance between elements of the operand
}

func (p *padded) plain() bool { return p.size == p.of }

// paddedAxes are the axes of a pad, innermost first. What is not padded is one
// with the axis outside of it.
func paddedAxes(v *ir.Value) []padded {
	var axes []padded
	in := steps(v.In[0].Shape)
	for i := len(in) - 1; i >= 0; i-- {
		p := padded{v.In[0].Shape[i], v.Shape[i], v.Ints("low")[i], v.Ints("interior")[i], in[i]}
		if last := len(axes) - 1; last >= 0 && axes[last].plain() && p.between == 0 {
			inner := axes[last]
			axes[last] = padded{p.size * inner.size, p.of * inner.size, p.low * inner.size, 0, inner.from}
			continue
		}
		axes = append(axes, p)
	}
	return axes
}

// quads reports whether four neighbours of the result are either all padding or
// four neighbours of the operand.
func quads(axes []padded) bool {
	p := axes[0]
	ok := p.between == 0 && p.low%4 == 0 && p.size%4 == 0 && p.of%4 == 0
	return ok && !slices.ContainsFunc(axes[1:], func(p padded) bool { return p.from%4 != 0 })
}

// pad emits the operand's elements with others around and between them.
func (l *lowerer) pad(v *ir.Value) error {
	d, axes := moved(v.DType), paddedAxes(v)
	if len(axes) == 0 {
		return l.same(v)
	}
	b := block{what: fmt.Sprintf("pad_%d", 8*d.Size()), units: v.Shape.Elems(), index: indexType(v), args: []Arg{l.read(v.In[0]), l.write(v)},
		params: []Param{{Name: "x", DType: d}, {Name: "y", DType: d, Write: true}}}
	value := pattern(v.DType, v.Float("value"))
	switch m := memoryType(d); {
	case v.In[0].Shape.Elems() == 0:
		b.body = func(t *text) { t.line("y[i] = %s;", value) }
	case d != ir.I64 && quads(axes):
		b.units /= 4
		b.body = func(t *text) {
			inside, at := locatePadded(t, b.index, "i * 4u", axes)
			t.line("%s4 p = make_%s4(%s, %s, %s, %s);", m, m, value, value, value, value)
			t.line("if (%s) p = *(device const %s4*)(x + %s);", inside, m, at)
			t.line("*(device %s4*)(y + i * 4u) = p;", m)
		}
	default:
		b.body = func(t *text) {
			inside, at := locatePadded(t, b.index, "i", axes)
			t.line("y[i] = %s ? x[%s] : %s;", inside, at, value)
		}
	}
	l.emit(b)
	return nil
}

// locatePadded declares what element of the operand one of the result is, and
// returns whether it is one, and where that lies. A place before the first one
// is, without a sign, one far behind the last.
func locatePadded(t *text, index, element string, axes []padded) (inside, at string) {
	s, all := space{}, []int{}
	for _, p := range axes {
		s.dims, all = append(s.dims, p.of), append(all, 1)
	}
	s.coordinates(t, index, element, "c", [][]int{all})
	inside, at = "true", "0u"
	for k, p := range axes {
		if p.low > 0 {
			t.line("c%d -= %du;", k, p.low)
		}
		if !p.plain() {
			inside += fmt.Sprintf(" && c%d < %du", k, (p.size-1)*(p.between+1)+1)
		}
		if p.between > 0 {
			inside += fmt.Sprintf(" && c%d %% %du == 0u", k, p.between+1)
			at = plus(at, times(fmt.Sprintf("c%d / %du", k, p.between+1), p.from))
		} else {
			at = plus(at, times(fmt.Sprint("c", k), p.from))
		}
	}
	return strings.TrimPrefix(inside, "true && "), at
}

// pattern is a number of a type, as what its elements are moved as.
func pattern(d ir.DType, x float64) string {
	var bits uint64
	for i, b := range ir.AppendElement(nil, d, x) {
		bits |= uint64(b) << (8 * i)
	}
	if d.Size() == 8 {
		return fmt.Sprintf("(long)0x%xul", bits)
	}
	return fmt.Sprintf("(%s)0x%xu", memoryType(moved(d)), bits)
}
