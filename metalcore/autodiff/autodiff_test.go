package autodiff_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/autodiff"
	"github.com/metalnb/metalnb/metalcore/backend/conformance/interp"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// The gradient of a mean over the batch is right for whatever batch the graph
// is bound to.
func Example() {
	x := ir.Input("x", ir.F32, ir.Batch)
	w := ir.State("w", ir.F32, ir.Shape{}, nil)
	loss := op.Mean(op.Mul(op.Mul(w, w), x), false)
	grads, err := autodiff.Gradients(loss, []*ir.Value{w})
	if err != nil {
		fmt.Println(err)
		return
	}
	g := ir.NewGraph("step", []ir.Output{{Name: "dw", Value: grads[0]}}, nil)
	out, _, err := interp.Run(g.Bind(4), map[string][]float64{"x": {1, 2, 3, 6}}, map[string][]float64{"w": {5}})
	fmt.Println(out["dw"], err)
	// Output: [30] <nil>
}

// gradients returns the gradients of the sum of f for its inputs, at points.
func gradients(t *testing.T, f func(in []*ir.Value) *ir.Value, points ...[]float64) [][]float64 {
	t.Helper()
	var in []*ir.Value
	values := map[string][]float64{}
	for i, p := range points {
		in = append(in, ir.Input(fmt.Sprint("x", i), ir.F32, len(p)))
		values[in[i].Name] = p
	}
	grads, err := autodiff.Gradients(op.Sum(f(in), false), in)
	if err != nil {
		t.Fatal(err)
	}
	var outputs []ir.Output
	for i, g := range grads {
		outputs = append(outputs, ir.Output{Name: in[i].Name, Value: g})
	}
	got := run(t, ir.NewGraph("gradients", outputs, nil), values)
	var out [][]float64
	for _, x := range in {
		out = append(out, got[x.Name])
	}
	return out
}

// TestConventions fixes the gradients where there is no derivative; the numbers
// are PyTorch's.
func TestConventions(t *testing.T) {
	type list = []float64
	image := ir.Shape{1, 2, 2, 1}
	cases := []struct {
		name string
		f    func(in []*ir.Value) *ir.Value
		at   []list
		want []list
	}{
		{"relu", func(in []*ir.Value) *ir.Value { return op.ReLU(in[0]) }, []list{{-1, 0, 2}}, []list{{0, 0, 1}}},
		{"abs", func(in []*ir.Value) *ir.Value { return op.Abs(in[0]) }, []list{{-1, 0, 2}}, []list{{-1, 0, 1}}},
		{"max", func(in []*ir.Value) *ir.Value { return op.Max(in[0], in[1]) },
			[]list{{1, 2, 3}, {2, 2, 2}}, []list{{0, 0.5, 1}, {1, 0.5, 0}}},
		{"min", func(in []*ir.Value) *ir.Value { return op.Min(in[0], in[1]) },
			[]list{{1, 2, 3}, {2, 2, 2}}, []list{{1, 0.5, 0}, {0, 0.5, 1}}},
		{"max over", func(in []*ir.Value) *ir.Value { return op.MaxOver(in[0], false) },
			[]list{{3, 1, 3, 3, 3}}, []list{{0.25, 0, 0.25, 0.25, 0.25}}},
		{"min over", func(in []*ir.Value) *ir.Value { return op.MinOver(in[0], false) },
			[]list{{3, 1, 3, 1}}, []list{{0, 0.5, 0, 0.5}}},
		{"prod with a 0", func(in []*ir.Value) *ir.Value { return op.Prod(in[0], false) },
			[]list{{3, 0, -2}}, []list{{0, -6, 0}}},
		{"prod with two", func(in []*ir.Value) *ir.Value { return op.Prod(in[0], false) },
			[]list{{3, 0, 0}}, []list{{0, 0, 0}}},
		{"pow", func(in []*ir.Value) *ir.Value { return op.Pow(in[0], in[1]) },
			[]list{{0, -2, 0}, {2, 0, 0}}, []list{{0, 0, 0}, nil}},
		{"max pool", func(in []*ir.Value) *ir.Value {
			return op.MaxPool2D(op.Reshape(in[0], image), op.PoolSpec{Window: []int{2, 2}})
		}, []list{{1, 7, 7, 7}}, []list{{0, 1, 0, 0}}},
		{"cast to i32 and back", func(in []*ir.Value) *ir.Value {
			return op.Cast(op.Cast(in[0], ir.I32), ir.F32)
		}, []list{{1.5, -2.5}}, []list{{0, 0}}},
	}
	for _, c := range cases {
		got := gradients(t, c.f, c.at...)
		for i, want := range c.want {
			if want != nil && !slices.Equal(got[i], want) {
				t.Errorf("%s: gradient %d is %v, want %v", c.name, i, got[i], want)
			}
		}
	}
	zeroPow := gradients(t, func(in []*ir.Value) *ir.Value { return op.Pow(in[0], in[1]) }, []float64{0, 0}, []float64{2, 0})
	if !slices.Equal(zeroPow[1], []float64{0, 0}) {
		t.Errorf("pow: the gradient of the exponent of 0 is %v, want zeros", zeroPow[1])
	}
}

