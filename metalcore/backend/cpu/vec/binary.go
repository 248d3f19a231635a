package vec

import (
	"math"
	"unsafe"
)

func init() {
	addLoops[float32]().register("add.f32")
	addLoops[int32]().register("add.i32")
	subLoops[float32]().register("sub.f32")
	subLoops[int32]().register("sub.i32")
	mulLoops[float32]().register("mul.f32")
	mulLoops[int32]().register("mul.i32")
	divLoops().register("div.f32")
	loopsOf(divInt).register("div.i32")
	maxLoops[float32]().register("max.f32")
	maxLoops[int32]().register("max.i32")
	minLoops[float32]().register("min.f32")
	minLoops[int32]().register("min.i32")
	loopsOf(pow).register("pow.f32")
	for numbers := uint(0); numbers < 8; numbers += 2 {
		plain[key{"fma.f32", numbers}] = multiplyAdd(1, numbers)
		plain[key{"fnma.f32", numbers}] = multiplyAdd(-1, numbers)
	}
}

// multiplyAdd is sign*a*b + c. A product of two f32 is exact in float64.
func multiplyAdd(sign float64, numbers uint) Kernel {
	stepB, stepC := 1-int(numbers>>1&1), 1-int(numbers>>2&1)
	return func(d, a, b, c unsafe.Pointer, n int) {
		y, z := slice[float32](b, stepB*(n-1)+1), slice[float32](c, stepC*(n-1)+1)
		out := slice[float32](d, n)
		for i, x := range slice[float32](a, n) {
			out[i] = float32(sign*float64(x)*float64(y[i*stepB]) + float64(z[i*stepC]))
		}
	}
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

// divInt makes x/0 zero; the smallest number by -1 wraps around.
func divInt(a, b int32) int32 {
	if b == 0 {
		return 0
	}
	return a / b
}

func pow(a, b float32) float32 { return float32(math.Pow(float64(a), float64(b))) }

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

// larger and smaller give NaN when an operand is NaN, and b when the two are
// zeros of different sign.
func larger[T number](a, b T) T {
	if a > b || a != a {
		return a
	}
	return b
}

func smaller[T number](a, b T) T {
	if a < b || a != a {
		return a
	}
	return b
}

func maxLoops[T number]() loops[T, T] {
	l := loopsOf(larger[T])
	l.vv = func(d, a, b []T) {
		d, b = d[:len(a)], b[:len(a)]
		for i, x := range a {
			d[i] = larger(x, b[i])
		}
	}
	return l
}

func minLoops[T number]() loops[T, T] {
	l := loopsOf(smaller[T])
	l.vv = func(d, a, b []T) {
		d, b = d[:len(a)], b[:len(a)]
		for i, x := range a {
			d[i] = smaller(x, b[i])
		}
	}
	return l
}
