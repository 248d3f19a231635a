package cpu

import (
	"math"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// Elements that are worth waking the workers for: of one addition, and of one
// call of package math.
const (
	cheapGrain  = 1 << 15
	costlyGrain = 1 << 12
)

func init() {
	register(map[string]maker{
		"neg": unary(neg, cheapGrain), "abs": unary(abs, cheapGrain), "relu": unary(relu, cheapGrain),
		"sign": unary(sign, cheapGrain), "sqrt": unary(sqrt, cheapGrain), "floor": unary(floor, cheapGrain),
		"is_finite": unary(isFinite, cheapGrain),
		"exp":       unary(each(math.Exp), costlyGrain), "log": unary(each(math.Log), costlyGrain),
		"log1p": unary(each(math.Log1p), costlyGrain), "expm1": unary(each(math.Expm1), costlyGrain),
		"tanh": unary(each(math.Tanh), costlyGrain), "sigmoid": unary(each(sigmoid64), costlyGrain),
		"cast": makeCast,
	})
}

// unary makes the kernel of a loop over one operand.
func unary[R, T number](loop func(d []R, x []T), grain int) maker {
	return func(c *compiler, v *ir.Value) (kernel, error) {
		dst, src, n := c.id(v), c.id(v.In[0]), v.Shape.Elems()
		part := func(fr *frame, _, lo, hi int) { loop(view[R](fr, dst)[lo:hi], view[T](fr, src)[lo:hi]) }
		return func(fr *frame) { fr.pool.run(fr, n, grain, part) }, nil
	}
}

func makeCast(c *compiler, v *ir.Value) (kernel, error) {
	switch from := v.In[0].DType; {
	case from == v.DType:
		return makeCopy(c, v)
	case from == ir.F32:
		return unary(toInt, cheapGrain)(c, v)
	}
	return unary(toFloat, cheapGrain)(c, v)
}

// each computes in float64, so that only the result is rounded.
func each(f func(float64) float64) func(d, x []float32) {
	return func(d, x []float32) {
		for i, a := range x {
			d[i] = float32(f(float64(a)))
		}
	}
}

// sigmoid64 never overflows: exp gets a negative number.
func sigmoid64(x float64) float64 {
	if x < 0 {
		e := math.Exp(x)
		return e / (1 + e)
	}
	return 1 / (1 + math.Exp(-x))
}

func neg(d, x []float32) {
	for i, a := range x {
		d[i] = -a
	}
}

func abs(d, x []float32) {
	for i, a := range x {
		d[i] = math.Float32frombits(math.Float32bits(a) &^ (1 << 31))
	}
}

// relu keeps NaN, which is not below 0.
func relu(d, x []float32) {
	for i, a := range x {
		if a <= 0 {
			a = 0
		}
		d[i] = a
	}
}

func sign(d, x []float32) {
	for i, a := range x {
		switch {
		case a > 0:
			a = 1
		case a < 0:
			a = -1
		default: // NaN too
			a = 0
		}
		d[i] = a
	}
}

func sqrt(d, x []float32) {
	for i, a := range x {
		d[i] = float32(math.Sqrt(float64(a)))
	}
}

func floor(d, x []float32) {
	for i, a := range x {
		d[i] = float32(math.Floor(float64(a)))
	}
}

func isFinite(d []int32, x []float32) {
	for i, a := range x {
		d[i] = b2i(a-a == 0)
	}
}

func b2i(b bool) int32 {
	if b {
		return 1
	}
	return 0
}

func toFloat(d []float32, x []int32) {
	for i, a := range x {
		d[i] = float32(a)
	}
}

// toInt saturates; NaN becomes 0.
func toInt(d []int32, x []float32) {
	for i, a := range x {
		switch {
		case a >= math.MaxInt32:
			d[i] = math.MaxInt32
		case a <= math.MinInt32:
			d[i] = math.MinInt32
		case a != a:
			d[i] = 0
		default:
			d[i] = int32(a)
		}
	}
}
