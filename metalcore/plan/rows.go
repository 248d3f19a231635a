package plan

import "github.com/metalnb/metalnb/metalcore/ir"

// A group may also work row by row: then there are reductions along the last
// axis among its values, and values that are one number for each row, which end
// in an axis of size 1 and are repeated along the row where a whole one reads
// them. All values of a row are computed before those of the next one. Norms
// and softmax, and their gradients, are such groups.

// RowMost is the longest row of such a group: several of them fit into a first
// cache.
const RowMost = 1024

// RowFold reports whether v folds each row of its operand into one number and
// may be a member of a group.
func RowFold(v *ir.Value) bool {
	switch v.Op {
	case "reduce_sum", "reduce_mean", "reduce_max":
	default:
		return false
	}
	in, axes := v.In[0].Shape, v.Ints("axes")
	last := len(in) - 1
	return v.DType == ir.F32 && v.Bool("keep") && len(axes) == 1 && axes[0] == last &&
		in[last] > 1 && in[last] <= RowMost && v.Shape.Elems() > 1
}

// PerRow reports whether a value of shape v reads one of shape in as one number
// for each of its rows.
func PerRow(in, v ir.Shape) bool {
	last := len(v) - 1
	return last >= 0 && len(in) == len(v) && in[last] == 1 && v[last] > 1 && in[:last].Equal(v[:last]) && in.Elems() > 1
}

// RowSpace returns the shape of the whole values of a group that works row by
// row; ok is false if its values cannot be computed together so. Groups of
// values that all have one shape are no such groups.
func RowSpace(members []*ir.Value) (full ir.Shape, ok bool) {
	for _, v := range members {
		shape := v.Shape
		if RowFold(v) {
			shape = v.In[0].Shape
		}
		if full == nil || shape.Elems() > full.Elems() {
			full = shape
		}
	}
	for _, v := range members {
		if !fits(v, full) {
			return nil, false
		}
	}
	return full, true
}

// fits reports whether a value can be computed row by row.
func fits(v *ir.Value, full ir.Shape) bool {
	last := len(full) - 1
	if last < 0 || full[last] > RowMost || v.DType.Size() > 4 {
		return false
	}
	switch {
	case RowFold(v):
		return v.In[0].Shape.Equal(full)
	case !Fusible(v.Op):
		return false
	case v.Shape.Equal(full):
		return true
	case !PerRow(v.Shape, full):
		return false
	}
	for _, in := range v.In { // whole words, one for each row or one for all
		if in.DType.Size() != 4 || in.Shape.Elems() != 1 && !in.Shape.Equal(v.Shape) {
			return false
		}
	}
	return v.DType.Size() == 4 || v.DType == ir.Bool
}
