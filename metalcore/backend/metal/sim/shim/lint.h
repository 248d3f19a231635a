// What the lint knows of metal_stdlib: declarations for clang's C++ for OpenCL, which has address spaces as MSL has them.
// Of types and functions that OpenCL has by the same name, OpenCL's serve.
#pragma OPENCL EXTENSION cl_khr_fp16 : enable

#define kernel __kernel
#define device __global
#define constant __constant
#define threadgroup __local
#define thread __private
// Words of OpenCL that are names in MSL.
#define local sim_local
#define global sim_global
#define generic sim_generic
#define pipe sim_pipe
#define event_t sim_event_t
// Types that OpenCL lacks, or would not assign through a pointer.
#define bfloat half
#define packed_float2 float2
#define packed_float3 float3
#define packed_float4 float4
#define packed_half2 half2
#define packed_half4 half4
#define atomic_int metal::sim_atomic_int
#define atomic_uint metal::sim_atomic_uint
#define atomic_float metal::sim_atomic_float
// Functions that OpenCL has with other parameters.
#define select sim_select
#define any sim_any
#define all sim_all
#define min sim_min
#define max sim_max
#define clamp sim_clamp
#define abs sim_abs
#define isnan sim_test
#define isinf sim_test
#define isfinite sim_test

template <class V, class... A> V sim_make(A...);
namespace metal {

constexpr half operator""h(long double x) { return (half)(float)x; }
constexpr half operator""h(unsigned long long x) { return (half)(float)x; }

template <class T, int N> using vec = T __attribute__((ext_vector_type(N)));
template <class T, class F> T as_type(F);
template <class T> struct numeric_limits {
    static constexpr T max();
    static constexpr T min();
    static constexpr T lowest();
    static constexpr T infinity();
    static constexpr T quiet_NaN();
    static constexpr T epsilon();
};

template <class T, class C> T sim_select(T, T, C);
template <class T> bool sim_any(T);
template <class T> bool sim_all(T);
template <class T> bool sim_test(T);
template <class T> T sim_min(T, T);
template <class T> T sim_max(T, T);
template <class T> T sim_clamp(T, T, T);
template <class T> T sim_abs(T);
template <class T> T saturate(T);
template <class T> T mulhi(T, T);
template <class T> T reverse_bits(T);

#define SIM_ONE(f) template <class T> T f(T);
#define SIM_TWO(f) template <class T> T f(T, T);
#define SIM_SPACE(name) namespace name { \
    SIM_ONE(exp) SIM_ONE(exp2) SIM_ONE(exp10) SIM_ONE(log) SIM_ONE(log2) SIM_ONE(log10) SIM_ONE(sqrt) SIM_ONE(rsqrt) SIM_ONE(sin) \
    SIM_ONE(cos) SIM_ONE(tan) SIM_ONE(asin) SIM_ONE(acos) SIM_ONE(atan) SIM_ONE(sinh) SIM_ONE(cosh) SIM_ONE(tanh) SIM_ONE(asinh) \
    SIM_ONE(acosh) SIM_ONE(atanh) SIM_ONE(ceil) SIM_ONE(floor) SIM_ONE(trunc) SIM_ONE(round) SIM_ONE(rint) SIM_ONE(fabs) \
    SIM_TWO(pow) SIM_TWO(powr) SIM_TWO(atan2) SIM_TWO(fmod) SIM_TWO(divide) SIM_TWO(fmin) SIM_TWO(fmax) }
SIM_SPACE(fast) SIM_SPACE(precise)

enum class mem_flags { mem_none, mem_device, mem_threadgroup, mem_texture };
mem_flags operator|(mem_flags, mem_flags);
void threadgroup_barrier(mem_flags);
void simdgroup_barrier(mem_flags);
SIM_ONE(simd_sum) SIM_ONE(simd_product) SIM_ONE(simd_max) SIM_ONE(simd_min) SIM_ONE(simd_and) SIM_ONE(simd_or) SIM_ONE(simd_xor)
SIM_ONE(simd_prefix_inclusive_sum) SIM_ONE(simd_prefix_exclusive_sum) SIM_ONE(simd_broadcast_first)
template <class T> T simd_shuffle(T, ushort);
template <class T> T simd_shuffle_xor(T, ushort);
template <class T> T simd_shuffle_up(T, ushort);
template <class T> T simd_shuffle_down(T, ushort);
template <class T> T simd_shuffle_rotate_up(T, ushort);
template <class T> T simd_shuffle_rotate_down(T, ushort);
template <class T> T simd_broadcast(T, ushort);
struct simd_vote { typedef ulong vote_t; };
simd_vote::vote_t simd_ballot(bool);
bool simd_any(bool);
bool simd_all(bool);
bool simd_is_first();

