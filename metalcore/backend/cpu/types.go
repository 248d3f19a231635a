package cpu

import (
	"slices"

	"github.com/metalnb/metalnb/metalcore/backend/cpu/vec"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// Halves are a way to store numbers: all kernels compute in f32. Elementwise
// steps convert tile by tile. For all other ops that do more than move elements,
// the operands are written out as f32 before, and the result is rounded after.
// Indices of all types are read as i32 in the same way.

// hidden is a value that only one instruction knows, in memory that the next one
// may use for its own.
type hidden struct{ id, at int }

// hide makes a hidden value like v, of another type, behind those that begin at
// the given place.
func (c *compiler) hide(v *ir.Value, as ir.DType, at *int) *ir.Value {
	w := &ir.Value{Op: v.Op, Shape: v.Shape, DType: as}
	id := c.exe.number(plan.Place{Kind: plan.Inside}, w)
	c.ids[w] = id
	c.hidden = append(c.hidden, hidden{id, *at})
	*at += roundUp(c.exe.frame.words(id), 16)
	c.wide = max(c.wide, *at)
	return w
}

// widened makes a kernel that reads and writes the types which the maker knows.
func (c *compiler) widened(m maker, v *ir.Value) (kernel, error) {
	w, at := *v, 0
	w.In = slices.Clone(v.In)
	var before []kernel
	for i, in := range v.In {
		as := readAs(v, i)
		if as == in.DType {
			continue
		}
		if same := slices.Index(v.In[:i], in); same >= 0 && readAs(v, same) == as {
			w.In[i] = w.In[same]
			continue
		}
		w.In[i] = c.hide(in, as, &at)
		before = append(before, c.convert(w.In[i], in))
	}
	w.DType = readAs(v, -1)
	if w.DType == v.DType && len(before) == 0 {
		return m(c, v)
	}
	c.ids[&w] = c.id(v)
	var after kernel
	if w.DType != v.DType {
		result := c.hide(v, w.DType, &at)
		c.ids[&w] = c.id(result)
		after = c.convert(v, result)
	}
	k, err := m(c, &w)
	if err != nil {
		return nil, err
	}
	return func(fr *frame) {
		for _, convert := range before {
			convert(fr)
		}
		k(fr)
		if after != nil {
			after(fr)
		}
	}, nil
}

// readAs is the type in which the kernel of v reads operand i, or writes its
// result for -1.
func readAs(v *ir.Value, i int) ir.DType {
	d := v.DType
	if i >= 0 {
		d = v.In[i].DType
	}
	row := op.Lookup(v.Op)
	switch {
	case i >= 0 && indexOperand[v.Op] == i+1:
		return ir.I32
	case d.Half() && row != nil && row.Class != op.Move && v.Op != "gather" && v.Op != "take_along" && v.Op != "stop_gradient":
		return ir.F32
	}
	return d
}

// indexOperand says which operand of an op holds indices, counted from 1.
var indexOperand = map[string]int{"gather": 2, "scatter_add": 1, "take_along": 2, "add_along": 1,
	"softmax_cross_entropy": 2, "softmax_cross_entropy_grad": 2}

// convert writes src as another type.
func (c *compiler) convert(dst, src *ir.Value) kernel {
	name := "store_" + dst.DType.String()
	switch {
	case src.DType == ir.I64:
		name = "i64_to_i32"
	case src.DType.Size() < 4:
		name = loadName(src.DType)
	}
	run := vec.Find(c.pool.variant, name, 0)
	to, from, n := c.id(dst), c.id(src), src.Shape.Elems()
	part := func(fr *frame, _, lo, hi int) { run(fr.at(to, lo), fr.at(from, lo), nil, nil, hi-lo) }
	return func(fr *frame) { fr.pool.run(fr, n, cheapGrain, part) }
}

// loadName is the kernel that makes 32 bits of each element of a narrow type.
func loadName(d ir.DType) string {
	if d == ir.Bool {
		d = ir.U8
	}
	return "load_" + d.String()
}

// storeName is its inverse.
func storeName(d ir.DType) string {
	if d == ir.Bool {
		d = ir.U8
	}
	return "store_" + d.String()
}

// ofType chooses by element type; a bool is a byte.
func ofType[F any](d ir.DType, floats, ints, longs, bytes F) F {
	switch d {
	case ir.I32:
		return ints
	case ir.I64:
		return longs
	case ir.U8, ir.Bool:
		return bytes
	}
	return floats
}

// ofSize chooses by the size of the elements, which is all that matters to what
// only moves them.
func ofSize[F any](d ir.DType, one, two, four, eight F) F {
	switch d.Size() {
	case 1:
		return one
	case 2:
		return two
	case 8:
		return eight
	}
	return four
}

// registerOf is how elementwise kernels hold a type: "f32", "i32" or "i64".
func registerOf(d ir.DType) string {
	switch {
	case d.Float():
		return "f32"
	case d == ir.I64:
		return "i64"
	}
	return "i32"
}

// narrow reports whether elements take less memory than their register.
func narrow(d ir.DType) bool { return d.Size() < 4 }
