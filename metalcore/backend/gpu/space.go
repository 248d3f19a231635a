package gpu

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// strides are the distances between elements of a value along the axes of a
// result that it is broadcast to; 0 where it is repeated.
func strides(in, out ir.Shape) []int {
	steps := make([]int, len(out))
	size := 1
	for i := len(in) - 1; i >= 0; i-- {
		if in[i] != 1 {
			steps[len(out)-len(in)+i] = size
		}
		size *= in[i]
	}
	return steps
}

// space is what a kernel walks over: the axes of a shape, innermost first,
// without those of size 1, and with neighbours joined that lie side by side in
// all operands.
type space struct {
	dims []int
	n    int
}

// newSpace joins what can be joined of a shape, given the distances between the
// elements of each operand along its axes, and returns the distances along the
// joined axes.
func newSpace(shape ir.Shape, operands [][]int) (space, [][]int) {
	dims, joined := plan.JoinAxes(shape, operands)
	if dims[0] == 1 { // the only element needs no coordinate
		for k := range joined {
			joined[k] = []int{0}
		}
	}
	return space{dims: dims, n: shape.Elems()}, joined
}

// dense reports whether an operand's elements lie as those of the space do.
func (s *space) dense(axes []int) bool {
	size := 1
	for i, d := range s.dims {
		if axes[i] != size && d != 1 {
			return false
		}
		size *= d
	}
	return true
}

// coordinates declares c0, c1, ... of the element with the given number, as far
// as the strides ask for them.
func (s *space) coordinates(t *text, index, element string, prefix string, all [][]int) {
	last := -1
	for _, axes := range all {
		for i, step := range axes {
			if step != 0 {
				last = max(last, i)
			}
		}
	}
	rest := element
	for i := 0; i <= last; i++ {
		if i == len(s.dims)-1 {
			t.line("%s %s%d = %s;", index, prefix, i, rest)
			return
		}
		t.line("%s %s%d = %s %% %du;", index, prefix, i, rest, s.dims[i])
		if i < last {
			t.line("%s %sq%d = %s / %du;", index, prefix, i, rest, s.dims[i])
			rest = fmt.Sprintf("%sq%d", prefix, i)
		}
	}
}

// offset is where an operand's element for these coordinates lies.
func offset(axes []int, prefix string) string {
	at := "0u"
	for i, step := range axes {
		if step != 0 {
			at = plus(at, times(fmt.Sprint(prefix, i), step))
		}
	}
	return at
}

// plus and times leave out what changes nothing.
func plus(a, b string) string {
	switch {
	case a == "0u":
		return b
	case b == "0u":
		return a
	}
	return a + " + " + b
}

func times(a string, n int) string {
	if n == 1 || a == "0u" {
		return a
	}
	return fmt.Sprintf("%s * %du", a, n)
}
