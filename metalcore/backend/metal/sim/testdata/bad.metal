#include <metal_stdlib>
using namespace metal;

// Kernels with a fault each.

kernel void missing_barrier(device const float* x [[buffer(0)]], device float* y [[buffer(1)]], uint i [[thread_position_in_threadgroup]], uint n [[threads_per_threadgroup]]) {
    threadgroup float s[256];
    s[i] = x[i];
    simdgroup_barrier(mem_flags::mem_threadgroup);
    y[i] = s[n - 1 - i];
}
kernel void divergent_barrier(device float* y [[buffer(0)]], uint i [[thread_position_in_threadgroup]]) {
    if (i < 40) threadgroup_barrier(mem_flags::mem_threadgroup);
    y[i] = i;
}
kernel void different_barriers(device float* y [[buffer(0)]], uint i [[thread_position_in_threadgroup]]) {
    if (i < 40) {
        threadgroup_barrier(mem_flags::mem_threadgroup);
        y[i] = 1;
    } else {
        threadgroup_barrier(mem_flags::mem_threadgroup);
        y[i] = 2;
    }
}
kernel void uninitialised(device float* y [[buffer(0)]], uint i [[thread_position_in_threadgroup]]) {
    threadgroup float s[64];
    if (i != 5) s[i] = i;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    y[i] = s[i];
}
kernel void too_much(device float* y [[buffer(0)]], uint i [[thread_position_in_threadgroup]]) {
    threadgroup float s[64][128], t[1];
    s[0][i] = i, t[0] = 0;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    y[i] = s[0][i] + t[0];
}
kernel void behind_array(device float* y [[buffer(0)]], uint i [[thread_position_in_threadgroup]]) {
    threadgroup float s[32];
    s[i + 1] = i;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    y[i] = s[i];
}
kernel void reads_behind(device const float* x [[buffer(0)]], device float* y [[buffer(1)]], uint i [[thread_position_in_grid]]) {
    y[i] = x[i + 1];
}
kernel void reads_behind_waiting(device const float* x [[buffer(0)]], device float* y [[buffer(1)]], uint i [[thread_position_in_grid]]) {
    threadgroup_barrier(mem_flags::mem_device);
    y[i] = simd_sum(x[i + 1]);
}
kernel void writes_far(device float* y [[buffer(0)]], uint i [[thread_position_in_grid]]) {
    y[i + (1u << 30)] = 1;
}
kernel void writes_before(device float* y [[buffer(0)]], uint i [[thread_position_in_grid]]) {
    y[int(i) - 1] = 1;
}
kernel void misaligned(device float* y [[buffer(0)]], uint i [[thread_position_in_grid]]) {
    *(device float4*)(y + 1) = float4(1);
}
kernel void divides(device int* y [[buffer(0)]], uint i [[thread_position_in_grid]]) {
    y[i] = 7 / (y[i] - int(i));
}
kernel void deep(device int* y [[buffer(0)]], uint i [[thread_position_in_grid]]) {
    volatile int a[1 << 16];
    a[y[i]] = 1;
    y[i] = a[i];
}
kernel void part_of_simd(device float* y [[buffer(0)]], uint i [[thread_position_in_grid]]) {
    if (i < 8) y[i] = simd_sum(1.0f);
}
kernel void ordered_groups(device float* y [[buffer(0)]], uint i [[thread_position_in_grid]]) {
    y[0] = i;
}
