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
	plain[key{"select", 2}] = func(d, c, a, b unsafe.Pointer, n int) {
		x, y := *(*int32)(a), slice[int32](b, n)
		out := slice[int32](d, n)
		for i, t := range slice[int32](c, n) {
			e := y[i]
			if t != 0 {
				e = x
			}
			out[i] = e
		}
	}
	plain[key{"select", 4}] = func(d, c, a, b unsafe.Pointer, n int) {
		x, y := slice[int32](a, n), *(*int32)(b)
		out := slice[int32](d, n)
		for i, t := range slice[int32](c, n) {
			e := x[i]
			if t == 0 {
				e = y
			}
			out[i] = e
		}
	}
	plain[key{"select", 6}] = func(d, c, a, b unsafe.Pointer, n int) {
		x, y, out := *(*int32)(a), *(*int32)(b), slice[int32](d, n)
		for i, t := range slice[int32](c, n) {
			e := x
			if t == 0 {
				e = y
			}
			out[i] = e
		}
	}
	// With one number for all elements it is a copy.
	for _, rest := range []uint{0, 2, 4, 6} {
		plain[key{"select", 1 | rest}] = func(d, c, a, b unsafe.Pointer, n int) {
			from, one := a, rest&2 != 0
			if *(*int32)(c) == 0 {
				from, one = b, rest&4 != 0
			}
			if one {
				fill(d, from, nil, nil, n)
			} else {
				copy(slice[int32](d, n), slice[int32](from, n))
			}
		}
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
