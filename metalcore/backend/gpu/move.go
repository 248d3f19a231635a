package gpu

import (
	"fmt"
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/plan"
)

func init() {
	register(map[string]lowering{
		"transpose":     (*lowerer).transpose,
		"slice":         (*lowerer).slice,
		"stop_gradient": (*lowerer).same,
		plan.OpCopy:     (*lowerer).same,
	})
}

// moved is the type that elements are moved as, which only their size decides.
func moved(d ir.DType) ir.DType {
	switch d.Size() {
	case 1:
		return ir.U8
	case 2:
		return ir.BF16
	case 8:
		return ir.I64
	}
	return ir.I32
}

// same emits a value that has the elements of its operand.
func (l *lowerer) same(v *ir.Value) error {
	l.copy(l.read(v.In[0]), l.write(v), v.DType)
	return nil
}

// copy emits a copy of elements of a type, none where they lie there already.
func (l *lowerer) copy(from, to Arg, d ir.DType) {
	if from.Place == to.Place {
		return
	}
	n := int(from.Bytes) / d.Size()
	r := newRoute(ir.Shape{n}, d, wide(n), side{axes: []int{1}}, side{axes: []int{1}})
	l.emit(r.block("copy", from, to))
}

// side is where elements lie along the axes of a route: the distances between
// them, and the place of the first one.
type side struct {
	axes  []int
	start int
}

// route moves elements: all those of a space, from one side to the other.
type route struct {
	space    space
	from, to side
	dtype    ir.DType
	index    string
	quad     bool // four elements of the innermost axis at a time
}

// newRoute joins the axes of a shape as far as both sides allow.
func newRoute(shape ir.Shape, d ir.DType, index string, from, to side) *route {
	s, axes := newSpace(shape, [][]int{from.axes, to.axes})
	r := &route{space: s, from: side{axes[0], from.start}, to: side{axes[1], to.start}, dtype: moved(d), index: index}
	r.quad = s.dims[0]%4 == 0 && r.dtype != ir.I64 && (r.from.vector() || r.to.vector())
	return r
}

// vector reports whether four neighbours lie side by side, and aligned.
func (s side) vector() bool { return s.axes[0] == 1 && aligned4(s.axes[1:]) && s.start%4 == 0 }

// block is the route as work of its own.
func (r *route) block(what string, from, to Arg) block {
	return block{what: fmt.Sprintf("%s_%d", what, 8*r.dtype.Size()), units: r.units(), index: r.index, args: []Arg{from, to},
		params: []Param{{Name: "x", DType: r.dtype}, {Name: "y", DType: r.dtype, Write: true}},
		body:   func(t *text) { r.write(t, "i", "x", "y") }}
}

func (r *route) units() int {
	if r.quad {
		return r.space.n / 4
	}
	return r.space.n
}

// write writes the text that moves a unit.
func (r *route) write(t *text, unit, x, y string) {
	element := unit
	if r.quad {
		element = unit + " * 4u"
	}
	t.line("%s e = %s;", r.index, element)
	var scattered [][]int
	for _, s := range []side{r.from, r.to} {
		if !r.space.dense(s.axes) {
			scattered = append(scattered, s.axes)
		}
	}
	r.space.coordinates(t, r.index, "e", "c", scattered)
	from, to := r.place(r.from), r.place(r.to)
	if !r.quad {
		t.line("%s[%s] = %s[%s];", y, to, x, from)
		return
	}
	m := memoryType(r.dtype)
	if r.from.vector() {
		t.line("%s4 p = *(device const %s4*)(%s + %s);", m, m, x, from)
	} else {
		t.line("%s4 p = make_%s4(%s, %s, %s, %s);", m, m, r.element(x, from, r.from, 0), r.element(x, from, r.from, 1),
			r.element(x, from, r.from, 2), r.element(x, from, r.from, 3))
	}
	if r.to.vector() {
		t.line("*(device %s4*)(%s + %s) = p;", m, y, to)
		return
	}
	for k, part := range []string{"x", "y", "z", "w"} {
		t.line("%s = p.%s;", r.element(y, to, r.to, k), part)
	}
}

// place is where an element lies on a side.
func (r *route) place(s side) string {
	at := "e"
	if !r.space.dense(s.axes) {
		at = offset(s.axes, "c")
	}
	return plus(at, fmt.Sprintf("%du", s.start))
}

