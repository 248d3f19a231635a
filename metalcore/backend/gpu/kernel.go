package gpu

import "github.com/metalnb/metalnb/metalcore/ir"

// Kernel is a function of a GPU program, in a small language: the statements and
// expressions of C that MSL and CUDA C++ share, with these names beside it.
//
//	float half int uint long ulong uchar ushort bool    types; long is 64 bits wide
//	group.x group.y group.z    the threadgroup's place in the dispatch, uint
//	local                      the thread's place in its threadgroup, uint
//	lane simd                  the thread's place in its SIMD group of 32, and that one's in the threadgroup
//	device T *p                a pointer into a buffer (an empty word where pointers have no address space)
//	threadgroup T *p           the same into an array of Shared, which are aligned to 16 bytes
//	#pragma unroll             before a loop that chooses registers
//	barrier()                  all threads of the threadgroup come here, and see each other's shared memory
//	simd_barrier()             the same of a SIMD group
//	device_barrier() simd_device_barrier()    the same of what they wrote to buffers, too
//	simd_sum(x) simd_max(x) simd_min(x) simd_shuffle(x, from) simd_shuffle_xor(x, mask) simd_shuffle_up(x, by)
//	                           of float, int and uint, by all 32 threads of a SIMD group
//	make_float4(a, b, c, d)    and so for half4 int4 long4 uchar4 ushort4, with members x y z w
//
// and with the functions of the prelude, which are the same in all dialects:
// see prelude. No dialect may reorder or contract arithmetic, or take NaN and
// infinities for granted.
type Kernel struct {
	Name    string // set by a builder: what it does, and a digest of its text
	Params  []Param
	Shared  []Shared
	Threads int // of a threadgroup
	Body    string
}

// Param is a buffer that a kernel takes, a pointer in its body.
type Param struct {
	Name  string
	DType ir.DType // bf16 is seen as ushort, bool as uchar
	Write bool
}

// Shared is an array in threadgroup memory.
type Shared struct {
	Name  string
	Type  string
	Elems int
}

// Dialect renders kernels for one compiler.
type Dialect interface {
	Name() string
	// Render returns a text with the kernels, each under its name, and all that
	// they need.
	Render(kernels []Kernel) string
	// Matrix reports whether kernels may use simdgroup matrices of 8 x 8, as MSL
	// has them, with elements of the type and sums of float.
	Matrix(d ir.DType) bool
}

// sizes are those of types in threadgroup memory, in bytes.
var sizes = map[string]int{"float": 4, "half": 2, "int": 4, "uint": 4, "long": 8, "ulong": 8, "uchar": 1, "ushort": 2, "bool": 1}

// SharedBytes is how much threadgroup memory the kernel takes.
func (k *Kernel) SharedBytes() int {
	n := 0
	for _, s := range k.Shared {
		n += (s.Elems*sizes[s.Type] + 15) &^ 15
	}
	return n
}
