package feed

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// Array is data on the host: elements in little endian and row-major order.
type Array struct {
	DType ir.DType
	Shape ir.Shape
	Data  []byte
}

// FromF32 makes an array of f32 from numbers in row-major order.
func FromF32(xs []float32, shape ...int) Array {
	data := make([]byte, 0, 4*len(xs))
	for _, x := range xs {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x))
	}
	return Array{DType: ir.F32, Shape: shape, Data: data}
}

// FromI32 makes an array of i32 from numbers in row-major order.
func FromI32(xs []int32, shape ...int) Array {
	data := make([]byte, 0, 4*len(xs))
	for _, x := range xs {
		data = binary.LittleEndian.AppendUint32(data, uint32(x))
	}
	return Array{DType: ir.I32, Shape: shape, Data: data}
}

// F32s returns the numbers of an f32 array, nil for other types.
func (a Array) F32s() []float32 {
	if a.DType != ir.F32 {
		return nil
	}
	xs := make([]float32, len(a.Data)/4)
	for i := range xs {
		xs[i] = math.Float32frombits(a.word(i))
	}
	return xs
}

// I32s returns the numbers of an i32 array, nil for other types.
func (a Array) I32s() []int32 {
	if a.DType != ir.I32 {
		return nil
	}
	xs := make([]int32, len(a.Data)/4)
	for i := range xs {
		xs[i] = int32(a.word(i))
	}
	return xs
}

// Numbers returns the elements of an array of any type.
func (a Array) Numbers() []float64 { return ir.Elements(a.DType, a.Data) }

// Cast converts the elements as the op of that name does.
func (a Array) Cast(to ir.DType) Array {
	if a.DType == to {
		return a
	}
	out := Array{DType: to, Shape: a.Shape, Data: make([]byte, 0, len(a.Data)/a.DType.Size()*to.Size())}
	for _, x := range a.Numbers() {
		out.Data = ir.AppendElement(out.Data, to, x)
	}
	return out
}

func (a Array) word(i int) uint32 { return binary.LittleEndian.Uint32(a.Data[4*i:]) }

// Len is the number of rows: the size of the first axis, 0 for a scalar.
func (a Array) Len() int {
	if len(a.Shape) == 0 {
		return 0
	}
	return a.Shape[0]
}

// RowShape is the shape of one row.
func (a Array) RowShape() ir.Shape {
	if len(a.Shape) == 0 {
		return nil
	}
	return a.Shape[1:]
}

// Row returns row i, sharing memory with a. Its shape lacks the first axis.
func (a Array) Row(i int) Array {
	size := a.rowBytes()
	return Array{DType: a.DType, Shape: a.RowShape(), Data: a.Data[i*size : (i+1)*size]}
}

// Slice returns the rows from..to-1, sharing memory with a.
func (a Array) Slice(from, to int) Array {
	size := a.rowBytes()
	return Array{DType: a.DType, Shape: a.withRows(to - from), Data: a.Data[from*size : to*size]}
}

// Rows copies the rows with the given numbers into a new array.
func (a Array) Rows(idx []int) (Array, error) {
	out := Array{DType: a.DType, Shape: a.withRows(len(idx)), Data: make([]byte, 0, len(idx)*a.rowBytes())}
	for _, i := range idx {
		if i < 0 || i >= a.Len() {
			return Array{}, fmt.Errorf("there is no row %d: the rows are 0 to %d", i, a.Len()-1)
		}
		out.Data = append(out.Data, a.Row(i).Data...)
	}
	return out, nil
}

func (a Array) rowBytes() int { return a.RowShape().Elems() * a.DType.Size() }

func (a Array) withRows(n int) ir.Shape {
	return append(ir.Shape{n}, a.RowShape()...)
}

// String prints the type, like f32[150,4].
func (a Array) String() string { return a.DType.String() + a.Shape.String() }

// Check reports whether type, shape and number of bytes fit together.
func (a Array) Check() error {
	if !a.DType.Valid() {
		return fmt.Errorf("array of unknown type %v: use one of %s", a.DType, ir.ListDTypes(ir.DTypes()...))
	}
	if a.Shape.HasBatch() {
		return fmt.Errorf("array of shape %v: data needs a number for every axis", a.Shape)
	}
	if err := a.Shape.Check(); err != nil {
		return err
	}
	if want := a.Shape.Elems() * a.DType.Size(); len(a.Data) != want {
		return fmt.Errorf("array %v needs %d numbers, got %d bytes, which are %d numbers",
			a, a.Shape.Elems(), len(a.Data), len(a.Data)/a.DType.Size())
	}
	if a.DType != ir.Bool {
		return nil
	}
	if i := slices.IndexFunc(a.Data, func(b byte) bool { return b > 1 }); i >= 0 {
		return fmt.Errorf("array %v holds %d%s: a bool is 0 or 1", a, a.Data[i], a.place(i))
	}
	return nil
}

// CheckFinite reports the first NaN or infinite number with its place; name is
// what the error calls the array.
func (a Array) CheckFinite(name string) error {
	if !a.DType.Float() || a.DType == ir.F32 && finite(a.Data) {
		return nil
	}
	for i, x := range a.Numbers() {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Errorf("%s holds %v%s: remove the row or fill in a number", name, x, a.place(i))
		}
	}
	return nil
}

// finite looks at the exponents of numbers of 32 bits: those of infinity and NaN
// are all ones.
func finite(data []byte) bool {
	const exponent = 0x7f800000
	for ; len(data) >= 4; data = data[4:] {
		if binary.LittleEndian.Uint32(data)&exponent == exponent {
			return false
		}
	}
	return true
}

// place says where element i stands, in the terms of a table where it is one.
func (a Array) place(i int) string {
	width := a.RowShape().Elems()
	switch {
	case len(a.Shape) == 0:
		return ""
	case len(a.Shape) == 1:
		return fmt.Sprintf(" in row %d", i)
	case len(a.Shape) == 2:
		return fmt.Sprintf(" in row %d, column %d", i/width, i%width)
	}
	row := i / width
	idx, rest := make([]int, len(a.Shape)-1), i%width
	for axis := len(idx) - 1; axis >= 0; axis-- {
		idx[axis], rest = rest%a.Shape[axis+1], rest/a.Shape[axis+1]
	}
	return fmt.Sprintf(" in row %d, at %v of it", row, idx)
}
