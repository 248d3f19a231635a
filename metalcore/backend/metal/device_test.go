//go:build linux

package metal

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/metalnb/metalnb/metalcore/autodiff"
	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/backend/gpu"
	"github.com/metalnb/metalnb/metalcore/backend/metal/fake"
	"github.com/metalnb/metalnb/metalcore/backend/metal/objc"
	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// TestSelectors holds the messages against the stand-in, whose types come from
// its functions: so both are what package objc holds against Apple's.
func TestSelectors(t *testing.T) {
	l := prepare(t)
	for _, version := range systems {
		fake.Knob("macos", version)
		n, problems := selectors(l)
		if n < 80 || len(problems) > 0 {
			t.Errorf("%d checked: %v", n, problems)
		}
		t.Logf("macOS %d: %d messages", version, n)
	}
	if n, problems := selectors(objc.Libraries{Runtime: "/nowhere"}); n != 0 || len(problems) != 1 {
		t.Error(n, problems)
	}
}

func TestNewOnLinux(t *testing.T) {
	var u *backend.UnavailableError
	if d, err := New(); !errors.As(err, &u) || d != nil {
		t.Error(d, err)
	}
}

// training is a step of a small network with a convolution and a product, whose
// parameters are updated.
func training(t *testing.T) *plan.Program {
	t.Helper()
	x := ir.Input("x", ir.F32, 3, 8, 8, 2)
	k := ir.State("k", ir.F32, ir.Shape{3, 3, 2, 4}, nil)
	w := ir.State("w", ir.F32, ir.Shape{4 * 4 * 4, 5}, nil)
	h := op.ReLU(op.Conv2D(x, k, op.ConvSpec{Stride: []int{2, 2}, Pad: []int{1, 1, 1, 1}}))
	y := op.MatMul(op.Reshape(h, ir.Shape{3, 4 * 4 * 4}), w, false, false)
	loss := op.Mean(op.Mul(y, y), false, 0, 1)
	grads, err := autodiff.Gradients(loss, []*ir.Value{k, w, x})
	if err != nil {
		t.Fatal(err)
	}
	rate := ir.Const(0.1, ir.F32)
	step := func(v, g *ir.Value) ir.Update { return ir.Update{State: v, New: op.Sub(v, op.Mul(rate, g))} }
	g := ir.NewGraph("training", []ir.Output{{Name: "loss", Value: loss}, {Name: "gx", Value: grads[2]}},
		[]ir.Update{step(k, grads[0]), step(w, grads[1])})
	p, _, err := compile.Compile(g, compile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// steps runs a program on a device, and returns outputs and states. It calls
// compiled in between.
func steps(t *testing.T, dev backend.Device, p *plan.Program, n int, compiled func()) [][]float64 {
	t.Helper()
	e, err := dev.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Free()
	compiled()
	var b backend.Bindings
	var read []*ir.Value
	var from []backend.Buffer
	r := rand.New(rand.NewPCG(3, 4))
	buffer := func(v *ir.Value, filled bool) backend.Buffer {
		m, err := dev.Alloc(v.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(m.Free)
		if filled {
			data := make([]float32, v.Shape.Elems())
			for i := range data {
				data[i] = r.Float32() - 0.5
			}
			if err := m.Upload(0, bytesOf(data)); err != nil {
				t.Fatal(err)
			}
		} else {
			read, from = append(read, v), append(from, m)
		}
		return m
	}
	for _, v := range p.Inputs {
		b.Inputs = append(b.Inputs, buffer(v, true))
	}
	for _, v := range p.States {
		m := buffer(v, true)
		b.States = append(b.States, m)
		read, from = append(read, v), append(from, m)
	}
	for _, o := range p.Outputs {
		b.Outputs = append(b.Outputs, buffer(o.Value, false))
	}
	if err := e.Submit(b, n).Wait(); err != nil {
		t.Fatal(err)
	}
	var out [][]float64
	for i, v := range read {
		data := make([]byte, v.Bytes())
		if err := from[i].Download(0, data); err != nil {
			t.Fatal(err)
		}
		out = append(out, ir.Elements(v.DType, data))
	}
	return out
}

// TestTraining trains on the stand-in as on a Mac, kernels of the backend and
// products of the vendor's mixed, and compares with the CPU.
func TestTraining(t *testing.T) {
	const n = 12
	p := training(t)
	c := cpu.New(1)
	defer c.Close()
	want := steps(t, c, p, n, func() {})
	for _, library := range []string{"always", "never"} {
		for name, version := range systems {
			t.Run(name+", library "+library, func(t *testing.T) {
				t.Setenv(gpu.EnvLibrary, library)
				d := open(t, Options{}, "macos", version, "order", 5, "swap", 1)
				fake.SetCompiler(fake.MSL)
				dev := gpu.New(d, gpu.MSL{}, "")
				t.Cleanup(func() { dev.Close() })
				products := map[string]int64{"always": 6, "never": 0}[library]
				got := steps(t, dev, p, n, func() {
					if s := d.Stats(); s.Products != products {
						t.Errorf("%d products of the library, not %d", s.Products, products)
					}
				})
				for i := range want {
					for j := range want[i] {
						if math.Abs(got[i][j]-want[i][j]) > 1e-4 {
							t.Fatalf("value %d, element %d: %v, on the CPU %v", i, j, got[i][j], want[i][j])
						}
					}
				}
			})
		}
	}
}
