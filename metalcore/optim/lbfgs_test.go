package optim

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend/conformance/interp"
	"github.com/metalnb/metalnb/metalcore/ir"
)

// function is a function of several variables, with its gradient.
type function func(x []float64) (f float64, g []float64)

func rosenbrock(x []float64) (float64, []float64) {
	a, b := 1-x[0], x[1]-x[0]*x[0]
	return a*a + 100*b*b, []float64{-2*a - 400*x[0]*b, 200 * b}
}

// convex is a sum of log cosh over eight lines, and a small square.
func convex(x []float64) (f float64, g []float64) {
	g = make([]float64, len(x))
	for j, v := range x {
		f += 0.05 * v * v
		g[j] = 0.1 * v
	}
	for i := 1.0; i <= 8; i++ {
		z := -math.Cos(i)
		for j, v := range x {
			z += math.Sin(i*float64(j+1)) * v
		}
		f += math.Log(math.Cosh(z))
		for j := range x {
			g[j] += math.Tanh(z) * math.Sin(i*float64(j+1))
		}
	}
	return f, g
}

// problem minimises a function in float64: the interpreter computes directions.
type problem struct {
	f        function
	x        []float64
	gradient []float64 // of the last evaluation
	memory   *Memory
	graph    *ir.Graph
	states   map[string][]float64
}

func newProblem(o *LBFGS, f function, first []float64) *problem {
	n := len(first)
	p := &problem{f: f, x: append([]float64{}, first...), memory: o.Memory(n), states: map[string][]float64{}}
	updates, slope, length, sum := o.Direct(p.memory, ir.Input("gradient", ir.F32, n))
	p.graph = ir.NewGraph("direct", []ir.Output{{Name: "slope", Value: slope}, {Name: "length", Value: length}, {Name: "sum", Value: sum}}, updates)
	for _, v := range append(p.graph.Leaves(ir.OpState), p.memory.Step) {
		p.states[v.Name] = make([]float64, v.Shape.Elems())
	}
	return p
}

func (p *problem) Direct() (Direction, error) {
	out, states, err := interp.Run(p.graph, map[string][]float64{"gradient": p.gradient}, p.states)
	if err != nil {
		return Direction{}, err
	}
	p.states = states
	return Direction{out["slope"][0], out["length"][0], out["sum"][0], int(states[p.memory.Count.Name][0])}, nil
}

func (p *problem) along(t float64) []float64 {
	x := append([]float64{}, p.x...)
	for i, d := range p.states[p.memory.Direction.Name] {
		x[i] += t * d
	}
	return x
}

func (p *problem) Evaluate(t float64) (Point, float64, error) {
	f, g := p.f(p.along(t))
	p.gradient = g
	slope, steepest := 0.0, 0.0
	for i, d := range p.states[p.memory.Direction.Name] {
		slope += g[i] * d
		steepest = max(steepest, math.Abs(g[i]))
	}
	return Point{t, f, slope}, steepest, nil
}

func (p *problem) Move(t float64) error {
	p.x = p.along(t)
	p.states[p.memory.Step.Name] = []float64{t}
	return nil
}

func (p *problem) step(t *testing.T, o *LBFGS, lr float64) (evaluations int) {
	t.Helper()
	at, steepest, err := p.Evaluate(0)
	if err != nil {
		t.Fatal(err)
	}
	n, err := o.Search(p, lr, at.Loss, steepest)
	if err != nil {
		t.Fatal(err)
	}
	return n + 1
}

func lbfgs(t *testing.T, settings map[string]float64) *LBFGS {
	t.Helper()
	o, err := New("lbfgs", settings)
	if err != nil {
		t.Fatal(err)
	}
	return o.(*LBFGS)
}

// All points down to the minimum are PyTorch's, and the number of evaluations.
func TestLBFGSAgreesWithPyTorch(t *testing.T) {
	text, err := os.ReadFile("testdata/lbfgs.json")
	if err != nil {
		t.Fatal(err)
	}
	var runs []struct {
		Problem  string
		Settings map[string]float64
		First    []float64
		Steps    []struct {
			X           []float64
			Evaluations int
		}
	}
	if err := json.Unmarshal(text, &runs); err != nil || len(runs) != 7 {
		t.Fatal(len(runs), err)
	}
	functions := map[string]function{"rosenbrock": rosenbrock, "convex": convex}
	for _, r := range runs {
		o := lbfgs(t, r.Settings)
		p, evaluations := newProblem(o, functions[r.Problem], r.First), 0
		for i, want := range r.Steps {
			evaluations += p.step(t, o, o.Settings()["lr"])
			for k := range want.X {
				if math.Abs(p.x[k]-want.X[k]) > 1e-6*math.Max(1, math.Abs(want.X[k])) {
					t.Errorf("%s %v, step %d: x[%d] is %v, PyTorch has %v", r.Problem, r.Settings, i+1, k, p.x[k], want.X[k])
				}
			}
			if evaluations != want.Evaluations {
				t.Errorf("%s %v, step %d: %d evaluations, PyTorch needs %d", r.Problem, r.Settings, i+1, evaluations, want.Evaluations)
			}
		}
	}
}

// The minimum is found, with whatever history; and once there nothing moves.
func TestLBFGSConverges(t *testing.T) {
	for _, history := range []float64{1, 2, 10, 100} {
		o := lbfgs(t, map[string]float64{"history": history, "tolerance_change": 1e-15, "tolerance_grad": 1e-6})
		p := newProblem(o, rosenbrock, []float64{-1.2, 1})
		for range 20 {
			p.step(t, o, 1)
		}
		if math.Abs(p.x[0]-1) > 1e-6 || math.Abs(p.x[1]-1) > 1e-6 {
			t.Errorf("a history of %v: the minimum is found at %v", history, p.x)
		}
		if at := append([]float64{}, p.x...); p.step(t, o, 1) != 1 || p.x[0] != at[0] {
			t.Errorf("a history of %v: at the minimum it went from %v to %v", history, at, p.x)
		}
	}
}

// A line search ends at a point of the strong Wolfe conditions, however far its
// first step goes, also where the loss is not finite on the way.
func TestStrongWolfe(t *testing.T) {
	lines := map[string]func(t float64) Point{
		"a parabola": func(t float64) Point { return Point{t, (t - 3) * (t - 3), 2 * (t - 3)} },
		"a long slope": func(t float64) Point {
			return Point{t, math.Sqrt(1 + (t-200)*(t-200)), (t - 200) / math.Sqrt(1+(t-200)*(t-200))}
		},
		"waves":            func(t float64) Point { return Point{t, math.Cos(3*t) - t/2 + t*t/20, -3*math.Sin(3*t) - 0.5 + t/10} },
		"a wall at 1":      func(t float64) Point { return Point{t, -t - math.Log(1-t)*0.1, -1 + 0.1/(1-t)} },
		"overflows beyond": func(t float64) Point { return Point{t, math.Exp(t*t) - 5*t, 2*t*math.Exp(t*t) - 5} },
	}
	for name, at := range lines {
		for _, first := range []float64{1e-3, 0.1, 1, 30, 1e4} {
			l := &line{start: at(0), length: 1, least: 1e-12, most: 60, at: func(t float64) (Point, error) { return at(t), nil }}
			p, err := l.search(first)
			if err != nil || l.tooHigh(p) || !l.flat(p) || p.T <= 0 {
				t.Errorf("%s, first step %v: ended at %+v after %d evaluations: %v", name, first, p, l.evaluations, err)
			}
		}
	}
}
