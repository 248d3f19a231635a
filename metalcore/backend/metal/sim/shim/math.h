// The functions of MSL on numbers. Those on half compute in float and round once.
#pragma once
#include "types.h"

namespace sim {

// bits_of calls f with the bits of an integer and their number, for each part of a vector.
template <class T> inline T bits_of(T x, ulong (*f)(ulong, int)) {
    constexpr int bits = 8 * sizeof(element<T>);
    constexpr ulong mask = ~0ul >> (64 - bits);
    if constexpr (count<T> == 1) return (T)f((ulong)x & mask, bits);
    else { T r; for (int i = 0; i < count<T>; i++) r[i] = f((ulong)x[i] & mask, bits); return r; }
}

} // namespace sim

namespace metal {

// F1 and F2 define a function of one or two numbers, and of the parts of vectors.
#define SIM_F1(name, value) \
    inline float name(float x) { return value; } \
    inline half name(half h) { float x = h; return (half)(float)(value); } \
    template <class T, int N> inline vec<T, N> name(vec<T, N> v) { vec<T, N> r; for (int i = 0; i < N; i++) r[i] = name((T)v[i]); return r; }
#define SIM_F2(name, value) \
    inline float name(float x, float y) { return value; } \
    inline half name(half a, half b) { float x = a, y = b; return (half)(float)(value); } \
    template <class T, int N> inline vec<T, N> name(vec<T, N> a, vec<T, N> b) { vec<T, N> r; for (int i = 0; i < N; i++) r[i] = name((T)a[i], (T)b[i]); return r; }

SIM_F1(exp, __builtin_expf(x)) SIM_F1(exp2, __builtin_exp2f(x)) SIM_F1(exp10, __builtin_powf(10, x))
SIM_F1(log, __builtin_logf(x)) SIM_F1(log2, __builtin_log2f(x)) SIM_F1(log10, __builtin_log10f(x))
SIM_F1(sqrt, __builtin_sqrtf(x)) SIM_F1(rsqrt, 1 / __builtin_sqrtf(x))
SIM_F1(sin, __builtin_sinf(x)) SIM_F1(cos, __builtin_cosf(x)) SIM_F1(tan, __builtin_tanf(x))
SIM_F1(asin, __builtin_asinf(x)) SIM_F1(acos, __builtin_acosf(x)) SIM_F1(atan, __builtin_atanf(x))
SIM_F1(sinh, __builtin_sinhf(x)) SIM_F1(cosh, __builtin_coshf(x)) SIM_F1(tanh, __builtin_tanhf(x))
SIM_F1(asinh, __builtin_asinhf(x)) SIM_F1(acosh, __builtin_acoshf(x)) SIM_F1(atanh, __builtin_atanhf(x))
SIM_F2(pow, __builtin_powf(x, y)) SIM_F2(powr, __builtin_powf(x, y)) SIM_F2(atan2, __builtin_atan2f(x, y))
SIM_F2(fmod, __builtin_fmodf(x, y)) SIM_F2(divide, x / y)
SIM_F1(ceil, __builtin_ceilf(x)) SIM_F1(floor, __builtin_floorf(x)) SIM_F1(trunc, __builtin_truncf(x))
SIM_F1(round, __builtin_roundf(x)) SIM_F1(rint, __builtin_rintf(x)) SIM_F1(fract, x - __builtin_floorf(x))
SIM_F1(fabs, __builtin_fabsf(x)) SIM_F1(sign, x > 0 ? 1.f : x < 0 ? -1.f : x == x ? x : 0.f)
SIM_F1(saturate, __builtin_fminf(__builtin_fmaxf(x, 0), 1))
SIM_F2(fmin, __builtin_fminf(x, y)) SIM_F2(fmax, __builtin_fmaxf(x, y)) SIM_F2(copysign, __builtin_copysignf(x, y))
SIM_F2(step, y < x ? 0.f : 1.f)
#undef SIM_F1
#undef SIM_F2

// The compiler is asked for precise numbers, so that both names mean the same here.
#define SIM_BOTH(space) namespace space { \
    using metal::exp; using metal::exp2; using metal::exp10; using metal::log; using metal::log2; using metal::log10; \
    using metal::sqrt; using metal::rsqrt; using metal::sin; using metal::cos; using metal::tan; using metal::asin; using metal::acos; \
    using metal::atan; using metal::sinh; using metal::cosh; using metal::tanh; using metal::asinh; using metal::acosh; \
    using metal::atanh; using metal::pow; using metal::powr; using metal::atan2; using metal::fmod; using metal::divide; \
    using metal::ceil; using metal::floor; using metal::trunc; using metal::round; using metal::rint; using metal::fract; \
    using metal::fabs; using metal::fmin; using metal::fmax; using metal::saturate; }
