package cpu

import (
	"bytes"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/metalnb/metalnb/metalcore/autodiff"
	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/plan"
)

func TestEveryOpHasAKernel(t *testing.T) {
	for _, row := range op.All() {
		if row.Class == op.Choice {
			continue // decided before a graph is compiled
		}
		if kernels[row.Name] == nil && !plan.Fusible(row.Name) {
			t.Errorf("%s has no kernel", row.Name)
		}
		if kernels[row.Name] != nil && plan.Fusible(row.Name) {
			t.Errorf("%s is computed tile by tile and needs no kernel of its own", row.Name)
		}
	}
}

// lenet is a step of training a small network on images [batch,8,8,1]: loss,
// gradients and SGD.
func lenet(tb testing.TB, batch int) *plan.Program {
	tb.Helper()
	images, labels := ir.Input("images", ir.F32, batch, 8, 8, 1), ir.Input("labels", ir.I32, batch)
	state := func(name string, shape ...int) *ir.Value { return ir.State(name, ir.F32, shape, nil) }
	params := []*ir.Value{state("k", 3, 3, 1, 16), state("kb", 16), state("w", 144, 10), state("wb", 10)}
	h := op.ReLU(op.Add(op.Conv2D(images, params[0], op.ConvSpec{}), params[1]))
	h = op.MaxPool2D(h, op.PoolSpec{Window: []int{2, 2}})
	h = op.Reshape(h, ir.Shape{batch, 144})
	logits := op.Add(op.MatMul(h, params[2], false, false), params[3])
	loss := op.Mean(op.SoftmaxCrossEntropy(logits, labels), false)
	grads, err := autodiff.Gradients(loss, params)
	if err != nil {
		tb.Fatal(err)
	}
	var updates []ir.Update
	rate := ir.Input("rate", ir.F32)
	for i, p := range params {
		updates = append(updates, ir.Update{State: p, New: op.Sub(p, op.Mul(rate, grads[i]))})
	}
	prog, _, err := compile.Compile(ir.NewGraph("lenet", []ir.Output{{Name: "loss", Value: loss}}, updates), compile.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return prog
}

// load compiles a program and binds buffers filled with fixed numbers.
func load(tb testing.TB, d *Device, p *plan.Program) (*executable, backend.Bindings) {
	tb.Helper()
	exe, err := d.Compile(p)
	if err != nil {
		tb.Fatal(err)
	}
	var b backend.Bindings
	buffer := func(v *ir.Value) backend.Buffer {
		buf, err := d.alloc(v.Bytes())
		if err != nil {
			tb.Fatal(err)
		}
		data := *buf.data.Load()
		for i := range data {
			data[i] = float32(math.Sin(float64(7*i+len(data)))) / 4
			if v.DType == ir.I32 {
				data[i] = math.Float32frombits(uint32(i % 10))
			}
		}
		return buf
	}
	for _, v := range p.Inputs {
		b.Inputs = append(b.Inputs, buffer(v))
	}
	for _, v := range p.States {
		b.States = append(b.States, buffer(v))
	}
	for _, o := range p.Outputs {
		b.Outputs = append(b.Outputs, buffer(o.Value))
	}
	return exe.(*executable), b
}

func TestStepAllocatesNothing(t *testing.T) {
	for _, threads := range []int{1, 3} {
		d := New(threads)
		exe, b := load(t, d, lenet(t, 256))
		if err := exe.bind(b); err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(20, func() {
			if err := exe.steps(2); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%d threads: two steps make %v allocations", threads, n)
		}
		d.Close()
	}
}

// TestRepeatable: the same numbers, bit by bit, whatever the number of threads.
func TestRepeatable(t *testing.T) {
	var want [][]byte
	for _, threads := range []int{1, 2, 5} {
		d := New(threads)
		p := lenet(t, 300)
		exe, b := load(t, d, p)
		if err := exe.Submit(b, 5).Wait(); err != nil {
			t.Fatal(err)
		}
		for i, v := range p.States {
			got := make([]byte, v.Bytes())
			if err := b.States[i].Download(0, got); err != nil {
				t.Fatal(err)
			}
			switch {
			case threads == 1:
				want = append(want, got)
			case !bytes.Equal(got, want[i]):
				t.Errorf("with %d threads %s differs from one thread", threads, v.Name)
			}
		}
		d.Close()
	}
}

// TestLearns: the loss falls, so forward and backward belong together.
func TestLearns(t *testing.T) {
	d := New(2)
	defer d.Close()
	exe, b := load(t, d, lenet(t, 32))
	loss := func(steps int) float32 {
		if err := exe.Submit(b, steps).Wait(); err != nil {
			t.Fatal(err)
		}
		return (*b.Outputs[0].(*buffer).data.Load())[0]
	}
	if first, last := loss(1), loss(400); !(last < first/2) {
		t.Errorf("the loss went from %v to %v", first, last)
	}
}

// TestDecayEndsInZero: a moment that decays costs no more when it is tiny, and
// is the same on all threads.
func TestDecayEndsInZero(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Log("subnormal numbers are kept on this processor")
		return
	}
	d := New(2)
	defer d.Close()
	m := ir.State("m", ir.F32, ir.Shape{1 << 18}, nil)
	g := ir.NewGraph("decay", nil, []ir.Update{{State: m, New: op.Mul(m, ir.Const(0.5, ir.F32))}})
	p, _, err := compile.Compile(g, compile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	exe, b := load(t, d, p)
	if err := exe.Submit(b, 130).Wait(); err != nil {
		t.Fatal(err)
	}
	for i, x := range *b.States[0].(*buffer).data.Load() {
		if x != 0 {
			t.Fatalf("element %d decayed to %v, want 0", i, x)
		}
	}
}

func TestLiveBytes(t *testing.T) {
	d := New(1)
	p := lenet(t, 8)
	exe, b := load(t, d, p)
	if d.LiveBytes() < p.Arena+b.Inputs[0].Len() {
		t.Errorf("%d bytes are counted, the arena alone has %d", d.LiveBytes(), p.Arena)
	}
	for _, list := range [][]backend.Buffer{b.Inputs, b.States, b.Outputs} {
		for _, buf := range list {
			buf.Free()
			buf.Free()
		}
	}
	exe.Free()
	exe.Free()
	if d.LiveBytes() != 0 {
		t.Errorf("%d bytes are counted after all was freed", d.LiveBytes())
	}
}

// TestPanicIsAnError: a fault in a kernel, on whatever worker, names the op
// and its layer, and the device works on.
func TestPanicIsAnError(t *testing.T) {
	d := New(3)
	defer d.Close()
	exe, b := load(t, d, lenet(t, 64))
	for i := range exe.instrs {
		in := &exe.instrs[i]
		if in.step.Values[0].Op != "conv2d" {
			continue
		}
		in.step.Values[0].Layer, in.step.Values[0].Pos = "Conv2D", ir.Pos{File: "cell.go", Line: 3}
		good := in.run
		in.run = func(fr *frame) {
			fr.pool.run(fr, 100, 1, func(_ *frame, _, lo, _ int) {
				if lo > 10 {
					panic("made to fail")
				}
			})
		}
		err := exe.Submit(b, 3).Wait()
		for _, want := range []string{"conv2d", "Conv2D", "cell.go:3", "made to fail"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v does not say %q", err, want)
			}
		}
		in.run = good
	}
	if err := exe.Submit(b, 1).Wait(); err != nil {
		t.Errorf("after the fault: %v", err)
	}
}

// TestManyRuns: several programs share the workers; a program has one run in
// flight at a time; closing during runs does not stop them.
func TestManyRuns(t *testing.T) {
	d := New(3)
	p := lenet(t, 128)
	var wg sync.WaitGroup
	for range 4 {
		exe, b := load(t, d, p)
		wg.Go(func() {
			for range 5 {
				if err := exe.Submit(b, 3).Wait(); err != nil {
					t.Error(err)
				}
			}
			exe.Free()
		})
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	d.Close()
}

func TestOneRunInFlight(t *testing.T) {
	d := New(1)
	defer d.Close()
	exe, b := load(t, d, lenet(t, 8))
	release := make(chan struct{})
	exe.instrs = append(exe.instrs, instruction{run: func(*frame) { <-release }, step: exe.instrs[0].step})
	first := exe.Submit(b, 1)
	if err := exe.Submit(b, 1).Wait(); err == nil || !strings.Contains(err.Error(), "in flight") {
		t.Errorf("a second run at the same time: %v", err)
	}
	close(release)
	if err := first.Wait(); err != nil {
		t.Error(err)
	}
	if err := first.Wait(); err != nil {
		t.Errorf("waiting again: %v", err)
	}
}

func TestForeignBuffer(t *testing.T) {
	d, other := New(1), New(1)
	exe, b := load(t, d, lenet(t, 8))
	buf, err := other.Alloc(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	b.States[0] = buf
	if err := exe.Submit(b, 1).Wait(); err == nil || !strings.Contains(err.Error(), "not one of this device") {
		t.Errorf("a buffer of another device: %v", err)
	}
}
