package gpu

import (
	"fmt"
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// A product of matrices or a convolution completes its results in the kernel that
// sums them up: with a bias, an activation, and what else its step computes of
// them element by element. What works row by row takes a second kernel, and so
// does all that follows a product of the vendor's library.

func init() {
	register(map[string]lowering{
		"matmul": (*lowerer).product, "conv2d": (*lowerer).product,
		"conv2d_grad_input": (*lowerer).product, "conv2d_grad_kernel": (*lowerer).product,
	})
}

// product emits a product that is a step of its own.
func (l *lowerer) product(v *ir.Value) error {
	if l.fromLibrary(v) {
		return nil
	}
	return l.contract(l.newEnding(&l.prog.Steps[l.step]))
}

// epilogue emits a step that begins with a product. What lies between two kernels
// lies where a result of the step will.
func (l *lowerer) epilogue(s *plan.Step, e plan.Epilogue) error {
	home := s.Home(e.Base)
	l.home = map[*ir.Value]*ir.Value{e.Product: home, e.Base: home}
	part := func(values []*ir.Value, writes ...*ir.Value) *plan.Step {
		return &plan.Step{Values: values, Reads: s.Reads, Writes: writes}
	}
	full, ok := plan.RowSpace(e.Rest)
	byRows := ok && l.byRows(e.Rest, full)
	base := s.Values[:len(s.Values)-len(e.Rest)]
	var err error
	switch library := l.fromLibrary(e.Product); {
	case library && !byRows:
		return l.elementwise(part(s.Values[1:], s.Writes...))
	case library && len(base) > 1:
		err = l.elementwise(part(base[1:], e.Base))
	case library:
	case !byRows && l.newEnding(s).fits():
		return l.contract(l.newEnding(s))
	default:
		err = l.contract(l.newEnding(part(base, e.Base)))
	}
	if err != nil {
		return err
	}
	return l.elementwise(part(e.Rest, s.Writes...))
}

// ending is what a kernel does with each result of a product: what its step
// computes of it, and where that goes.
type ending struct {
	*group
	product *ir.Value
	wide    bool // four results side by side can be completed at once
}

// operandBuffers is the number of buffers of a product without its ending.
const operandBuffers = 2

// newEnding is that of a step that begins with a product.
func (l *lowerer) newEnding(s *plan.Step) *ending {
	v := s.Values[0]
	e := &ending{group: l.newGroup(s, s.Values[1:], v.Shape, v), product: v}
	e.index = indexType(append(slices.Clone(s.Reads), v)...)
	e.wide = v.Shape[len(v.Shape)-1]%4 == 0
	return e
}

// fits reports whether a kernel may have as many buffers.
func (e *ending) fits() bool { return len(e.params)+operandBuffers <= e.l.limits.Bindings }

// buffers are the parameters of a kernel that ends so, and what they are bound to.
func (e *ending) buffers() ([]Param, []Arg) {
	a, b := e.product.In[0], e.product.In[1]
	return append([]Param{{Name: "a", DType: a.DType}, {Name: "b", DType: b.DType}}, e.params...),
		append([]Arg{e.l.read(a), e.l.read(b)}, e.args...)
}

// result writes the text that completes results, one or four side by side, of
// which the first is the element at.
func (e *ending) result(t *text, at string, sums ...string) {
	if at != "e" {
		t.line("%s e = %s;", e.index, at)
	}
	for k, x := range sums {
		suffix := ""
		if len(sums) > 1 {
			suffix = fmt.Sprint("_", k)
		}
		t.line("float %s = %s;", e.name(e.product, suffix), rounded(e.product.DType, x))
	}
	if len(sums) > 1 {
		e.quadAt(t)
		return
	}
	e.elementAt(t, "e")
}

// zeros emits a product of which each result sums nothing.
func (e *ending) zeros() {
	e.l.emit(block{what: "zeros", units: e.product.Shape.Elems(), index: e.index, args: e.args, params: e.params,
		body: func(t *text) { e.result(t, "i", "0.0f") }})
}

// together emits what sums up the parts of each result that lie one behind the
// other in scratch memory, always in the same order.
func (e *ending) together(parts Arg, count int) {
	n, width := e.product.Shape.Elems(), 1
	if e.wide {
		width = 4
	}
	e.l.emit(block{what: "sum_of_parts", units: n / width, index: e.index,
		args: append([]Arg{parts.asRead()}, e.args...), params: append([]Param{{Name: "part", DType: ir.F32}}, e.params...),
		body: func(t *text) {
			if !e.wide {
				t.line("float sum = 0.0f;")
				t.line("for (uint s = 0u; s < %du; s++) sum += part[s * %du + i];", count, n)
				e.result(t, "i", "sum")
				return
			}
			t.line("float4 sum = make_float4(0.0f, 0.0f, 0.0f, 0.0f);")
			t.line("for (uint s = 0u; s < %du; s++) {", count)
			t.line("float4 x = *(device const float4*)(part + s * %du + i * 4u);", n)
			t.line("sum = make_float4(sum.x + x.x, sum.y + x.y, sum.z + x.z, sum.w + x.w);")
			t.line("}")
			e.result(t, "i * 4u", "sum.x", "sum.y", "sum.z", "sum.w")
		}})
}
