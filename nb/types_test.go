package nb_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/metalnb/metalnb/datasets"
	"github.com/metalnb/metalnb/nb"
)

// Images as bytes stay bytes on the device; the model makes them 0 to 1.
func ExampleData_bytes() {
	black, white := [][]uint8{{0, 0}, {0, 0}}, [][]uint8{{255, 255}, {255, 255}}
	d := nb.Data("squares", [][][]uint8{black, white}, []bool{false, true}, "black", "white")
	model := nb.Input(2, 2).Flatten().Mul(1.0 / 255).Dense(2)
	t := nb.NewTrainer("squares", model, nb.Config{Data: d, Optimizer: nb.SGD{LR: 1}})
	defer t.Drop()
	t.Start(20)
	for t.Running() {
	}
	fmt.Println(d.X(1))
	fmt.Println("accuracy", t.Evaluate(d)["accuracy"])
	// Output:
	// [[[255 255]
	//   [255 255]]]
	// accuracy 1
}

func ExampleTensor_Cast() {
	x := nb.Array([]float64{1.0 / 3, 70000, 2.7})
	fmt.Println(x.Cast(nb.F16), x.Cast(nb.U8), x.Lt(3))
	// Output: [0.3333    inf 2.7   ] [  0 255   2] [ True False  True]
}

func TestGoTypes(t *testing.T) {
	for _, c := range []struct {
		x     any
		dtype string
		want  []float64
	}{
		{[]uint8{0, 255}, nb.U8, []float64{0, 255}}, {[][]bool{{true}, {false}}, nb.Bool, []float64{1, 0}},
		{[]int64{1 << 40, -1}, nb.I64, []float64{1 << 40, -1}}, {[]int{3, -4}, nb.I32, []float64{3, -4}},
		{[]uint16{65535}, nb.I32, []float64{65535}}, {[]float64{0.5}, nb.F32, []float64{0.5}}, {[][]float32{{1}, {2}}, nb.F32, []float64{1, 2}},
		{[2][2]uint8{{1, 2}, {3, 4}}, nb.U8, []float64{1, 2, 3, 4}}, {true, nb.Bool, []float64{1}},
	} {
		a := nb.Array(c.x)
		if got := a.Cast(nb.F32).Cast(nb.F32).Values(); a.DType() != c.dtype || !slices.Equal(a.Values(), c.want) || !slices.Equal(got, c.want) {
			t.Errorf("%T is %s %v, as f32 %v", c.x, a.DType(), a.Values(), got)
		}
	}
}

// TestMixedTypes: in arithmetic of two types the one that holds more decides.
func TestMixedTypes(t *testing.T) {
	typed := func(dtype string) *nb.Tensor { return nb.Array([]int{1, 0, 3}).Cast(dtype) }
	for _, c := range [][3]string{
		{nb.U8, nb.I32, nb.I32}, {nb.Bool, nb.U8, nb.U8}, {nb.I64, nb.F16, nb.F16}, {nb.F16, nb.BF16, nb.F32}, {nb.BF16, nb.F32, nb.F32},
	} {
		for _, y := range []*nb.Tensor{typed(c[0]).Mul(typed(c[1])), typed(c[1]).Maximum(typed(c[0]))} {
			if y.DType() != c[2] || y.Values()[1] != 0 {
				t.Errorf("%s with %s gives %s %v", c[0], c[1], y.DType(), y.Values())
			}
		}
	}
	for _, dtype := range []string{nb.U8, nb.I32, nb.I64, nb.Bool, nb.F16, nb.BF16} {
		x := typed(dtype)
		if got := x.Sum().Item(); got != 4 && (got != 2 || dtype != nb.Bool) {
			t.Errorf("the sum of %s is %v", dtype, got)
		}
		if got := x.ArgMin(0).Item(); got != 1 {
			t.Errorf("the least of %s is element %v", dtype, got)
		}
		if x.Any().Item() != 1 || x.All().Item() != 0 || !slices.Equal(x.Not().Values(), []float64{0, 1, 0}) {
			t.Errorf("%s: any %v, all %v, not %v", dtype, x.Any(), x.All(), x.Not())
		}
		if got := x.Where(5, 7).Values(); !slices.Equal(got, []float64{5, 7, 5}) {
			t.Errorf("where %s: %v", dtype, got)
		}
		if dtype == nb.Bool || dtype == nb.F16 || dtype == nb.BF16 {
			continue
		}
		if got := nb.Array([]float64{4, 5, 6, 7}).Take(x).Values(); !slices.Equal(got, []float64{5, 4, 7}) {
			t.Errorf("rows by %s: %v", dtype, got)
		}
	}
}

func TestUnknownType(t *testing.T) {
	e := raised(t, func() { nb.Array(1).Cast("f64") })
	if e.Code != nb.CodeArgument {
		t.Error(e)
	}
}

// The digits in 16 bits: the parameters stay f32, and the loss is scaled so that
// small gradients are not rounded to 0.
func ExamplePrecision() {
	digits := datasets.Digits()
	model := nb.Input(8, 8, 1).Conv2D(16, 3).ReLU().MaxPool2D(2).Flatten().Dense(10)
	t := nb.NewTrainer("digits in halves", model, nb.Config{
		Data: digits.Train, Optimizer: nb.Adam{LR: 0.003}, Seed: 1, Precision: nb.MixedFloat16,
	})
	defer t.Drop()
	t.Start(10)
	for t.Running() {
	}
	fmt.Println("good:", t.Evaluate(digits.Test)["accuracy"] > 0.95, "skipped few:", t.Skipped() < 20)
	// Output: good: true skipped few: true
}
