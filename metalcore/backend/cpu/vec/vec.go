// Package vec holds the loops that elementwise ops, sums and losses are made
// of. A Kernel runs one op over a stretch of elements that lies in the
// processor's first cache; package cpu strings kernels together for a whole
// group of ops, stretch by stretch.
//
// Every kernel exists in plain Go, which is the definition. Kernels in assembly
// for AVX2, AVX-512 and NEON (written by the generator in gen) take their place
// where the processor has those; what is a single IEEE operation is equal in all
// bits, and for functions such as exp the largest error is stated at each.
package vec

import (
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/backend/cpu/asm"
)

//go:generate sh -c "cd gen && go run ."

// Kernel computes d[i] = f(a[i], b[i], c[i]) for n elements of four bytes each,
// where the op does not say otherwise.
// It has as many operands as its op; d may be the same memory as an operand.
type Kernel func(d, a, b, c unsafe.Pointer, n int)

// key names a kernel. Bit i of numbers says that operand i is one number, not n.
type key struct {
	op      string
	numbers uint
}

// plain are the kernels in Go.
var plain = map[key]Kernel{}

// Find returns the kernel of an op whose operands are n elements, or one number
// where the bit of numbers is set; nil when there is none. Every op there is has
// a kernel for numbers = 0. Where a variant lacks a kernel, that in plain Go
// serves.
//
// Ops of one or two operands are named as in package op with the element type
// of the operands, like "add.f32" or "lt.i32". "to_i32" and "to_f32" are casts
// between these two types, "select" and "copy" are for all types of four bytes.
// Other types see in types.go. "fma.f32" is a*b + c and "fnma.f32" is
// c - a*b.
func Find(v asm.Variant, op string, numbers uint) Kernel {
	if k := tables[v][key{op, numbers}]; k != nil {
		return k
	}
	return plain[key{op, numbers}]
}

// Cost is how long an op takes for an element, in additions.
func Cost(op string) int {
	if c := costs[op]; c > 0 {
		return c
	}
	return 1
}

var costs = map[string]int{
	"div.f32": 3, "sqrt.f32": 3, "exp.f32": 8, "log.f32": 8, "tanh.f32": 8, "sigmoid.f32": 8,
	"log1p.f32": 20, "expm1.f32": 20, "erf.f32": 20, "sin.f32": 20, "cos.f32": 20, "pow.f32": 60, "rsqrt.f32": 6, "div.i32": 8,
}

// number is an element type as Go has it.
type number interface{ float32 | int32 | int64 }

func slice[T any](p unsafe.Pointer, n int) []T { return unsafe.Slice((*T)(p), n) }

// unary makes a kernel of a loop over one operand.
func unary[R, T any](f func(d []R, a []T)) Kernel {
	return func(d, a, _, _ unsafe.Pointer, n int) { f(slice[R](d, n), slice[T](a, n)) }
}

// loops are the three ways in which two operands meet: two vectors, vector and
// number, number and vector.
type loops[R, T number] struct {
	vv func(d []R, a, b []T)
	vs func(d []R, a []T, b T)
	sv func(d []R, a T, b []T)
}

func (l loops[R, T]) register(op string) {
	plain[key{op, 0}] = func(d, a, b, _ unsafe.Pointer, n int) { l.vv(slice[R](d, n), slice[T](a, n), slice[T](b, n)) }
	plain[key{op, 2}] = func(d, a, b, _ unsafe.Pointer, n int) { l.vs(slice[R](d, n), slice[T](a, n), *(*T)(b)) }
	plain[key{op, 1}] = func(d, a, b, _ unsafe.Pointer, n int) { l.sv(slice[R](d, n), *(*T)(a), slice[T](b, n)) }
}
