package gpu

import (
	"fmt"
	"strings"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// CUDA is the dialect of NVRTC, which compiles C++ for NVIDIA GPUs without any
// header. Its arithmetic is as Kernel asks when the text is compiled with
// --fmad=false; -default-device makes all functions those of the GPU.
type CUDA struct{}

// Name is "cuda".
func (CUDA) Name() string { return "cuda" }

// Matrix is false: simdgroup matrices are those of Metal.
func (CUDA) Matrix(ir.DType) bool { return false }

// cudaHead is what the prelude needs.
const cudaHead = `#define FUNC static inline
#define device
#define threadgroup
typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned long ulong;
struct half { ushort bits; };
struct __align__(8) half4 { half x, y, z, w; };
FUNC half4 make_half4(half x, half y, half z, half w) { half4 v = {x, y, z, w}; return v; }
FUNC float f16_f(half h) { float x; asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(h.bits)); return x; }
FUNC half f_f16(float x) { half h; asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h.bits) : "f"(x)); return h; }
#define barrier() __syncthreads()
#define simd_barrier() __syncwarp()
#define device_barrier() __syncthreads()
#define simd_device_barrier() __syncwarp()
template <typename T> FUNC T simd_shuffle(T x, uint from) { return __shfl_sync(0xffffffffu, x, from); }
template <typename T> FUNC T simd_shuffle_xor(T x, uint mask) { return __shfl_xor_sync(0xffffffffu, x, mask); }
template <typename T> FUNC T simd_shuffle_up(T x, uint by) { return __shfl_up_sync(0xffffffffu, x, by); }
template <typename T> FUNC T simd_sum(T x) {
	for (uint m = 16u; m > 0u; m /= 2u) x += simd_shuffle_xor(x, m);
	return x;
}
template <typename T> FUNC T simd_max(T x) {
	for (uint m = 16u; m > 0u; m /= 2u) { T y = simd_shuffle_xor(x, m); x = x > y ? x : y; }
	return x;
}
template <typename T> FUNC T simd_min(T x) {
	for (uint m = 16u; m > 0u; m /= 2u) { T y = simd_shuffle_xor(x, m); x = x < y ? x : y; }
	return x;
}
#define mulhi(a, b) __umulhi(a, b)
#define f_bits(x) __float_as_uint(x)
#define bits_f(x) __uint_as_float(x)
#define f_exp(x) expf(x)
#define f_log(x) logf(x)
#define f_sin(x) sinf(x)
#define f_cos(x) cosf(x)
#define f_atan(x) atanf(x)
#define f_tanh(x) tanhf(x)
#define f_pow(x, y) powf(x, y)
#define f_sqrt(x) sqrtf(x)
#define f_floor(x) floorf(x)
#define f_rint(x) rintf(x)
#define f_abs(x) fabsf(x)
#define f_fma(a, b, c) fmaf(a, b, c)
#define f_max(a, b) fmaxf(a, b)
#define f_min(a, b) fminf(a, b)
`

// Render returns a text that has the prelude first and then one function for
// each kernel.
func (CUDA) Render(kernels []Kernel) string {
	var b strings.Builder
	b.WriteString(cudaHead + prelude)
	for i := range kernels {
		k := &kernels[i]
		var params []string
		for _, p := range k.Params {
			params = append(params, "\n\t"+access(p.Write)+memoryType(p.DType)+"* "+p.Name)
		}
		fmt.Fprintf(&b, "\nextern \"C\" __global__ void __launch_bounds__(%d) %s(%s) {\n", k.Threads, k.Name, strings.Join(params, ","))
		b.WriteString("\tuint3 group = make_uint3(blockIdx.x, blockIdx.y, blockIdx.z);\n" +
			"\tuint local = threadIdx.x, lane = local % 32u, simd = local / 32u;\n")
		for _, s := range k.Shared {
			fmt.Fprintf(&b, "\t__shared__ __align__(16) %s %s[%d];\n", s.Type, s.Name, s.Elems)
		}
		b.WriteString(k.Body + "}\n")
	}
	return b.String()
}
