package op

import (
	"fmt"
	"slices"
	"strings"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// The rules of element types. No op converts an operand: where types differ the
// error says which cast is missing.

// wantType fails unless operand i has one of the types; the first is the one to
// cast to.
func wantType(v *ir.Value, i int, want ...ir.DType) error {
	got := v.In[i].DType
	if slices.Contains(want, got) {
		return nil
	}
	return fail(v, BadType, fmt.Sprintf("operand %d is %s and must be %s", i+1, got, either(want)), "cast it to "+want[0].String())
}

// either lists types as a choice.
func either(list []ir.DType) string {
	return strings.Replace(ir.ListDTypes(list...), " and ", " or ", 1)
}

// floats are the types of what has a gradient.
var floats = []ir.DType{ir.F32, ir.F16, ir.BF16}

// wantFloats fails unless all operands are of one floating point type.
func wantFloats(v *ir.Value) error {
	for i := range v.In {
		if err := wantType(v, i, floats...); err != nil {
			return err
		}
	}
	return wantSame(v, v.In...)
}

// wantSame fails unless the given operands of v have one type.
func wantSame(v *ir.Value, in ...*ir.Value) error {
	for _, x := range in[1:] {
		if x.DType != in[0].DType {
			return fail(v, BadType, fmt.Sprintf("the element types %s and %s differ", in[0].DType, x.DType), castTo(v, in[0], x))
		}
	}
	return nil
}

// castTo says how to make two operands of v one type: that of the two which
// holds more, f32 where neither holds the other.
func castTo(v, a, b *ir.Value) string {
	to := Wider(a.DType, b.DType)
	var which []string
	for _, x := range []*ir.Value{a, b} {
		if x.DType != to {
			which = append(which, fmt.Sprint("operand ", slices.Index(v.In, x)+1))
		}
	}
	return "cast " + strings.Join(which, " and ") + " to " + to.String()
}

// Wider is the type that a sum of numbers of both types is best formed in.
func Wider(a, b ir.DType) ir.DType {
	if a.Half() && b.Half() && a != b {
		return ir.F32
	}
	order := []ir.DType{ir.Bool, ir.U8, ir.I32, ir.I64, ir.F16, ir.BF16, ir.F32}
	return order[max(slices.Index(order, a), slices.Index(order, b))]
}

// wantIndex fails unless operand i can number rows or classes.
func wantIndex(v *ir.Value, i int) error { return wantType(v, i, ir.I32, ir.I64, ir.U8) }

// wantTotals fails unless sums and products of many elements of operand i are
// numbers of its type: those of u8 and bool would overflow at once.
func wantTotals(v *ir.Value, i int) error {
	switch t := v.In[i].DType; t {
	case ir.U8, ir.Bool:
		return fail(v, BadType, fmt.Sprintf("operand %d is %s, which is too small for sums", i+1, t), "cast it to i32 to count, or to f32")
	}
	return nil
}

// wantNumbers fails for operands that are bools.
func wantNumbers(v *ir.Value, remedy string) error {
	for i, x := range v.In {
		if x.DType == ir.Bool {
			return fail(v, BadType, fmt.Sprintf("operand %d is bool, which is no number", i+1), remedy)
		}
	}
	return nil
}

// as casts a value to a type that it may have already.
func as(v *ir.Value, to ir.DType) *ir.Value {
	if v.DType == to {
		return v
	}
	return Cast(v, to)
}
