package gpu

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// kernels are what the calls of a program begin with.
func kernels(t *testing.T, y *ir.Value) []string {
	t.Helper()
	var names []string
	c := lowered(t, newStub().limits, []ir.Output{{Name: "y", Value: y}}, nil)
	for _, call := range c.Calls {
		name := c.Kernels[call.Kernel].Name
		names = append(names, name[:strings.LastIndex(name, "_")])
	}
	return names
}

// TestMoveKernels: how something is moved, sorted or added depends on its sizes.
func TestMoveKernels(t *testing.T) {
	x := func(d ir.DType, shape ...int) *ir.Value { return ir.Input("x", d, shape...) }
	index := func(n int) *ir.Value { return ir.Input("i", ir.I64, n) }
	pass := []string{"sort_step_i32", "merge_f32"}
	longer := slices.Concat([]string{"sort_f32"}, pass, []string{"sort_step_i32"}, pass)
	for _, c := range []struct {
		name string
		y    *ir.Value
		want []string
	}{
		{"a square is transposed in tiles", op.Transpose(x(ir.F16, 40, 50)), []string{"transpose_tiles_16"}},
		{"also beside other axes", op.Transpose(x(ir.I64, 3, 40, 5, 60), 0, 3, 2, 1), []string{"transpose_tiles_64"}},
		{"a thin one is not", op.Transpose(x(ir.F32, 400, 5)), []string{"transpose_32"}},
		{"rows stay whole", op.Transpose(x(ir.F32, 40, 50, 60), 1, 0, 2), []string{"transpose_32"}},
		{"what no reader could tell apart is no more than a copy", op.Transpose(x(ir.U8, 1, 50, 1)), []string{"transpose_8"}},
		{"short lines are sorted at once", op.ArgSort(x(ir.F32, 100, 2048), 1, false), []string{"sort_f32"}},
		{"longer ones are merged", op.ArgSort(x(ir.F32, 5000), 0, false), longer},
		{"few indices are gone through", op.ScatterAdd(index(512), x(ir.F32, 512, 64), 100), []string{"scan_add_f32"}},
		{"many are sorted", op.ScatterAdd(index(1024), x(ir.F32, 1024, 64), 10000), []string{"zero", "sort_i64", "add_rows_f32"}},
		{"of single elements, too", op.AddAlong(ir.Input("i", ir.U8, 2, 1024), x(ir.I64, 2, 1024), 1, 900), []string{"zero", "sort_u8", "add_runs_i64"}},
	} {
		if got := kernels(t, c.y); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestConcatOfMany: no kernel has more buffers than there may be.
func TestConcatOfMany(t *testing.T) {
	var in []*ir.Value
	for i := range 70 {
		in = append(in, ir.Input(fmt.Sprint("x", i), ir.F32, 40, i%3))
	}
	c := lowered(t, newStub().limits, []ir.Output{{Name: "y", Value: op.Concat(1, in...)}}, nil)
	read := 0
	for _, call := range c.Calls {
		read += len(call.Args) - 1
		if len(call.Args) > newStub().limits.Bindings {
			t.Errorf("a call has %d buffers", len(call.Args))
		}
	}
	if read != 46 || len(c.Calls) != 2 {
		t.Errorf("%d operands are read by %d calls, want 46 that are not empty, by 2", read, len(c.Calls))
	}
}

// TestVectors: four elements are moved at a time where they lie side by side.
func TestVectors(t *testing.T) {
	in := ir.Input("x", ir.F32, 10, 6, 8)
	for name, c := range map[string]struct {
		y    *ir.Value
		want bool
	}{
		"copy":                  {op.StopGradient(in), true},
		"rows":                  {op.SliceAxis(in, 1, 1, 3), true},
		"parts of rows":         {op.SliceAxis(in, 2, 4, 8), true},
		"crooked parts of rows": {op.Slice(in, []int{0, 0, 1}, []int{10, 6, 4}, []int{1, 1, 1}), false},
		"pad of rows":           {op.Pad(in, []int{0, 1, 0}, []int{0, 3, 0}, 0), true},
		"pad within rows":       {op.Pad(in, []int{0, 0, 1}, []int{0, 0, 0}, 0), false},
		"concat":                {op.Concat(1, in, in), true},
		"gather":                {op.Gather(in, ir.Input("i", ir.I32, 3)), true},
		"gather of numbers":     {op.Gather(ir.Input("x", ir.F32, 10), ir.Input("i", ir.I32, 3)), false},
	} {
		text := lowered(t, newStub().limits, []ir.Output{{Name: "y", Value: c.y}}, nil).text()
		if got := strings.Contains(text, "int4"); got != c.want {
			t.Errorf("%s: vectors are used: %v, want %v\n%s", name, got, c.want, text)
		}
	}
}
