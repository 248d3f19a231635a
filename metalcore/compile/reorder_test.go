package compile

import (
	"testing"

	"github.com/metalnb/metalnb/metalcore/autodiff"
	"github.com/metalnb/metalnb/metalcore/backend/conformance/interp"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// TestReorder: relu moves behind the pooling that alone reads it; results and
// gradients stay.
func TestReorder(t *testing.T) {
	pool := op.PoolSpec{Window: []int{2, 2}}
	same := func(g *ir.Graph) (*ir.Graph, error) { return Reorder(g), nil }
	if got := text(t, same, op.MaxPool2D(op.ReLU(x(2, 4, 6, 3)), pool)); got != "maxpool2d relu" {
		t.Errorf("relu, then pooling, became %q", got)
	}
	y := op.ReLU(x(2, 4, 6, 3))
	if got := text(t, same, op.Add(op.Sum(y, false), op.Sum(op.MaxPool2D(y, pool), false))); got != "relu reduce_sum maxpool2d reduce_sum add" {
		t.Errorf("a relu that others read, too, was moved: %q", got)
	}

	bias := ir.State("bias", ir.F32, ir.Shape{3}, ir.Attrs{ir.AttrTrain: true})
	in := ir.Input("x", ir.F32, 2, 4, 6, 3)
	model := ir.NewGraph("model", []ir.Output{{Name: "y", Value: op.MaxPool2D(op.ReLU(op.Add(in, bias)), pool)}}, nil)
	results := func(model *ir.Graph) []float64 {
		params := model.Params()
		y := model.Output("y")
		grads, err := autodiff.Gradients(op.Sum(op.Mul(y, y), false), params)
		if err != nil {
			t.Fatal(err)
		}
		g, err := simplify(ir.NewGraph("step", []ir.Output{{Name: "y", Value: y}, {Name: "grad", Value: grads[0]}}, nil))
		if err != nil {
			t.Fatal(err)
		}
		data := make([]float64, in.Shape.Elems())
		for i := range data {
			data[i] = float64(i*37%23-11) / 4
		}
		out, _, err := interp.Run(g, map[string][]float64{"x": data}, map[string][]float64{"bias": {-1, 0.25, 2}})
		if err != nil {
			t.Fatal(err)
		}
		return append(out["y"], out["grad"]...)
	}
	want, got := results(model), results(Reorder(model))
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("number %d is %v, want %v", i, got[i], want[i])
		}
	}
}
