package compile

import (
	"math"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// fold replaces what is computed from constants by a constant. A constant has
// one number in all elements, so this is arithmetic on single numbers, rounded
// to its type as a device does. Results that are not finite are left to the device.
func fold(g *ir.Graph) (*ir.Graph, error) {
	return g.Rewrite(func(v *ir.Value) *ir.Value {
		if x, ok := foldValue(v); ok && !math.IsInf(x, 0) && !math.IsNaN(x) {
			c := ir.Const(x, v.DType, v.Shape...)
			c.Layer, c.Pos = v.Layer, v.Pos
			return c
		}
		return v
	}), nil
}

// foldValue returns the number that all elements of v have, if that is known.
func foldValue(v *ir.Value) (float64, bool) {
	if v.IsLeaf() || v.Shape.Elems() == 0 {
		return 0, false
	}
	x := make([]float64, len(v.In))
	for i, in := range v.In {
		if in.Op != ir.OpConst {
			return 0, false
		}
		x[i] = element(in)
	}
	switch v.Op {
	case "reshape", "transpose", "broadcast", "reduce_max", "reduce_mean", "gather":
		return x[0], true
	case "select":
		if x[0] != 0 {
			return x[1], true
		}
		return x[2], true
	case "reduce_sum":
		return foldSum(v, x[0])
	}
	if f, ok := foldable[v.Op]; ok && v.In[0].DType.Float() {
		return ir.RoundTo(v.DType, f(x)), true
	}
	return 0, false
}

// element is the number that a constant has on a device.
func element(c *ir.Value) float64 { return ir.RoundTo(c.DType, c.Float("value")) }

// foldSum folds sums of floats; those of integers may wrap around.
func foldSum(v *ir.Value, x float64) (float64, bool) {
	n := 1
	for _, axis := range v.Ints("axes") {
		n *= v.In[0].Shape[axis]
	}
	return ir.RoundTo(v.DType, x*float64(n)), v.DType.Float()
}

// foldable are functions of floating point constants whose results are the same on all
// devices: one correctly rounded operation.
var foldable = map[string]func(x []float64) float64{
	"neg":  func(x []float64) float64 { return -x[0] },
	"abs":  func(x []float64) float64 { return math.Abs(x[0]) },
	"sqrt": func(x []float64) float64 { return math.Sqrt(x[0]) },
	"add":  func(x []float64) float64 { return x[0] + x[1] },
	"sub":  func(x []float64) float64 { return x[0] - x[1] },
	"mul":  func(x []float64) float64 { return x[0] * x[1] },
	"div":  func(x []float64) float64 { return x[0] / x[1] },
	"max":  func(x []float64) float64 { return max(x[0], x[1]) },
	"min":  func(x []float64) float64 { return min(x[0], x[1]) },
	"eq":   func(x []float64) float64 { return truth(x[0] == x[1]) },
	"lt":   func(x []float64) float64 { return truth(x[0] < x[1]) },
	"le":   func(x []float64) float64 { return truth(x[0] <= x[1]) },
	"cast": func(x []float64) float64 { return x[0] },
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
