package loss_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/autodiff"
	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/loss"
	"github.com/metalnb/metalnb/metalcore/op"
)

// reference is a case of testdata/reference.py, which PyTorch computed.
type reference struct {
	Case, Loss string
	Numbers    map[string]float64
	Weights    []float64
	Ignore     []int
	Sample     []float32
	Shape      []int
	X, Y       []float32
	Labels     []int32
	Rows, Grad []float64
	Mean       float64
}

// result is a loss of each row, its mean, and the gradient of the mean.
type result struct{ rows, mean, grad []float32 }

// compute runs a loss on the CPU.
func compute(t *testing.T, l *loss.Loss, out, y feed.Array, sample []float32) result {
	t.Helper()
	arrays := map[string]feed.Array{"out": out, "y": y}
	x := input("out", out)
	var weights *ir.Value
	if sample != nil {
		arrays["w"] = feed.FromF32(sample, len(sample))
		weights = input("w", arrays["w"])
	}
	for name, list := range l.Inputs() {
		arrays[name] = feed.FromF32(list, len(list))
	}
	rows, err := l.Build(x, input("y", y), weights)
	if err != nil {
		t.Fatal(err)
	}
	grads, err := autodiff.Gradients(rows.Mean(), []*ir.Value{x})
	if err != nil {
		t.Fatal(err)
	}
	outputs := []ir.Output{{Name: "rows", Value: rows.Loss}, {Name: "mean", Value: rows.Mean()}, {Name: "grad", Value: grads[0]}}
	got := run(t, ir.NewGraph(l.Name(), outputs, nil), arrays)
	return result{got[0], got[1], got[2]}
}

