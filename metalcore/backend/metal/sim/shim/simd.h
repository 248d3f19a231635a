// Barriers, and the functions by which the threads of a SIMD group see each other's values. Each call is told from others
// by its place in the code, so that they are inlined, and the compiler must
// neither copy nor merge them.
#pragma once
#include "math.h"

#define SIM_INLINE inline __attribute__((always_inline))
#define SIM_APART inline __attribute__((noinline)) SIM_TOGETHER

namespace metal {

enum class mem_flags { mem_none = 0, mem_device = 1, mem_threadgroup = 2, mem_texture = 4 };
inline mem_flags operator|(mem_flags a, mem_flags b) { return (mem_flags)((int)a | (int)b); }

SIM_APART void threadgroup_barrier(mem_flags f) { sim::sim_barrier((uint)f, __builtin_return_address(0)); }
SIM_APART void simdgroup_barrier(mem_flags f) { sim::sim_simd_barrier((uint)f, __builtin_return_address(0)); }

} // namespace metal

namespace sim {

template <class T> SIM_APART const Exchange *exchange(const T &v) {
    static_assert(sizeof(T) <= 64, "SIMD functions take up to 64 bytes of a thread");
    return sim_exchange(&v, sizeof v, __builtin_return_address(0));
}
template <class T> inline const T &offered(const Exchange *x, uint lane) { return *(const T *)x->value[lane & 31]; }
inline bool takes_part(const Exchange *x, uint lane) { return x->mask >> lane & 1; }

// fold folds the values of lanes from begin up to end.
template <class T, class F> inline T fold(const Exchange *x, uint begin, uint end, F f) {
    bool first = true;
    T r = {};
    for (uint i = begin; i < end; i++) {
        if (!takes_part(x, i)) continue;
        r = first ? offered<T>(x, i) : f(r, offered<T>(x, i));
        first = false;
    }
    return r;
}
template <class T> inline T add(T a, T b) { return a + b; }
template <class T> inline T multiply(T a, T b) { return a * b; }

} // namespace sim

namespace metal {

#define SIM_FOLD(name, value) \
    template <class T> SIM_INLINE T name(T v) { return sim::fold<T>(sim::exchange(v), 0, 32, [](T a, T b) -> T { return value; }); }
SIM_FOLD(simd_sum, a + b) SIM_FOLD(simd_product, a * b) SIM_FOLD(simd_max, max(a, b)) SIM_FOLD(simd_min, min(a, b))
SIM_FOLD(simd_and, a & b) SIM_FOLD(simd_or, a | b) SIM_FOLD(simd_xor, a ^ b)
#undef SIM_FOLD

template <class T> SIM_INLINE T simd_prefix_inclusive_sum(T v) { return sim::fold<T>(sim::exchange(v), 0, sim::sim_lane() + 1, sim::add<T>); }
template <class T> SIM_INLINE T simd_prefix_exclusive_sum(T v) { return sim::fold<T>(sim::exchange(v), 0, sim::sim_lane(), sim::add<T>); }
template <class T> SIM_INLINE T simd_prefix_inclusive_product(T v) { return sim::fold<T>(sim::exchange(v), 0, sim::sim_lane() + 1, sim::multiply<T>); }
template <class T> SIM_INLINE T simd_prefix_exclusive_product(T v) {
    auto x = sim::exchange(v);
    return sim::sim_lane() == 0 ? T(1) : sim::fold<T>(x, 0, sim::sim_lane(), sim::multiply<T>);
}

template <class T> SIM_INLINE T simd_shuffle(T v, ushort from) { return sim::offered<T>(sim::exchange(v), from); }
template <class T> SIM_INLINE T simd_broadcast(T v, ushort from) { return sim::offered<T>(sim::exchange(v), from); }
template <class T> SIM_INLINE T simd_broadcast_first(T v) {
    auto x = sim::exchange(v);
    return sim::offered<T>(x, __builtin_ctz(x->mask));
}
template <class T> SIM_INLINE T simd_shuffle_xor(T v, ushort mask) { return sim::offered<T>(sim::exchange(v), sim::sim_lane() ^ mask); }
template <class T> SIM_INLINE T simd_shuffle_up(T v, ushort by) {
    auto x = sim::exchange(v);
    return sim::sim_lane() >= by ? sim::offered<T>(x, sim::sim_lane() - by) : v;
}
template <class T> SIM_INLINE T simd_shuffle_down(T v, ushort by) {
    auto x = sim::exchange(v);
    return sim::sim_lane() + by < 32 ? sim::offered<T>(x, sim::sim_lane() + by) : v;
}
template <class T> SIM_INLINE T simd_shuffle_rotate_up(T v, ushort by) { return sim::offered<T>(sim::exchange(v), sim::sim_lane() - by); }
template <class T> SIM_INLINE T simd_shuffle_rotate_down(T v, ushort by) { return sim::offered<T>(sim::exchange(v), sim::sim_lane() + by); }

struct simd_vote {
    typedef ulong vote_t;
    vote_t votes;
    bool yes;
    explicit operator vote_t() const { return votes; }
    bool any() const { return votes; }
    bool all() const { return yes; }
};
inline simd_vote sim_votes(const sim::Exchange *x) {
    simd_vote r = {0, true};
    for (uint i = 0; i < 32; i++) {
        if (!sim::takes_part(x, i)) continue;
        if (sim::offered<bool>(x, i)) r.votes |= 1ul << i;
        else r.yes = false;
    }
    return r;
}
SIM_INLINE simd_vote simd_ballot(bool b) { return sim_votes(sim::exchange(b)); }
SIM_INLINE bool simd_any(bool b) { return sim_votes(sim::exchange(b)).any(); }
SIM_INLINE bool simd_all(bool b) { return sim_votes(sim::exchange(b)).all(); }
SIM_INLINE bool simd_is_first() {
    auto x = sim::exchange(true);
    return sim::sim_lane() == (uint)__builtin_ctz(x->mask);
}

} // namespace metal
