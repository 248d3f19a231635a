package optim_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/optim"
)

// trajectory is a run of testdata/reference.py, which PyTorch made.
type trajectory struct {
	Case, Name string
	Settings   map[string]float64
	Steps      map[string][2][]float64
}

func TestTrajectoriesOfPyTorch(t *testing.T) {
	text, err := os.ReadFile("testdata/trajectories.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []trajectory
	if err := json.Unmarshal(text, &all); err != nil || len(all) < 31 {
		t.Fatal(len(all), err)
	}
	dev := cpu.New(1)
	defer dev.Close()
	for _, tr := range all {
		t.Run(tr.Case, func(t *testing.T) { follow(t, dev, tr) })
	}
}

// follow takes 100 steps with the gradient of the reference and compares.
func follow(t *testing.T, dev backend.Device, tr trajectory) {
	o, err := optim.New(tr.Name, tr.Settings)
	if err != nil {
		t.Fatal(err)
	}
	params := []*ir.Value{
		ir.State("first", ir.F32, ir.Shape{2, 3}, ir.Attrs{ir.AttrTrain: true, ir.AttrDecay: true}),
		ir.State("second", ir.F32, ir.Shape{2}, ir.Attrs{ir.AttrTrain: true}),
	}
	var grads []*ir.Value
	for _, p := range params {
		extra := ir.Input("extra/"+p.Name, ir.F32, p.Shape...)
		grads = append(grads, op.Add(op.Mul(ir.Const(0.5, ir.F32), p), extra))
	}
	count := ir.State("t", ir.F32, ir.Shape{}, nil)
	next := op.Add(count, ir.Const(1, ir.F32))
	updates := append(o.(optim.Updater).Build(params, grads, ir.Input("lr", ir.F32), next), ir.Update{State: count, New: next})
	r := newRunner(t, dev, ir.NewGraph(tr.Case, nil, updates))
	r.put("first", 0.5, -1, 0.25, 2, 0, -0.75)
	r.put("second", 1.5, -0.5)
	r.put("lr", float32(o.Settings()["lr"]))
	for step := 1; step <= 100; step++ {
		var extra [8]float32
		for i := range extra {
			extra[i] = float32(math.Sin(0.1 * float64(step) * float64(i+1)))
		}
		r.put("extra/first", extra[:6]...)
		r.put("extra/second", extra[6:]...)
		r.step()
		for i, want := range tr.Steps[strconv.Itoa(step)] {
			got := r.get(params[i].Name, params[i].Shape)
			for k := range want {
				if d := math.Abs(float64(got[k]) - want[k]); d > 2e-6*math.Max(1, math.Abs(want[k])) {
					t.Errorf("step %d: %s[%d] is %v, PyTorch has %v", step, params[i].Name, k, got[k], want[k])
				}
			}
		}
	}
}

// runner runs a graph of updates, its buffers by name.
type runner struct {
	t    *testing.T
	exec backend.Executable
	bind backend.Bindings
	bufs map[string]backend.Buffer
}

func newRunner(t *testing.T, dev backend.Device, g *ir.Graph) *runner {
	p, _, err := compile.Compile(g, compile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	exec, err := dev.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(exec.Free)
	r := &runner{t: t, exec: exec, bufs: map[string]backend.Buffer{}}
	alloc := func(v *ir.Value) backend.Buffer {
		buf, err := dev.Alloc(v.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(buf.Free)
		r.bufs[v.Name] = buf
		return buf
	}
	for _, v := range p.Inputs {
		r.bind.Inputs = append(r.bind.Inputs, alloc(v))
	}
	for _, v := range p.States {
		r.bind.States = append(r.bind.States, alloc(v))
	}
	return r
}

func (r *runner) put(name string, xs ...float32) {
	if err := r.bufs[name].Upload(0, feed.FromF32(xs, len(xs)).Data); err != nil {
		r.t.Fatal(err)
	}
}

func (r *runner) get(name string, shape ir.Shape) []float32 {
	a := feed.Array{DType: ir.F32, Shape: shape, Data: make([]byte, 4*shape.Elems())}
	if err := r.bufs[name].Download(0, a.Data); err != nil {
		r.t.Fatal(err)
	}
	return a.F32s()
}

func (r *runner) step() {
	if err := r.exec.Submit(r.bind, 1).Wait(); err != nil {
		r.t.Fatal(err)
	}
}

func TestBadSettings(t *testing.T) {
	cases := []struct {
		name     string
		settings map[string]float64
		want     string
	}{
		{"adamax", nil, `no optimizer "adamax": there are adadelta, adagrad, adam, adamw, lbfgs, lion, nadam, radam, rmsprop, sgd`},
		{"sgd", map[string]float64{"beta1": 0.9}, `sgd has no setting "beta1": its settings are lr, momentum, dampening, nesterov, weight_decay, clip_value, clip_norm`},
		{"adam", map[string]float64{"lr": 0}, "lr is 0: it must be a positive number"},
		{"adam", map[string]float64{"lr": math.NaN()}, "lr is NaN"},
		{"adam", map[string]float64{"lr": 1e-60}, "lr is 1e-60"},
		{"adam", map[string]float64{"beta2": 1}, "beta2 is 1: it must be at least 0 and below 1"},
		{"adam", map[string]float64{"eps": 0}, "eps is 0"},
		{"sgd", map[string]float64{"nesterov": 0.5, "momentum": 0.9}, "nesterov is 0.5: it must be 0 or 1"},
		{"sgd", map[string]float64{"nesterov": 1}, "nesterov needs a momentum"},
		{"sgd", map[string]float64{"weight_decay": -1}, "weight_decay is -1"},
		{"sgd", map[string]float64{"nesterov": 1, "momentum": 0.9, "dampening": 0.1}, "nesterov takes no dampening"},
		{"nadam", map[string]float64{"beta1": 0}, "nadam: beta1 must be above 0"},
		{"radam", map[string]float64{"beta2": 0.5}, "radam: beta2 must be above 0.6"},
		{"lion", map[string]float64{"clip_norm": -1}, "clip_norm is -1: it must be at least 0"},
	}
	for _, c := range cases {
		_, err := optim.New(c.name, c.settings)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %v: got %v, want %q", c.name, c.settings, err, c.want)
		}
	}
	for _, lr := range []float64{0, -1, math.Inf(1), math.NaN(), 1e39, 1e-60} {
		if optim.CheckLR(lr) == nil {
			t.Errorf("%v passed as a learning rate", lr)
		}
	}
}

func ExampleNew() {
	o, err := optim.New("adam", map[string]float64{"lr": 0.003})
	if err != nil {
		panic(err)
	}
	fmt.Println(o.Name(), o.Settings())
	_, err = optim.New("sgd", map[string]float64{"beta1": 0.9})
	fmt.Println(err)
	// Output:
	// adam map[amsgrad:0 beta1:0.9 beta2:0.999 clip_norm:0 clip_value:0 eps:1e-08 lr:0.003 weight_decay:0]
	// sgd has no setting "beta1": its settings are lr, momentum, dampening, nesterov, weight_decay, clip_value, clip_norm
}
