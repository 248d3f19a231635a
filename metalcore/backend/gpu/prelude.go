package gpu

// prelude has the functions that kernels use, in the words that all dialects
// share. A dialect defines before it the types, f_bits and bits_f between float
// and uint, mulhi of two uint, and of float f_exp f_log f_sin f_cos f_atan f_tanh
// f_pow f_sqrt f_floor f_rint f_abs f_fma f_max f_min, precise to some units in
// the last place. f_max and f_min may do with NaN as they like.
//
// All threads of a SIMD group must come to a call of simd_* or shuffle*, which are
// of float, int and long; the dialects' own have no long.
//
// expm1 and log1p make good in first order what is lost beside 1 (W. Kahan); the
// f_order is smaller for smaller numbers, and largest for NaN; the
// fits of erf are those of the CPU's kernels; Philox is of Salmon and others 2011.
const prelude = `
#define F_INF bits_f(0x7f800000u)
#define F_NAN bits_f(0x7fc00000u)
#define INT_LEAST (-2147483647 - 1)
#define LONG_LEAST (-9223372036854775807l - 1l)

FUNC bool f_isnan(float x) { return (f_bits(x) & 0x7fffffffu) > 0x7f800000u; }
FUNC bool f_isfinite(float x) { return (f_bits(x) & 0x7f800000u) != 0x7f800000u; }
FUNC float f_larger(float a, float b) { return f_isnan(a) ? a : f_isnan(b) ? b : a > b ? a : b; }
FUNC float f_smaller(float a, float b) { return f_isnan(a) ? a : f_isnan(b) ? b : a < b ? a : b; }
FUNC float f_relu(float x) { return x < 0.0f ? 0.0f : x; }
FUNC float f_sign(float x) { return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : 0.0f; }
FUNC float f_rsqrt(float x) { return 1.0f / f_sqrt(x); }
FUNC float f_sigmoid(float x) { float p = f_exp(-f_abs(x)); return (x < 0.0f ? p : x >= 0.0f ? 1.0f : x) / (1.0f + p); }
FUNC float f_expm1(float x) {
	float u = f_exp(x), low = u - 1.0f;
	if (low == 0.0f) return x;
	return low == -1.0f || !f_isfinite(u) ? low : low * (x / f_log(u));
}
FUNC float f_log1p(float x) {
	float u = 1.0f + x, low = u - 1.0f;
	return low == 0.0f || u == F_INF ? x : f_log(u) * (x / low);
}
FUNC float f_erf(float x) {
	float a = f_abs(x), z = a * a, y;
	if (f_isnan(x)) return x;
	if (a < 1.0f) {
		y = f_fma(f_fma(f_fma(f_fma(f_fma(f_fma(7.875875063e-5f, z, -0.0008016864287f), z, 0.005189087423f), z, -0.02685421201f), z, 0.1128359472f), z, -0.3761262667f), z, 1.128379166f);
		return x * y;
	}
	a = a > 4.0f ? 4.0f : a;
	float t = 1.0f / f_fma(a, 0.5f, 1.0f);
	y = f_fma(f_fma(f_fma(f_fma(f_fma(f_fma(-0.05363042808f, t, -0.05706519996f), t, 0.4034950533f), t, 0.1014954124f), t, 0.3307571337f), t, 0.2736343401f), t, 0.000605118391f);
	y = 1.0f - f_exp(-a * a) * y;
	return x < 0.0f ? -y : y;
}

FUNC float bf16_f(ushort h) { return bits_f((uint)h << 16); }
FUNC ushort f_bf16(float x) {
	uint b = f_bits(x);
	return f_isnan(x) ? (ushort)((b >> 16) | 0x40u) : (ushort)((b + 0x7fffu + ((b >> 16) & 1u)) >> 16);
}
FUNC float f_round_bf16(float x) { return bf16_f(f_bf16(x)); }
FUNC float f_round_f16(float x) { return f16_f(f_f16(x)); }
FUNC int f_order(float x) {
	uint b = f_bits(x), size = b & 0x7fffffffu;
	return size > 0x7f800000u ? 2147483647 : size == 0u ? 0 : size == b ? (int)b : (int)(b ^ 0x7fffffffu);
}

FUNC int i_add(int a, int b) { return (int)((uint)a + (uint)b); }
FUNC int i_sub(int a, int b) { return (int)((uint)a - (uint)b); }
FUNC int i_mul(int a, int b) { return (int)((uint)a * (uint)b); }
FUNC int i_neg(int a) { return (int)(0u - (uint)a); }
FUNC int i_div(int a, int b) { return b == 0 ? 0 : b == -1 ? i_neg(a) : a / b; }
FUNC int i_sign(int a) { return (int)(a > 0) - (int)(a < 0); }
FUNC int i_abs(int a) { return a < 0 ? i_neg(a) : a; }
FUNC int i_larger(int a, int b) { return a > b ? a : b; }
FUNC int i_smaller(int a, int b) { return a < b ? a : b; }
FUNC long l_add(long a, long b) { return (long)((ulong)a + (ulong)b); }
FUNC long l_sub(long a, long b) { return (long)((ulong)a - (ulong)b); }
FUNC long l_mul(long a, long b) { return (long)((ulong)a * (ulong)b); }
FUNC long l_neg(long a) { return (long)((ulong)0 - (ulong)a); }
FUNC long l_div(long a, long b) { return b == 0 ? 0 : b == -1 ? l_neg(a) : a / b; }
FUNC long l_sign(long a) { return (long)(a > 0) - (long)(a < 0); }
FUNC long l_abs(long a) { return a < 0 ? l_neg(a) : a; }
FUNC long l_larger(long a, long b) { return a > b ? a : b; }
FUNC long l_smaller(long a, long b) { return a < b ? a : b; }
FUNC long l_join(int low, int high) { return (long)((ulong)(uint)high << 32 | (uint)low); }

FUNC int f_int(float x) { return f_isnan(x) ? 0 : x >= 2147483648.0f ? 2147483647 : x < -2147483648.0f ? INT_LEAST : (int)x; }
FUNC long f_long(float x) { return f_isnan(x) ? 0 : x >= 9223372036854775808.0f ? 9223372036854775807l : x < -9223372036854775808.0f ? LONG_LEAST : (long)x; }
FUNC int f_u8(float x) { return x >= 255.0f ? 255 : x > 0.0f ? (int)x : 0; }
FUNC int i_u8(int x) { return x > 255 ? 255 : x < 0 ? 0 : x; }
FUNC int l_int(long x) { return x > 2147483647l ? 2147483647 : x < -2147483648l ? INT_LEAST : (int)x; }
FUNC int l_u8(long x) { return x > 255l ? 255 : x < 0l ? 0 : (int)x; }
FUNC uint l_clamp(long x, uint most) { return x < 0l ? 0u : x > (long)most ? most : (uint)x; }

FUNC int f_rank(float x) { int b = (int)f_bits(x); return f_isnan(x) ? (int)0x807fffffu : x == 0.0f ? 0 : b < 0 ? b ^ 0x7fffffff : b; }
FUNC long i_rank(int x, ulong at) { return (long)((ulong)(uint)x << 32 | (uint)~at); }

FUNC float shuffle_xor(float x, uint m) { return simd_shuffle_xor(x, (ushort)m); }
FUNC int shuffle_xor(int x, uint m) { return simd_shuffle_xor(x, (ushort)m); }
FUNC long shuffle_xor(long x, uint m) { return l_join(shuffle_xor((int)x, m), shuffle_xor((int)(x >> 32), m)); }
FUNC float shuffle(float x, uint from) { return simd_shuffle(x, (ushort)from); }
FUNC int shuffle(int x, uint from) { return simd_shuffle(x, (ushort)from); }
FUNC long shuffle(long x, uint from) { return l_join(shuffle((int)x, from), shuffle((int)(x >> 32), from)); }
FUNC float shuffle_up(float x, uint by) { return simd_shuffle_up(x, (ushort)by); }
FUNC int shuffle_up(int x, uint by) { return simd_shuffle_up(x, (ushort)by); }
FUNC long shuffle_up(long x, uint by) { return l_join(shuffle_up((int)x, by), shuffle_up((int)(x >> 32), by)); }
#define SIMD_FOLD(name, T, joined) \
	FUNC T name(T x) { for (uint m = 16u; m > 0u; m /= 2u) { T y = shuffle_xor(x, m); x = joined; } return x; }
FUNC float simd_total(float x) { return simd_sum(x); }
FUNC int simd_total(int x) { return (int)simd_sum((uint)x); }
SIMD_FOLD(simd_total, long, l_add(x, y))
SIMD_FOLD(simd_times, float, x * y)
SIMD_FOLD(simd_times, int, i_mul(x, y))
SIMD_FOLD(simd_times, long, l_mul(x, y))
SIMD_FOLD(simd_largest, float, f_larger(x, y))
SIMD_FOLD(simd_largest, int, i_larger(x, y))
SIMD_FOLD(simd_largest, long, l_larger(x, y))
SIMD_FOLD(simd_smallest, float, f_smaller(x, y))
SIMD_FOLD(simd_smallest, int, i_smaller(x, y))
SIMD_FOLD(simd_smallest, long, l_smaller(x, y))
#define SIMD_PREFIX(T, joined) \
	FUNC T simd_prefix(T x, uint lane) { for (uint d = 1u; d < 32u; d *= 2u) { T y = shuffle_up(x, d); if (lane >= d) x = joined; } return x; }
SIMD_PREFIX(float, x + y)
SIMD_PREFIX(int, i_add(x, y))
SIMD_PREFIX(long, l_add(x, y))

FUNC uint4 philox(uint c0, uint c1, uint c2, uint k0, uint k1) {
	uint c3 = 0;
	for (int i = 0; i < 10; i++) {
		uint ah = mulhi(c0, 0xD2511F53u), al = c0 * 0xD2511F53u, bh = mulhi(c2, 0xCD9E8D57u), bl = c2 * 0xCD9E8D57u;
		c0 = bh ^ c1 ^ k0;
		c1 = bl;
		c2 = ah ^ c3 ^ k1;
		c3 = al;
		k0 += 0x9E3779B9u;
		k1 += 0xBB67AE85u;
	}
	return make_uint4(c0, c1, c2, c3);
}
`
