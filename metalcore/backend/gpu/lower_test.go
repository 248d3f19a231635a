package gpu

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/plan"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// lowered compiles and lowers a graph.
func lowered(t *testing.T, limits Limits, outs []ir.Output, updates []ir.Update) *Code {
	t.Helper()
	p, _, err := compile.Compile(ir.NewGraph("test", outs, updates), compile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := Lower(p, MSL{}, limits, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// text is what a program was lowered to, without the prelude.
func (c *Code) text() string {
	var b strings.Builder
	for _, call := range c.Calls {
		if call.Barrier {
			b.WriteString("barrier\n")
		}
		fmt.Fprintf(&b, "%s %v\n", c.Kernels[call.Kernel].Name, call.Groups)
	}
	all := MSL{}.Render(c.Kernels)
	b.WriteString(all[len(MSL{}.Render(nil)):])
	return b.String()
}

// TestText holds the text of some kernels to golden files, so that a change to
// what is emitted can be read.
func TestText(t *testing.T) {
	x, bias := ir.Input("x", ir.F32, 30, 700), ir.Input("bias", ir.F32, 700)
	w, m := ir.State("w", ir.F32, ir.Shape{10, 4}, nil), ir.State("m", ir.F32, ir.Shape{10, 4}, nil)
	h := ir.State("h", ir.BF16, ir.Shape{7}, nil)
	g, lr := ir.Input("g", ir.F32, 10, 4), ir.Input("lr", ir.F32)
	moment := op.Add(op.Mul(m, ir.Const(0.9, ir.F32)), g)
	dense := op.ReLU(op.Add(op.MatMul(x, ir.Input("w", ir.F32, 36, 700), false, true), ir.Input("c", ir.F32, 36)))
	image, spec := ir.Shape{2, 8, 9, 4}, op.ConvSpec{Stride: []int{2, 1}, Pad: []int{1, 1, 1, 1}}
	back := op.Conv2DGradInput(ir.Input("g", ir.F16, 2, 4, 9, 6), ir.Input("k", ir.F16, 3, 3, 4, 6), image, spec)
	for name, c := range map[string]*Code{
		"elementwise": lowered(t, newStub().limits, []ir.Output{{Name: "y", Value: op.Tanh(op.Add(x, bias))}}, nil),
		"rows":        lowered(t, newStub().limits, []ir.Output{{Name: "y", Value: op.Softmax(op.Add(x, bias), -1)}}, nil),
		"short_rows":  lowered(t, newStub().limits, []ir.Output{{Name: "y", Value: op.Softmax(g, -1)}}, nil),
		"transpose":   lowered(t, newStub().limits, []ir.Output{{Name: "y", Value: op.Transpose(x)}}, nil),
		"argsort":     lowered(t, newStub().limits, []ir.Output{{Name: "y", Value: op.ArgSort(g, 1, true)}}, nil),
		"long_sum":    outputOf(t, op.Sum(ir.Input("x", ir.F16, 70001), false)),
		"columns":     outputOf(t, op.MaxOver(ir.Input("x", ir.F32, 3, 500, 20), false, 1)),
		"loss":        outputOf(t, op.SoftmaxCrossEntropy(ir.Input("x", ir.F32, 30, 10), ir.Input("labels", ir.U8, 30))),
		"product":     outputOf(t, dense),
		"grad_input":  outputOf(t, back),
		"updates": lowered(t, newStub().limits, nil, []ir.Update{
			{State: w, New: op.Sub(w, op.Mul(moment, lr))}, {State: m, New: moment}, {State: h, New: op.Mul(h, h)}}),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", name+".txt")
			if *rewrite {
				if err := os.WriteFile(path, []byte(c.text()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if c.text() != string(want) {
				t.Errorf("the text changed (go test -rewrite writes it anew):\n%s", c.text())
			}
		})
	}
}

// TestUpdatesAreJoined: an optimizer's updates of many parameters are few calls,
// as many in each as a kernel may have buffers.
func TestUpdatesAreJoined(t *testing.T) {
	var updates []ir.Update
	lr := ir.Input("lr", ir.F32)
	const params = 20
	for i := range params {
		shape := ir.Shape{100 + i, 3}
		w, m := ir.State(fmt.Sprint("w", i), ir.F32, shape, nil), ir.State(fmt.Sprint("m", i), ir.F32, shape, nil)
		moment := op.Add(op.Mul(m, ir.Const(0.9, ir.F32)), ir.Input(fmt.Sprint("g", i), ir.F32, shape...))
		updates = append(updates, ir.Update{State: w, New: op.Sub(w, op.Mul(moment, lr))}, ir.Update{State: m, New: moment})
	}
	limits := newStub().limits
	c := lowered(t, limits, nil, updates)
	if want := 2; len(c.Calls) != want { // three buffers each, and the rate: ten at once
		t.Errorf("%d updates are %d calls, want %d", params, len(c.Calls), want)
	}
	written := 0
	for _, call := range c.Calls {
		if len(call.Args) > limits.Bindings {
			t.Errorf("a call has %d buffers", len(call.Args))
		}
		if call.Barrier {
			t.Error("there is a barrier between updates that know nothing of each other")
		}
		for _, a := range call.Args {
			if a.Write {
				written++
			}
		}
	}
	if written != 2*params {
		t.Errorf("%d states are written, want %d", written, 2*params)
	}
}

// TestBarriersOnlyWhereNeeded: values that do not need each other are computed at
// once.
func TestBarriersOnlyWhereNeeded(t *testing.T) {
	a, b := op.Exp(ir.Input("x", ir.F32, 5000)), op.Exp(ir.Input("y", ir.F32, 6000))
	p, err := plan.New(ir.NewGraph("test", []ir.Output{{Name: "a", Value: a}, {Name: "b", Value: b}, {Name: "c", Value: op.Neg(a)}}, nil))
	if err != nil {
		t.Fatal(err)
	}
	c, err := Lower(p, MSL{}, newStub().limits, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, call := range c.Calls {
		if want := i == 2; call.Barrier != want {
			t.Errorf("call %d has a barrier: %v, want %v\n%s", i, call.Barrier, want, c.text())
		}
	}
	if len(c.Calls) != 3 {
		t.Errorf("%d calls, want 3", len(c.Calls))
	}
}

// TestTooManyBuffers: where a group reads or writes more buffers than a kernel
// may have, what lies in the arena shares one, and all else is moved there.
func TestTooManyBuffers(t *testing.T) {
	limits := newStub().limits
	for name, operand := range map[string]func(i int) *ir.Value{
		"inputs": func(i int) *ir.Value { return ir.Input(fmt.Sprint("x", i), ir.F32, 5000) },
		"arena":  func(i int) *ir.Value { return op.Exp(ir.Input(fmt.Sprint("x", i), ir.F32, 5000)) },
	} {
		t.Run(name, func(t *testing.T) {
			sum := operand(0)
			for i := range 40 {
				sum = op.Add(sum, operand(i+1))
			}
			c, err := Lower(grouped(t, []ir.Output{{Name: "y", Value: sum}}), MSL{}, limits, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, call := range c.Calls {
				if len(call.Args) > limits.Bindings {
					t.Errorf("a call has %d buffers", len(call.Args))
				}
			}
			if last := c.Calls[len(c.Calls)-1]; !last.Barrier || !slices.ContainsFunc(last.Args, func(a Arg) bool { return a.Write && a.Kind == plan.Output }) {
				t.Errorf("the sum is %+v, want what writes the output, after the others", last)
			}
		})
	}
	t.Run("results", func(t *testing.T) {
		var outs []ir.Output
		x := ir.Input("x", ir.F32, 5000)
		for i := range 40 {
			x = op.Add(x, x)
			outs = append(outs, ir.Output{Name: fmt.Sprint("y", i), Value: x})
		}
		c, err := Lower(grouped(t, outs), MSL{}, limits, nil)
		if err != nil {
			t.Fatal(err)
		}
		written := map[int]int{}
		for _, call := range c.Calls {
			if len(call.Args) > limits.Bindings {
				t.Errorf("a call has %d buffers", len(call.Args))
			}
			for _, a := range call.Args {
				if a.Write && a.Kind == plan.Output {
					written[a.Index]++
				}
			}
		}
		if len(written) != 40 {
			t.Errorf("%d outputs are written, want 40", len(written))
		}
	})
}

// grouped is a program whose sums are one group.
func grouped(t *testing.T, outs []ir.Output) *plan.Program {
	t.Helper()
	g := ir.NewGraph("test", outs, nil)
	slices.SortStableFunc(g.Values, func(a, b *ir.Value) int { return len(a.In) - len(b.In) }) // the sums last
	var group plan.Group
	for _, v := range g.Values {
		if v.Op == "add" {
			group = append(group, v)
		}
	}
	p, err := plan.New(g, group)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestRefused: what no kernel of a GPU can be is an error when the program is
// compiled, which names the layer and the limit.
func TestRefused(t *testing.T) {
	x := ir.Input("x", ir.F32, 500, 300)
	y := op.Exp(op.MatMul(x, x, false, true))
	y.In[0].Layer, y.Layer = "Dense", "Dense"
	p, err := plan.New(ir.NewGraph("test", []ir.Output{{Name: "y", Value: y}}, nil))
	if err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(l *Limits){
		"threadgroups along axis 0, and 7 are the most": func(l *Limits) { l.Groups = [3]int{7, 7, 7} },
		"threads, and 16 are the most":                  func(l *Limits) { l.Threads = 16 },
		"bytes of threadgroup memory, and there are 64": func(l *Limits) { l.Shared = 64 },
		"buffers, and 1 are the most":                   func(l *Limits) { l.Bindings = 1 },
		"a buffer of Stub holds 1000":                   func(l *Limits) { l.MaxBuffer = 1000 },
	} {
		limits := newStub().limits
		change(&limits)
		_, err := Lower(p, MSL{}, limits, nil)
		if u, ok := errors.AsType[*backend.UnsupportedError](err); !ok || u.Layer != "Dense" || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want an *UnsupportedError of layer Dense with %q", err, want)
		}
	}
}
