package metal

import (
	"errors"
	"slices"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/gpu"
)

// TestGPU runs on the GPU of a Mac. Where there is none, as on a virtual
// machine, there must be an error that says so.
func TestGPU(t *testing.T) {
	cache := t.TempDir()
	for range 2 { // the second time kernels come from the archive
		d, err := Open(Options{Cache: cache, Diagnose: true})
		var none *backend.UnavailableError
		if errors.As(err, &none) {
			t.Log(err)
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%+v", d.Limits())
		if n, problems := Selectors(); len(problems) > 0 {
			t.Errorf("%d messages: %v", n, problems)
		}
		onGPU(t, d)
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

func onGPU(t *testing.T, d *Driver) {
	const text = "#include <metal_stdlib>\nusing namespace metal;\n" +
		"kernel void twice(device float *x [[buffer(0)]], uint i [[thread_position_in_grid]]) { x[i] *= 2; }\n"
	p, err := d.Compile(text, []string{"twice"})
	if err != nil {
		t.Fatal(err)
	}
	defer p[0].Free()
	x := alloc(t, d, 400)
	upload(t, x, 0, ramp(100))
	want := ramp(100)
	for i := range want {
		want[i] *= 8
	}
	err = execute(d, func(r gpu.Recording) {
		for range 3 {
			r.Dispatch(&gpu.Dispatch{Pipeline: p[0], Buffers: []gpu.Span{{Memory: x}}, Groups: [3]int{10, 1, 1}, Threads: 10})
			r.Barrier()
		}
	})
	if got := download(t, x, 0, 100); err != nil || !slices.Equal(got, want) {
		t.Error(err, got)
	}
	_, err = d.Compile(text+"undeclared;\n", []string{"twice"})
	var c *gpu.CompileError
	if !errors.As(err, &c) {
		t.Errorf("error %v, want a *gpu.CompileError", err)
	}
	for _, dtype := range []string{"f32", "f16"} {
		s := gpu.ProductSpec{Op: "matmul", DType: dtype, In: [][]int{{2, 7, 5}, {2, 4, 7}}, Out: []int{2, 5, 4}, TransA: true, TransB: true}
		a, b, y := runProduct(t, d, s, 256, true)
		compare(t, y, matmulReference(a, b, true, true, s.Out), dtype)
		for i, s := range specs(dtype) {
			a, b, y := runProduct(t, d, s, int64(i%3)*512, i%2 == 0)
			compare(t, y, convReference(s, a, b), dtype)
		}
	}
}
