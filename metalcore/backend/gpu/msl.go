package gpu

import (
	"fmt"
	"strings"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// MSL is the dialect of Metal, of the language's version 3.0 (macOS 13). Its
// arithmetic is as Kernel asks when the text is compiled without fast math.
type MSL struct{}

// Name is "msl".
func (MSL) Name() string { return "msl" }

// Matrix reports whether there are simdgroup matrices of the type: version 3.0
// has them for float and half.
func (MSL) Matrix(d ir.DType) bool { return d == ir.F32 || d == ir.F16 }

// mslHead is what the prelude needs.
const mslHead = `#include <metal_stdlib>
using namespace metal;
#pragma METAL fp contract(off)
#define FUNC static inline
#define barrier() threadgroup_barrier(mem_flags::mem_threadgroup)
#define simd_barrier() simdgroup_barrier(mem_flags::mem_threadgroup)
#define device_barrier() threadgroup_barrier(mem_flags::mem_device | mem_flags::mem_threadgroup)
#define simd_device_barrier() simdgroup_barrier(mem_flags::mem_device | mem_flags::mem_threadgroup)
#define simd_shuffle_by(x, from) simd_shuffle(x, (ushort)(from))
#define make_float4 float4
#define make_half4 half4
#define make_int4 int4
#define make_uint4 uint4
#define make_long4 long4
#define make_uchar4 uchar4
#define make_ushort4 ushort4
#define f_bits(x) as_type<uint>(x)
#define bits_f(x) as_type<float>(x)
#define f16_f(x) ((float)(x))
#define f_f16(x) ((half)(x))
#define f_exp(x) precise::exp(x)
#define f_log(x) precise::log(x)
#define f_sin(x) precise::sin(x)
#define f_cos(x) precise::cos(x)
#define f_atan(x) precise::atan(x)
#define f_tanh(x) precise::tanh(x)
#define f_pow(x, y) precise::pow(x, y)
#define f_sqrt(x) precise::sqrt(x)
#define f_floor(x) floor(x)
#define f_rint(x) rint(x)
#define f_abs(x) fabs(x)
#define f_fma(a, b, c) fma(a, b, c)
#define f_max(a, b) fmax(a, b)
#define f_min(a, b) fmin(a, b)
`

// Render returns a text that has the prelude first and then one function for
// each kernel.
func (MSL) Render(kernels []Kernel) string {
	var b strings.Builder
	b.WriteString(mslHead + prelude)
	for i := range kernels {
		k := &kernels[i]
		fmt.Fprintf(&b, "\n[[max_total_threads_per_threadgroup(%d)]]\nkernel void %s(\n", k.Threads, k.Name)
		for j, p := range k.Params {
			fmt.Fprintf(&b, "\tdevice %s%s* %s [[buffer(%d)]],\n", access(p.Write), memoryType(p.DType), p.Name, j)
		}
		b.WriteString("\tuint3 group [[threadgroup_position_in_grid]], uint local [[thread_index_in_threadgroup]],\n" +
			"\tuint lane [[thread_index_in_simdgroup]], uint simd [[simdgroup_index_in_threadgroup]]) {\n")
		for _, s := range k.Shared {
			fmt.Fprintf(&b, "\tthreadgroup %s %s[%d];\n", s.Type, s.Name, s.Elems)
		}
		b.WriteString(k.Body + "}\n")
	}
	return b.String()
}
