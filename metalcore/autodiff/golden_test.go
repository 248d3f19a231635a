package autodiff_test

import (
	"flag"
	"os"
	"testing"

	"github.com/metalnb/metalnb/metalcore/autodiff"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// convNet is a small classifier and the gradients of its parameters.
func convNet(t *testing.T) *ir.Graph {
	at := func(v *ir.Value, layer string, line int) *ir.Value {
		ir.Stamp(v, layer, ir.Pos{File: "cell.go", Line: line})
		return v
	}
	param := func(name string, shape ...int) *ir.Value {
		return ir.State(name, ir.F32, shape, ir.Attrs{ir.AttrInit: "he_normal", ir.AttrTrain: true})
	}
	x, labels := at(ir.Input("x", ir.F32, ir.Batch, 8, 8, 1), "input", 1), ir.Input("labels", ir.I32, ir.Batch)
	kernel, w, b := param("conv.k", 3, 3, 1, 4), param("dense.w", 36, 10), param("dense.b", 10)
	h := at(op.ReLU(op.Conv2D(x, kernel, op.ConvSpec{})), "conv", 2)
	h = at(op.MaxPool2D(h, op.PoolSpec{Window: []int{2, 2}}), "pool", 3)
	h = at(op.Reshape(h, ir.Shape{ir.Batch, 36}), "flatten", 4)
	logits := at(op.Add(op.MatMul(h, w, false, false), b), "dense", 5)
	loss := at(op.Mean(op.SoftmaxCrossEntropy(logits, labels), false), "loss", 6)
	params := []*ir.Value{kernel, w, b}
	grads, err := autodiff.Gradients(loss, params)
	if err != nil {
		t.Fatal(err)
	}
	outputs := []ir.Output{{Name: "loss", Value: loss}}
	for i, g := range grads {
		outputs = append(outputs, ir.Output{Name: params[i].Name, Value: g})
	}
	return ir.NewGraph("step", outputs, nil)
}

// TestGolden keeps the text of a whole step, so that a change to any gradient
// is seen, and holds what Parse makes of it against op.Check.
func TestGolden(t *testing.T) {
	const path = "testdata/step.txt"
	g := convNet(t)
	if *rewrite {
		if err := os.WriteFile(path, []byte(g.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if g.String() != string(want) {
		t.Errorf("the text changed (go test -rewrite writes it anew):\n%s", g)
	}
	back, err := ir.Parse(g.String())
	if err != nil {
		t.Fatal(err)
	}
	if back.String() != g.String() {
		t.Error("the text does not come back as it was")
	}
	for _, graph := range []*ir.Graph{back, back.Bind(5)} {
		if err := op.Check(graph); err != nil {
			t.Error(err)
		}
	}
}
