// How a kernel is called: each parameter is bound to what its attribute names.
#pragma once
#include "simd.h"

namespace sim {

// Binding is an attribute of MSL; the numbers of buffers and of threadgroup memory count on from its own.
enum Binding { buffer = 1000, threadgroup_memory = 2000, thread_position_in_grid = 3000, thread_position_in_threadgroup,
    threadgroup_position_in_grid, threads_per_threadgroup, threads_per_grid, threadgroups_per_grid, dispatch_threads_per_threadgroup,
    thread_index_in_threadgroup, thread_index_in_simdgroup, simdgroup_index_in_threadgroup, threads_per_simdgroup,
    simdgroups_per_threadgroup };

// shared is an array in threadgroup memory; the slot tells it from the kernel's others.
template <class T> inline T *shared(uint slot) { return (T *)sim_shared(slot, sizeof(T)); }

template <class T> T convert(const U3 &v) {
    if constexpr (count<T> == 1) return (T)v.x;
    else {
        const uint a[3] = {v.x, v.y, v.z};
        T r;
        for (int i = 0; i < count<T>; i++) r[i] = a[i];
        return r;
    }
}

template <class T, int B> struct Bound {
    static T get(const Launch &, const Place &p) {
        switch (B) {
        case thread_position_in_grid: return convert<T>(p.in_grid);
        case thread_position_in_threadgroup: return convert<T>(p.in_group);
        case threadgroup_position_in_grid: return convert<T>(p.group);
        case threads_per_threadgroup: return convert<T>(p.group_size);
        case threads_per_grid: return convert<T>(p.grid);
        case threadgroups_per_grid: return convert<T>(p.groups);
        case dispatch_threads_per_threadgroup: return convert<T>(p.full_size);
        case thread_index_in_threadgroup: return (T)p.index;
        case thread_index_in_simdgroup: return (T)(p.index % 32);
        case simdgroup_index_in_threadgroup: return (T)(p.index / 32);
        case threads_per_simdgroup: return (T)32;
        case simdgroups_per_threadgroup: return (T)((p.group_size.x * p.group_size.y * p.group_size.z + 31) / 32);
        }
        __builtin_trap();
    }
};
template <class T, int B> struct Bound<T *, B> {
    static T *get(const Launch &l, const Place &) {
        return (T *)(B < threadgroup_memory ? l.buffers[B - buffer] : sim_dynamic(B - threadgroup_memory));
    }
};
template <class T, int B> struct Bound<T &, B> {
    static T &get(const Launch &l, const Place &) { return *(T *)l.buffers[B - buffer]; }
};

template <auto F, int... B> struct Call;
template <class... A, void (*F)(A...), int... B> struct Call<F, B...> {
    static void run(const Launch &l, const Place &p) { F(Bound<A, B>::get(l, p)...); }
};

} // namespace sim

// A kernel, whether threads wait in it, and the bindings of its parameters.
#define SIM_KERNEL(name, waits, ...) \
    extern "C" __attribute__((visibility("default"))) const sim::Entry sim_kernel_##name = {&sim::Call<&name, ##__VA_ARGS__>::run, #name, waits};
