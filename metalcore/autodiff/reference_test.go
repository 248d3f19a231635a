package autodiff_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/metalnb/metalnb/metalcore/autodiff"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

type refArray struct {
	Shape ir.Shape
	Data  []float64
}

// refCase is what testdata/reference.py writes.
type refCase struct {
	Op    string
	Attrs struct {
		Stride, Pad, Dilation, Window []int
		TA, TB                        bool
	}
	Inputs, Grads           []refArray
	Labels, Weights, Result refArray
}

// TestReference holds results and gradients against those of another library.
func TestReference(t *testing.T) {
	text, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []refCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 13 {
		t.Fatalf("only %d cases", len(cases))
	}
	for i, c := range cases {
		t.Run(fmt.Sprint(i, c.Op), func(t *testing.T) { checkReference(t, c) })
	}
}

func checkReference(t *testing.T, c refCase) {
	var in []*ir.Value
	values := map[string][]float64{"weights": c.Weights.Data, "labels": c.Labels.Data}
	for i, a := range c.Inputs {
		in = append(in, ir.Input(fmt.Sprint("x", i), ir.F32, a.Shape...))
		values[in[i].Name] = a.Data
	}
	y := c.build(in)
	loss := op.Sum(op.Mul(y, ir.Input("weights", ir.F32, y.Shape...)), false)
	grads, err := autodiff.Gradients(loss, in)
	if err != nil {
		t.Fatal(err)
	}
	outputs := []ir.Output{{Name: "result", Value: y}}
	for i, g := range grads {
		outputs = append(outputs, ir.Output{Name: in[i].Name, Value: g})
	}
	got := run(t, ir.NewGraph("reference", outputs, nil), values)
	compare(t, "result", y.Shape, got["result"], c.Result)
	for i, want := range c.Grads {
		compare(t, "gradient of "+in[i].Name, grads[i].Shape, got[in[i].Name], want)
	}
}

func (c refCase) build(in []*ir.Value) *ir.Value {
	a := c.Attrs
	switch c.Op {
	case "conv2d":
		return op.Conv2D(in[0], in[1], op.ConvSpec{Stride: a.Stride, Pad: a.Pad, Dilation: a.Dilation})
	case "maxpool2d":
		return op.MaxPool2D(in[0], op.PoolSpec{Window: a.Window, Stride: a.Stride, Pad: a.Pad})
	case "matmul":
		return op.MatMul(in[0], in[1], a.TA, a.TB)
	case "softmax_cross_entropy":
		return op.SoftmaxCrossEntropy(in[0], ir.Input("labels", ir.I32, c.Labels.Shape...))
	case "softmax":
		return op.Softmax(in[0], -1)
	case "log_softmax":
		return op.LogSoftmax(in[0], -1)
	}
	panic("reference.json has an op that this test does not know: " + c.Op)
}

func compare(t *testing.T, what string, shape ir.Shape, got []float64, want refArray) {
	t.Helper()
	if !shape.Equal(want.Shape) {
		t.Fatalf("%s: shape %s, want %s", what, shape, want.Shape)
	}
	for i, w := range want.Data {
		if !(math.Abs(got[i]-w) <= 1e-9*(1+math.Abs(w))) {
			t.Fatalf("%s[%d] = %g, want %g", what, i, got[i], w)
		}
	}
}
