package cpu

import (
	"slices"
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/backend/cpu/vec"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// A tile holds every type in one of three forms: floats as f32, whole numbers of
// up to 32 bits and bools as i32, and i64. Operands of fewer bits are converted
// on their way into a tile, results on their way out. A half is rounded after
// each op, so that a value is the same whether it goes to memory or not.

// loader converts an operand on its way into a tile.
type loader struct {
	row, number vec.Kernel // of elements side by side, and of one that is repeated
	bytes       int        // of an element in the tile
}

// loader is nil for an operand that a kernel can read where it lies, or that is
// written out as it is.
func (f *fuser) loader(o *operand) *loader {
	name, bytes := "", 4
	switch {
	case narrow(o.dtype):
		name = loadName(o.dtype)
	case o.dtype == ir.I64 && (o.form == periodic || o.form == expanded):
		name, bytes = "copy.i64", 8
	default:
		return nil
	}
	return &loader{row: vec.Find(f.c.pool.variant, name, 0), number: vec.Find(f.c.pool.variant, name, 1), bytes: bytes}
}

// bring converts what a tile needs of an operand.
func (f *fused) bring(fr *frame, to unsafe.Pointer, o *operand, start, n int) {
	switch {
	case o.form == dense:
		o.load.row(to, fr.at(o.id, start), nil, nil, n)
	case o.form.number(o.axes):
		o.load.row(to, fr.at(o.id, f.space.offset(start, o.axes)), nil, nil, 1)
	case o.form == along:
		o.load.row(to, fr.at(o.id, f.space.offset(start, o.axes)), nil, nil, n)
	case o.form == periodic:
		row := min(f.space.dims[0], n)
		o.load.row(to, fr.at(o.id, 0), nil, nil, row)
		all := unsafe.Slice((*byte)(to), n*o.load.bytes)
		repeat(all, all[:row*o.load.bytes])
	default:
		f.bringRows(fr, to, o, start, n)
	}
}

// bringRows converts row by row.
func (f *fused) bringRows(fr *frame, to unsafe.Pointer, o *operand, start, n int) {
	row := f.space.dims[0]
	convert := o.load.row
	if o.axes[0] == 0 {
		convert = o.load.number
	}
	for end := start + n; start < end; start += row {
		convert(to, fr.at(o.id, f.space.offset(start, o.axes)), nil, nil, min(row, end-start))
		to = unsafe.Add(to, row*o.load.bytes)
	}
}

// wordsOf is how many floats an element of a step's tiles takes.
func wordsOf(s *plan.Step) int {
	for _, list := range [][]*ir.Value{s.Values, s.Reads} {
		for _, v := range list {
			if v.DType == ir.I64 {
				return 2
			}
		}
	}
	return 1
}

// grows reports whether an element of the result would be written over elements
// of an operand that are still to be read.
func (n *node) grows() bool {
	return n.name == opSpread || plan.RowFold(n.v) ||
		n.v.DType == ir.I64 && slices.ContainsFunc(n.in, func(in *ir.Value) bool { return in.DType != ir.I64 })
}

// finish makes numbers of the value's type of what the kernel of a node left.
func (f *fuser) finish(n *node, at int) {
	if n.after != "" {
		f.ops = append(f.ops, tileOp{run: vec.Find(f.c.pool.variant, n.after, 0), d: at, a: at})
	}
}

// outName is the kernel that writes elements of a tile to memory.
func outName(d ir.DType) string {
	if narrow(d) {
		return storeName(d)
	}
	return copyName(d)
}

// copyName is the kernel that copies elements of a tile.
func copyName(d ir.DType) string {
	if d == ir.I64 {
		return "copy.i64"
	}
	return "copy"
}

// castName is the kernel of a cast, which may still have to be rounded.
func castName(from, to ir.DType) string {
	a, b := registerOf(from), registerOf(to)
	switch {
	case from == to, to.Float() && from.Float(), to == ir.I32 && a == "i32", to == ir.U8 && from == ir.Bool:
		return copyName(to)
	case a == "f32" && to == ir.I32, a == "i32" && to.Float():
		return "to_" + b
	case to.Float():
		return a + "_to_f32"
	}
	return a + "_to_" + to.String()
}

// exactOps give numbers of the type of their operands, whose type they have.
var exactOps = map[string]bool{"neg": true, "abs": true, "sign": true, "relu": true, "floor": true, "round": true,
	"max": true, "min": true, "select": true, "broadcast": true}

// afterName is the kernel that rounds a value to its type, if it takes one.
func afterName(v *ir.Value) string {
	switch {
	case exactOps[v.Op] || v.Op == "cast" && v.In[0].DType == v.DType:
	case v.DType.Half():
		return "round_" + v.DType.String()
	case v.DType == ir.U8 && v.Op != "cast":
		return "wrap_u8"
	}
	return ""
}