// Objects with methods would need them for each address space, so that a matrix is a vector here.
template <class T, int R, int C> using simdgroup_matrix = T __attribute__((ext_vector_type(2)));
#define thread_elements() xy
typedef simdgroup_matrix<float, 8, 8> simdgroup_float8x8;
typedef simdgroup_matrix<half, 8, 8> simdgroup_half8x8;
template <class T, int R, int C> simdgroup_matrix<T, R, C> make_filled_simdgroup_matrix(T);
#define SIM_MATRICES(space) \
    template <class T> void simdgroup_load(simdgroup_matrix<T, 8, 8> &, const space T *, ulong = 8, ulong2 = 0, bool = false); \
    template <class T> void simdgroup_store(simdgroup_matrix<T, 8, 8>, space T *, ulong = 8, ulong2 = 0, bool = false);
SIM_MATRICES(device) SIM_MATRICES(threadgroup)
template <class D, class A, class B> void simdgroup_multiply_accumulate(
    simdgroup_matrix<D, 8, 8> &, simdgroup_matrix<A, 8, 8>, simdgroup_matrix<B, 8, 8>, simdgroup_matrix<D, 8, 8>);
template <class D, class A, class B> void simdgroup_multiply(simdgroup_matrix<D, 8, 8> &, simdgroup_matrix<A, 8, 8>, simdgroup_matrix<B, 8, 8>);

#define SIM_ATOMIC(f, space, T) T f(volatile space sim_atomic_##T *, T, memory_order);
#define SIM_ATOMICS(space, T) \
    T atomic_load_explicit(const volatile space sim_atomic_##T *, memory_order); \
    void atomic_store_explicit(volatile space sim_atomic_##T *, T, memory_order); \
    bool atomic_compare_exchange_weak_explicit(volatile space sim_atomic_##T *, thread T *, T, memory_order, memory_order); \
    SIM_ATOMIC(atomic_exchange_explicit, space, T) SIM_ATOMIC(atomic_fetch_add_explicit, space, T) \
    SIM_ATOMIC(atomic_fetch_sub_explicit, space, T) SIM_ATOMIC(atomic_fetch_max_explicit, space, T) \
    SIM_ATOMIC(atomic_fetch_min_explicit, space, T) SIM_ATOMIC(atomic_fetch_and_explicit, space, T) \
    SIM_ATOMIC(atomic_fetch_or_explicit, space, T) SIM_ATOMIC(atomic_fetch_xor_explicit, space, T)
#define SIM_ATOMIC_TYPE(T) struct sim_atomic_##T { T value; }; SIM_ATOMICS(device, T) SIM_ATOMICS(threadgroup, T)
SIM_ATOMIC_TYPE(int) SIM_ATOMIC_TYPE(uint) SIM_ATOMIC_TYPE(float)

} // namespace metal

#define char2(...) sim_make<char2>(__VA_ARGS__)
#define char3(...) sim_make<char3>(__VA_ARGS__)
#define char4(...) sim_make<char4>(__VA_ARGS__)
#define uchar2(...) sim_make<uchar2>(__VA_ARGS__)
#define uchar3(...) sim_make<uchar3>(__VA_ARGS__)
#define uchar4(...) sim_make<uchar4>(__VA_ARGS__)
#define short2(...) sim_make<short2>(__VA_ARGS__)
#define short3(...) sim_make<short3>(__VA_ARGS__)
#define short4(...) sim_make<short4>(__VA_ARGS__)
#define ushort2(...) sim_make<ushort2>(__VA_ARGS__)
#define ushort3(...) sim_make<ushort3>(__VA_ARGS__)
#define ushort4(...) sim_make<ushort4>(__VA_ARGS__)
#define int2(...) sim_make<int2>(__VA_ARGS__)
#define int3(...) sim_make<int3>(__VA_ARGS__)
#define int4(...) sim_make<int4>(__VA_ARGS__)
#define uint2(...) sim_make<uint2>(__VA_ARGS__)
#define uint3(...) sim_make<uint3>(__VA_ARGS__)
#define uint4(...) sim_make<uint4>(__VA_ARGS__)
#define long2(...) sim_make<long2>(__VA_ARGS__)
#define long3(...) sim_make<long3>(__VA_ARGS__)
#define long4(...) sim_make<long4>(__VA_ARGS__)
#define ulong2(...) sim_make<ulong2>(__VA_ARGS__)
#define ulong3(...) sim_make<ulong3>(__VA_ARGS__)
#define ulong4(...) sim_make<ulong4>(__VA_ARGS__)
#define half2(...) sim_make<half2>(__VA_ARGS__)
#define half3(...) sim_make<half3>(__VA_ARGS__)
#define half4(...) sim_make<half4>(__VA_ARGS__)
#define float2(...) sim_make<float2>(__VA_ARGS__)
#define float3(...) sim_make<float3>(__VA_ARGS__)
#define float4(...) sim_make<float4>(__VA_ARGS__)
