#include <metal_stdlib>
using namespace metal;

static inline float at(threadgroup float* s, uint i) { return s[i]; }

kernel void spaces(device const float* a [[buffer(0)]], device float* out [[buffer(1)]], constant float* c [[buffer(2)]], uint i [[thread_position_in_grid]]) {
    threadgroup float s[32];
    float* p = out + i; // wrong: it has no address space
    threadgroup float* q = a; // wrong: it is of the device
    device float* r = out + i;
    *r = at(s, 0);
    *r += at(a, 1); // wrong: a function of threadgroup memory
    c[0] = 1.0; // wrong: constant memory
    a[0] = 1.0; // wrong: const
    simdgroup_float8x8 m;
    simdgroup_load(m, a);
    simdgroup_load(m, c); // wrong: no load from constant memory
    simdgroup_store(m, s);
}
