package cpu

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// maxRank bounds the axes that are left after neighbours were joined.
const maxRank = 8

// layout says how an instruction walks over its result, in order, and at the
// same time over up to three operands. Axes that are neighbours in every
// operand are joined, and axes of size 1 left out, so that most layouts have
// one axis and nearly all the others two.
type layout struct {
	rank   int
	dims   [maxRank]int
	stride [3][maxRank]int // of each operand; 0 where it is repeated
}

// newLayout joins what can be joined of dims and the operands' strides.
func newLayout(dims []int, strides ...[]int) (*layout, error) {
	l := &layout{}
	for i := len(dims) - 1; i >= 0; i-- {
		switch {
		case dims[i] == 1:
		case l.rank > 0 && l.joins(dims[i], i, strides):
			l.dims[l.rank-1] *= dims[i]
		case l.rank == maxRank:
			return nil, fmt.Errorf("its operands have more than %d axes that cannot be joined", maxRank)
		default:
			l.dims[l.rank] = dims[i]
			for k, s := range strides {
				l.stride[k][l.rank] = s[i]
			}
			l.rank++
		}
	}
	if l.rank == 0 {
		l.rank, l.dims[0] = 1, 1
		for k := range strides {
			l.stride[k][0] = 1
		}
	}
	return l, nil
}

// joins reports whether axis i continues the outermost axis so far. Axes are
// kept innermost first.
func (l *layout) joins(dim, i int, strides [][]int) bool {
	for k, s := range strides {
		if s[i] != l.stride[k][l.rank-1]*l.dims[l.rank-1] {
			return false
		}
	}
	return true
}

// strides are those of a dense value, with 0 for axes of size 1, aligned at
// the last axis of a shape of the given rank.
func strides(s ir.Shape, rank int) []int {
	out := make([]int, rank)
	step := 1
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] != 1 {
			out[rank-len(s)+i] = step
		}
		step *= s[i]
	}
	return out
}

// cursor is a position in a layout: the offsets of the operands and how many
// elements are left along the innermost axis.
type cursor struct {
	l   *layout
	idx [maxRank]int
	off [3]int
}

// seek returns the cursor of the result's element at.
func (l *layout) seek(at int) cursor {
	c := cursor{l: l}
	for i := 0; i < l.rank; i++ {
		c.idx[i] = at % l.dims[i]
		at /= l.dims[i]
		for k := range c.off {
			c.off[k] += c.idx[i] * l.stride[k][i]
		}
	}
	return c
}

// left is the number of elements to the end of the innermost axis.
func (c *cursor) left() int { return c.l.dims[0] - c.idx[0] }

// nextRow moves to the next start of the innermost axis.
func (c *cursor) nextRow() {
	l := c.l
	for k := range c.off {
		c.off[k] -= c.idx[0] * l.stride[k][0]
	}
	c.idx[0] = 0
	for i := 1; i < l.rank; i++ {
		c.idx[i]++
		for k := range c.off {
			c.off[k] += l.stride[k][i]
		}
		if c.idx[i] < l.dims[i] {
			return
		}
		c.idx[i] = 0
		for k := range c.off {
			c.off[k] -= l.dims[i] * l.stride[k][i]
		}
	}
}
