package cpu

import (
	"github.com/metalnb/metalnb/metalcore/backend/cpu/vec"
	"github.com/metalnb/metalnb/metalcore/ir"
)

func init() { register(map[string]maker{"all_finite": makeAllFinite}) }

// finitePiece is how many elements are looked at in one go.
const finitePiece = 1 << 14

// finitePart is a part of an operand.
type finitePart struct{ id, lo, hi int }

// makeAllFinite looks at all operands in pieces that the workers share.
func makeAllFinite(c *compiler, v *ir.Value) (kernel, error) {
	var parts []finitePart
	for _, in := range v.In {
		n := in.Shape.Elems()
		for lo := 0; lo < n; lo += finitePiece {
			parts = append(parts, finitePart{c.id(in), lo, min(lo+finitePiece, n)})
		}
	}
	c.need(len(parts), 0)
	look := func(fr *frame, _, lo, hi int) {
		for i := lo; i < hi; i++ {
			p := parts[i]
			vec.Vanish(fr.pool.variant, &fr.shared[i], fr.vals[p.id][p.lo:p.hi])
		}
	}
	elems := 0
	for _, p := range parts {
		elems += p.hi - p.lo
	}
	grain := max(1, 2*cheapGrain*len(parts)/max(1, elems))
	dst := c.id(v)
	return func(fr *frame) {
		fr.pool.run(fr, len(parts), grain, look)
		sum := float32(0)
		for _, x := range fr.shared[:len(parts)] {
			sum += x
		}
		fr.bytes(dst)[0] = 0
		if sum == 0 {
			fr.bytes(dst)[0] = 1
		}
	}, nil
}
