// The standard library of MSL for a C++ compiler, as far as kernels use it. The words of MSL are macros at the end.
#pragma once
#include "types.h"
#include "math.h"
#include "simd.h"
#include "matrix.h"
#include "atomics.h"
#include "entry.h"

#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")
#define FLT_MAX __FLT_MAX__
#define FLT_MIN __FLT_MIN__
#define FLT_EPSILON __FLT_EPSILON__
#define HALF_MAX ((metal::half)65504.0f)
#define INT_MAX 2147483647
#define INT_MIN (-2147483647 - 1)
#define UINT_MAX 4294967295u
#define M_PI_F 3.14159265358979323846f
#define M_E_F 2.71828182845904523536f
#define M_LN2_F 0.69314718055994530942f
#define M_SQRT2_F 1.41421356237309504880f

// C++ has no float4(a, b, c, d).
#define char2(...) sim::make<metal::char2>(__VA_ARGS__)
#define char3(...) sim::make<metal::char3>(__VA_ARGS__)
#define char4(...) sim::make<metal::char4>(__VA_ARGS__)
#define uchar2(...) sim::make<metal::uchar2>(__VA_ARGS__)
#define uchar3(...) sim::make<metal::uchar3>(__VA_ARGS__)
#define uchar4(...) sim::make<metal::uchar4>(__VA_ARGS__)
#define short2(...) sim::make<metal::short2>(__VA_ARGS__)
#define short3(...) sim::make<metal::short3>(__VA_ARGS__)
#define short4(...) sim::make<metal::short4>(__VA_ARGS__)
#define ushort2(...) sim::make<metal::ushort2>(__VA_ARGS__)
#define ushort3(...) sim::make<metal::ushort3>(__VA_ARGS__)
#define ushort4(...) sim::make<metal::ushort4>(__VA_ARGS__)
#define int2(...) sim::make<metal::int2>(__VA_ARGS__)
#define int3(...) sim::make<metal::int3>(__VA_ARGS__)
#define int4(...) sim::make<metal::int4>(__VA_ARGS__)
#define uint2(...) sim::make<metal::uint2>(__VA_ARGS__)
#define uint3(...) sim::make<metal::uint3>(__VA_ARGS__)
#define uint4(...) sim::make<metal::uint4>(__VA_ARGS__)
#define long2(...) sim::make<metal::long2>(__VA_ARGS__)
#define long3(...) sim::make<metal::long3>(__VA_ARGS__)
#define long4(...) sim::make<metal::long4>(__VA_ARGS__)
#define ulong2(...) sim::make<metal::ulong2>(__VA_ARGS__)
#define ulong3(...) sim::make<metal::ulong3>(__VA_ARGS__)
#define ulong4(...) sim::make<metal::ulong4>(__VA_ARGS__)
#define half2(...) sim::make<metal::half2>(__VA_ARGS__)
#define half3(...) sim::make<metal::half3>(__VA_ARGS__)
#define half4(...) sim::make<metal::half4>(__VA_ARGS__)
#define float2(...) sim::make<metal::float2>(__VA_ARGS__)
#define float3(...) sim::make<metal::float3>(__VA_ARGS__)
#define float4(...) sim::make<metal::float4>(__VA_ARGS__)

#define kernel static
#define device
#define constant const
#define thread
#define threadgroup
