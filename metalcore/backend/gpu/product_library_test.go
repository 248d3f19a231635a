// An emulator cannot run what the host's compiler makes of kernels.

//go:build !emulated

package gpu_test

import (
	"errors"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend/conformance/interp"
	"github.com/metalnb/metalnb/metalcore/backend/gpu"
	"github.com/metalnb/metalnb/metalcore/backend/metal/sim"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// withLibrary is the simulated device with a vendor's library that the
// interpreter stands in for.
type withLibrary struct {
	*sim.Driver
	products int
}

type libraryProduct struct{ gpu.ProductSpec }

func (libraryProduct) Free() {}

func (d *withLibrary) Product(s gpu.ProductSpec) (gpu.Product, error) { return libraryProduct{s}, nil }

func (d *withLibrary) Begin() (gpu.Recording, error) {
	r, err := d.Driver.Begin()
	return &libraryRecording{Recording: r, driver: d}, err
}

// libraryRecording computes products as they are recorded, when what came before
// them has ended.
type libraryRecording struct {
	gpu.Recording
	driver *withLibrary
	err    error
}

func (r *libraryRecording) Run(p gpu.Product, in []gpu.Span, out gpu.Span) {
	ended := make(chan error, 1)
	r.Recording.Commit(func(err error) { ended <- err })
	next, err := r.driver.Driver.Begin()
	r.Recording = next
	r.driver.products++
	r.err = errors.Join(r.err, <-ended, err, compute(p.(libraryProduct).ProductSpec, in, out))
}

func (r *libraryRecording) Commit(done func(error)) {
	r.Recording.Commit(func(err error) { done(errors.Join(r.err, err)) })
}

func compute(s gpu.ProductSpec, in []gpu.Span, out gpu.Span) error {
	d, err := ir.ParseDType(s.DType)
	if err != nil {
		return err
	}
	a, b := ir.Input("a", d, s.In[0]...), ir.Input("b", d, s.In[1]...)
	conv := op.ConvSpec{Stride: s.Stride, Pad: s.Pad, Dilation: s.Dilation, Groups: s.Groups}
	var v *ir.Value
	switch s.Op {
	case "matmul":
		v = op.MatMul(a, b, s.TransA, s.TransB)
	case "conv2d":
		v = op.Conv2D(a, b, conv)
	case "conv2d_grad_input":
		v = op.Conv2DGradInput(a, b, s.Out, conv)
	default:
		v = op.Conv2DGradKernel(a, b, s.Out, conv)
	}
	given := map[string][]float64{}
	for i, x := range []*ir.Value{a, b} {
		raw := make([]byte, x.Bytes())
		if err := in[i].Memory.Download(in[i].Offset, raw); err != nil {
			return err
		}
		given[x.Name] = ir.Elements(d, raw)
	}
	results, _, err := interp.Run(ir.NewGraph("product", []ir.Output{{Name: "y", Value: v}}, nil), given, nil)
	if err != nil {
		return err
	}
	var raw []byte
	for _, x := range results["y"] {
		raw = ir.AppendElement(raw, d, x)
	}
	return out.Memory.Upload(out.Offset, raw)
}

// TestLibraryProducts: what follows products of the vendor's library is computed
// of their results, by element and by row, with halves and without.
func TestLibraryProducts(t *testing.T) {
	t.Setenv(gpu.EnvLibrary, "always")
	driver, err := sim.New(sim.Options{Watch: true})
	if err != nil {
		t.Fatal(err)
	}
	library := &withLibrary{Driver: driver}
	dev := gpu.New(library, gpu.MSL{}, "")
	t.Cleanup(func() {
		if err := dev.Close(); err != nil {
			t.Error(err)
		}
	})
	product := op.MatMul(ir.Input("a", ir.F32, 2, 3, 9, 6), ir.Input("b", ir.F32, 2, 3, 40, 6), false, true)
	sum := op.ReLU(op.Add(product, ir.Input("bias", ir.F32, 40)))
	half := op.MatMul(ir.Input("a", ir.F16, 5, 7), ir.Input("b", ir.F16, 7, 12), false, false)
	list := []*ir.Value{product, op.Tanh(sum), op.Softmax(op.Mul(product, ir.Const(0.25, ir.F32)), -1),
		op.Softmax(op.Add(sum, ir.Input("x", ir.F32, 9, 40)), -1), op.Add(half, ir.Input("c", ir.F16, 12))}
	image, kernel, spec := ir.Shape{2, 7, 6, 4}, ir.Shape{3, 3, 4, 5}, op.ConvSpec{Stride: []int{2, 1}, Pad: []int{1, 0, 1, 1}}
	y := op.Conv2D(ir.Input("x", ir.F32, image...), ir.Input("k", ir.F32, kernel...), spec)
	g := ir.Input("g", ir.F32, y.Shape...)
	list = append(list, op.Tanh(y), op.Conv2DGradInput(g, ir.Input("k", ir.F32, kernel...), image, spec),
		op.Conv2DGradKernel(ir.Input("x", ir.F32, image...), g, kernel, spec))
	for _, y := range list {
		held(t, dev, y, false)
	}
	if library.products != len(list) {
		t.Errorf("the library computed %d products, want %d", library.products, len(list))
	}
}
