// Matrices of 8 x 8 that a SIMD group holds together: each thread has two neighbours of a row, as on Apple's GPUs.
#pragma once
#include "simd.h"

namespace sim {

// Where the two elements of a lane are, and the lane that has an element.
inline uint matrix_row(uint lane) { return (lane / 4 & 4) + lane / 2 % 4; }
inline uint matrix_column(uint lane) { return (lane / 4 & 2) * 2 + lane % 2 * 2; }
inline uint matrix_lane(uint row, uint column) { return (row & 4) * 4 + (column & 4) * 2 + (row & 3) * 2 + (column >> 1 & 1); }

template <class T> struct pair {
    T part[2];
    T &operator[](int i) { return part[i]; }
    const T &operator[](int i) const { return part[i]; }
};

inline ulong matrix_offset(int part, ulong line, ulong2 origin, bool transposed) {
    ulong row = matrix_row(sim_lane()), column = matrix_column(sim_lane()) + part;
    return transposed ? (origin.y + column) * line + origin.x + row : (origin.y + row) * line + origin.x + column;
}

template <class A, class B> struct factors { pair<A> a; pair<B> b; };

template <class D, class A, class B> inline void multiply_add(pair<D> &d, const Exchange *x, pair<D> sum) {
    sim_whole(x);
    uint row = matrix_row(sim_lane()), column = matrix_column(sim_lane());
    float s0 = (float)sum[0], s1 = (float)sum[1];
    for (uint k = 0; k < 8; k++) {
        float a = (float)offered<factors<A, B>>(x, matrix_lane(row, k)).a[k & 1];
        auto &b = offered<factors<A, B>>(x, matrix_lane(k, column)).b;
        s0 += a * (float)b[0], s1 += a * (float)b[1];
    }
    d = {(D)s0, (D)s1};
}

} // namespace sim

namespace metal {

template <class T, int R, int C> struct simdgroup_matrix {
    static_assert(R == 8 && C == 8, "simdgroup matrices are 8 x 8");
    sim::pair<T> parts;
    simdgroup_matrix() = default;
    explicit simdgroup_matrix(T diagonal) {
        uint row = sim::matrix_row(sim::sim_lane()), column = sim::matrix_column(sim::sim_lane());
        parts = {row == column ? diagonal : T(0), row == column + 1 ? diagonal : T(0)};
    }
    sim::pair<T> &thread_elements() { return parts; }
    const sim::pair<T> &thread_elements() const { return parts; }
};
typedef simdgroup_matrix<float, 8, 8> simdgroup_float8x8;
typedef simdgroup_matrix<half, 8, 8> simdgroup_half8x8;
typedef simdgroup_matrix<bfloat, 8, 8> simdgroup_bfloat8x8;

template <class T, int R, int C> SIM_INLINE simdgroup_matrix<T, R, C> make_filled_simdgroup_matrix(T v) {
    simdgroup_matrix<T, R, C> r;
    r.parts = {v, v};
    return r;
}

// All functions on matrices wait for the whole SIMD group: it must call them together.
template <class T> SIM_INLINE void simdgroup_load(simdgroup_matrix<T, 8, 8> &d, const T *p, ulong line = 8, ulong2 origin = 0, bool transposed = false) {
    sim::sim_whole(sim::exchange(true));
    for (int i = 0; i < 2; i++) d.parts[i] = p[sim::matrix_offset(i, line, origin, transposed)];
}
template <class T> SIM_INLINE void simdgroup_store(simdgroup_matrix<T, 8, 8> d, T *p, ulong line = 8, ulong2 origin = 0, bool transposed = false) {
    sim::sim_whole(sim::exchange(true));
    for (int i = 0; i < 2; i++) p[sim::matrix_offset(i, line, origin, transposed)] = d.parts[i];
}

template <class D, class A, class B> SIM_INLINE void simdgroup_multiply_accumulate(
    simdgroup_matrix<D, 8, 8> &d, simdgroup_matrix<A, 8, 8> a, simdgroup_matrix<B, 8, 8> b, simdgroup_matrix<D, 8, 8> c) {
    sim::multiply_add<D, A, B>(d.parts, sim::exchange(sim::factors<A, B>{a.parts, b.parts}), c.parts);
}
template <class D, class A, class B> SIM_INLINE void simdgroup_multiply(simdgroup_matrix<D, 8, 8> &d, simdgroup_matrix<A, 8, 8> a, simdgroup_matrix<B, 8, 8> b) {
    sim::multiply_add<D, A, B>(d.parts, sim::exchange(sim::factors<A, B>{a.parts, b.parts}), {D(0), D(0)});
}

} // namespace metal
