package cpu

import (
	"math"

	"github.com/metalnb/metalnb/metalcore/ir"
)

func init() {
	register(map[string]maker{
		"add": arithmetic(addLoops[float32](), addLoops[int32]()),
		"sub": arithmetic(subLoops[float32](), subLoops[int32]()),
		"mul": arithmetic(mulLoops[float32](), mulLoops[int32]()),
		"div": arithmetic(divLoops(), loopsOf(divInt)),
		"max": arithmetic(loopsOf(larger[float32]), loopsOf(larger[int32])),
		"min": arithmetic(loopsOf(smaller[float32]), loopsOf(smaller[int32])),
		"pow": arithmetic(loopsOf(pow), loops[int32, int32]{}),
	})
}

// loops are the three ways in which a stretch of the innermost axis meets its
// operands: two vectors, vector and number, number and vector.
type loops[R, T number] struct {
	vv func(d []R, a, b []T)
	vs func(d []R, a []T, b T)
	sv func(d []R, a T, b []T)
}

// arithmetic chooses the loops of the element type.
func arithmetic(f loops[float32, float32], i loops[int32, int32]) maker {
	return func(c *compiler, v *ir.Value) (kernel, error) {
		if v.DType == ir.F32 {
			return binary(c, v, f)
		}
		return binary(c, v, i)
	}
}

// binary walks the result in stretches along which each operand is either
// dense or one number: that is all that broadcasting can make.
func binary[R, T number](c *compiler, v *ir.Value, f loops[R, T]) (kernel, error) {
	l, err := broadcastLayout(v)
	if err != nil {
		return nil, err
	}
	dst, a, b, n := c.id(v), c.id(v.In[0]), c.id(v.In[1]), v.Shape.Elems()
	denseA, denseB := l.stride[0][0] == 1, l.stride[1][0] == 1
	part := func(fr *frame, _, lo, hi int) {
		d, x, y := view[R](fr, dst), view[T](fr, a), view[T](fr, b)
		for at := l.seek(lo); lo < hi; at.nextRow() {
			k := min(at.left(), hi-lo)
			row, i, j := d[lo:lo+k], at.off[0], at.off[1]
			switch {
			case denseA && denseB:
				f.vv(row, x[i:i+k], y[j:j+k])
			case denseA:
				f.vs(row, x[i:i+k], y[j])
			default:
				f.sv(row, x[i], y[j:j+k])
			}
			lo += k
		}
	}
	return func(fr *frame) { fr.pool.run(fr, n, cheapGrain, part) }, nil
}

// loopsOf calls f for each element.
func loopsOf[R, T number](f func(a, b T) R) loops[R, T] {
	return loops[R, T]{
		vv: func(d []R, a, b []T) {
			for i, x := range a {
				d[i] = f(x, b[i])
			}
		},
		vs: func(d []R, a []T, b T) {
			for i, x := range a {
				d[i] = f(x, b)
			}
		},
		sv: func(d []R, a T, b []T) {
			for i, y := range b {
				d[i] = f(a, y)
			}
		},
	}
}

// swapped is the loop of a commutative op with its operands the other way.
func swapped[T number](vs func(d, a []T, b T)) func(d []T, a T, b []T) {
	return func(d []T, a T, b []T) { vs(d, b, a) }
}

func addLoops[T number]() loops[T, T] {
	vs := func(d, a []T, b T) {
		d = d[:len(a)]
		for i, x := range a {
			d[i] = x + b
		}
	}
	vv := func(d, a, b []T) {
		d, b = d[:len(a)], b[:len(a)]
		for i, x := range a {
			d[i] = x + b[i]
		}
	}
	return loops[T, T]{vv: vv, vs: vs, sv: swapped(vs)}
}

func mulLoops[T number]() loops[T, T] {
	vs := func(d, a []T, b T) {
		d = d[:len(a)]
		for i, x := range a {
			d[i] = x * b
		}
	}
	vv := func(d, a, b []T) {
		d, b = d[:len(a)], b[:len(a)]
		for i, x := range a {
			d[i] = x * b[i]
		}
	}
	return loops[T, T]{vv: vv, vs: vs, sv: swapped(vs)}
}

func subLoops[T number]() loops[T, T] {
	return loops[T, T]{
		vv: func(d, a, b []T) {
			d, b = d[:len(a)], b[:len(a)]
			for i, x := range a {
				d[i] = x - b[i]
			}
		},
		vs: func(d, a []T, b T) {
			d = d[:len(a)]
			for i, x := range a {
				d[i] = x - b
			}
		},
		sv: func(d []T, a T, b []T) {
			d = d[:len(b)]
			for i, y := range b {
				d[i] = a - y
			}
		},
	}
}

func divLoops() loops[float32, float32] {
	return loops[float32, float32]{
		vv: func(d, a, b []float32) {
			d, b = d[:len(a)], b[:len(a)]
			for i, x := range a {
				d[i] = x / b[i]
			}
		},
		vs: func(d, a []float32, b float32) {
			d = d[:len(a)]
			for i, x := range a {
				d[i] = x / b
			}
		},
		sv: func(d []float32, a float32, b []float32) {
			d = d[:len(b)]
			for i, y := range b {
				d[i] = a / y
			}
		},
	}
}

// divInt makes x/0 zero; the smallest number by -1 wraps around.
func divInt(a, b int32) int32 {
	if b == 0 {
		return 0
	}
	return a / b
}

// larger and smaller give NaN when an operand is NaN.
func larger[T number](a, b T) T  { return max(a, b) }
func smaller[T number](a, b T) T { return min(a, b) }

func pow(a, b float32) float32 { return float32(math.Pow(float64(a), float64(b))) }
