package train

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/loss"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/schedule"
)

// lbfgsRun is a run of testdata/lbfgs.py, which PyTorch made.
type lbfgsRun struct {
	Problem  string
	Settings map[string]float64
	First    [][]float32
	Steps    []struct {
		Loss        float64
		Evaluations int
		Weights     [][]float64
	}
}

// valley is Rosenbrock's function (1-a)² + 100 (b-a²)², whose root is what the
// model of the parameters a and b gives, whatever x is.
func valley() *ir.Graph {
	p := param("kernel", "ones", 2)
	at := func(i int) *ir.Value { return op.Reshape(op.SliceAxis(p, 0, i, i+1), ir.Shape{1, 1}) }
	a, b := at(0), at(1)
	ones := ir.Const(1, ir.F32, 1, 1)
	y := op.Concat(1, op.Sub(ones, a), op.Mul(ir.Const(10, ir.F32), op.Sub(b, op.Mul(a, a))))
	l := &layers{}
	return model(l.stamp("valley", op.Add(op.Mul(input(1), ir.Const(0, ir.F32)), y), p))
}

func lbfgsSpec(t *testing.T, r lbfgsRun, x []float32, y []int32) Spec {
	t.Helper()
	rows := len(y)
	data, err := feed.NewSet("rows", feed.FromF32(x, rows, 4), feed.FromI32(y, rows), nil)
	spec := Spec{Name: r.Problem, Model: mlp(4, 0, 3), Loss: loss.CrossEntropy, L2: 0.01}
	switch r.Problem {
	case "mlp":
		l := &layers{}
		spec.Model, spec.L2 = model(l.dense(op.Tanh(l.dense(input(4), 6)), 3)), 0
	case "rosenbrock":
		data, err = feed.NewSet("none", feed.FromF32([]float32{0}, 1, 1), feed.FromF32([]float32{0, 0}, 1, 2), nil)
		spec.Model, spec.Loss, spec.L2 = valley(), loss.MSE, 0
	}
	if err != nil {
		t.Fatal(err)
	}
	spec.Data, spec.Batch, spec.Ordered, spec.Optimizer = data, data.Len(), true, withSettings(t, "lbfgs", r.Settings)
	return spec
}

// Steps, line search and the number of evaluations are those of PyTorch.
func TestLBFGSAgreesWithPyTorch(t *testing.T) {
	text, err := os.ReadFile("testdata/lbfgs.json")
	if err != nil {
		t.Fatal(err)
	}
	var ref struct {
		X    []float32
		Y    []int32
		Runs []lbfgsRun
	}
	if err := json.Unmarshal(text, &ref); err != nil || len(ref.Runs) != 7 {
		t.Fatal(len(ref.Runs), err)
	}
	dev := device(t)
	for _, r := range ref.Runs {
		tr := trainer(t, dev, lbfgsSpec(t, r, ref.X, ref.Y))
		for i, p := range tr.Spec().Model.Params() {
			if err := tr.machine.mem.put(p.Name, feed.FromF32(r.First[i], len(r.First[i])).Data); err != nil {
				t.Fatal(err)
			}
		}
		for i, want := range r.Steps {
			fit(t, tr, 1)
			close := func(what string, got, want float64) {
				if !(math.Abs(got-want) <= 1e-4*math.Abs(want)+1e-5) {
					t.Errorf("%s %v, step %d: %s is %v, PyTorch has %v", r.Problem, r.Settings, i+1, what, got, want)
				}
			}
			if r.Problem != "logistic" { // there the loss that is shown is without the penalty
				close("the loss", value(t, tr.Info().Last.Train, "loss"), want.Loss)
			}
			list, err := tr.Parameters()
			if err != nil {
				t.Fatal(err)
			}
			for k, p := range list {
				for j, x := range p.Value.F32s() {
					close(p.Name, float64(x), want.Weights[k][j])
				}
			}
			if got := tr.machine.full.(*search).evaluations; got != want.Evaluations {
				t.Errorf("%s %v, step %d: %d evaluations, PyTorch needs %d", r.Problem, r.Settings, i+1, got, want.Evaluations)
			}
		}
	}
}

