package gpu

import (
	"fmt"
	"math"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// Elements lie in memory as one type and are computed with as another one:
// halves as float, of which each result is rounded; u8 and bool as int.

// memoryType is the type of elements in memory.
func memoryType(d ir.DType) string {
	switch d {
	case ir.F32:
		return "float"
	case ir.F16:
		return "half"
	case ir.BF16:
		return "ushort"
	case ir.I32:
		return "int"
	case ir.I64:
		return "long"
	}
	return "uchar"
}

// valueType is the type that elements are computed with.
func valueType(d ir.DType) string {
	switch {
	case d.Float():
		return "float"
	case d == ir.I64:
		return "long"
	}
	return "int"
}

// loaded is an element, given as it lies in memory, as a value.
func loaded(d ir.DType, x string) string {
	switch d {
	case ir.F16:
		return "f16_f(" + x + ")"
	case ir.BF16:
		return "bf16_f(" + x + ")"
	case ir.U8, ir.Bool:
		return "(int)" + x
	}
	return x
}

// stored is a value as it lies in memory. It has been rounded.
func stored(d ir.DType, x string) string {
	switch d {
	case ir.F16:
		return "f_f16(" + x + ")"
	case ir.BF16:
		return "f_bf16(" + x + ")"
	case ir.U8, ir.Bool:
		return "(uchar)(" + x + ")"
	}
	return x
}

// rounded is a value, computed from others, as a number of its type.
func rounded(d ir.DType, x string) string {
	switch d {
	case ir.F16:
		return "f_round_f16(" + x + ")"
	case ir.BF16:
		return "f_round_bf16(" + x + ")"
	case ir.U8:
		return "(" + x + ") & 255"
	}
	return x
}

// literal is the number x of a type, as a value.
func literal(d ir.DType, x float64) string {
	x = ir.RoundTo(d, x)
	switch {
	case d.Float() && (math.IsInf(x, 0) || math.IsNaN(x)):
		return fmt.Sprintf("bits_f(0x%08xu)", math.Float32bits(float32(x)))
	case d.Float() && (x == 0 && math.Signbit(x)):
		return "-0.0f"
	case d.Float():
		return fmt.Sprintf("%.9ef", x)
	case d == ir.I64 && x >= math.MaxInt64:
		return "9223372036854775807l"
	case d == ir.I64 && x <= math.MinInt64:
		return "LONG_LEAST"
	case d == ir.I64:
		return fmt.Sprintf("%dl", int64(x))
	case d == ir.I32 && x == math.MinInt32:
		return "INT_LEAST"
	}
	return fmt.Sprint(int64(x))
}
