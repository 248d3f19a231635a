package vec

import (
	"math"
	"sync"
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// Kernels between element types. A tile holds floats as f32, whole numbers and
// bools of up to 32 bits as i32, and i64: "load_f16" makes such of what memory
// holds and "store_f16" is its inverse for numbers that are of the type;
// "round_f16" and "wrap_u8" make such of a result. The others are casts.
func init() {
	for op, k := range map[string]Kernel{
		"load_f16": unary(each16(ir.FromF16)), "load_bf16": unary(each16(ir.FromBF16)), "load_u8": unary(widen),
		"store_f16": unary(each32(ir.ToF16)), "store_bf16": unary(each32(ir.ToBF16)), "store_u8": unary(shorten),
		"round_f16":  unary(each32(func(x float32) float32 { return ir.FromF16(ir.ToF16(x)) })),
		"round_bf16": unary(each32(func(x float32) float32 { return ir.FromBF16(ir.ToBF16(x)) })),
		"wrap_u8":    unary(converted(func(x int32) int32 { return x & 255 })),
		"f32_to_i64": unary(converted(func(x float32) int64 { return ir.ToI64(float64(x)) })),
		"f32_to_u8":  unary(converted(func(x float32) int32 { return int32(ir.RoundTo(ir.U8, float64(x))) })),
		"i32_to_u8":  unary(converted(func(x int32) int32 { return min(max(x, 0), 255) })),
		"i64_to_u8":  unary(converted(func(x int64) int32 { return int32(min(max(x, 0), 255)) })),
		"i32_to_i64": unary(converted(func(x int32) int64 { return int64(x) })),
		"i64_to_i32": unary(converted(func(x int64) int32 { return int32(min(max(x, math.MinInt32), math.MaxInt32)) })),
		"i64_to_f32": unary(converted(func(x int64) float32 { return float32(x) })),

		"f32_to_bool": unary(converted(truth[float32])), "i32_to_bool": unary(converted(truth[int32])),
		"i64_to_bool": unary(converted(truth[int64])),
		"copy.i64":    unary(func(d, a []int64) { copy(d, a) }),
	} {
		plain[key{op, 0}] = k
	}
	for _, op := range []string{"load_f16", "load_bf16", "load_u8"} {
		plain[key{op, 1}] = repeated(op)
	}
	plain[key{"copy.i64", 1}] = func(d, a, _, _ unsafe.Pointer, n int) { repeat(slice[int64](d, n), *(*int64)(a)) }
	for numbers := range uint(8) {
		plain[key{"select.i64", numbers}] = chooseLong(numbers)
	}
	addLoops[int64]().register("add.i64")
	subLoops[int64]().register("sub.i64")
	mulLoops[int64]().register("mul.i64")
	loopsOf(divLong).register("div.i64")
	maxLoops[int64]().register("max.i64")
	minLoops[int64]().register("min.i64")
	eqLoops[int64]().register("eq.i64")
	ltLoops[int64]().register("lt.i64")
	leLoops[int64]().register("le.i64")
}

// converted makes a loop of a function.
func converted[R, T any](f func(T) R) func(d []R, x []T) {
	return func(d []R, x []T) {
		d = d[:len(x)]
		for i, a := range x {
			d[i] = f(a)
		}
	}
}

func each16(f func(uint16) float32) func(d []float32, x []uint16) { return converted(f) }
func each32[R any](f func(float32) R) func(d []R, x []float32)    { return converted(f) }

func widen(d []int32, x []uint8) {
	d = d[:len(x)]
	for i, a := range x {
		d[i] = int32(a)
	}
}

func shorten(d []uint8, x []int32) {
	d = d[:len(x)]
	for i, a := range x {
		d[i] = uint8(a)
	}
}

// byStep makes a kernel of a conversion in assembly between elements of so many
// bytes, which takes 16 at a time and leaves the rest.
func byStep(op string, from, to int, fast Kernel) Kernel {
	rest := sync.OnceValue(func() Kernel { return plain[key{op, 0}] }) // made later than this
	return func(d, a, _, _ unsafe.Pointer, n int) {
		done := n &^ 15
		if done > 0 {
			fast(d, a, nil, nil, n)
		}
		if done < n {
			rest()(unsafe.Add(d, done*to), unsafe.Add(a, done*from), nil, nil, n-done)
		}
	}
}

// repeated makes n elements of one that is loaded.
func repeated(load string) Kernel {
	one := plain[key{load, 0}]
	return func(d, a, _, _ unsafe.Pointer, n int) {
		one(d, a, nil, nil, 1)
		fill(d, d, nil, nil, n)
	}
}

func repeat[T any](d []T, x T) {
	for i := range d {
		d[i] = x
	}
}

func truth[T number](x T) int32 { return b2i(x != 0) }

// divLong makes x/0 zero; the smallest number by -1 wraps around.
func divLong(a, b int64) int64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// chooseLong is select of i64.
func chooseLong(numbers uint) Kernel {
	step := func(i uint) int { return 1 - int(numbers>>i&1) }
	return func(d, c, a, b unsafe.Pointer, n int) {
		if n == 0 {
			return
		}
		cond := slice[int32](c, step(0)*(n-1)+1)
		x, y := slice[int64](a, step(1)*(n-1)+1), slice[int64](b, step(2)*(n-1)+1)
		out := slice[int64](d, n)
		for i := range out {
			if cond[i*step(0)] != 0 {
				out[i] = x[i*step(1)]
			} else {
				out[i] = y[i*step(2)]
			}
		}
	}
}