func decaying(t *testing.T) *schedule.Schedule {
	t.Helper()
	s, err := schedule.New("exponential", map[string]float64{"factor": 0.9})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Wherever it is stopped, L-BFGS goes on bit for bit, also with dropout, running
// statistics, a schedule and unequal batches: all that it remembers is with the
// trainer.
func TestLBFGSGoesOnExactly(t *testing.T) {
	dev, spec := device(t), noisySpec(t)
	spec.Batch, spec.Schedule = 50, decaying(t)
	spec.Optimizer = withSettings(t, "lbfgs", map[string]float64{"iterations": 3, "history": 4})
	whole := trainer(t, dev, spec)
	fit(t, whole, 3)
	want := weights(t, whole)
	if len(want) < 4*spec.Batch {
		t.Fatal("its memory is not among the states")
	}
	for at := int64(1); at < 9; at++ {
		tr := trainer(t, dev, spec)
		stopAt(t, tr, at)
		finish(t, tr)
		if weights(t, tr) != want {
			t.Errorf("stopped after step %d, the weights became others", at)
		}
		sameHistory(t, whole, tr)
		tr.Close()
	}
	if err := whole.Reset(); err != nil {
		t.Fatal(err)
	}
	fit(t, whole, 3)
	if weights(t, whole) != want {
		t.Error("training after Reset differs from the first time")
	}
}

// A first loss that is not finite halts L-BFGS as it does the others, and one on
// the way of a line search only makes the step shorter.
func TestLBFGSAndBadNumbers(t *testing.T) {
	dev := device(t)
	data, err := feed.NewSet("numbers", feed.FromF32([]float32{1, 2, 4}, 3, 1), feed.FromF32([]float32{0, 0, 0}, 3), nil)
	if err != nil {
		t.Fatal(err)
	}
	l := &layers{}
	k := param("kernel", "ones", 1, 1)
	h := op.Exp(op.MatMul(input(1), k, false, false)) // overflows where the slope leads at first
	spec := Spec{Name: "exp", Model: model(l.stamp("exp", op.Sub(h, ir.Const(2, ir.F32)), k)), Loss: loss.MSE, Batch: 3, Data: data,
		Optimizer: withSettings(t, "lbfgs", map[string]float64{"lr": 1e6})}
	tr := trainer(t, dev, spec)
	list, err := tr.Parameters()
	if err == nil {
		err = tr.machine.mem.put(list[0].Name, feed.FromF32([]float32{-1}, 1).Data)
	}
	if err != nil {
		t.Fatal(err)
	}
	fit(t, tr, 3)
	if list, err = tr.Parameters(); err != nil {
		t.Fatal(err)
	}
	if x := list[0].Value.F32s()[0]; !(x > 0 && x < 0.7) { // log 2 / x is best for each row alone
		t.Errorf("the weight became %v", x)
	}
	if err := tr.machine.mem.put(list[0].Name, feed.FromF32([]float32{100}, 1).Data); err != nil {
		t.Fatal(err)
	}
	before := weights(t, tr)
	var bad *DivergedError
	if err := tr.Train(t.Context(), 1); !errors.As(err, &bad) || bad.Step != 4 || !strings.Contains(bad.First, "exp of layer exp_1") {
		t.Errorf("got %v", err)
	}
	if weights(t, tr) != before {
		t.Error("a step that was not finite changed something")
	}
}

// The learning rate is the length of the first trial.
func TestLBFGSTakesTheRate(t *testing.T) {
	dev, spec := device(t), irisSpec(t)
	spec.Batch = 120
	spec.Optimizer = withSettings(t, "lbfgs", map[string]float64{"iterations": 1, "evaluations": 2})
	a, b := trainer(t, dev, spec), trainer(t, dev, spec)
	if err := b.SetLR(0.25); err != nil {
		t.Fatal(err)
	}
	fit(t, a, 1)
	fit(t, b, 1)
	if weights(t, a) == weights(t, b) {
		t.Error("another learning rate gives the same weights")
	}
	if e, err := a.Explain(t.Context(), compile.Options{}); err != nil || !strings.Contains(e.Name, "along a line") {
		t.Errorf("the explanation is of %v: %v", e, err)
	}
}
