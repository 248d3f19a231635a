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
// of one axis must be equally long. Integers become i32, floats f32.
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
	if k := elem.Kind(); k >= reflect.Int && k <= reflect.Uint64 {
		t.DType = "i32"
	} else if k != reflect.Float32 && k != reflect.Float64 {
		return nil, fmt.Errorf("elements of type %v are not numbers", elem)
	}
	if fast, ok := x.([]float32); ok {
		t.Data = appendFloats(nil, fast)
		return t, nil
	}
	var err error
	t.Data, err = packInto(nil, v, t.Shape, t.DType == "i32")
	return t, err
}

func appendFloats(data []byte, xs []float32) []byte {
	data = slices.Grow(data, 4*len(xs))
	for _, x := range xs {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x))
	}
	return data
}

// packInto appends the elements of v, which must have the given shape.
func packInto(data []byte, v reflect.Value, shape []int, ints bool) ([]byte, error) {
	if len(shape) == 0 {
		if !ints {
			return binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(v.Float()))), nil
		}
		n, err := toInt32(v)
		return binary.LittleEndian.AppendUint32(data, uint32(n)), err
	}
	if v.Len() != shape[0] {
		return nil, fmt.Errorf("a row has %d elements and the first one of its axis %d", v.Len(), shape[0])
	}
	if xs, ok := v.Interface().([]float32); ok {
		return appendFloats(data, xs), nil
	}
	var err error
	for i := range v.Len() {
		if data, err = packInto(data, v.Index(i), shape[1:], ints); err != nil {
			return nil, err
		}
	}
	return data, nil
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