// element is the k-th from a place on along the innermost axis.
func (r *route) element(array, at string, s side, k int) string {
	return fmt.Sprintf("%s[%s]", array, plus(at, fmt.Sprintf("%du", k*s.axes[0])))
}

// steps are the distances between elements of a value along its axes.
func steps(shape ir.Shape) []int {
	list := make([]int, len(shape))
	size := 1
	for i := len(shape) - 1; i >= 0; i-- {
		list[i] = size
		size *= shape[i]
	}
	return list
}

// wide is the type that counts n things.
func wide(n int) string {
	if n >= 1<<31 {
		return "ulong"
	}
	return "uint"
}

// slice emits some elements of each axis.
func (l *lowerer) slice(v *ir.Value) error {
	from := side{axes: steps(v.In[0].Shape)}
	for i, step := range from.axes {
		from.start += step * v.Ints("start")[i]
		from.axes[i] *= v.Ints("stride")[i]
	}
	r := newRoute(v.Shape, v.DType, indexType(v, v.In[0]), from, side{axes: steps(v.Shape)})
	l.emit(r.block("slice", l.read(v.In[0]), l.write(v)))
	return nil
}

// transpose emits an exchange of axes.
func (l *lowerer) transpose(v *ir.Value) error {
	in := steps(v.In[0].Shape)
	from := side{axes: make([]int, len(in))}
	for i, axis := range v.Ints("perm") {
		from.axes[i] = in[axis]
	}
	r := newRoute(v.Shape, v.DType, indexType(v), from, side{axes: steps(v.Shape)})
	if column := slices.Index(r.from.axes, 1); column > 0 && min(r.space.dims[0], r.space.dims[column]) >= tile/2 {
		l.tiles(v, r, column)
		return nil
	}
	l.emit(r.block("transpose", l.read(v.In[0]), l.write(v)))
	return nil
}

// tile is the side of the squares that are transposed in threadgroup memory, so
// that both what is read and what is written are rows.
const tile = 32

// tiles emits a transpose whose rows lie along the given axis.
func (l *lowerer) tiles(v *ir.Value, r *route, column int) {
	wide, high := r.space.dims[0], r.space.dims[column]
	across, down := (wide+tile-1)/tile, (high+tile-1)/tile
	others := space{n: r.space.n / wide / high, dims: []int{1}}
	from, to := []int{0}, []int{0}
	for k, n := range r.space.dims {
		if k != 0 && k != column {
			others.dims, from, to = append(others.dims, n), append(from, r.from.axes[k]), append(to, r.to.axes[k])
		}
	}
	t := newText()
	t.line("%s left = group.x %% %du * %du;", r.index, across, tile)
	t.line("%s top = group.x / %du %% %du * %du;", r.index, across, down, tile)
	t.line("%s rest = group.x / %du;", r.index, across*down)
	others.coordinates(t, r.index, "rest", "c", [][]int{from, to})
	t.line("for (uint k = simd; k < %du; k += %du) {", tile, groupThreads/32)
	t.line("if (top + lane < %du && left + k < %du) square[k * %du + lane] = x[%s];", high, wide, tile+1,
		plus(offset(from, "c"), fmt.Sprintf("(left + k) * %du + top + lane", r.from.axes[0])))
	t.line("}")
	t.line("barrier();")
	t.line("for (uint k = simd; k < %du; k += %du) {", tile, groupThreads/32)
	t.line("if (left + lane < %du && top + k < %du) y[%s] = square[lane * %du + k];", wide, high,
		plus(offset(to, "c"), fmt.Sprintf("(top + k) * %du + left + lane", r.to.axes[column])), tile+1)
	t.line("}")
	k := Kernel{Threads: groupThreads, Body: t.String(), Params: []Param{{Name: "x", DType: r.dtype}, {Name: "y", DType: r.dtype}},
		Shared: []Shared{{"square", memoryType(r.dtype), tile * (tile + 1)}}}
	l.call(fmt.Sprintf("transpose_tiles_%d", 8*r.dtype.Size()), k, [3]int{across * down * others.n, 1, 1}, l.read(v.In[0]), l.write(v))
}
