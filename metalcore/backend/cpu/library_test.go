package cpu

import (
	"math"
	"testing"
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/backend/cpu/asm"
	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// sgemmCall are the arguments of sgemm, as the library reads them.
type sgemmCall struct {
	opA, opB      byte
	m, n, k       int32
	alpha         float32
	lda, ldb, ldc int32
	beta          float32
}

func readCall(a *[13]unsafe.Pointer) sgemmCall {
	number := func(i int) int32 { return *(*int32)(a[i]) }
	return sgemmCall{*(*byte)(a[0]), *(*byte)(a[1]), number(2), number(3), number(4), *(*float32)(a[5]),
		number(7), number(9), number(12), *(*float32)(a[10])}
}

// fake is sgemm by its definition, and writes down its calls.
type fake struct{ calls []sgemmCall }

func (f *fake) sgemm(args *[13]unsafe.Pointer) {
	c := readCall(args)
	f.calls = append(f.calls, c)
	at := func(op byte, p unsafe.Pointer, ld int32, row, col int) float64 {
		if op == 'T' {
			row, col = col, row
		}
		return float64(*(*float32)(unsafe.Add(p, 4*(row+col*int(ld)))))
	}
	for j := range int(c.n) {
		for i := range int(c.m) {
			sum := 0.0
			for p := range int(c.k) {
				sum += at(c.opA, args[6], c.lda, i, p) * at(c.opB, args[8], c.ldb, p, j)
			}
			y := (*float32)(unsafe.Add(args[11], 4*(i+j*int(c.ldc))))
			*y = float32(float64(c.alpha)*sum + float64(c.beta)*float64(*y))
			if c.beta == 0 { // what was there, NaN too, does not count
				*y = float32(float64(c.alpha) * sum)
			}
		}
	}
}

// largeProducts have every combination of transposed operands and of batches.
func largeProducts() []*ir.Value {
	var all []*ir.Value
	in := func(name string, transposed bool, batch, rows, cols int) *ir.Value {
		if transposed {
			rows, cols = cols, rows
		}
		if batch == 0 {
			return ir.Input(name, ir.F32, rows, cols)
		}
		return ir.Input(name, ir.F32, batch, rows, cols)
	}
	const m, k, n = 110, 130, 90
	for _, batch := range []struct{ a, b int }{{0, 0}, {3, 3}, {3, 0}, {0, 3}} {
		for i := range 4 {
			ta, tb := i&1 == 1, i&2 == 2
			all = append(all, op.MatMul(in("a", ta, batch.a, m, k), in("b", tb, batch.b, k, n), ta, tb))
		}
	}
	x, one := ir.Input("x", ir.F32, 3, 20, 20, 40), ir.Input("k", ir.F32, 1, 1, 40, 30)
	y := op.Conv2D(x, one, op.ConvSpec{})
	return append(all, y, op.Conv2DGradInput(ir.Input("g", ir.F32, y.Shape...), one, x.Shape, op.ConvSpec{}))
}

// TestLibrary holds products by a library against our own.
func TestLibrary(t *testing.T) { checkLibrary(t, (&fake{}).sgemm) }

func checkLibrary(t *testing.T, lib sgemm) {
	for _, v := range largeProducts() {
		want := computed(t, asm.Best(), 1, v)
		calls := 0
		got := computedBy(t, newDevice(2, asm.Best()), func(args *[13]unsafe.Pointer) { calls++; lib(args) }, v)
		if calls < 2 {
			t.Errorf("%s is not computed by the library", describe(v))
		}
		for i, x := range got[:v.Shape.Elems()] {
			if e := math.Abs(float64(x - want[i])); !(e < 1e-4) {
				t.Errorf("%s of %v: element %d is %v, and %v by our own kernels", describe(v), v.Shape, i, x, want[i])
				break
			}
		}
	}
}

// TestLibraryArguments: what is said of the operands.
func TestLibraryArguments(t *testing.T) {
	a, at := ir.Input("a", ir.F32, 110, 130), ir.Input("a", ir.F32, 130, 110)
	b, bt := ir.Input("b", ir.F32, 130, 90), ir.Input("b", ir.F32, 90, 130)
	for _, c := range []struct {
		v    *ir.Value
		want sgemmCall
	}{
		{op.MatMul(a, b, false, false), sgemmCall{'N', 'N', 90, 110, 130, 1, 90, 130, 90, 0}},
		{op.MatMul(at, b, true, false), sgemmCall{'N', 'T', 90, 110, 130, 1, 90, 110, 90, 0}},
		{op.MatMul(a, bt, false, true), sgemmCall{'T', 'N', 90, 110, 130, 1, 130, 130, 90, 0}},
		{op.MatMul(at, bt, true, true), sgemmCall{'T', 'T', 90, 110, 130, 1, 130, 110, 90, 0}},
	} {
		f := &fake{}
		computedBy(t, newDevice(1, asm.Best()), f.sgemm, c.v)
		if len(f.calls) != 2 || f.calls[0] != c.want || f.calls[1] != c.want {
			t.Errorf("%s: the calls are %+v, want two, %+v", describe(c.v), f.calls, c.want)
		}
	}
	f := &fake{}
	computedBy(t, newDevice(1, asm.Best()), f.sgemm, op.MatMul(ir.Input("a", ir.F32, 32, 784), ir.Input("b", ir.F32, 784, 10), false, false))
	if len(f.calls) > 0 {
		t.Error("a small product is computed by the library")
	}
}

// TestLibraryEpilogues: what follows a product by our own kernels follows one by
// the library.
func TestLibraryEpilogues(t *testing.T) {
	x, w, bias := ir.Input("x", ir.F32, 300, 130), ir.Input("w", ir.F32, 130, 90), ir.Input("bias", ir.F32, 90)
	sum := op.Add(op.MatMul(x, w, false, false), bias)
	for _, y := range []*ir.Value{sum, op.ReLU(sum), op.Tanh(op.Add(sum, ir.Input("residual", ir.F32, 300, 90)))} {
		p, _, err := compile.Compile(ir.NewGraph("epilogue", []ir.Output{{Name: "y", Value: y}}, nil), compile.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Steps) != 1 {
			t.Fatalf("%d steps, want one product with what follows it", len(p.Steps))
		}
		f := &fake{}
		want := outputOf(t, newDevice(2, asm.Best()), p)
		d := newDevice(2, asm.Best())
		d.blas = f.sgemm
		got := outputOf(t, d, p)
		if len(f.calls) != 2 {
			t.Errorf("in two steps the library was called %d times", len(f.calls))
		}
		for i := range y.Shape.Elems() {
			if e := math.Abs(float64(got[i] - want[i])); !(e < 1e-4) {
				t.Fatalf("%s: element %d is %v, and %v by our own kernels", y.Op, i, got[i], want[i])
			}
		}
	}
}

// computedBy is the result of a value on a device with a library.
func computedBy(t *testing.T, d *Device, lib sgemm, v *ir.Value) []float32 {
	t.Helper()
	p, err := plan.New(ir.NewGraph("library", []ir.Output{{Name: "y", Value: v}}, nil))
	if err != nil {
		t.Fatal(err)
	}
	d.blas = lib
	return outputOf(t, d, p)
}

// outputOf is the result of two runs of a program; the device is closed.
func outputOf(t *testing.T, d *Device, p *plan.Program) []float32 {
	t.Helper()
	defer d.Close()
	exe, b := load(t, d, p)
	defer exe.Free()
	out := *b.Outputs[0].(*buffer).data.Load()
	for i := range out { // what was there before must not matter
		out[i] = float32(math.NaN())
	}
	if err := exe.Submit(b, 2).Wait(); err != nil {
		t.Fatal(err)
	}
	return out
}
