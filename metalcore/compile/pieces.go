package compile

import (
	"math"
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// piece is a value that a pad with zeros makes longer along one axis.
type piece struct {
	value     *ir.Value
	axis      int
	low, high int
}

// joinPads: the gradient of a value that was cut into pieces is a sum of pads,
// each as large as the whole. Where the pieces lie side by side it is their
// concat.
func joinPads(v *ir.Value) *ir.Value {
	most := 2 * slices.Max(append(ir.Shape{0}, v.Shape...)) // of a sum of pieces that lie side by side
	list := addedPieces(nil, v, v.Shape, &most)
	if len(list) < 2 {
		return nil
	}
	axis := list[0].axis
	slices.SortStableFunc(list, func(a, b piece) int { return a.low - b.low })
	var parts []*ir.Value
	at := list[0].low
	for _, p := range list {
		if p.axis != axis || p.low != at {
			return nil
		}
		at += p.value.Shape[axis]
		if p.value.Op == "concat" && p.value.Int("axis") == axis {
			parts = append(parts, p.value.In...)
		} else {
			parts = append(parts, p.value)
		}
	}
	low, high := make([]int, len(v.Shape)), make([]int, len(v.Shape))
	low[axis], high[axis] = list[0].low, list[len(list)-1].high
	whole := made(op.Concat(axis, parts...), v)
	if low[axis] == 0 && high[axis] == 0 {
		return whole
	}
	return made(op.Pad(whole, low, high, 0), v)
}

// addedPieces collects the pieces of a sum; nil when something else is in it, or
// more than so many values.
func addedPieces(list []piece, v *ir.Value, shape ir.Shape, most *int) []piece {
	if *most--; *most < 0 || !v.Shape.Equal(shape) {
		return nil
	}
	if v.Op != "add" {
		p, ok := asPiece(v)
		if !ok {
			return nil
		}
		return append(list, p)
	}
	if list = addedPieces(list, v.In[0], shape, most); list == nil {
		return nil
	}
	return addedPieces(list, v.In[1], shape, most)
}

func asPiece(v *ir.Value) (p piece, ok bool) {
	zero := v.Float("value") == 0 && !math.Signbit(v.Float("value"))
	if v.Op != "pad" || !zero || slices.ContainsFunc(v.Ints("interior"), func(n int) bool { return n != 0 }) {
		return p, false
	}
	p = piece{value: v.In[0], axis: -1}
	for i := range v.Shape {
		if low, high := v.Ints("low")[i], v.Ints("high")[i]; low+high > 0 {
			if p.axis >= 0 {
				return p, false
			}
			p.axis, p.low, p.high = i, low, high
		}
	}
	return p, p.axis >= 0
}
