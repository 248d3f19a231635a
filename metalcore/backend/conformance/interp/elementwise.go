package interp

import (
	"math"

	"github.com/metalnb/metalnb/metalcore/ir"
)

var unaryKernels = map[string]kernel{
	"neg":       unary(func(x float64) float64 { return -x }),
	"exp":       unary(math.Exp),
	"log":       unary(math.Log),
	"log1p":     unary(math.Log1p),
	"expm1":     unary(math.Expm1),
	"sqrt":      unary(math.Sqrt),
	"abs":       unary(math.Abs),
	"sign":      unary(sign),
	"tanh":      unary(math.Tanh),
	"sigmoid":   unary(func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }),
	"relu":      unary(func(x float64) float64 { return max(x, 0) }),
	"floor":     unary(math.Floor),
	"is_finite": unary(func(x float64) float64 { return truth(!math.IsInf(x, 0) && !math.IsNaN(x)) }),
	"cast":      cast,

	"rsqrt": unary(func(x float64) float64 { return 1 / math.Sqrt(x) }),
	"erf":   unary(math.Erf),
	"sin":   unary(math.Sin),
	"cos":   unary(math.Cos),
	"atan":  unary(math.Atan),
	"round": unary(math.RoundToEven),

	"stop_gradient": unary(func(x float64) float64 { return x }),
}

var binaryKernels = map[string]kernel{
	"add": binary(func(a, b float64) float64 { return a + b }, func(a, b int64) int64 { return a + b }),
	"sub": binary(func(a, b float64) float64 { return a - b }, func(a, b int64) int64 { return a - b }),
	"mul": binary(func(a, b float64) float64 { return a * b }, func(a, b int64) int64 { return a * b }),
	"div": binary(func(a, b float64) float64 { return a / b }, divInt),
	"max": binary(func(a, b float64) float64 { return max(a, b) }, func(a, b int64) int64 { return max(a, b) }),
	"min": binary(func(a, b float64) float64 { return min(a, b) }, func(a, b int64) int64 { return min(a, b) }),
	"pow": binary(math.Pow, nil),

	"eq":     elementwise(func(x []float64) float64 { return truth(x[0] == x[1]) }),
	"lt":     elementwise(func(x []float64) float64 { return truth(x[0] < x[1]) }),
	"le":     elementwise(func(x []float64) float64 { return truth(x[0] <= x[1]) }),
	"select": elementwise(choose),
}

// elementwise makes a kernel of a function of one element of each operand.
func elementwise(f func(x []float64) float64) kernel {
	return func(v *ir.Value, in [][]float64) []float64 {
		out := make([]float64, v.Shape.Elems())
		x := make([]float64, len(in))
		each(v.Shape, func(i int, index []int) {
			for j := range in {
				x[j] = in[j][offset(v.In[j].Shape, index...)]
			}
			out[i] = f(x)
		})
		return out
	}
}

func unary(f func(float64) float64) kernel {
	return elementwise(func(x []float64) float64 { return f(x[0]) })
}

func binary(f func(a, b float64) float64, integer func(a, b int64) int64) kernel {
	floats := elementwise(func(x []float64) float64 { return f(x[0], x[1]) })
	return func(v *ir.Value, in [][]float64) []float64 {
		if v.DType.Integer() {
			return elementwise(func(x []float64) float64 { return wrap(v.DType, integer(int64(x[0]), int64(x[1]))) })(v, in)
		}
		return floats(v, in)
	}
}

func divInt(a, b int64) int64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func sign(x float64) float64 { return truth(x > 0) - truth(x < 0) }

func choose(x []float64) float64 {
	if x[0] != 0 {
		return x[1]
	}
	return x[2]
}

func cast(v *ir.Value, in [][]float64) []float64 {
	return fill(len(in[0]), func(i int) float64 { return typed(v.DType, in[0][i]) })
}

// typed is x as a number of the type; of f32 it is not rounded.
func typed(d ir.DType, x float64) float64 {
	if d == ir.F32 {
		return x
	}
	return ir.RoundTo(d, x)
}

// wrap is n modulo the range of an integer type.
func wrap(d ir.DType, n int64) float64 {
	switch d {
	case ir.U8:
		return float64(uint8(n))
	case ir.I32:
		return float64(int32(n))
	}
	return float64(n)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
