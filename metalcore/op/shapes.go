package op

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// dim prints one dimension as ir.Shape does.
func dim(d int) string {
	s := ir.Shape{d}.String()
	return s[1 : len(s)-1]
}

// num is the scalar x of the type of v.
func num(x float64, v *ir.Value) *ir.Value { return ir.Const(x, v.DType) }

// wantRank fails unless operand i has n axes; form shows them.
func wantRank(v *ir.Value, i, n int, form string) error {
	if got := len(v.In[i].Shape); got != n {
		return fail(v, BadRank, fmt.Sprintf("operand %d has %d axes and must have %d", i+1, got, n),
			"reshape it to "+form)
	}
	return nil
}

// broadcastAll is NumPy's rule: shapes are aligned at their last axes; where
// sizes differ one of them must be 1.
func broadcastAll(v *ir.Value, in ...*ir.Value) (ir.Shape, error) {
	var out ir.Shape
	for _, x := range in {
		if len(x.Shape) > len(out) {
			out = slices.Concat(x.Shape[:len(x.Shape)-len(out)], out)
		}
		offset := len(out) - len(x.Shape)
		for i, d := range x.Shape {
			switch have := out[offset+i]; {
			case have == d || d == 1:
			case have == 1:
				out[offset+i] = d
			default:
				return nil, fail(v, BadBroadcast,
					fmt.Sprintf("the sizes %s and %s of axis %d differ", dim(have), dim(d), offset+i-len(out)),
					"make them equal, or one of them 1")
			}
		}
	}
	return slices.Clone(out), nil
}

// fit sums g back to the shape of an operand that was broadcast to g's shape.
func fit(g *ir.Value, shape ir.Shape) *ir.Value {
	if g.Shape.Equal(shape) {
		return g
	}
	extra := len(g.Shape) - len(shape)
	var axes []int
	for i, d := range g.Shape {
		if i < extra || shape[i-extra] != d {
			axes = append(axes, i)
		}
	}
	switch {
	case len(axes) == extra && extra > 0:
		return Sum(g, false, axes...)
	case len(axes) > 0:
		g = Sum(g, true, axes...)
	}
	return Reshape(g, shape)
}

// normAxes makes axes count from the start and sorts them; none means all.
func normAxes(a *ir.Value, axes []int) []int {
	out := []int{}
	if len(axes) == 0 {
		for i := range rank(a) {
			out = append(out, i)
		}
		return out
	}
	for _, x := range axes {
		out = append(out, normAxis(a, x))
	}
	slices.Sort(out)
	return out
}

// normAxis makes a negative axis count from the start; shape rules check the
// range, so that builders and Check say the same.
func normAxis(a *ir.Value, axis int) int {
	if n := rank(a); axis < 0 && axis >= -n {
		return axis + n
	}
	return axis
}

// rank is the number of axes; of nil, which shape rules reject, it is 0.
func rank(a *ir.Value) int {
	if a == nil {
		return 0
	}
	return len(a.Shape)
}

func wantAxis(v *ir.Value, axis int) error {
	n := len(v.In[0].Shape)
	if axis >= 0 && axis < n {
		return nil
	}
	remedy := "a scalar has no axes"
	if n > 0 {
		remedy = "use one of 0 to " + strconv.Itoa(n-1)
	}
	return fail(v, BadAttr, fmt.Sprintf("there is no axis %d", axis), remedy)
}
