//go:build amd64 || arm64

package cpu

import (
	"fmt"
	"math"
	"runtime"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend/cpu/asm"
	"github.com/metalnb/metalnb/metalcore/backend/cpu/vec"
	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/optim"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// onePass are optimizers whose update is one loop in assembly.
var onePass = []struct {
	name     string
	settings map[string]float64
}{
	{"sgd", nil}, {"sgd", map[string]float64{"momentum": 0.9}}, {"sgd", map[string]float64{"momentum": 0.9, "nesterov": 1}},
	{"sgd", map[string]float64{"momentum": 0.9, "weight_decay": 1e-3}},
	{"adam", nil}, {"adam", map[string]float64{"weight_decay": 1e-3}}, {"adam", map[string]float64{"amsgrad": 1}},
	{"adamw", nil}, {"nadam", nil}, {"rmsprop", nil}, {"rmsprop", map[string]float64{"momentum": 0.9}},
	{"adagrad", nil}, {"adadelta", nil}, {"lion", nil},
}

// update is a step of an optimizer that is guarded, as in training.
func update(t *testing.T, name string, settings map[string]float64, n int) *plan.Program {
	t.Helper()
	o, err := optim.New(name, settings)
	if err != nil {
		t.Fatal(err)
	}
	p := ir.State("p", ir.F32, ir.Shape{n}, ir.Attrs{ir.AttrDecay: true})
	ok, lr, step := ir.Input("ok", ir.I32), ir.Input("lr", ir.F32), ir.State("step", ir.F32, ir.Shape{}, nil)
	updates := o.(optim.Updater).Build([]*ir.Value{p}, []*ir.Value{ir.Input("g", ir.F32, n)}, lr, step)
	updates = append(updates, ir.Update{State: step, New: op.Add(step, ir.Const(1, ir.F32))})
	for i, u := range updates {
		updates[i].New = op.Select(op.Eq(ok, ir.Const(1, ir.I32)), u.New, u.State)
	}
	prog, _, err := compile.Compile(ir.NewGraph(name, nil, updates), compile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return prog
}

func TestOptimizersAreOnePass(t *testing.T) {
	variant := map[string]asm.Variant{"amd64": asm.AVX512, "arm64": asm.NEON}[runtime.GOARCH]
	for _, o := range onePass {
		p := update(t, o.name, o.settings, 1000)
		c := &compiler{ids: map[*ir.Value]int{}, prog: p}
		for i, v := range p.Graph.Values {
			c.ids[v] = i
		}
		found := false
		for i := range p.Steps {
			s := &p.Steps[i]
			if s.Values[0].Shape.Elems() != 1000 {
				continue
			}
			f := newFuser(c, s)
			f.unguard()
			f.collect()
			text := f.text(&looped{})
			if found = vec.FindLoop(variant, text) != nil && f.guard != nil; !found {
				t.Errorf("%s %v is not one loop: guard %v, %q", o.name, o.settings, f.guard, text)
			}
		}
	}
}

// TestLoopsAgree holds the loops against the same ops one by one in plain Go,
// and checks that a guard keeps everything as it was.
func TestLoopsAgree(t *testing.T) {
	for _, o := range onePass {
		for _, n := range []int{1, 37, 3*loopPiece + 5} {
			p := update(t, o.name, o.settings, n)
			var want [][]float32
			for _, variant := range asm.Supported() {
				got := updated(t, variant, p, 1)
				if variant == asm.Go {
					want = got
				}
				for i := range got {
					for k, x := range got[i] {
						if e := math.Abs(float64(x - want[i][k])); !(e <= 1e-6) { // the corrections of Adam are not rounded alike
							t.Fatalf("%s %v: %s[%d] is %v with %s, and %v in plain Go", o.name, o.settings, p.States[i].Name, k, x, variant, want[i][k])
						}
					}
				}
				held := updated(t, variant, p, 0)
				for i := range held {
					if fmt.Sprint(held[i]) != fmt.Sprint(fresh(p.States[i])) {
						t.Fatalf("%s %v with %s: %s was changed under its guard", o.name, o.settings, variant, p.States[i].Name)
					}
				}
			}
		}
	}
}

// fresh are positive numbers for a state.
func fresh(v *ir.Value) []float32 {
	x := make([]float32, v.Shape.Elems())
	for i := range x {
		x[i] = 1 + float32(math.Sin(float64(i+len(v.Name))))/2
	}
	return x
}

// updated runs three steps and returns the states.
func updated(t *testing.T, variant asm.Variant, p *plan.Program, ok int32) (states [][]float32) {
	t.Helper()
	d := newDevice(2, variant)
	defer d.Close()
	exe, b := load(t, d, p)
	defer exe.Free()
	for i, v := range p.Inputs {
		if v.Name == "ok" {
			(*b.Inputs[i].(*buffer).data.Load())[0] = math.Float32frombits(uint32(ok))
		}
	}
	for i, v := range p.States {
		copy(*b.States[i].(*buffer).data.Load(), fresh(v))
	}
	if err := exe.Submit(b, 3).Wait(); err != nil {
		t.Fatal(err)
	}
	for i, v := range p.States {
		states = append(states, (*b.States[i].(*buffer).data.Load())[:v.Shape.Elems()])
	}
	return states
}
