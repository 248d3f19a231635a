// The types of MSL. half is clang's own with -fnative-half-type: each operation rounds to 11 bits.
#pragma once
#include "runtime.h"

namespace metal {

typedef __fp16 half;

template <class T, int N> using vec = T __attribute__((ext_vector_type(N)));
#define SIM_VECTORS(T) typedef vec<T, 2> T##2; typedef vec<T, 3> T##3; typedef vec<T, 4> T##4;
SIM_VECTORS(char) SIM_VECTORS(uchar) SIM_VECTORS(short) SIM_VECTORS(ushort) SIM_VECTORS(int) SIM_VECTORS(uint)
SIM_VECTORS(long) SIM_VECTORS(ulong) SIM_VECTORS(half) SIM_VECTORS(float)
#undef SIM_VECTORS

constexpr half operator""h(long double x) { return (half)(float)x; }
constexpr half operator""h(unsigned long long x) { return (half)(float)x; }

template <class T, class F> constexpr T as_type(F from) { return __builtin_bit_cast(T, from); }

// bfloat computes in float and rounds to 8 bits, to even.
struct bfloat {
    ushort bits;
    bfloat() = default;
    constexpr bfloat(float f) : bits(round(as_type<uint>(f))) {}
    constexpr operator float() const { return as_type<float>((uint)bits << 16); }
    static constexpr ushort round(uint u) { return (u & 0x7fffffff) > 0x7f800000 ? u >> 16 | 0x40 : (u + 0x7fff + (u >> 16 & 1)) >> 16; }
};
#define SIM_BFLOAT(op) \
    constexpr bfloat operator op(bfloat a, bfloat b) { return (float)a op (float)b; } \
    constexpr bfloat &operator op##=(bfloat &a, bfloat b) { return a = a op b; }
SIM_BFLOAT(+) SIM_BFLOAT(-) SIM_BFLOAT(*) SIM_BFLOAT(/)
#undef SIM_BFLOAT

} // namespace metal

namespace sim { // what is ours is here, where no kernel looks for names

using namespace metal;

// shape tells the elements of a scalar or vector.
template <class T> struct shape { typedef T element; static constexpr int count = 1; };
template <class T, int N> struct shape<T __attribute__((ext_vector_type(N)))> { typedef T element; static constexpr int count = N; };
template <class T> using element = typename shape<T>::element;
template <class T> constexpr int count = shape<T>::count;

template <class T> constexpr bool is_float = __is_same(T, float) || __is_same(T, half) || __is_same(T, bfloat);

// make is what float4(a, b, c) and the like mean: one scalar for all, one vector that is converted, or the parts in a row.
template <class V, class A> inline V make(A a) {
    if constexpr (count<A> == 1) return (V)(element<V>)a;
    else return __builtin_convertvector(a, V);
}
template <class V, class A> inline void append(V &v, int &at, A a) {
    if constexpr (count<A> == 1) v[at++] = (element<V>)a;
    else for (int i = 0; i < count<A>; i++) v[at++] = (element<V>)a[i];
}
template <class V, class A, class B, class... C> inline V make(A a, B b, C... c) {
    static_assert(count<A> + count<B> + (0 + ... + count<C>) == count<V>, "the parts of a vector are as many as its elements");
    V v;
    int at = 0;
    append(v, at, a), append(v, at, b);
    (append(v, at, c), ...);
    return v;
}

template <class T> struct integer_limits {
    static constexpr T max() { return (T)-1 > 0 ? (T)-1 : (T)((1ul << (8 * sizeof(T) - 1)) - 1); }
    static constexpr T min() { return (T)-1 > 0 ? 0 : (T)(1ul << (8 * sizeof(T) - 1)); }
    static constexpr T lowest() { return min(); }
};

} // namespace sim

namespace metal {

template <bool B, class T = void> struct enable_if {};
template <class T> struct enable_if<true, T> { typedef T type; };
template <bool B, class T = void> using enable_if_t = typename enable_if<B, T>::type;
template <class A, class B> constexpr bool is_same_v = __is_same(A, B);

template <class T, int N> struct packed {
    T part[N];
    packed() = default;
    packed(vec<T, N> v) { for (int i = 0; i < N; i++) part[i] = v[i]; }
    operator vec<T, N>() const { vec<T, N> v; for (int i = 0; i < N; i++) v[i] = part[i]; return v; }
    T &operator[](int i) { return part[i]; }
    T operator[](int i) const { return part[i]; }
};
typedef packed<float, 2> packed_float2; typedef packed<float, 3> packed_float3; typedef packed<float, 4> packed_float4;
typedef packed<half, 2> packed_half2; typedef packed<half, 3> packed_half3; typedef packed<half, 4> packed_half4;

template <class T, ulong N> struct array {
    T part[N];
    constexpr T &operator[](ulong i) { return part[i]; }
    constexpr const T &operator[](ulong i) const { return part[i]; }
    constexpr ulong size() const { return N; }
};

template <class T> struct numeric_limits;
template <> struct numeric_limits<float> {
    static constexpr float max() { return __FLT_MAX__; }
    static constexpr float min() { return __FLT_MIN__; }
    static constexpr float lowest() { return -__FLT_MAX__; }
    static constexpr float epsilon() { return __FLT_EPSILON__; }
    static constexpr float infinity() { return __builtin_inff(); }
    static constexpr float quiet_NaN() { return __builtin_nanf(""); }
};
template <> struct numeric_limits<half> {
    static constexpr half max() { return (half)65504.f; }
    static constexpr half min() { return (half)6.103515625e-5f; }
    static constexpr half lowest() { return (half)-65504.f; }
    static constexpr half epsilon() { return (half)9.765625e-4f; }
    static constexpr half infinity() { return (half)__builtin_inff(); }
    static constexpr half quiet_NaN() { return (half)__builtin_nanf(""); }
};
template <> struct numeric_limits<char> : sim::integer_limits<char> {};
template <> struct numeric_limits<uchar> : sim::integer_limits<uchar> {};
template <> struct numeric_limits<short> : sim::integer_limits<short> {};
template <> struct numeric_limits<ushort> : sim::integer_limits<ushort> {};
template <> struct numeric_limits<int> : sim::integer_limits<int> {};
template <> struct numeric_limits<uint> : sim::integer_limits<uint> {};
template <> struct numeric_limits<long> : sim::integer_limits<long> {};
template <> struct numeric_limits<ulong> : sim::integer_limits<ulong> {};

} // namespace metal
