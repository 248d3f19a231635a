package conformance

import (
	"maps"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/conformance/interp"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// repeat runs two programs in turns, of which each reads what the other one wrote:
// three steps of one and one of the other, some times.
func (s *suite) repeat(t T) {
	if s.build {
		return
	}
	a, b := state("a", 3000), state("b", 3000)
	count := ir.State("count", ir.I32, ir.Shape{}, nil)
	half := ir.Const(0.5, ir.F32)
	first := ir.NewGraph("first", nil, []ir.Update{{State: a, New: op.Add(op.Mul(half, a), op.Tanh(b))},
		{State: count, New: op.Add(count, ir.Const(1, ir.I32))}})
	second := ir.NewGraph("second", []ir.Output{{Name: "sum", Value: op.Sum(b, false)}},
		[]ir.Update{{State: b, New: op.Sub(op.Mul(half, b), op.Mul(a, op.Cast(count, ir.F32)))}})
	want := data{"a": make([]float64, 3000), "b": make([]float64, 3000), "count": {0}}
	for i := range want["b"] {
		want["b"][i] = float64(i%7) / 8
	}
	var bufs memory
	defer bufs.free()
	bound := map[string]backend.Buffer{}
	for _, v := range []*ir.Value{a, b, count} {
		bound[v.Name] = bufs.upload(s.dev, v, want[v.Name])
	}
	runs := []backend.Run{s.bound(t, first, &bufs, bound), s.bound(t, second, &bufs, bound)}
	runs[0].Steps, runs[1].Steps = 3, 1
	for _, times := range []int{0, 1, 100} {
		if err := backend.Repeat(runs, times).Wait(); err != nil {
			t.Fatal(err)
		}
		for range times {
			for _, g := range []*ir.Graph{first, first, first, second} {
				_, next, err := interp.Run(g, nil, want)
				if err != nil {
					t.Fatal(err)
				}
				maps.Copy(want, next)
			}
		}
		for _, v := range []*ir.Value{a, b, count} {
			if got := bufs.download(bound[v.Name], v); !s.dry {
				if err := compare("state "+v.Name, got, want[v.Name], v.DType, sums); err != nil {
					t.Errorf("%d times: %v", times, err)
				}
			}
		}
	}
	for _, r := range runs {
		r.Executable.Free()
	}
	if err := backend.Repeat(runs, 1).Wait(); err == nil {
		t.Error("a run of freed programs did not fail")
	}
}

// bound compiles a graph of the states that are given.
func (s *suite) bound(t T, g *ir.Graph, bufs *memory, states map[string]backend.Buffer) (r backend.Run) {
	t.Helper()
	p, err := plan.New(g)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range p.States {
		r.Bindings.States = append(r.Bindings.States, states[v.Name])
	}
	for _, o := range p.Outputs {
		r.Bindings.Outputs = append(r.Bindings.Outputs, bufs.upload(s.dev, o.Value, nil))
	}
	if r.Executable, err = s.dev.Compile(p); err != nil || bufs.err != nil {
		t.Fatal(err, bufs.err)
	}
	return r
}
