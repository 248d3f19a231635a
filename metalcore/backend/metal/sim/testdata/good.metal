#include <metal_stdlib>
#include <metal_simdgroup_matrix>
using namespace metal;

// Kernels that are right, and use what the sim knows of MSL.

#define TILE 16
#define rows() threadgroup_barrier(mem_flags::mem_threadgroup)
constant float weights[4] = {0.5, 1.0e-1, .25, 2};
constexpr constant uint kPrime = 2654435761u;

template <typename T> static inline T square(T x) { return x * x; }
static inline float total(float x, threadgroup float* part, uint lane, uint simd, uint simds) {
    x = simd_sum(x);
    if (lane == 0) part[simd] = x;
    rows();
    return simd_sum(lane < simds ? part[lane] : 0.0f);
}

kernel void saxpy(device const float* x [[buffer(0)]], device float* y [[buffer(1)]], constant float& a [[buffer(2)]], uint i [[thread_position_in_grid]]) {
    y[i] = fma(a, x[i], y[i]);
}

kernel void vectors(device const float4* x [[buffer(0)]], device float4* y [[buffer(1)]], uint i [[thread_position_in_grid]]) {
    float4 v = x[i];
    uchar4 bytes = as_type<uchar4>(v.x);
    half4 h = half4(v) * 2.0h;
    long4 big = long4(v) * 3;
    y[i] = float4(v.wz, float(bytes.w), float(h.y) + float(big.z)) + select(float4(0), float4(100), v > float4(2.5)) + weights[1] * 0.0;
}

kernel void sum(device const float* x [[buffer(0)]], device float* out [[buffer(1)]], uint i [[thread_position_in_grid]],
                uint group [[threadgroup_position_in_grid]], uint lane [[thread_index_in_simdgroup]],
                uint simd [[simdgroup_index_in_threadgroup]], uint simds [[simdgroups_per_threadgroup]], uint local [[thread_index_in_threadgroup]]) {
    threadgroup float part[32];
    float s = total(x[i], part, lane, simd, simds);
    if (local == 0) out[group] = s;
}

// The tiles are of two dimensions, and one is padded.
[[max_total_threads_per_threadgroup(256)]] kernel void matmul_tiled(device const float* a [[buffer(0)]], device const float* b [[buffer(1)]], device float* c [[buffer(2)]],
                         constant uint3& dims [[buffer(3)]], uint2 at [[thread_position_in_grid]], uint2 in [[thread_position_in_threadgroup]]) {
    threadgroup float as[TILE][TILE], bs[TILE][TILE + 1];
    const uint m = dims.x, n = dims.y, k = dims.z;
    float acc = 0;
    for (uint k0 = 0; k0 < k; k0 += TILE) {
        as[in.y][in.x] = at.y < m && k0 + in.x < k ? a[at.y * k + k0 + in.x] : 0;
        bs[in.y][in.x] = k0 + in.y < k && at.x < n ? b[(k0 + in.y) * n + at.x] : 0;
        rows();
        #pragma unroll
        for (uint i = 0; i < TILE; i++) acc = fma(as[in.y][i], bs[i][in.x], acc);
        rows();
    }
    if (at.y < m && at.x < n) c[at.y * n + at.x] = acc;
}

// c = a b^T of 8 x k and 8 x k, each SIMD group one block of 8 x 8, its a from threadgroup memory.
kernel void matmul_simd(device const half* a [[buffer(0)]], device const half* b [[buffer(1)]], device float* c [[buffer(2)]],
                        constant uint& k [[buffer(3)]], uint lane [[thread_index_in_simdgroup]]) {
    threadgroup half tile[8][8];
    simdgroup_float8x8 acc = make_filled_simdgroup_matrix<float, 8, 8>(1.0f);
    for (uint k0 = 0; k0 < k; k0 += 8) {
        for (uint i = lane; i < 64; i += 32) tile[i / 8][i % 8] = a[i / 8 * k + k0 + i % 8];
        simdgroup_barrier(mem_flags::mem_threadgroup);
        simdgroup_matrix<half, 8, 8> fa, fb;
        simdgroup_load(fa, &tile[0][0], 8);
        simdgroup_load(fb, b + k0, k, ulong2(0, 0), true);
        simdgroup_multiply_accumulate(acc, fa, fb, acc);
        simdgroup_barrier(mem_flags::mem_threadgroup);
    }
    acc.thread_elements()[0] += 1.0f, acc.thread_elements()[1] += 1.0f;
    simdgroup_store(acc, c, 8);
}

