package gpu

import (
	"fmt"
	"testing"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// outputOf lowers a graph with one output.
func outputOf(t *testing.T, v *ir.Value) *Code {
	t.Helper()
	return lowered(t, newStub().limits, []ir.Output{{Name: "y", Value: v}}, nil)
}

// TestWays: how a reduction is spread over the GPU depends on its shape.
func TestWays(t *testing.T) {
	for _, c := range []struct {
		shape ir.Shape
		axes  []int
		want  way
	}{
		{ir.Shape{70, 8}, []int{1}, way{groupThreads, 1, false, 1}},
		{ir.Shape{100, 500, 7}, []int{1}, way{8, 32, true, 1}},
		{ir.Shape{100, 50000}, []int{0}, way{groupThreads, 1, true, 1}},
		{ir.Shape{100, 500}, []int{1}, way{rowsTogether, 32, false, 1}},
		{ir.Shape{1000, 5, 100}, []int{1, 2}, way{rowsTogether, 32, false, 1}},
		{ir.Shape{1000, 2000}, []int{1}, way{1, groupThreads, false, 1}},
		{ir.Shape{1000, 2000}, []int{0}, way{32, 8, true, 1}},
		{ir.Shape{1 << 20}, []int{0}, way{1, groupThreads, false, 64}},
		{ir.Shape{25000, 16}, []int{0}, way{16, 16, true, 24}},
		{ir.Shape{1 << 24, 16}, []int{0}, way{16, 16, true, 4096}},
		{ir.Shape{600, 1 << 20}, []int{1}, way{1, groupThreads, false, 16}},
	} {
		s := newFoldSpace(ir.Input("x", ir.F32, c.shape...), c.axes)
		if got := s.way(); got != c.want {
			t.Errorf("%v over %v: %+v, want %+v", c.shape, c.axes, got, c.want)
		}
	}
}

// TestLongSumsTakeTwoLevels: the second call reads what the first one wrote, and
// chains stay short.
func TestLongSumsTakeTwoLevels(t *testing.T) {
	for _, shape := range []ir.Shape{{70001}, {1 << 26}, {70001, 16}, {1 << 24, 3}} {
		c := outputOf(t, op.Sum(ir.Input("x", ir.F32, shape...), false, 0))
		if len(c.Calls) != 2 || !c.Calls[1].Barrier || !c.Calls[1].Args[0].overlaps(&c.Calls[0].Args[1]) {
			t.Errorf("the sum of %v is %+v, want two calls, of which one waits for the other", shape, c.Calls)
		}
		first := c.Calls[0]
		threads := c.Kernels[first.Kernel].Threads * first.Groups[1]
		if chain := shape.Elems() / threads; chain > 2*longChain {
			t.Errorf("the sum of %v has chains of %d elements", shape, chain)
		}
	}
	if c := outputOf(t, op.Sum(ir.Input("x", ir.F32, 3000), false)); len(c.Calls) != 1 {
		t.Errorf("a sum of 3000 elements is %d calls", len(c.Calls))
	}
}

// TestAllFiniteOfMany: operands beyond the buffers of a kernel, and few calls.
func TestAllFiniteOfMany(t *testing.T) {
	for _, c := range []struct{ operands, size, calls int }{{1, 10, 1}, {30, 10, 1}, {31, 10, 2}, {100, 1000, 5}, {5, 1 << 20, 2}} {
		var in []*ir.Value
		for i := range c.operands {
			in = append(in, ir.Input(fmt.Sprint("x", i), ir.F32, c.size))
		}
		code := outputOf(t, op.AllFinite(in...))
		if len(code.Calls) != c.calls {
			t.Errorf("%d operands of %d elements are %d calls, want %d", c.operands, c.size, len(code.Calls), c.calls)
		}
		seen := map[int]bool{}
		for _, call := range code.Calls {
			if n := len(call.Args); n > newStub().limits.Bindings {
				t.Errorf("a call has %d buffers", n)
			}
			for _, a := range call.Args {
				if a.Kind == plan.Input {
					seen[a.Index] = true
				}
			}
		}
		if len(seen) != c.operands {
			t.Errorf("%d of %d operands are looked at", len(seen), c.operands)
		}
	}
}
