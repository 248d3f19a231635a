package loss_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/loss"
)

// compute runs the loss of out and y on the CPU.
func compute(t *testing.T, name string, out, y feed.Array) []float32 {
	t.Helper()
	perRow, err := loss.Build(name, input("out", out), input("y", y))
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := compile.Compile(ir.NewGraph(name, []ir.Output{{Name: "loss", Value: perRow}}, nil), compile.Options{})
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
	arrays := map[string]feed.Array{"out": out, "y": y}
	for _, v := range p.Inputs {
		b.Inputs = append(b.Inputs, buffer(t, dev, arrays[v.Name].Data))
	}
	got := feed.Array{DType: ir.F32, Shape: perRow.Shape, Data: make([]byte, perRow.Bytes())}
	b.Outputs = append(b.Outputs, buffer(t, dev, got.Data))
	if err := exec.Submit(b, 1).Wait(); err != nil {
		t.Fatal(err)
	}
	if err := b.Outputs[0].Download(0, got.Data); err != nil {
		t.Fatal(err)
	}
	return got.F32s()
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

func TestValues(t *testing.T) {
	out := []float32{1, 2, -1, 0.5, 0, 100}
	y := []float32{0, 4, -1, 0.25, 3, 98}
	cross := func(logits []float64, label int) float64 {
		sum := 0.0
		for _, z := range logits {
			sum += math.Exp(z - 100)
		}
		return math.Log(sum) - (logits[label] - 100)
	}
	cases := []struct {
		name   string
		loss   string
		out, y feed.Array
		want   []float64
	}{
		{"cross entropy", loss.CrossEntropy, feed.FromF32(out, 2, 3), feed.FromI32([]int32{1, 0}, 2),
			[]float64{cross([]float64{1, 2, -1}, 1), cross([]float64{0.5, 0, 100}, 0)}},
		{"mse of rows", loss.MSE, feed.FromF32(out, 2, 3), feed.FromF32(y, 2, 3), []float64{5.0 / 3, (0.0625 + 9 + 4) / 3}},
		{"mae of rows", loss.MAE, feed.FromF32(out, 2, 3), feed.FromF32(y, 2, 3), []float64{1, (0.25 + 3 + 2) / 3}},
		{"targets [N]", loss.MSE, feed.FromF32(out, 6, 1), feed.FromF32(y, 6), []float64{1, 4, 0, 0.0625, 9, 4}},
		{"output [B]", loss.MAE, feed.FromF32(out, 6), feed.FromF32(y, 6, 1), []float64{1, 2, 0, 0.25, 3, 2}},
	}
	for _, c := range cases {
		got := compute(t, c.loss, c.out, c.y)
		if len(got) != len(c.want) {
			t.Errorf("%s: got %d rows, want %d", c.name, len(got), len(c.want))
			continue
		}
		for i := range got {
			if d := math.Abs(float64(got[i]) - c.want[i]); d > 1e-5*math.Max(1, math.Abs(c.want[i])) {
				t.Errorf("%s: row %d is %v, want %v", c.name, i, got[i], c.want[i])
			}
		}
	}
}

func TestBadInput(t *testing.T) {
	f32 := func(shape ...int) *ir.Value { return ir.Input("v", ir.F32, shape...) }
	i32 := func(shape ...int) *ir.Value { return ir.Input("v", ir.I32, shape...) }
	cases := []struct {
		loss   string
		out, y *ir.Value
		want   string
	}{
		{"hinge", f32(ir.Batch, 3), i32(ir.Batch), `no loss "hinge": there are cross_entropy, mse, mae`},
		{loss.CrossEntropy, f32(ir.Batch, 9), i32(ir.Batch), "ends in [B,9] but the data has 10 classes: end the model with Dense(10)"},
		{loss.CrossEntropy, f32(ir.Batch, 4, 10), i32(ir.Batch), "end the model with Flatten and Dense"},
		{loss.CrossEntropy, f32(ir.Batch, 10), f32(ir.Batch), `the labels are f32[B]: give class numbers as i32, or use the loss "mse"`},
		{loss.CrossEntropy, i32(ir.Batch, 10), i32(ir.Batch), "the model's output is i32[B,10]: it must be f32"},
		{loss.CrossEntropy, f32(-4, 10), i32(ir.Batch), "the numbers of rows differ"},
		{loss.MSE, f32(), f32(ir.Batch), "the model's output is f32[]"},
		{loss.MSE, f32(ir.Batch, 3), i32(ir.Batch), `use the loss "cross_entropy" for classes`},
		{loss.MSE, f32(ir.Batch, 3), f32(ir.Batch, 2), "ends in [B,3] but the targets are [B,2]: end the model with Dense(2)"},
		{loss.MAE, f32(ir.Batch, 3), f32(ir.Batch), "end the model with Dense(1)"},
	}
	for _, c := range cases {
		err := loss.Check(c.loss, c.out, c.y, 10)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s of %s and %s: got %v, want %q", c.loss, c.out.Type(), c.y.Type(), err, c.want)
		}
		if _, failed := loss.Build(c.loss, c.out, c.y); failed == nil && !strings.Contains(c.want, "classes") {
			t.Errorf("Build took %s of %s and %s", c.loss, c.out.Type(), c.y.Type())
		}
	}
}

func ExampleCheck() {
	out := ir.Input("y", ir.F32, ir.Batch, 9)
	labels := ir.Input("labels", ir.I32, ir.Batch)
	fmt.Println(loss.Check(loss.CrossEntropy, out, labels, 10))
	// Output: loss cross_entropy: the model ends in [B,9] but the data has 10 classes: end the model with Dense(10)
}
