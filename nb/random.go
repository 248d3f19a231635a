package nb

import (
	"fmt"
	"math"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// Uniform, Normal, Integers and Permutation make random numbers. They depend on
// the seed and the shape only: a cell that runs again, and every device, makes
// the same ones. Use another seed for other numbers.
//
// Uniform numbers are in [0,1), multiples of 2^-24.
func Uniform(seed int, shape ...int) *Tensor {
	return drawn("uniform", seed, func(draw func(stream int, shape ir.Shape) *ir.Value) *ir.Value { return draw(0, shape) })
}

// Normal numbers have mean 0 and standard deviation 1 (Box and Muller 1958).
func Normal(seed int, shape ...int) *Tensor {
	return drawn("normal", seed, func(draw func(int, ir.Shape) *ir.Value) *ir.Value {
		u, angle := draw(0, shape), op.Mul(draw(1, shape), ir.Const(2*math.Pi, ir.F32))
		radius := op.Sqrt(op.Mul(op.Log1p(op.Neg(u)), ir.Const(-2, ir.F32)))
		return op.Mul(radius, op.Cos(angle))
	})
}

// Integers are i32 numbers from low up to, but without, high, at most 2^24
// apart.
func Integers(seed, low, high int, shape ...int) *Tensor {
	if high <= low || high-low > 1<<24 || low < math.MinInt32 || high > math.MaxInt32 {
		argument("use low < high, at most 2^24 apart, within 32 bits", "Integers from %d to %d", low, high)
	}
	return drawn("integers", seed, func(draw func(int, ir.Shape) *ir.Value) *ir.Value {
		return plus(op.Cast(op.Mul(draw(0, shape), ir.Const(float64(high-low), ir.F32)), ir.I32), low)
	})
}

// Permutation has the numbers 0 to n-1 in random order, of type i32; with Take
// it shuffles rows.
func Permutation(seed, n int) *Tensor {
	return drawn("permutation", seed, func(draw func(int, ir.Shape) *ir.Value) *ir.Value {
		return op.ArgSort(draw(0, ir.Shape{n}), 0, false)
	})
}

// drawn makes random numbers of streams of the seed.
func drawn(kind string, seed int, f func(draw func(stream int, shape ir.Shape) *ir.Value) *ir.Value) *Tensor {
	if seed < math.MinInt32 || seed > math.MaxInt32 {
		argument("use a smaller number", "%s: the seed %d does not fit in 32 bits", kind, seed)
	}
	return apply(kind, nil, func() *ir.Value {
		return f(func(stream int, shape ir.Shape) *ir.Value {
			if err := checkSizes(shape); err != nil {
				argument("sizes must not be negative", "%s: %v", kind, err)
			}
			return op.Random(ir.Const(float64(seed), ir.I32), ir.Const(0, ir.I32), stream, shape)
		})
	})
}

// checkSizes reports a shape that no tensor has.
func checkSizes(shape []int) error {
	if ir.Shape(shape).HasBatch() || ir.Shape(shape).Check() != nil {
		return fmt.Errorf("no tensor has the shape %v", shape)
	}
	return nil
}
