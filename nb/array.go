package nb

import (
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// Array makes a tensor of a Go number or a (nested) slice of numbers; all rows
// of one axis must be equally long. Floats become f32, uint8 u8, bool bool, int64
// i64 and all other integers i32.
//
//	nb.Array([][]float64{{1, 2}, {3, 4}})   // f32[2,2]
func Array(x any) *Tensor {
	t, err := pack(x)
	if err != nil {
		argument("pass a number or nested slices of numbers in which all rows are equally long", "Array: %v", err)
	}
	return concrete(t)
}

// concrete makes a tensor of numbers that are there.
func concrete(data *wire.Tensor) *Tensor {
	dtype, err := ir.ParseDType(data.DType)
	must(err)
	return &Tensor{v: ir.Input("array", dtype, data.Shape...), data: data}
}

// pack flattens nested slices.
func pack(x any) (*wire.Tensor, error) {
	v := reflect.ValueOf(x)
	if !v.IsValid() {
		return nil, fmt.Errorf("there is nothing in it")
	}
	t := &wire.Tensor{DType: "f32", Shape: []int{}}
	elem := v.Type()
	for w := v; elem.Kind() == reflect.Slice || elem.Kind() == reflect.Array; elem = elem.Elem() {
		n := 0
		if w.IsValid() {
			n = w.Len()
		}
		t.Shape = append(t.Shape, n)
		if n > 0 {
			w = w.Index(0)
		} else {
			w = reflect.Value{}
		}
	}
	dtype, err := dtypeOf(elem)
	if err != nil {
		return nil, err
	}
	t.DType = dtype.String()
	size := ir.Shape(t.Shape).Elems() * dtype.Size()
	t.Data, err = packInto(make([]byte, 0, max(0, min(size, maxFirst))), v, t.Shape, dtype)
	return t, err
}

// maxFirst bounds what is allocated before the rows are known to be as long as
// the first one.
const maxFirst = 1 << 30

// dtypeOf is the element type that a Go type becomes.
func dtypeOf(t reflect.Type) (ir.DType, error) {
	switch k := t.Kind(); {
	case k == reflect.Float32 || k == reflect.Float64:
		return ir.F32, nil
	case k == reflect.Uint8:
		return ir.U8, nil
	case k == reflect.Bool:
		return ir.Bool, nil
	case k == reflect.Int64:
		return ir.I64, nil
	case k >= reflect.Int && k <= reflect.Uint64:
		return ir.I32, nil
	}
	return 0, fmt.Errorf("elements of type %v are not numbers", t)
}

func appendFloats(data []byte, xs []float32) []byte {
	data = slices.Grow(data, 4*len(xs))
	for _, x := range xs {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x))
	}
	return data
}

// packInto appends the elements of v, which must have the given shape.
func packInto(data []byte, v reflect.Value, shape []int, dtype ir.DType) ([]byte, error) {
	if len(shape) == 0 {
		return packOne(data, v, dtype)
	}
	if v.Len() != shape[0] {
		return nil, fmt.Errorf("a row has %d elements and the first one of its axis %d", v.Len(), shape[0])
	}
	switch xs := v.Interface().(type) {
	case []float32:
		return appendFloats(data, xs), nil
	case []uint8:
		return append(data, xs...), nil
	}
	var err error
	for i := range v.Len() {
		if data, err = packInto(data, v.Index(i), shape[1:], dtype); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// packOne appends one element.
func packOne(data []byte, v reflect.Value, dtype ir.DType) ([]byte, error) {
	switch dtype {
	case ir.F32:
		return binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(v.Float()))), nil
	case ir.U8:
		return append(data, uint8(v.Uint())), nil
	case ir.I64:
		return binary.LittleEndian.AppendUint64(data, uint64(v.Int())), nil
	case ir.Bool:
		if v.Bool() {
			return append(data, 1), nil
		}
		return append(data, 0), nil
	}
	n, err := toInt32(v)
	return binary.LittleEndian.AppendUint32(data, uint32(n)), err
}

func toInt32(v reflect.Value) (int32, error) {
	if v.CanInt() {
		if n := v.Int(); n == int64(int32(n)) {
			return int32(n), nil
		}
	} else if n := v.Uint(); n <= math.MaxInt32 {
		return int32(n), nil
	}
	return 0, fmt.Errorf("%v does not fit in 32 bits", v)
}
