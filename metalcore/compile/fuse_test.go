package compile_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/autodiff"
	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/optim"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// training is a step of training a chain of convolutions with ReLU by Adam,
// guarded as a trainer guards it: nothing changes when a gradient is not finite.
func training(tb testing.TB, layers int) *ir.Graph {
	tb.Helper()
	x := ir.Input("x", ir.F32, 4, 8, 8, 8)
	h, params := x, []*ir.Value{}
	for i := range layers {
		k := ir.State(fmt.Sprintf("k%d", i), ir.F32, ir.Shape{3, 3, 8, 8}, ir.Attrs{ir.AttrTrain: true})
		b := ir.State(fmt.Sprintf("b%d", i), ir.F32, ir.Shape{8}, ir.Attrs{ir.AttrTrain: true})
		params = append(params, k, b)
		h = op.ReLU(op.Add(op.Conv2D(h, k, op.ConvSpec{Pad: []int{1, 1, 1, 1}}), b))
	}
	loss := op.Mean(op.Mul(h, h), false)
	grads, err := autodiff.Gradients(loss, params)
	if err != nil {
		tb.Fatal(err)
	}
	sum := loss
	for _, g := range grads {
		sum = op.Add(sum, op.Sum(g, false))
	}
	ok := op.IsFinite(sum)
	adam, err := optim.New("adam", nil)
	if err != nil {
		tb.Fatal(err)
	}
	step := ir.State("step", ir.F32, ir.Shape{}, nil)
	next := op.Add(step, ir.Const(1, ir.F32))
	updates := append(adam.(optim.Updater).Build(params, grads, ir.Input("lr", ir.F32), next), ir.Update{State: step, New: next})
	for i, u := range updates {
		updates[i].New = op.Select(ok, u.New, u.State)
	}
	return ir.NewGraph("training", []ir.Output{{Name: "loss", Value: loss}}, updates)
}

// TestAdamIsOneStep: each parameter is updated with its moments in one step
// that reads p, m, v and the gradient and writes p, m, v in place.
func TestAdamIsOneStep(t *testing.T) {
	g := training(t, 3)
	p, _, err := compile.Compile(g, compile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Copies) != 0 {
		t.Errorf("%d copies, want none", len(p.Copies))
	}
	kernel := ir.Shape{3, 3, 8, 8}
	updates := 0
	for i := range p.Steps {
		s := &p.Steps[i]
		if !s.Fused() || !s.Values[0].Shape.Equal(kernel) {
			continue
		}
		updates++
		large := 0
		for _, v := range s.Reads {
			if v.Shape.Equal(kernel) {
				large++
			}
		}
		if large != 4 || len(s.Writes) != 3 {
			t.Errorf("an update reads %d and writes %d tensors: %v", large, len(s.Writes), s.Values)
		}
		for _, v := range s.Writes {
			if p.Places[v].Kind != plan.State {
				t.Errorf("a new state is written to %v", p.Places[v])
			}
		}
	}
	if updates != 3 {
		t.Errorf("%d fused updates of kernels, want 3\n%s", updates, p)
	}
}

// TestFuseKeepsTheArena: groups need no noticeable more memory.
func TestFuseKeepsTheArena(t *testing.T) {
	for _, g := range []*ir.Graph{training(t, 1), training(t, 12)} {
		apart, _, err := compile.Compile(g, compile.Options{Skip: []string{"fuse"}})
		if err != nil {
			t.Fatal(err)
		}
		fused, r, err := compile.Compile(g, compile.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if fused.Arena > apart.Arena+apart.Arena/20 {
			t.Errorf("the arena grew from %d to %d bytes", apart.Arena, fused.Arena)
		}
		if len(fused.Steps)*3 > len(apart.Steps)*2 {
			t.Errorf("%d steps became %d, which is not much fewer\n%s", len(apart.Steps), len(fused.Steps), r)
		}
	}
}

// TestFuseCanBeLeftOut: without it every value is an instruction of its own.
func TestFuseCanBeLeftOut(t *testing.T) {
	p, r, err := compile.Compile(training(t, 2), compile.Options{Skip: []string{"fuse"}, Dump: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.Steps {
		if p.Steps[i].Fused() {
			t.Errorf("step %d is fused: %v", i, p.Steps[i].Values)
		}
	}
	if strings.Contains(r.String(), "group of") {
		t.Error("the dump tells of groups")
	}
	_, r, err = compile.Compile(training(t, 2), compile.Options{Dump: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"group of f32[3,3,8,8]: mul", "conv2d add relu", "groups"} {
		if !strings.Contains(r.String(), want) {
			t.Errorf("the dump lacks %q", want)
		}
	}
	for _, want := range []string{"conv2d + bias relu", "select select select", "arena"} {
		if text := r.Explain(nil).String(); !strings.Contains(text, want) {
			t.Errorf("the explanation lacks %q:\n%s", want, text)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	g := training(b, 60)
	var r *compile.Report
	start := time.Now()
	for range b.N {
		var err error
		if _, r, err = compile.Compile(g, compile.Options{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(time.Since(start).Milliseconds())/float64(b.N), "ms/compile")
	b.Logf("%d values\n%s", len(g.Values), r)
}
