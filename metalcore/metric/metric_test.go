package metric_test

import (
	"fmt"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/loss"
	"github.com/metalnb/metalnb/metalcore/metric"
	"github.com/metalnb/metalnb/metalcore/op"
)

// run submits a graph some times with the given inputs; its states begin as
// zeros and are returned.
func run(t *testing.T, g *ir.Graph, inputs map[string]feed.Array, steps int) map[string]float32 {
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
	buffer := func(data []byte) backend.Buffer {
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
	var b backend.Bindings
	for _, v := range p.Inputs {
		b.Inputs = append(b.Inputs, buffer(inputs[v.Name].Data))
	}
	for range p.States {
		b.States = append(b.States, buffer(make([]byte, 4)))
	}
	if err := exec.Submit(b, steps).Wait(); err != nil {
		t.Fatal(err)
	}
	states := map[string]float32{}
	for i, v := range p.States {
		a := feed.Array{DType: ir.F32, Shape: ir.Shape{1}, Data: make([]byte, 4)}
		if err := b.States[i].Download(0, a.Data); err != nil {
			t.Fatal(err)
		}
		states[v.Name] = a.F32s()[0]
	}
	return states
}

func TestMetricsOfLosses(t *testing.T) {
	logits := feed.FromF32([]float32{1, 2, 0, 5, 4, 3, 0, 0, 1, 7, 7, 7}, 4, 3)
	labels := feed.FromI32([]int32{1, 2, 2, 0}, 4)
	out, y := feed.FromF32([]float32{1, 2, 3, 4}, 4), feed.FromF32([]float32{1, 0, 6, 4.5}, 4)
	cases := []struct {
		loss, name string
		out, y     feed.Array
		want       float32
	}{
		{loss.CrossEntropy, "accuracy", logits, labels, 3}, // the first of equals counts
		{loss.MSE, "mae", out, y, 5.5},
		{loss.MAE, "mse", out, y, 13.25},
	}
	for _, c := range cases {
		m, err := metric.For(c.loss)
		if err != nil || m.Name != c.name {
			t.Fatalf("%s: metric %q, %v", c.loss, m.Name, err)
		}
		perRow, err := m.PerRow(ir.Input("out", ir.F32, c.out.Shape...), ir.Input("y", c.y.DType, c.y.Shape...))
		if err != nil {
			t.Fatal(err)
		}
		g := ir.NewGraph(c.loss, nil, metric.NewSum("sum").Add(op.Sum(perRow, false)))
		got := run(t, g, map[string]feed.Array{"out": c.out, "y": c.y}, 1)
		if got["sum"] != c.want {
			t.Errorf("%s: the sum of %s is %v, want %v", c.loss, c.name, got["sum"], c.want)
		}
	}
	if _, err := metric.For("hinge"); err == nil {
		t.Error("an unknown loss has a metric")
	}
}

// A plain f32 sum stays at 2^24 when 1 is added.
func TestSumIsExactBeyondF32(t *testing.T) {
	const start, more = 1 << 24, 101
	x, first := ir.Input("x", ir.F32), ir.State("first", ir.F32, ir.Shape{}, nil)
	// The first step adds 2^24, the later ones 1.
	term := op.Select(op.Eq(first, ir.Const(0, ir.F32)), ir.Const(start, ir.F32), x)
	updates := append(metric.NewSum("sum").Add(term), ir.Update{State: first, New: ir.Const(1, ir.F32)})
	got := run(t, ir.NewGraph("sum", nil, updates), map[string]feed.Array{"x": feed.FromF32([]float32{1})}, 1+more)
	if sum := float64(got["sum"]) - float64(got["sum/lost"]); sum != start+more {
		t.Errorf("the sum is %v, want %d", sum, start+more)
	}
}

func ExampleFor() {
	m, err := metric.For(loss.CrossEntropy)
	fmt.Println(m.Name, err)
	// Output: accuracy <nil>
}
