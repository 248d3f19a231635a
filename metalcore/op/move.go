package op

import (
	"fmt"
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// Reshape gives the elements, in their order, another shape of as many
// elements. A dimension of -1 is the batch, not "whatever is left".
func Reshape(a *ir.Value, shape ir.Shape) *ir.Value {
	if a != nil && a.Shape.Equal(shape) {
		return a
	}
	return build("reshape", ir.Attrs{"shape": ints(shape)}, a)
}

// Transpose puts axis perm[i] of a at place i; without perm it reverses the
// axes.
func Transpose(a *ir.Value, perm ...int) *ir.Value {
	p := []int{}
	for i := range rank(a) {
		p = append(p, rank(a)-1-i)
	}
	if len(perm) > 0 {
		p = p[:0]
		for _, axis := range perm {
			p = append(p, normAxis(a, axis))
		}
	}
	return build("transpose", ir.Attrs{"perm": p}, a)
}

// Broadcast repeats a along new leading axes and along axes of size 1.
func Broadcast(a *ir.Value, shape ir.Shape) *ir.Value {
	if a != nil && a.Shape.Equal(shape) {
		return a
	}
	return build("broadcast", ir.Attrs{"shape": ints(shape)}, a)
}

// ints is a copy that is never nil, because a missing attribute is an error.
func ints(s []int) []int { return append([]int{}, s...) }

func moveOps() []Op {
	return []Op{
		{Name: "reshape", Doc: `the elements of x, in their order, as "shape"`, Class: Move, Arity: 1,
			Attrs: []Attr{{"shape", IntsAttr}}, Shape: reshapeShape,
			Grad: func(v, g *ir.Value) []*ir.Value { return []*ir.Value{Reshape(g, v.In[0].Shape)} }},
		{Name: "transpose", Doc: `axis "perm"[i] of x becomes axis i`, Class: Move, Arity: 1,
			Attrs: []Attr{{"perm", IntsAttr}}, Shape: transposeShape, Grad: transposeGrad},
		{Name: "broadcast", Doc: `x repeated to "shape" as NumPy does`, Class: Move, Arity: 1,
			Attrs: []Attr{{"shape", IntsAttr}}, Shape: broadcastShape,
			Grad: func(v, g *ir.Value) []*ir.Value { return []*ir.Value{fit(g, v.In[0].Shape)} }},
	}
}

func reshapeShape(v *ir.Value) (ir.DType, ir.Shape, error) {
	x, to := v.In[0], ir.Shape(v.Ints("shape"))
	if err := to.Check(); err != nil {
		return 0, nil, fail(v, BadAttr, err.Error(), "use a smaller shape")
	}
	if x.Shape.Elems() != to.Elems() {
		return 0, nil, fail(v, BadElems, fmt.Sprintf("%s elements do not fill %s, which has %s",
			dim(x.Shape.Elems()), to, dim(to.Elems())), "use a shape of as many elements")
	}
	return x.DType, slices.Clone(to), nil
}

func transposeShape(v *ir.Value) (ir.DType, ir.Shape, error) {
	x, perm := v.In[0], v.Ints("perm")
	if len(perm) != len(x.Shape) {
		return 0, nil, fail(v, BadAttr, fmt.Sprintf("perm %v names %d axes of %d", perm, len(perm), len(x.Shape)),
			"name each axis once")
	}
	out, seen := make(ir.Shape, len(perm)), make([]bool, len(perm))
	for i, axis := range perm {
		if err := wantAxis(v, axis); err != nil {
			return 0, nil, err
		}
		if seen[axis] {
			return 0, nil, fail(v, BadAttr, fmt.Sprintf("perm %v names axis %d twice", perm, axis), "name each axis once")
		}
		out[i], seen[axis] = x.Shape[axis], true
	}
	return x.DType, out, nil
}

func transposeGrad(v, g *ir.Value) []*ir.Value {
	perm := v.Ints("perm")
	if len(perm) == 0 {
		return []*ir.Value{g}
	}
	back := make([]int, len(perm))
	for i, axis := range perm {
		back[axis] = i
	}
	return []*ir.Value{Transpose(g, back...)}
}

func broadcastShape(v *ir.Value) (ir.DType, ir.Shape, error) {
	x, to := v.In[0], ir.Shape(v.Ints("shape"))
	if err := to.Check(); err != nil {
		return 0, nil, fail(v, BadAttr, err.Error(), "use a smaller shape")
	}
	extra := len(to) - len(x.Shape)
	if extra < 0 {
		return 0, nil, fail(v, BadBroadcast, fmt.Sprintf("%s has fewer axes", to), "name all axes of the operand")
	}
	for i, d := range x.Shape {
		if d != 1 && d != to[extra+i] {
			return 0, nil, fail(v, BadBroadcast, fmt.Sprintf("axis %d of size %s does not become %s", i, dim(d), dim(to[extra+i])),
				"only axes of size 1 are repeated")
		}
	}
	return x.DType, slices.Clone(to), nil
}
