package ir

import (
	"encoding/binary"
	"math"
)

// Elements reads the elements of a type from memory, little endian. Only those
// of i64 beyond 2^53 are not exact.
func Elements(d DType, data []byte) []float64 {
	size := d.Size()
	out := make([]float64, len(data)/size)
	for i := range out {
		out[i] = element(d, data[i*size:])
	}
	return out
}

func element(d DType, b []byte) float64 {
	switch d {
	case F32:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	case F16:
		return float64(FromF16(binary.LittleEndian.Uint16(b)))
	case BF16:
		return float64(FromBF16(binary.LittleEndian.Uint16(b)))
	case I32:
		return float64(int32(binary.LittleEndian.Uint32(b)))
	case I64:
		return float64(int64(binary.LittleEndian.Uint64(b)))
	}
	return float64(b[0])
}

// AppendElement appends x, rounded as RoundTo says, as an element in memory.
func AppendElement(data []byte, d DType, x float64) []byte {
	switch d {
	case F32:
		return binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(x)))
	case F16:
		return binary.LittleEndian.AppendUint16(data, ToF16(float32(x)))
	case BF16:
		return binary.LittleEndian.AppendUint16(data, ToBF16(float32(x)))
	case I32:
		return binary.LittleEndian.AppendUint32(data, uint32(int32(RoundTo(d, x))))
	case I64:
		return binary.LittleEndian.AppendUint64(data, uint64(ToI64(x)))
	}
	return append(data, uint8(RoundTo(d, x)))
}

// ToI64 is the nearest i64, and 0 for NaN: no float64 is its largest.
func ToI64(x float64) int64 {
	switch {
	case x >= math.MaxInt64:
		return math.MaxInt64
	case x <= math.MinInt64:
		return math.MinInt64
	case x != x:
		return 0
	}
	return int64(x)
}
