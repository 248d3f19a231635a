package bench

import (
	"math"
	"testing"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/train"
)

// TestFLOPs holds the count against figures made by hand, which have three
// digits or two.
func TestFLOPs(t *testing.T) {
	want := map[string]float64{"W1": 13.1e6, "W2": 308e6, "W3": 227e6, "W4": 507e6, "W5": 6.7e3, "W6": 705e6}
	for _, work := range workloads {
		got, err := stepFLOPs(work.graph(), train.OutputName, work.batch)
		if err != nil {
			t.Fatal(err)
		}
		if w, ok := want[work.name]; ok && math.Abs(got/w-1) > 0.01 {
			t.Errorf("%s: %.4g FLOPs, by hand %.4g", work.name, got, w)
		}
		delete(want, work.name)
	}
	if len(want) > 0 {
		t.Errorf("no workload for %v", want)
	}
}

func TestFLOPsOfOps(t *testing.T) {
	in := func(shape ...int) *ir.Value { return ir.Input("", ir.F32, shape...) }
	spec := op.ConvSpec{Stride: []int{2, 1}, Groups: 2}
	x, k := in(3, 9, 8, 4), in(3, 2, 2, 6)
	y := op.Conv2D(x, k, spec) // 3 x 4 x 7 x 6 results of 3 x 2 x 2 products
	const conv = 2 * 3 * 4 * 7 * 6 * 3 * 2 * 2
	for _, c := range []struct {
		v    *ir.Value
		want float64
	}{
		{op.MatMul(in(5, 7), in(7, 3), false, false), 2 * 5 * 7 * 3},
		{op.MatMul(in(7, 5), in(3, 7), true, true), 2 * 5 * 7 * 3},
		{op.MatMul(in(2, 4, 5, 7), in(7, 3), false, false), 2 * 8 * 5 * 7 * 3},
		{op.MatMul(in(5, 7), in(4, 7, 3), false, false), 2 * 4 * 5 * 7 * 3},
		{y, conv},
		{op.Conv2DGradInput(in(y.Shape...), k, x.Shape, spec), conv},
		{op.Conv2DGradKernel(x, in(y.Shape...), k.Shape, spec), conv},
		{op.Add(in(4), in(4)), 0},
	} {
		if got := flops(ir.NewGraph("g", []ir.Output{{Value: c.v}}, nil)); got != c.want {
			t.Errorf("%s %s: %v FLOPs, want %v", c.v.Op, c.v.Type(), got, c.want)
		}
	}
}
