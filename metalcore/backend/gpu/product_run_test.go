// An emulator cannot run what the host's compiler makes of kernels.

//go:build !emulated

package gpu_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/conformance/interp"
	"github.com/metalnb/metalnb/metalcore/backend/gpu"
	"github.com/metalnb/metalnb/metalcore/backend/metal/sim"
	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// threadsOnly is a dialect without matrices, as that of CUDA.
type threadsOnly struct{ gpu.MSL }

func (threadsOnly) Matrix(ir.DType) bool { return false }

// simulated runs cases on the simulated device twice: first to collect their
// kernels, and when those are compiled to compare what they give.
func simulated(t *testing.T, limits func(*gpu.Limits), run func(dev func(gpu.Dialect) *gpu.Device, dry bool)) {
	t.Helper()
	kernels := &sim.Gathering{}
	for _, gather := range []*sim.Gathering{kernels, nil} {
		run(func(d gpu.Dialect) *gpu.Device {
			driver, err := sim.New(sim.Options{Seed: 5, Watch: true, Gather: gather})
			if err != nil {
				t.Fatal(err)
			}
			dev := gpu.New(limited{driver, limits}, d, "")
			t.Cleanup(func() {
				if err := dev.Close(); err != nil {
					t.Error(err)
				}
			})
			return dev
		}, gather != nil)
		if gather != nil {
			if err := errors.Join(kernels.Lint(), kernels.Prepare()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// limited is a driver of a GPU that can do less.
type limited struct {
	gpu.Driver
	change func(*gpu.Limits)
}

func (l limited) Limits() gpu.Limits {
	limits := l.Driver.Limits()
	if l.change != nil {
		l.change(&limits)
	}
	return limits
}

// held runs a graph and holds its outputs against the interpreter.
func held(t *testing.T, dev *gpu.Device, y *ir.Value, dry bool) {
	t.Helper()
	g := ir.NewGraph("test", []ir.Output{{Name: "y", Value: y}}, nil)
	p, _, err := compile.Compile(g, compile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	exe, err := dev.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	defer exe.Free()
	r := rand.New(rand.NewPCG(7, 7))
	given := map[string][]float64{}
	var b backend.Bindings
	buffer := func(v *ir.Value) backend.Buffer {
		buf, err := dev.Alloc(v.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(buf.Free)
		return buf
	}
	for _, v := range p.Inputs {
		var raw []byte
		for range v.Shape.Elems() {
			x := ir.RoundTo(v.DType, r.NormFloat64())
			given[v.Name] = append(given[v.Name], x)
			raw = ir.AppendElement(raw, v.DType, x)
		}
		buf := buffer(v)
		if err := buf.Upload(0, raw); err != nil {
			t.Fatal(err)
		}
		b.Inputs = append(b.Inputs, buf)
	}
	out := buffer(y)
	b.Outputs = []backend.Buffer{out}
	if err := exe.Submit(b, 1).Wait(); err != nil {
		t.Fatal(err)
	}
	if dry {
		return
	}
	raw := make([]byte, y.Bytes())
	if err := out.Download(0, raw); err != nil {
		t.Fatal(err)
	}
	want, _, err := interp.Run(g, given, nil)
	if err != nil {
		t.Fatal(err)
	}
	tolerance := map[ir.DType]float64{ir.F32: 1e-4, ir.F16: 1e-3, ir.BF16: 8e-3}[y.DType]
	for i, x := range ir.Elements(y.DType, raw) {
		if w := want["y"][i]; math.Abs(x-w) > tolerance*(1+math.Abs(w)) {
			t.Fatalf("element %d is %v, want %v\n%s", i, x, w, g)
		}
	}
}

// TestTilings: each tiling computes products of all types, however their operands
// lie, with sizes that fit and with some that do not, and what follows them.
func TestTilings(t *testing.T) {
	matrices, threads := gpu.Tilings()
	simulated(t, nil, func(dev func(gpu.Dialect) *gpu.Device, dry bool) {
		with, without := dev(gpu.MSL{}), dev(threadsOnly{})
		for i := range max(matrices, threads) {
			restore := gpu.UseTiling(min(i, matrices-1), min(i, threads-1))
			for k, size := range [][3]int{{37, 21, 67}, {100, 40, 72}} {
				flip := (i+k)%2 == 0
				for _, d := range []ir.DType{ir.F32, ir.F16, ir.BF16} {
					if d != ir.F32 && i%4 != 0 {
						continue
					}
					a, b := operand("a", d, size[0], size[1], flip), operand("b", d, size[1], size[2], !flip)
					y := op.ReLU(op.Add(op.MatMul(a, b, flip, !flip), ir.Input("bias", d, size[2])))
					held(t, with, y, dry)
					held(t, without, y, dry)
				}
			}
			restore()
		}
	})
}

func operand(name string, d ir.DType, rows, cols int, turned bool) *ir.Value {
	if turned {
		rows, cols = cols, rows
	}
	return ir.Input(name, d, rows, cols)
}

// products are those that the conformance suite has no case of: long sums of few
// results, of all ops, and channels in fours.
func products() []*ir.Value {
	f := func(name string, shape ...int) *ir.Value { return ir.Input(name, ir.F32, shape...) }
	list := []*ir.Value{
		op.Tanh(op.MatMul(f("a", 20, 1031), f("b", 1031, 12), false, false)),
		op.MatMul(f("a", 3, 9, 700), f("b", 3, 11, 700), false, true),
		op.MatMul(f("a", 1, 5000), f("b", 5000, 1), false, false),
		op.MatMul(f("a", 2, 64), f("b", 64, 300), false, false),
		op.MatMul(f("a", 300, 68), f("b", 68, 2), false, false),
		op.MatMul(f("a", 2, 3, 5, 8), f("b", 8, 36), false, false),
		op.Add(op.MatMul(f("q", 2, 3, 10, 16), f("k", 2, 3, 10, 16), false, true), f("mask", 10, 10)),
	}
	for _, c := range []struct {
		x, k ir.Shape
		spec op.ConvSpec
	}{
		{ir.Shape{2, 9, 10, 8}, ir.Shape{3, 3, 8, 12}, op.ConvSpec{Pad: []int{1, 1, 1, 1}}},
		{ir.Shape{2, 10, 9, 16}, ir.Shape{3, 3, 16, 32}, op.ConvSpec{Stride: []int{2, 2}, Pad: []int{1, 1, 1, 1}}},
		{ir.Shape{1, 12, 11, 4}, ir.Shape{4, 5, 4, 4}, op.ConvSpec{Stride: []int{4, 3}, Dilation: []int{2, 1}}},
		{ir.Shape{3, 7, 7, 12}, ir.Shape{1, 1, 12, 20}, op.ConvSpec{}},
		{ir.Shape{2, 8, 8, 32}, ir.Shape{3, 3, 16, 24}, op.ConvSpec{Groups: 2, Stride: []int{2, 1}, Pad: []int{1, 1, 0, 1}}},
		{ir.Shape{4, 20, 20, 8}, ir.Shape{3, 3, 1, 8}, op.ConvSpec{Groups: 8, Pad: []int{1, 1, 1, 1}}},
		{ir.Shape{2, 9, 11, 12}, ir.Shape{3, 2, 1, 12}, op.ConvSpec{Groups: 12, Stride: []int{2, 3}, Dilation: []int{1, 2}, Pad: []int{1, 0, 2, 1}}},
		{ir.Shape{1, 6, 6, 8}, ir.Shape{3, 3, 2, 16}, op.ConvSpec{Groups: 4}},
	} {
		y := op.Conv2D(f("x", c.x...), f("k", c.k...), c.spec)
		g := f("g", y.Shape...)
		list = append(list, op.Tanh(y), op.Conv2DGradInput(g, f("k", c.k...), c.x, c.spec), op.Conv2DGradKernel(f("x", c.x...), g, c.k, c.spec))
	}
	return list
}

// TestProducts: what the conformance suite has no case of, with and without
// matrices.
func TestProducts(t *testing.T) {
	simulated(t, nil, func(dev func(gpu.Dialect) *gpu.Device, dry bool) {
		for _, d := range []gpu.Dialect{gpu.MSL{}, threadsOnly{}} {
			device := dev(d)
			for _, y := range products() {
				held(t, device, y, dry)
			}
		}
	})
}

// TestHugeProducts: kernels for values of more elements than an uint counts
// compile. None is run.
func TestHugeProducts(t *testing.T) {
	const n = 70000
	f := func(name string, shape ...int) *ir.Value { return ir.Input(name, ir.F32, shape...) }
	conv := op.Conv2D(f("x", 800, 1000, 1000, 8), f("k", 3, 3, 8, 8), op.ConvSpec{Stride: []int{2, 2}})
	depthwise := op.ConvSpec{Groups: 8}
	kernels := &sim.Gathering{}
	driver, err := sim.New(sim.Options{Gather: kernels, MaxBuffer: 1 << 40, Memory: 1 << 40})
	if err != nil {
		t.Fatal(err)
	}
	dev := gpu.New(driver, gpu.MSL{}, "")
	for _, y := range []*ir.Value{
		op.ReLU(op.Add(op.MatMul(f("a", n, 8), f("b", n, 8), false, true), f("bias", n))),
		op.MatMul(f("a", n, n), f("b", n, 2), true, false),
		op.MatMul(f("a", 3, n), f("b", n, n), false, true),
		conv, op.Conv2DGradInput(f("g", conv.Shape...), f("k", 3, 3, 8, 8), ir.Shape{800, 1000, 1000, 8}, op.ConvSpec{Stride: []int{2, 2}}),
		op.Conv2D(f("x", 800, 1000, 1000, 8), f("k", 3, 3, 1, 8), depthwise),
		op.Conv2DGradKernel(f("x", 800, 1000, 1000, 8), f("g", 800, 998, 998, 8), ir.Shape{3, 3, 1, 8}, depthwise),
	} {
		p, _, err := compile.Compile(ir.NewGraph("huge", []ir.Output{{Name: "y", Value: y}}, nil), compile.Options{})
		if err != nil {
			t.Fatal(err)
		}
		exe, err := dev.Compile(p)
		if err != nil {
			t.Fatal(err)
		}
		exe.Free()
	}
	if err := errors.Join(kernels.Lint(), kernels.Prepare(), dev.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestManyOperands: what follows a product and needs more buffers than a kernel
// may have is computed by a kernel of its own.
func TestManyOperands(t *testing.T) {
	y := op.ReLU(op.Add(op.MatMul(ir.Input("a", ir.F32, 9, 5), ir.Input("b", ir.F32, 5, 13), false, false), ir.Input("bias", ir.F32, 13)))
	for i := range 4 {
		y = op.Mul(op.Add(y, ir.Input(fmt.Sprint("x", i), ir.F32, 9, 13)), ir.Const(0.5, ir.F32))
	}
	simulated(t, func(l *gpu.Limits) { l.Bindings = 7 }, func(dev func(gpu.Dialect) *gpu.Device, dry bool) { held(t, dev(gpu.MSL{}), y, dry) })
}

// TestRowsAfterProduct: norms and softmax of a product, with a bias and without.
func TestRowsAfterProduct(t *testing.T) {
	product := op.MatMul(ir.Input("a", ir.F32, 9, 6), ir.Input("b", ir.F32, 6, 40), false, false)
	x, bias := ir.Input("x", ir.F32, 9, 40), ir.Input("bias", ir.F32, 40)
	simulated(t, nil, func(dev func(gpu.Dialect) *gpu.Device, dry bool) {
		device := dev(gpu.MSL{})
		for _, y := range []*ir.Value{product, op.ReLU(op.Add(product, bias))} {
			held(t, device, op.Softmax(op.Add(y, x), -1), dry)
			held(t, device, op.Softmax(op.Mul(y, ir.Const(0.25, ir.F32)), -1), dry)
			held(t, device, op.Softmax(op.Mul(y, op.Tanh(ir.Input("column", ir.F32, 9, 1))), -1), dry)
		}
	})
}
