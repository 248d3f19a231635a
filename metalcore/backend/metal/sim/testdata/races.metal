#include <metal_stdlib>
using namespace metal;

// Kernels that are watched. Of 64 threads in two threadgroups, those of the first kind race, those of the second do not.

kernel void race_shared_read(device const float* x [[buffer(0)]], device float* y [[buffer(1)]], uint i [[thread_position_in_grid]], uint l [[thread_index_in_threadgroup]]) {
    threadgroup float before[3], s[32];
    if (l < 3) before[l] = 0;
    s[l] = x[i];
    y[i] = s[31 - l];
}
kernel void race_shared_again(device const float* x [[buffer(0)]], device float* y [[buffer(1)]], uint i [[thread_position_in_grid]], uint l [[thread_index_in_threadgroup]]) {
    threadgroup float s[32];
    float sum = 0;
    for (uint k = 0; k < 4; k++) {
        s[l] = x[i] + k;
        threadgroup_barrier(mem_flags::mem_threadgroup);
        sum += s[31 - l]; // the next round may write before this is read
    }
    y[i] = sum;
}
kernel void race_flags(device float* x [[buffer(0)]], device float* y [[buffer(1)]], uint i [[thread_position_in_grid]], uint l [[thread_index_in_threadgroup]]) {
    x[i] = l;
    threadgroup_barrier(mem_flags::mem_threadgroup); // orders no device memory
    y[i] = x[i ^ 5];
}
kernel void race_groups(device float* x [[buffer(0)]], device float* y [[buffer(1)]], uint i [[thread_position_in_grid]], uint l [[thread_index_in_threadgroup]]) {
    x[l] = 1;
}
kernel void race_group_reads(device float* x [[buffer(0)]], device float* y [[buffer(1)]], uint i [[thread_position_in_grid]], uint l [[thread_index_in_threadgroup]]) {
    y[i] = x[l];
    threadgroup_barrier(mem_flags::mem_device);
    if (i == 5) x[5] = 1;
}
kernel void race_same_value(device float* x [[buffer(0)]], device uchar* y [[buffer(1)]], uint i [[thread_position_in_grid]]) {
    y[i / 2] = 1;
}
kernel void race_shuffle(device float* x [[buffer(0)]], device float* y [[buffer(1)]], uint i [[thread_position_in_grid]], uint l [[thread_index_in_threadgroup]]) {
    threadgroup float s[32];
    s[l] = simd_sum(x[i]);
    simd_shuffle_xor(x[i], 1); // orders no memory
    y[i] = s[31 - l];
}

kernel void ok_shared(device const float* x [[buffer(0)]], device float* y [[buffer(1)]], uint i [[thread_position_in_grid]], uint l [[thread_index_in_threadgroup]]) {
    threadgroup half s[32];
    for (uint k = 0; k < 4; k++) {
        s[l] = x[i] + k;
        threadgroup_barrier(mem_flags::mem_threadgroup);
        y[i] += s[31 - l];
        threadgroup_barrier(mem_flags::mem_threadgroup);
    }
}
kernel void ok_device(device float* x [[buffer(0)]], device float* y [[buffer(1)]], uint i [[thread_position_in_grid]], uint l [[thread_index_in_threadgroup]]) {
    x[i] = l;
    threadgroup_barrier(mem_flags::mem_device | mem_flags::mem_threadgroup);
    y[i] = x[i ^ 5];
    threadgroup_barrier(mem_flags::mem_device);
    x[i ^ 7] = 3;
}
kernel void ok_simd(device float* x [[buffer(0)]], device float* y [[buffer(1)]], uint i [[thread_position_in_grid]], uint l [[thread_index_in_threadgroup]]) {
    threadgroup float s[32];
    for (uint k = 0; k < 3; k++) {
        s[l] = x[i] + k;
        simdgroup_barrier(mem_flags::mem_threadgroup);
        y[i] += s[31 - l] + s[0];
        simdgroup_barrier(mem_flags::mem_threadgroup);
    }
}
kernel void ok_bytes(device uchar* x [[buffer(0)]], device half* y [[buffer(1)]], uint i [[thread_position_in_grid]]) {
    uchar local[8];
    for (uint k = 0; k < 8; k++) local[k] = x[k] + i;
    x[64 + i] = local[i % 8];
    y[i] = x[0];
}
kernel void ok_atomic(device atomic_uint* x [[buffer(0)]], device float* y [[buffer(1)]], uint i [[thread_position_in_grid]]) {
    atomic_fetch_add_explicit(x, 1u, memory_order_relaxed);
    y[i] = 1;
}
