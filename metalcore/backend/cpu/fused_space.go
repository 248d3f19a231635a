package cpu

import (
	"github.com/metalnb/metalnb/metalcore/backend/cpu/asm"
	"github.com/metalnb/metalnb/metalcore/backend/cpu/vec"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// form says how a tile meets an operand.
type form uint8

const (
	dense    form = iota + 1 // as many elements as the result, in the same order
	single                   // one number
	along                    // within a row: elements side by side, or one number
	periodic                 // repeated in each row: written out once for all tiles
	expanded                 // written out for each tile
	perRow                   // one number for each row, for a node that computes with those
)

// wideRow is the length of a row from which on a tile is part of one row. Short
// rows are taken several at a time.
const wideRow = 512

// space is what an elementwise step walks over. Axes that are neighbours in all
// operands are joined, and axes of size 1 left out, so that most spaces are one
// row and nearly all the others a few of them.
type space struct {
	dims []int // innermost first
	n    int
	rows bool // tiles are whole rows
}

// newSpace joins what can be joined of a shape, given the distances between
// elements of the operands along each axis, and returns the distances along
// the joined axes.
func newSpace(shape ir.Shape, operands [][]int) (space, [][]int) {
	dims, joined := plan.JoinAxes(shape, operands)
	return space{dims: dims, n: shape.Elems()}, joined
}

// wide reports whether a tile is part of one row.
func (s *space) wide() bool { return !s.rows && (len(s.dims) == 1 || s.dims[0] >= wideRow) }

// form of an operand with the given distances.
func (s *space) form(axes []int) form {
	same, zero, size := true, true, 1
	for i, d := range s.dims {
		same = same && axes[i] == size
		zero = zero && axes[i] == 0
		size *= d
	}
	outer := false
	for _, step := range axes[1:] {
		outer = outer || step != 0
	}
	switch {
	case same:
		return dense
	case zero:
		return single
	case s.wide():
		return along
	case !outer:
		return periodic
	}
	return expanded
}

// number reports whether an operand of that form is one number within a tile.
func (f form) number(axes []int) bool { return f == single || f == along && axes[0] == 0 }

// fit returns the elements of a tile, at most n, and the number of tiles.
func (s *space) fit(n int) (tile, tiles int) {
	row := s.dims[0]
	if s.wide() {
		tile = min(n, row)
		return tile, (row + tile - 1) / tile * (s.n / row)
	}
	tile = min(max(1, n/row)*row, s.n)
	return tile, (s.n + tile - 1) / tile
}

// tile returns where tile t begins and how many elements it has.
func (s *space) tile(t, size int) (start, n int) {
	if !s.wide() {
		return t * size, min(size, s.n-t*size)
	}
	row := s.dims[0]
	each := (row + size - 1) / size
	from := t % each * size
	return t/each*row + from, min(size, row-from)
}

// offset of the element of an operand for element i of the space.
func (s *space) offset(i int, axes []int) int {
	at := 0
	for k, d := range s.dims {
		at += i % d * axes[k]
		i /= d
	}
	return at
}

// expand writes the rows of an operand for the elements from start on, which
// begins a row.
func (s *space) expand(v asm.Variant, dst, x []float32, start int, o *operand) {
	row := min(s.dims[0], len(dst))
	switch {
	case o.form == periodic:
		copy(dst[:row], x)
		for n := row; n < len(dst); n *= 2 {
			copy(dst[n:], dst[:n])
		}
	case o.axes[0] == 0 && len(s.dims) == 2 && o.axes[1] == 1:
		from := start / row
		vec.SpreadRows(v, dst, x[from:from+len(dst)/row], row)
	default:
		for ; len(dst) > 0; start += row {
			at := s.offset(start, o.axes)
			if o.axes[0] == 0 {
				fill(dst[:row], x[at])
			} else {
				copy(dst[:row], x[at:at+row])
			}
			dst = dst[row:]
		}
	}
}