// run computes the outputs of a graph, which are all f32.
func run(t *testing.T, g *ir.Graph, arrays map[string]feed.Array) (out [][]float32) {
	t.Helper()
	p, _, err := compile.Compile(g, compile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	dev := cpu.New(1)
	defer dev.Close()
	exec, err := dev.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Free()
	var b backend.Bindings
	for _, v := range p.Inputs {
		b.Inputs = append(b.Inputs, buffer(t, dev, arrays[v.Name].Data))
	}
	for _, o := range p.Outputs {
		b.Outputs = append(b.Outputs, buffer(t, dev, make([]byte, o.Value.Bytes())))
	}
	if err := exec.Submit(b, 1).Wait(); err != nil {
		t.Fatal(err)
	}
	for i, o := range p.Outputs {
		a := feed.Array{DType: ir.F32, Shape: o.Value.Shape, Data: make([]byte, o.Value.Bytes())}
		if err := b.Outputs[i].Download(0, a.Data); err != nil {
			t.Fatal(err)
		}
		out = append(out, a.F32s())
	}
	return out
}

func input(name string, a feed.Array) *ir.Value { return ir.Input(name, a.DType, a.Shape...) }

func buffer(t *testing.T, dev backend.Device, data []byte) backend.Buffer {
	t.Helper()
	buf, err := dev.Alloc(int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(buf.Free)
	if err := buf.Upload(0, data); err != nil {
		t.Fatal(err)
	}
	return buf
}

func near(t *testing.T, what string, got []float32, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: got %d numbers, want %d", what, len(got), len(want))
		return
	}
	for i := range got {
		if d := math.Abs(float64(got[i]) - want[i]); !(d <= 1e-5*math.Max(0.1, math.Abs(want[i]))) {
			t.Errorf("%s[%d] is %v, PyTorch has %v", what, i, got[i], want[i])
		}
	}
}

func TestLossesOfPyTorch(t *testing.T) {
	text, err := os.ReadFile("testdata/losses.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []reference
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{loss.Function: true} // see TestFunction
	for _, r := range all {
		seen[r.Loss] = true
		t.Run(r.Case, func(t *testing.T) {
			l, err := loss.New(r.Loss, loss.Settings{Numbers: r.Numbers, Weights: r.Weights, Ignore: r.Ignore})
			if err != nil {
				t.Fatal(err)
			}
			out := feed.FromF32(r.X, r.Shape...)
			y := feed.FromI32(r.Labels, len(r.Labels))
			if r.Labels == nil {
				y = feed.FromF32(r.Y, r.Shape...)
			}
			got := compute(t, l, out, y, r.Sample)
			near(t, "rows", got.rows, r.Rows)
			near(t, "mean", got.mean, []float64{r.Mean})
			near(t, "gradient", got.grad, r.Grad)
		})
	}
	for _, name := range loss.Names() {
		if !seen[name] {
			t.Errorf("there are no numbers for the loss %s", name)
		}
	}
}

// A batch of which no row counts has the loss 0, and moves nothing.
func TestAllIgnored(t *testing.T) {
	l, err := loss.New(loss.CrossEntropy, loss.Settings{Ignore: []int{1, 2}})
	if err != nil {
		t.Fatal(err)
	}
	got := compute(t, l, feed.FromF32([]float32{1, 2, 3, 4, 5, 6}, 2, 3), feed.FromI32([]int32{1, 2}, 2), nil)
	near(t, "mean", got.mean, []float64{0})
	near(t, "gradient", got.grad, make([]float64, 6))
}

// cubes is the graph of a user's loss: |x - y|³ per row, or its mean.
func cubes(mean bool) *ir.Graph {
	x, y := ir.Input("output", ir.F32, ir.Batch, 2), ir.Input("target", ir.F32, ir.Batch, 2)
	d := op.Abs(op.Sub(x, y))
	v := op.Mean(op.Mul(d, op.Mul(d, d)), false, 1)
	if mean {
		v = op.Mean(v, false)
	}
	return ir.NewGraph("cubes", []ir.Output{{Name: "loss", Value: v}}, nil)
}

func TestFunction(t *testing.T) {
	out, y := feed.FromF32([]float32{1, 2, 3, 4}, 2, 2), feed.FromF32([]float32{0, 0, 3, 1}, 2, 2)
	grad := []float64{3.0 / 4, 3, 0, 27.0 / 4}
	for _, c := range []struct {
		mean bool
		rows []float64
	}{{false, []float64{4.5, 13.5}}, {true, []float64{9, 9}}} {
		l, err := loss.New(loss.Function, loss.Settings{Graph: cubes(c.mean)})
		if err != nil {
			t.Fatal(err)
		}
		got := compute(t, l, out, y, nil)
		near(t, "rows", got.rows, c.rows)
		near(t, "mean", got.mean, []float64{9})
		near(t, "gradient", got.grad, grad)
	}
}

func ExampleLoss_Check() {
	l, err := loss.New(loss.CrossEntropy, loss.Settings{Numbers: map[string]float64{"smoothing": 0.1}})
	if err != nil {
		panic(err)
	}
	out := ir.Input("y", ir.F32, ir.Batch, 9)
	labels := ir.Input("labels", ir.I32, ir.Batch)
	fmt.Println(l)
	fmt.Println(l.Check(out, labels, 10))
	// Output:
	// cross_entropy(smoothing=0.1)
	// loss cross_entropy: the model ends in [B,9] but the data has 10 classes: end the model with Dense(10)
}

func TestBadInput(t *testing.T) {
	f32 := func(shape ...int) *ir.Value { return ir.Input("v", ir.F32, shape...) }
	i32 := func(shape ...int) *ir.Value { return ir.Input("v", ir.I32, shape...) }
	B := ir.Batch
	cases := []struct {
		loss     string
		settings loss.Settings
		out, y   *ir.Value
		want     string
	}{
		{"cross_entropy", loss.Settings{}, f32(B, 9), i32(B), "ends in [B,9] but the data has 10 classes: end the model with Dense(10)"},
		{"cross_entropy", loss.Settings{}, f32(B, 4, 10), i32(B), "end the model with Flatten and Dense"},
		{"cross_entropy", loss.Settings{}, f32(B, 10), f32(B), `the labels are f32[B]: give class numbers as i32, or use the loss "mse"`},
		{"cross_entropy", loss.Settings{}, f32(B, 10), f32(B, 9), "ends in [B,10] but the labels are [B,9]: end the model with Dense(9)"},
		{"cross_entropy", loss.Settings{}, i32(B, 10), i32(B), "the model's output is i32[B,10]: it must be f32"},
		{"cross_entropy", loss.Settings{}, f32(-4, 10), i32(B), "the numbers of rows differ"},
		{"cross_entropy", loss.Settings{Weights: []float64{1, 2}}, f32(B, 10), i32(B), "2 class weights for a model that ends in [B,10]"},
		{"cross_entropy", loss.Settings{Ignore: []int{1}}, f32(B, 10), f32(B, 10), "give such rows the weight 0"},
		{"mse", loss.Settings{}, f32(), f32(B), "the model's output is f32[]"},
		{"mse", loss.Settings{}, f32(B, 3), i32(B), `use the loss "cross_entropy" for classes`},
		{"mse", loss.Settings{}, f32(B, 3), f32(B, 2), "ends in [B,3] but the targets are [B,2]: end the model with Dense(2)"},
		{"mae", loss.Settings{}, f32(B, 3), f32(B), "end the model with Dense(1)"},
		{"bce", loss.Settings{}, f32(B, 3), i32(B), `end the model with Dense(1), give f32 labels of the output's shape, or use the loss "cross_entropy"`},
		{"bce_logits", loss.Settings{}, f32(B, 1), i32(B), "the data has 10 classes, and one output tells two apart"},
		{"hinge", loss.Settings{}, f32(B, 3), i32(B), "end the model with Dense(10)"},
		{"kl", loss.Settings{}, f32(B, 1), f32(B), "compares rows of several numbers"},
		{"cosine", loss.Settings{}, f32(B), f32(B), "compares rows of several numbers"},
		{"function", loss.Settings{Graph: cubes(false)}, f32(B, 3), f32(B, 2), "was made for an output of f32[B,2], but it is f32[B,3]"},
	}
	for _, c := range cases {
		l, err := loss.New(c.loss, c.settings)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Check(c.out, c.y, 10); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s of %s and %s: got %v, want %q", c.loss, c.out.Type(), c.y.Type(), err, c.want)
		}
	}
}

func TestBadSettings(t *testing.T) {
	x := ir.Input("output", ir.F32, ir.Batch, 2)
	graph := func(v *ir.Value) *ir.Graph { return ir.NewGraph("f", []ir.Output{{Name: "loss", Value: v}}, nil) }
	cases := []struct {
		loss     string
		settings loss.Settings
		want     string
	}{
		{"poisson", loss.Settings{}, `no loss "poisson": there are cross_entropy, bce`},
		{"mse", loss.Settings{Numbers: map[string]float64{"delta": 1}}, `mse has no setting "delta": it has none`},
		{"huber", loss.Settings{Numbers: map[string]float64{"delta": 0}}, "delta is 0: it must be a positive number"},
		{"cross_entropy", loss.Settings{Numbers: map[string]float64{"smoothing": 1}}, "smoothing is 1: it must be at least 0 and below 1"},
		{"cross_entropy", loss.Settings{Weights: []float64{1, -1}}, "the weight of class 1 is -1"},
		{"mae", loss.Settings{Weights: []float64{1}}, "takes no class weights"},
		{"function", loss.Settings{}, `a graph goes with the loss "function"`},
		{"mse", loss.Settings{Graph: cubes(true)}, `a graph goes with the loss "function"`},
		{"function", loss.Settings{Graph: graph(x)}, "the loss function makes f32[B,2]"},
		{"function", loss.Settings{Graph: ir.NewGraph("f", nil, nil)}, `no output "loss"`},
		{"function", loss.Settings{Graph: graph(ir.Const(1, ir.F32))}, "does not use the model's output"},
		{"function", loss.Settings{Graph: graph(op.Mean(op.Add(x, ir.Input("z", ir.F32, ir.Batch, 2)), false, 1))}, `the input "z"`},
		{"function", loss.Settings{Graph: graph(op.Mean(op.Mul(x, ir.State("w", ir.F32, ir.Shape{2}, nil)), false, 1))}, "has parameters"},
	}
	for _, c := range cases {
		if _, err := loss.New(c.loss, c.settings); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with %+v: got %v, want %q", c.loss, c.settings, err, c.want)
		}
	}
}
