package compile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// FLOPs of products are two for each term, also of the gradients of a
// convolution, which have as many terms as it has itself.
func TestFLOPs(t *testing.T) {
	x, k := ir.Input("x", ir.F32, 2, 9, 7, 6), ir.Input("k", ir.F32, 3, 2, 3, 4)
	spec := op.ConvSpec{Stride: []int{2, 1}, Groups: 2}
	y := op.Conv2D(x, k, spec) // [2,4,6,4]
	a, b := ir.Input("a", ir.F32, 5, 3, 4), ir.Input("b", ir.F32, 4, 7)
	const conv = 2 * (2 * 4 * 6 * 4) * (3 * 2 * 3)
	for _, c := range []struct {
		y    *ir.Value
		want int64
	}{
		{y, conv},
		{op.Conv2DGradInput(ir.Input("g", ir.F32, y.Shape...), k, x.Shape, spec), conv},
		{op.Conv2DGradKernel(x, ir.Input("g", ir.F32, y.Shape...), k.Shape, spec), conv},
		{op.MatMul(a, b, false, false), 2 * 5 * 3 * 4 * 7},
		{op.MatMul(ir.Input("a", ir.F32, 4, 3), b, true, false), 2 * 3 * 4 * 7},
		{op.Sum(a, false), 60},
		{op.Exp(a), 60},
		{op.Transpose(a), 0},
		{op.MaxPool2D(x, op.PoolSpec{Window: []int{3, 3}}), 2 * 9 * 7 * 6},
	} {
		p, r, err := compile.Compile(ir.NewGraph("test", []ir.Output{{Name: "y", Value: c.y}}, nil), compile.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Explain(nil).Total().FLOPs; got != c.want {
			t.Errorf("%s: %d FLOPs, want %d", p.Steps[0].Values[0].Op, got, c.want)
		}
	}
}

// Of a table, only the rows that are gathered are read; of a small one that is
// gathered often, all.
func TestGatheredBytes(t *testing.T) {
	for rows, want := range map[int]int64{1000: 5*12 + 5*4, 2: 2*12 + 5*4} {
		y := op.Gather(ir.Input("table", ir.F32, rows, 3), ir.Input("index", ir.I32, 5))
		_, r, err := compile.Compile(ir.NewGraph("test", []ir.Output{{Name: "y", Value: y}}, nil), compile.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Explain(nil).Kernels[0].Read; got != want {
			t.Errorf("%d bytes are read for 5 of %d rows, want %d", got, rows, want)
		}
	}
}

func TestExplanationAddsUp(t *testing.T) {
	p, r, err := compile.Compile(training(t, 2), compile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	times := make([]time.Duration, len(p.Steps)+1)
	for i := range times {
		times[i] = time.Duration(i+1) * time.Microsecond
	}
	e := r.Explain(times)
	if len(e.Kernels) != len(p.Steps) || !e.Timed || e.Params == 0 || e.Arena != p.Arena || e.Unshared < e.Arena {
		t.Errorf("got %d kernels of %d, %+v", len(e.Kernels), len(p.Steps), e)
	}
	n := len(times)
	if got := e.Total().Time; got != time.Duration(n*(n+1)/2)*time.Microsecond {
		t.Errorf("the times add up to %v", got)
	}
	for _, want := range []string{"fuse ", "compute elementwise values together", "conv2d + bias relu", " us ", fmt.Sprint(e.Params, " parameters"), "without sharing"} {
		if !strings.Contains(e.String(), want) {
			t.Errorf("the text lacks %q:\n%s", want, e)
		}
	}
	if !strings.HasPrefix(e.Plan, "program ") {
		t.Errorf("the plan is %q", e.Plan)
	}
}

// The environment leaves passes out and has the graphs written down.
func TestEnvironment(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dumps")
	t.Setenv(compile.EnvSkip, "fuse,schedule")
	t.Setenv(compile.EnvDump, dir)
	_, r, err := compile.Compile(training(t, 1), compile.Options{Skip: []string{"cse"}})
	if err != nil {
		t.Fatal(err)
	}
	var skipped []string
	for _, p := range r.Passes {
		if p.Skipped {
			skipped = append(skipped, p.Name)
		}
	}
	if got := strings.Join(skipped, " "); got != "cse fuse schedule" {
		t.Errorf("skipped %s", got)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil || len(files) != len(r.Passes) {
		t.Errorf("%d files for %d passes: %v", len(files), len(r.Passes), err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil || !strings.HasPrefix(string(text), "fold ") || !strings.Contains(string(text), "conv2d") {
		t.Errorf("the first dump is %.200s: %v", text, err)
	}
	t.Setenv(compile.EnvSkip, "fus")
	if _, _, err := compile.Compile(training(t, 1), compile.Options{}); err == nil || !strings.Contains(err.Error(), `no pass "fus"`) {
		t.Errorf("a pass that is not there: %v", err)
	}
}
