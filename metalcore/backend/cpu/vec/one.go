package vec

import (
	"math"
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/backend/cpu/asm"
)

// FindOne returns a kernel for a single element: the one that Find returns, or a
// quicker one that gives the same bits.
func FindOne(v asm.Variant, op string, numbers uint) Kernel {
	if k := ones[op]; k != nil {
		return k
	}
	return Find(v, op, numbers)
}

// ones are ops that every processor computes alike.
var ones = map[string]Kernel{
	"add.f32": func(d, a, b, _ unsafe.Pointer, _ int) { *at[float32](d) = *at[float32](a) + *at[float32](b) },
	"sub.f32": func(d, a, b, _ unsafe.Pointer, _ int) { *at[float32](d) = *at[float32](a) - *at[float32](b) },
	"mul.f32": func(d, a, b, _ unsafe.Pointer, _ int) { *at[float32](d) = *at[float32](a) * *at[float32](b) },
	"div.f32": func(d, a, b, _ unsafe.Pointer, _ int) { *at[float32](d) = *at[float32](a) / *at[float32](b) },
	"add.i32": func(d, a, b, _ unsafe.Pointer, _ int) { *at[int32](d) = *at[int32](a) + *at[int32](b) },
	"sub.i32": func(d, a, b, _ unsafe.Pointer, _ int) { *at[int32](d) = *at[int32](a) - *at[int32](b) },
	"mul.i32": func(d, a, b, _ unsafe.Pointer, _ int) { *at[int32](d) = *at[int32](a) * *at[int32](b) },
	"min.i32": func(d, a, b, _ unsafe.Pointer, _ int) { *at[int32](d) = min(*at[int32](a), *at[int32](b)) },
	"max.i32": func(d, a, b, _ unsafe.Pointer, _ int) { *at[int32](d) = max(*at[int32](a), *at[int32](b)) },
	"eq.i32":  func(d, a, b, _ unsafe.Pointer, _ int) { *at[int32](d) = b2i(*at[int32](a) == *at[int32](b)) },
	"lt.i32":  func(d, a, b, _ unsafe.Pointer, _ int) { *at[int32](d) = b2i(*at[int32](a) < *at[int32](b)) },
	"lt.f32":  func(d, a, b, _ unsafe.Pointer, _ int) { *at[int32](d) = b2i(*at[float32](a) < *at[float32](b)) },
	"neg.f32": func(d, a, _, _ unsafe.Pointer, _ int) { *at[uint32](d) = *at[uint32](a) ^ 1<<31 },
	"to_f32":  func(d, a, _, _ unsafe.Pointer, _ int) { *at[float32](d) = float32(*at[int32](a)) },
	"copy":    func(d, a, _, _ unsafe.Pointer, _ int) { *at[uint32](d) = *at[uint32](a) },
	"sqrt.f32": func(d, a, _, _ unsafe.Pointer, _ int) {
		*at[float32](d) = float32(math.Sqrt(float64(*at[float32](a))))
	},
	"select": func(d, a, b, c unsafe.Pointer, _ int) {
		if *at[int32](a) != 0 {
			c = b
		}
		*at[uint32](d) = *at[uint32](c)
	},
}

func at[T any](p unsafe.Pointer) *T { return (*T)(p) }
