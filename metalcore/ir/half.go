package ir

import "math"

// ToF16 rounds x to the nearest binary16, the even one of two. What is too
// large becomes infinite from 65520 on, and what is below 2^-24 subnormal or
// zero. A NaN stays one, with the upper bits of its payload.
func ToF16(x float32) uint16 {
	bits := math.Float32bits(x)
	sign, rest := uint16(bits>>16)&0x8000, bits&0x7fffffff
	switch {
	case rest > 0x7f800000:
		return sign | 0x7e00 | uint16(rest>>13)&0x3ff
	case rest >= 0x477ff000: // 65520
		return sign | 0x7c00
	case rest < 0x38800000: // 2^-14: the sum's last bit counts 2^-24
		return sign | uint16(math.Float32bits(math.Float32frombits(rest)+0.5)-0x3f000000)
	}
	rest += 0xfff + rest>>13&1 // half of the last place, less one where it is even
	return sign | uint16((rest-0x38000000)>>13)
}

// FromF16 is the number that a binary16 stands for. A NaN becomes a quiet one.
func FromF16(h uint16) float32 {
	sign, rest := uint32(h&0x8000)<<16, uint32(h&0x7fff)
	switch {
	case rest > 0x7c00:
		return math.Float32frombits(sign | 0x7fc00000 | rest<<13)
	case rest == 0x7c00:
		return math.Float32frombits(sign | 0x7f800000)
	case rest < 0x400:
		return math.Float32frombits(sign | math.Float32bits(float32(rest)*0x1p-24))
	}
	return math.Float32frombits(sign | (rest<<13 + 0x38000000))
}

// ToBF16 rounds x to the nearest bfloat16, the even one of two. A NaN stays
// one, with the upper bits of its payload.
func ToBF16(x float32) uint16 {
	bits := math.Float32bits(x)
	if bits&0x7fffffff > 0x7f800000 {
		return uint16(bits>>16) | 0x40
	}
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}

// FromBF16 is the number that a bfloat16 stands for.
func FromBF16(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }

// RoundTo is the number that x becomes in the type: rounded for floats, cut off
// and the nearest one of the range for whole numbers, where NaN is 0, and 1 for
// a bool unless x is 0. Halves are rounded from f32, as a cast does.
func RoundTo(d DType, x float64) float64 {
	switch d {
	case F32:
		return float64(float32(x))
	case F16:
		return float64(FromF16(ToF16(float32(x))))
	case BF16:
		return float64(FromBF16(ToBF16(float32(x))))
	case Bool:
		if x != 0 {
			return 1
		}
		return 0
	}
	if math.IsNaN(x) {
		return 0
	}
	low, high := limits(d)
	return math.Trunc(min(max(x, low), high))
}

// limits are the smallest and the largest whole number of a type.
func limits(d DType) (low, high float64) {
	switch d {
	case U8:
		return 0, math.MaxUint8
	case I32:
		return math.MinInt32, math.MaxInt32
	}
	return math.MinInt64, math.MaxInt64
}
