// Atomics. One thread runs at a time, so that they are plain reads and writes.
#pragma once
#include "math.h"

namespace sim {
template <class T> struct same { typedef T type; };
template <class T> using other = typename same<T>::type; // no type is deduced from it
} // namespace sim

namespace metal {

enum memory_order { memory_order_relaxed };

template <class T> struct atomic { T value; };
typedef atomic<int> atomic_int;
typedef atomic<uint> atomic_uint;
typedef atomic<float> atomic_float;
typedef atomic<bool> atomic_bool;

template <class T> inline T atomic_load_explicit(const volatile atomic<T> *p, memory_order) { return p->value; }
template <class T> inline void atomic_store_explicit(volatile atomic<T> *p, sim::other<T> v, memory_order) { p->value = v; }
#define SIM_ATOMIC(name, new_value) \
    template <class T> inline T name(volatile atomic<T> *p, sim::other<T> v, memory_order) { T old = p->value; p->value = new_value; return old; }
SIM_ATOMIC(atomic_exchange_explicit, v) SIM_ATOMIC(atomic_fetch_add_explicit, old + v) SIM_ATOMIC(atomic_fetch_sub_explicit, old - v)
SIM_ATOMIC(atomic_fetch_max_explicit, max(old, v)) SIM_ATOMIC(atomic_fetch_min_explicit, min(old, v))
SIM_ATOMIC(atomic_fetch_and_explicit, old & v) SIM_ATOMIC(atomic_fetch_or_explicit, old | v) SIM_ATOMIC(atomic_fetch_xor_explicit, old ^ v)
#undef SIM_ATOMIC
template <class T> inline bool atomic_compare_exchange_weak_explicit(volatile atomic<T> *p, T *expected, sim::other<T> v, memory_order, memory_order) {
    T old = p->value;
    if (__builtin_memcmp(&old, expected, sizeof old) == 0) { p->value = v; return true; }
    *expected = old;
    return false;
}

} // namespace metal
