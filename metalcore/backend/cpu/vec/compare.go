package vec

import "unsafe"

func init() {
	eqLoops[float32]().register("eq.f32")
	eqLoops[int32]().register("eq.i32")
	ltLoops[float32]().register("lt.f32")
	ltLoops[int32]().register("lt.i32")
	leLoops[float32]().register("le.f32")
	leLoops[int32]().register("le.i32")

	plain[key{"select", 0}] = func(d, c, a, b unsafe.Pointer, n int) {
		choose(slice[int32](d, n), slice[int32](c, n), slice[int32](a, n), slice[int32](b, n))
	}
	for numbers := uint(2); numbers < 8; numbers += 2 {
		plain[key{"select", numbers}] = chooseNumber(numbers)
	}
	for numbers := uint(1); numbers < 8; numbers += 2 {
		plain[key{"select", numbers}] = chooseAll(numbers)
	}
	plain[key{"copy", 0}] = unary(func(d, a []int32) { copy(d, a) })
	plain[key{"copy", 1}] = fill
}

func fill(d, a, _, _ unsafe.Pointer, n int) {
	x, out := *(*int32)(a), slice[int32](d, n)
	for i := range out {
		out[i] = x
	}
}

// choose moves elements as they are, so one loop serves all types.
func choose(d, c, a, b []int32) {
	d, a, b = d[:len(c)], a[:len(c)], b[:len(c)]
	for i, t := range c {
		x := a[i]
		if t == 0 {
			x = b[i]
		}
		d[i] = x
	}
}

// chooseNumber is choose where one of the values, or each, is a number.
func chooseNumber(numbers uint) Kernel {
	var steps [2]int
	for i := range steps {
		if numbers>>(i+1)&1 == 0 {
			steps[i] = 1
		}
	}
	return func(d, c, a, b unsafe.Pointer, n int) {
		x, y, out := slice[int32](a, steps[0]*(n-1)+1), slice[int32](b, steps[1]*(n-1)+1), slice[int32](d, n)
		for i, t := range slice[int32](c, n) {
			if t != 0 {
				out[i] = x[i*steps[0]]
			} else {
				out[i] = y[i*steps[1]]
			}
		}
	}
}

// chooseAll is select with one condition for all elements: a copy.
func chooseAll(numbers uint) Kernel {
	return func(d, c, a, b unsafe.Pointer, n int) {
		from, one := a, numbers&2 != 0
		if *(*int32)(c) == 0 {
			from, one = b, numbers&4 != 0
		}
		if one {
			fill(d, from, nil, nil, n)
		} else {
			copy(slice[int32](d, n), slice[int32](from, n))
		}
	}
}

func b2i(b bool) int32 {
	if b {
		return 1
	}
	return 0
}

func eqLoops[T number]() loops[int32, T] {
	l := loopsOf(func(a, b T) int32 { return b2i(a == b) })
	l.vv = func(d []int32, a, b []T) {
		d, b = d[:len(a)], b[:len(a)]
		for i, x := range a {
			d[i] = b2i(x == b[i])
		}
	}
	return l
}

func ltLoops[T number]() loops[int32, T] {
	return loops[int32, T]{
		vv: func(d []int32, a, b []T) {
			d, b = d[:len(a)], b[:len(a)]
			for i, x := range a {
				d[i] = b2i(x < b[i])
			}
		},
		vs: func(d []int32, a []T, b T) {
			d = d[:len(a)]
			for i, x := range a {
				d[i] = b2i(x < b)
			}
		},
		sv: func(d []int32, a T, b []T) {
			d = d[:len(b)]
			for i, y := range b {
				d[i] = b2i(a < y)
			}
		},
	}
}

func leLoops[T number]() loops[int32, T] {
	l := loopsOf(func(a, b T) int32 { return b2i(a <= b) })
	l.vv = func(d []int32, a, b []T) {
		d, b = d[:len(a)], b[:len(a)]
		for i, x := range a {
			d[i] = b2i(x <= b[i])
		}
	}
	return l
}