SIM_BOTH(fast) SIM_BOTH(precise)
#undef SIM_BOTH

inline float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
// The sum in double is rounded to an odd float, so that it is rounded to half as if at once.
inline half fma(half a, half b, half c) {
    double sum = (double)a * (double)b + (double)c;
    float f = (float)sum;
    uint bits = as_type<uint>(f);
    if ((double)f != sum) bits = (bits - (__builtin_fabs(f) > __builtin_fabs(sum))) | 1;
    return (half)as_type<float>(bits);
}
template <class T, int N> inline vec<T, N> fma(vec<T, N> a, vec<T, N> b, vec<T, N> c) {
    vec<T, N> r;
    for (int i = 0; i < N; i++) r[i] = fma((T)a[i], (T)b[i], (T)c[i]);
    return r;
}

// min and max of floats take the other one if one is NaN.
template <class T> inline T min(T a, T b) {
    if constexpr (sim::is_float<sim::element<T>>) return fmin(a, b);
    else if constexpr (sim::count<T> == 1) return b < a ? b : a;
    else { T r; for (int i = 0; i < sim::count<T>; i++) r[i] = b[i] < a[i] ? b[i] : a[i]; return r; }
}
template <class T> inline T max(T a, T b) {
    if constexpr (sim::is_float<sim::element<T>>) return fmax(a, b);
    else if constexpr (sim::count<T> == 1) return a < b ? b : a;
    else { T r; for (int i = 0; i < sim::count<T>; i++) r[i] = a[i] < b[i] ? b[i] : a[i]; return r; }
}
template <class T> inline T min(T a, T b, T c) { return min(min(a, b), c); }
template <class T> inline T max(T a, T b, T c) { return max(max(a, b), c); }
template <class T> inline T clamp(T x, T low, T high) { return min(max(x, low), high); }
template <class T> inline T abs(T a) {
    if constexpr (sim::is_float<sim::element<T>>) return fabs(a);
    else return max(a, (T)-a);
}
template <class T> inline T mix(T a, T b, T part) { return a + (b - a) * part; }
template <class T> inline T select(T no, T yes, bool c) { return c ? yes : no; }
template <class T, class C, int N> inline vec<T, N> select(vec<T, N> no, vec<T, N> yes, vec<C, N> c) {
    vec<T, N> r;
    for (int i = 0; i < N; i++) r[i] = c[i] ? yes[i] : no[i];
    return r;
}
template <class T, int N> inline T dot(vec<T, N> a, vec<T, N> b) {
    T sum = a[0] * b[0];
    for (int i = 1; i < N; i++) sum += a[i] * b[i];
    return sum;
}
template <class T, int N> inline bool any(vec<T, N> v) { for (int i = 0; i < N; i++) if (v[i]) return true; return false; }
template <class T, int N> inline bool all(vec<T, N> v) { for (int i = 0; i < N; i++) if (!v[i]) return false; return true; }

template <class T> inline bool isnan(T x) { return x != x; }
template <class T> inline bool isinf(T x) { return __builtin_isinf((float)x); }
template <class T> inline bool isfinite(T x) { return __builtin_isfinite((float)x); }
template <class T> inline bool signbit(T x) { return __builtin_signbit((float)x); }

// Integers.
template <class T> inline T popcount(T x) { return sim::bits_of(x, [](ulong v, int) -> ulong { return __builtin_popcountl(v); }); }
template <class T> inline T clz(T x) { return sim::bits_of(x, [](ulong v, int n) -> ulong { return v ? __builtin_clzl(v) - (64 - n) : n; }); }
template <class T> inline T ctz(T x) { return sim::bits_of(x, [](ulong v, int n) -> ulong { return v ? __builtin_ctzl(v) : n; }); }
template <class T> inline T reverse_bits(T x) { return sim::bits_of(x, [](ulong v, int n) -> ulong { return __builtin_bitreverse64(v) >> (64 - n); }); }
template <class T> inline T rotate(T x, T by) {
    constexpr ulong bits = 8 * sizeof(T), mask = ~0ul >> (64 - bits);
    ulong v = (ulong)x & mask, n = (ulong)by % bits;
    return (T)(v << n | v >> (bits - n) % bits);
}
template <class T> inline T mulhi(T a, T b) {
    if constexpr (sim::count<T> > 1) { T r; for (int i = 0; i < sim::count<T>; i++) r[i] = mulhi((sim::element<T>)a[i], (sim::element<T>)b[i]); return r; }
    else if constexpr ((T)-1 > 0) return (T)((unsigned __int128)a * b >> 8 * sizeof(T));
    else return (T)((__int128)a * b >> 8 * sizeof(T));
}

} // namespace metal