// All operations that round in half: the bits of x and y give the bits of four results.
kernel void half_ops(device const half2* x [[buffer(0)]], device half4* y [[buffer(1)]], uint i [[thread_position_in_grid]]) {
    half a = x[i].x, b = x[i].y;
    y[i] = half4(a + b, a * b, a / b, fma(a, b, b));
}
kernel void half_to_float(device const half* x [[buffer(0)]], device float* y [[buffer(1)]], device half* back [[buffer(2)]], uint i [[thread_position_in_grid]]) {
    y[i] = x[i];
    back[i] = half(y[i]);
}
kernel void bfloat_round(device const float* x [[buffer(0)]], device bfloat* y [[buffer(1)]], uint i [[thread_position_in_grid]]) {
    y[i] = bfloat(x[i]) + bfloat(0.0f);
}

kernel void lanes(device const int* x [[buffer(0)]], device int* y [[buffer(1)]], uint i [[thread_position_in_grid]], uint lane [[thread_index_in_simdgroup]]) {
    int v = x[i];
    device int* o = y + i * 12;
    o[0] = simd_sum(v), o[1] = simd_max(v), o[2] = simd_min(v);
    o[3] = simd_shuffle(v, 31 - lane), o[4] = simd_shuffle_xor(v, 5), o[5] = simd_shuffle_up(v, 3), o[6] = simd_shuffle_down(v, 3);
    o[7] = simd_broadcast(v, 7), o[8] = simd_prefix_inclusive_sum(v), o[9] = simd_prefix_exclusive_sum(v);
    o[10] = int(simd_vote::vote_t(simd_ballot(v > 0)));
    o[11] = simd_any(v > 31) * 2 + simd_all(v > -40);
}

kernel void bits(device const uint* x [[buffer(0)]], device uint* y [[buffer(1)]], uint i [[thread_position_in_grid]]) {
    uint v = x[i];
    y[i * 5] = popcount(v), y[i * 5 + 1] = clz(v), y[i * 5 + 2] = ctz(v), y[i * 5 + 3] = mulhi(v, kPrime);
    y[i * 5 + 4] = uint(mulhi(int(v), -3)) + square(v);
}

kernel void histogram(device const uint* x [[buffer(0)]], device atomic_uint* h [[buffer(1)]], device atomic_float* f [[buffer(2)]],
                      device atomic_int* top [[buffer(3)]], uint i [[thread_position_in_grid]]) {
    atomic_fetch_add_explicit(&h[x[i] & 15u], 1u, memory_order_relaxed);
    atomic_fetch_add_explicit(f, 0.5f, memory_order_relaxed);
    atomic_fetch_max_explicit(top, int(x[i]), memory_order_relaxed);
}

kernel void given(device float* y [[buffer(0)]], threadgroup float* s [[threadgroup(0)]], uint i [[thread_position_in_grid]], uint in [[thread_position_in_threadgroup]], uint n [[threads_per_threadgroup]]) {
    s[in] = i;
    rows();
    y[i] = s[n - 1 - in];
}

kernel void maths(device const float* x [[buffer(0)]], device float* y [[buffer(1)]], uint i [[thread_position_in_grid]]) {
    float v = x[i];
    y[i] = precise::exp(v) + fast::log(v) * precise::tanh(v) + rsqrt(v) + clamp(v, 0.25f, 1.0f) + max(v, NAN) + pow(v, 1.5f) + sign(-v) + floor(v);
}

// Divergent SIMD functions are of those threads only that come there together; loops and copies of code do not tear them apart.
kernel void divergent(device int* y [[buffer(0)]], uint i [[thread_position_in_grid]], uint lane [[thread_index_in_simdgroup]]) {
    int v;
    if (lane < 10) v = simd_sum(1);
    else v = simd_sum(int(lane)) + 1000;
    for (int k = 0; k < 3; k++) v += simd_max(lane % 2 == 0 ? k : 2 * k);
    if (lane % 3 == 0) v += 5;
    y[i] = v + simd_sum(1);
}

// One thread works before and behind barriers that all come to.
kernel void one_works(device int* y [[buffer(0)]], uint l [[thread_index_in_threadgroup]]) {
    threadgroup int s[1];
    for (uint i = l; i < 1; i += 32) s[i] = y[i] + 1;
    rows();
    for (uint i = l; i < 1; i += 32) y[i] = s[i];
    rows();
    if (l == 0) y[0] = simd_sum(y[0]) + 1;
    else simd_sum(int(l));
}