func TestUnusedAndSelf(t *testing.T) {
	x, unused := ir.Input("x", ir.F32), ir.Input("unused", ir.F32, ir.Batch, 2)
	loss := op.Exp(x)
	grads, err := autodiff.Gradients(loss, []*ir.Value{unused, loss})
	if err != nil {
		t.Fatal(err)
	}
	if g := grads[0]; g.Op != ir.OpConst || g.Float("value") != 0 || !g.Shape.Equal(unused.Shape) {
		t.Errorf("the gradient of an unused value is %s of %s", g.Op, g.Type())
	}
	if g := grads[1]; g.Op != ir.OpConst || g.Float("value") != 1 {
		t.Errorf("the gradient of the loss for itself is %s", g.Op)
	}
}

func TestErrors(t *testing.T) {
	x := ir.Input("x", ir.F32, 1, 4, 4, 1)
	spec := op.PoolSpec{Window: []int{2, 2}}
	y := op.MaxPool2D(x, spec)
	second := op.Sum(op.MaxPool2DGrad(x, y, y, spec), false)
	second.In[0].Layer, second.In[0].Pos = "pool", ir.Pos{File: "cell.go", Line: 3}
	number := ir.Input("i", ir.I32)
	strange := &ir.Value{Op: "strange", In: []*ir.Value{x}, DType: ir.F32}
	for _, c := range []struct {
		loss, wrt *ir.Value
		want      string
	}{
		{y, x, "a loss is one floating point number; take the mean or sum"},
		{nil, x, "a loss that is nil"},
		{op.Sum(y, false), nil, "a value that is nil"},
		{op.Sum(y, false), number, `input "i" of type i32[]; only floating point`},
		{second, x, "maxpool2d_grad of layer pool (cell.go:3): it has none: second derivatives"},
		{strange, x, "no such op"},
	} {
		_, err := autodiff.Gradients(c.loss, []*ir.Value{c.wrt})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
}

// TestStamp: new values tell the layer and line of the forward value, and old
// ones are left as they are.
func TestStamp(t *testing.T) {
	x, w := ir.Input("x", ir.F32, 3), ir.State("w", ir.F32, ir.Shape{3}, nil)
	y := op.Mul(op.Tanh(x), w)
	pos := ir.Pos{File: "cell.go", Line: 12}
	ir.Stamp(y, "gate", pos)
	bare := op.Exp(y)
	loss := op.Sum(bare, false)
	forward := map[*ir.Value]bool{}
	for _, v := range ir.NewGraph("forward", []ir.Output{{Name: "loss", Value: loss}}, nil).Values {
		forward[v] = true
	}
	grads, err := autodiff.Gradients(loss, []*ir.Value{w})
	if err != nil {
		t.Fatal(err)
	}
	layers := map[string]int{}
	for _, v := range ir.NewGraph("backward", []ir.Output{{Name: "w", Value: grads[0]}}, nil).Values {
		if !forward[v] {
			layers[v.Layer+" "+v.Pos.String()]++
		}
	}
	if layers["gate cell.go:12"] == 0 || layers[" "] == 0 || len(layers) != 2 {
		t.Errorf("the new values' layers are %v", layers)
	}
	if bare.Layer != "" || loss.Pos.File != "" {
		t.Errorf("old values were stamped: %q", bare.Layer)
	}
}
