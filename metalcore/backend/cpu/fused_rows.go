package cpu

import (
	"slices"
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/backend/cpu/asm"
	"github.com/metalnb/metalnb/metalcore/backend/cpu/vec"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// A step that works row by row has tiles of whole rows. A node that makes one
// number of each row, or computes with such numbers, runs over as many elements
// as the tile has rows. Where a node of whole rows reads them, they are written
// out first.

// opSpread writes each row's number along the row. Only byRows makes it.
const opSpread = "spread"

// byRows finds out whether the step works row by row, marks the nodes that
// compute rows' numbers, and puts in those that write them out.
func (f *fuser) byRows(s *plan.Step) {
	f.full = s.Values[0].Shape
	mixed := func(v *ir.Value) bool { return plan.RowFold(v) || !plan.SameSpace(v.Shape, f.full) }
	if !slices.ContainsFunc(s.Values, mixed) {
		return
	}
	f.full, _ = plan.RowSpace(s.Values)
	f.row = f.full[len(f.full)-1]
	wide := map[*ir.Value]*ir.Value{} // rows' numbers, written out
	var nodes []node
	for _, n := range f.nodes {
		n.rows = n.v.Shape.Elems() < f.full.Elems()
		n.in = slices.Clone(n.in)
		for k, in := range n.in {
			if n.rows || !slices.Contains(s.Values, in) || in.Shape.Elems() == f.full.Elems() {
				continue
			}
			if wide[in] == nil {
				wide[in] = &ir.Value{Op: opSpread, In: []*ir.Value{in}, Shape: f.full, DType: in.DType}
				nodes = append(nodes, node{v: wide[in], name: opSpread, in: wide[in].In})
			}
			n.in[k] = wide[in]
		}
		nodes = append(nodes, n)
	}
	f.nodes = nodes
}

// kernel is that of a node.
func (f *fuser) kernel(n *node, numbers uint) vec.Kernel {
	switch variant := f.c.pool.variant; {
	case n.name == opSpread:
		return spreadRows(variant, f.row)
	case plan.RowFold(n.v):
		return foldTile(variant, n.v, f.row)
	case f.space.n == 1:
		return vec.FindOne(variant, n.name, numbers)
	default:
		return f.short(n, vec.Find(variant, n.name, numbers))
	}
}

// short lets the kernel run over the numbers of a tile's rows, if that is what
// the node computes.
func (f *fuser) short(n *node, k vec.Kernel) vec.Kernel {
	if !n.rows {
		return k
	}
	row := f.row
	return func(d, a, b, c unsafe.Pointer, n int) { k(d, a, b, c, n/row) }
}

func floats(p unsafe.Pointer, n int) []float32 { return unsafe.Slice((*float32)(p), n) }

func spreadRows(v asm.Variant, row int) vec.Kernel {
	return func(d, a, _, _ unsafe.Pointer, n int) { vec.SpreadRows(v, floats(d, n), floats(a, n/row), row) }
}

// foldTile folds the rows of a tile.
func foldTile(v asm.Variant, x *ir.Value, row int) vec.Kernel {
	divisor := 1.0
	switch x.Op {
	case "reduce_max":
		return func(d, a, _, _ unsafe.Pointer, n int) { vec.MaxRows(v, floats(d, n/row), floats(a, n), row) }
	case "reduce_mean":
		divisor = float64(row)
	}
	return func(d, a, _, _ unsafe.Pointer, n int) { vec.SumRows(v, floats(d, n/row), floats(a, n), row, divisor) }
}
