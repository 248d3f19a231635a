package vec

import (
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/backend/cpu/asm"
)

// Loop computes several ops at once for n elements. vectors are the operands
// and then the results; numbers are the operands that are the same for all
// elements. All operands of an element are read before a result is written.
type Loop func(vectors *unsafe.Pointer, numbers *float32, n int)

// FindLoop returns the loop of a text, nil if there is none. A text is a list of
// ops as Find knows them, each with its operands (v0 a vector, n0 a number, t0
// what the first op made) and a semicolon behind it, and at its end, behind an
// equals sign, the results:
//
//	mul.f32 v0 n0; fma.f32 v1 n1 t0; = t1
//
// The numbers come out as the ops by themselves have them, bit by bit.
func FindLoop(v asm.Variant, text string) Loop { return programs[v][text] }
