package feed_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
)

// array is one of the given numbers in the type.
func array(d ir.DType, numbers []float64, shape ...int) feed.Array {
	a := feed.Array{DType: d, Shape: shape}
	for _, x := range numbers {
		a.Data = ir.AppendElement(a.Data, d, x)
	}
	return a
}

// TestTypesOfSets: rows keep their type, labels become i32 and targets f32.
func TestTypesOfSets(t *testing.T) {
	for _, d := range ir.DTypes() {
		x := array(d, []float64{0, 1, 1, 0, 1, 1}, 3, 2)
		y := array(d, []float64{0, 1, 1}, 3)
		s, err := feed.NewSet("mine", x, y, nil)
		if err != nil {
			t.Errorf("%v: %v", d, err)
			continue
		}
		want := ir.I32
		if d.Float() {
			want = ir.F32
		}
		if s.X.DType != d || s.Bytes() != int64(6*d.Size()+12) || s.Y.DType != want || !slices.Equal(s.Y.Numbers(), []float64{0, 1, 1}) {
			t.Errorf("%v: x %v of %d bytes, y %v %v", d, s.X, s.Bytes(), s.Y, s.Y.Numbers())
		}
		rows, err := s.Rows("some", []int{2, 0})
		if err != nil || !slices.Equal(rows.X.Numbers(), []float64{1, 1, 0, 1}) {
			t.Errorf("%v: rows %v, %v", d, rows.X.Numbers(), err)
		}
	}
	x := array(ir.U8, []float64{0, 255}, 2, 1)
	for want, set := range map[string][2]feed.Array{
		"for a regression give the targets as f32":          {x, array(ir.I64, []float64{0, 1 << 40}, 2)},
		"label -5 in row 1":                                 {x, array(ir.I64, []float64{0, -5}, 2)},
		"y holds NaN in row 1":                              {x, array(ir.F16, []float64{0, math.NaN()}, 2)},
		"x: array bool[2,1] holds 7 in row 1, column 0":     {feed.Array{DType: ir.Bool, Shape: ir.Shape{2, 1}, Data: []byte{1, 7}}, array(ir.U8, []float64{0, 1}, 2)},
		"x holds +Inf in row 0, column 0":                   {array(ir.BF16, []float64{math.Inf(1), 1}, 2, 1), array(ir.U8, []float64{0, 1}, 2)},
		"needs 2 numbers, got 3 bytes, which are 3 numbers": {feed.Array{DType: ir.U8, Shape: ir.Shape{2, 1}, Data: make([]byte, 3)}, array(ir.U8, []float64{0, 1}, 2)},
		"y: array i64[2] needs 2 numbers, got 8":            {x, feed.Array{DType: ir.I64, Shape: ir.Shape{2}, Data: make([]byte, 8)}},
	} {
		if _, err := feed.NewSet("mine", set[0], set[1], nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestCast(t *testing.T) {
	a := array(ir.F32, []float64{-1.5, 2.5, 300}, 3)
	for d, want := range map[ir.DType][]float64{ir.U8: {0, 2, 255}, ir.I64: {-1, 2, 300}, ir.Bool: {1, 1, 1}, ir.BF16: {-1.5, 2.5, 300}, ir.F32: {-1.5, 2.5, 300}} {
		if b := a.Cast(d); b.DType != d || b.Check() != nil || !slices.Equal(b.Numbers(), want) {
			t.Errorf("as %v: %v %v", d, b, b.Numbers())
		}
	}
}
