package ir

import (
	"fmt"
	"slices"
	"strings"
)

// DType is the type of a value's elements.
type DType uint8

// The element types. Nothing is converted unasked: the operands of an op have
// one type, and a cast makes it so.
const (
	F32  DType = iota + 1 // IEEE 754 binary32
	I32                   // two's complement, 32 bits
	F16                   // IEEE 754 binary16: 11 bits of precision, up to 65504
	BF16                  // the upper half of an F32: 8 bits of precision, the range of F32
	I64                   // two's complement, 64 bits
	U8                    // 0 to 255
	Bool                  // a byte that is 0 or 1
)

// dtypes has the name and size in bytes of each type at its place.
var dtypes = [...]struct {
	name string
	size int
}{F32: {"f32", 4}, I32: {"i32", 4}, F16: {"f16", 2}, BF16: {"bf16", 2}, I64: {"i64", 8}, U8: {"u8", 1}, Bool: {"bool", 1}}

// DTypes lists the element types.
func DTypes() []DType { return []DType{F32, F16, BF16, I32, I64, U8, Bool} }

// Valid reports whether there is such a type.
func (d DType) Valid() bool { return d > 0 && int(d) < len(dtypes) }

// Size is the number of bytes of one element.
func (d DType) Size() int {
	if !d.Valid() {
		return 0
	}
	return dtypes[d].size
}

// Float reports whether the elements are floating point numbers.
func (d DType) Float() bool { return d == F32 || d.Half() }

// Half reports whether the elements are floating point numbers of 16 bits.
// Everything computes with them in f32 and rounds each result to the nearest
// number of the type, the even one of two.
func (d DType) Half() bool { return d == F16 || d == BF16 }

// Integer reports whether the elements are whole numbers. A bool is none.
func (d DType) Integer() bool { return d == I32 || d == I64 || d == U8 }

func (d DType) String() string {
	if !d.Valid() {
		return fmt.Sprintf("dtype(%d)", uint8(d))
	}
	return dtypes[d].name
}

// ParseDType is the inverse of DType.String.
func ParseDType(s string) (DType, error) {
	for _, d := range DTypes() {
		if d.String() == s {
			return d, nil
		}
	}
	return 0, fmt.Errorf("unknown dtype %q (there are %s)", s, ListDTypes(DTypes()...))
}

// ListDTypes names types for people: "f32, f16 and bf16".
func ListDTypes(list ...DType) string {
	var names []string
	for _, d := range list {
		names = append(names, d.String())
	}
	last := len(names) - 1
	if last < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(slices.Clone(names[:last]), ", ") + " and " + names[last]
}
