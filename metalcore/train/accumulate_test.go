package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/optim"
)

// inParts are specifications by what they try, for steps of 48 rows of 120: two full
// ones and one of 24. None has a layer that sees more than a row.
func inParts(t *testing.T) map[string]Spec {
	t.Helper()
	specs := map[string]Spec{}
	with := func(name string, change func(s *Spec)) {
		s := irisSpec(t)
		s.Batch = 48
		change(&s)
		specs[name] = s
	}
	for _, name := range optim.Names() {
		if name != "lbfgs" {
			with(name, func(s *Spec) { s.Optimizer = withSettings(t, name, map[string]float64{"lr": 0.002}) })
		}
	}
	with("clipped", func(s *Spec) {
		s.Optimizer = withSettings(t, "sgd", map[string]float64{"lr": 0.1, "clip_norm": 0.05, "clip_value": 0.02})
	})
	with("penalties", func(s *Spec) {
		s.Optimizer, s.L1, s.L2 = optimizer(t, "sgd", 0.1), 0.01, 0.02
	})
	with("averages and groups", func(s *Spec) {
		o, err := optim.WithGroups(optimizer(t, "sgd", 0.1, 0.9), optim.Group{Layers: "dense_1*", LR: 0.2})
		if err != nil {
			t.Fatal(err)
		}
		s.Optimizer, s.EMA = o, 0.8
	})
	with("weighted", func(s *Spec) {
		s.Data = weighted(t, s.Data, func(i int) float32 { return float32(i%5) / 2 })
		s.Optimizer, s.L2 = optimizer(t, "sgd", 0.1), 0.01
	})
	with("classes of different weight", func(s *Spec) {
		s.LossWith.Weights = []float64{1, 0.25, 3}
		s.Metrics = []string{"f1", "top2"}
	})
	with("mixed_float16", func(s *Spec) { s.Precision, s.Optimizer = MixedFloat16, optimizer(t, "sgd", 0.1) })
	return specs
}

// weighted are the rows of a set, of which each counts differently.
func weighted(t *testing.T, set *feed.Set, weight func(i int) float32) *feed.Set {
	t.Helper()
	out, err := set.Rows("weighted", seq(set.Len()))
	if err != nil {
		t.Fatal(err)
	}
	ws := make([]float32, out.Len())
	for i := range ws {
		ws[i] = weight(i)
	}
	out.W = feed.FromF32(ws, out.Len())
	return out
}

// Steps in parts are steps of one large batch, but for rounding, whatever the size
// of the parts: also of such that do not divide a step, and of only one.
func TestPartsAreOneBatch(t *testing.T) {
	for name, spec := range inParts(t) {
		dev, within := device(t), 2e-5
		if spec.Precision != "" {
			within = 5e-3 // parts are rounded to 16 bits
		}
		whole := trainer(t, dev, spec)
		fit(t, whole, 4)
		for _, parts := range []int{2, 3, 4} {
			spec := spec
			spec.Batch, spec.Accumulate = 48/parts, parts
			tr := trainer(t, dev, spec)
			fit(t, tr, 4)
			if a, b := numbersOf(t, whole), numbersOf(t, tr); !alike(a, b, within) {
				t.Errorf("%s, %d parts: the weights are %v, in one batch %v", name, parts, b, a)
			}
			a, b := whole.History(), tr.History()
			for i := range a {
				if a[i].Steps != 3 || b[i].Steps != 3 || !sameMeans(a[i].Train, b[i].Train, 100*within) || !sameMeans(a[i].Valid, b[i].Valid, 100*within) {
					t.Errorf("%s, %d parts: epoch %d is %v, in one batch %v", name, parts, i+1, b[i], a[i])
				}
			}
			if a, b := whole.Info(), tr.Info(); b.Step != 12 || b.StepsPerEpoch != 3 || a.Skipped != b.Skipped || b.EpochStep != 0 {
				t.Errorf("%s, %d parts: %+v", name, parts, b)
			}
		}
	}
}

func sameMeans(a, b []Metric, within float64) bool {
	return slices.EqualFunc(a, b, func(x, y Metric) bool { return x.Name == y.Name && math.Abs(x.Value-y.Value) <= within })
}

// An epoch's last step may have less parts, a smaller one, only a smaller one, or
// be the only one; more parts than there are batches are none too many.
func TestRowsOfParts(t *testing.T) {
	for _, c := range []struct{ rows, batch, parts, steps int }{
		{120, 16, 7, 2}, {120, 16, 4, 2}, {120, 40, 2, 2}, {120, 50, 2, 2}, {120, 30, 4, 1}, {120, 119, 2, 1}, {120, 120, 3, 1}, {120, 500, 4, 1}, {7, 2, 1 << 40, 1},
	} {
		spec := irisSpec(t)
		data, err := spec.Data.Rows("some", seq(c.rows))
		if err != nil {
			t.Fatal(err)
		}
		spec.Data, spec.Optimizer = data, optimizer(t, "sgd", 0.1)
		spec.Batch, spec.Accumulate = c.batch, c.parts
		tr := trainer(t, device(t), spec)
		spec.Batch, spec.Accumulate = min(c.batch*min(c.parts, c.rows), c.rows), 0
		whole := trainer(t, device(t), spec)
		fit(t, tr, 3)
		fit(t, whole, 3)
		if i := tr.Info(); i.StepsPerEpoch != c.steps || i.Step != int64(3*c.steps) || !alike(numbersOf(t, tr), numbersOf(t, whole), 1e-5) {
			t.Errorf("%+v: %+v", c, i)
		}
		if a, b := tr.History(), whole.History(); !sameMeans(a[2].Train, b[2].Train, 1e-5) {
			t.Errorf("%+v: measured %v, want %v", c, a[2].Train, b[2].Train)
		}
		rows, err := tr.machine.mem.i32(sumsEpoch + "rows")
		if cursor, failed := tr.machine.mem.i32(nameCursor); errors.Join(err, failed) != nil || rows != c.rows || cursor != c.rows {
			t.Errorf("%+v: %d rows measured, %d passed", c, rows, cursor)
		}
	}
}

// normed is a model with batch norm and no bias before it.
func normed() *ir.Graph {
	l := &layers{}
	k := param("kernel", "he_normal", 4, 6)
	h := l.stamp("dense", op.MatMul(input(4), k, false, false), k)
	mean := op.Mean(h, false, 0)
	d := op.Sub(h, mean)
	variance := op.Mean(op.Mul(d, d), false, 0)
	toward := func(state, x *ir.Value) ir.Update {
		return ir.Update{State: state, New: op.Add(op.Mul(ir.Const(0.9, ir.F32), state), op.Mul(ir.Const(0.1, ir.F32), x))}
	}
	runMean := ir.State("mean", ir.F32, ir.Shape{6}, ir.Attrs{ir.AttrInit: "zeros"})
	runVar := ir.State("variance", ir.F32, ir.Shape{6}, ir.Attrs{ir.AttrInit: "ones"})
	rows := op.Sum(ir.Const(1, ir.F32, ir.Batch), false)
	unbiased := op.Mul(variance, op.Div(rows, op.Sub(rows, ir.Const(1, ir.F32))))
	h = op.Mul(op.Sub(h, op.Phase(mean, runMean)), op.Rsqrt(op.Add(op.Phase(variance, runVar), ir.Const(1e-5, ir.F32))))
	g := model(l.dense(l.relu(h), 3))
	return ir.NewGraph(g.Name, g.Outputs, []ir.Update{toward(runMean, mean), toward(runVar, unbiased)})
}

// accumulated is a run of testdata/accumulate.py.
type accumulated struct {
	First  [][]float32
	Epochs []struct {
		Loss              float64
		Weights, Averages [][]float64
		Mean, Variance    []float64
	}
}

// Accumulated gradients agree with PyTorch's: batch norm that sees the parts, rows
// of different weight, a penalty, clipping, averages.
func TestPartsAgreeWithPyTorch(t *testing.T) {
	text, err := os.ReadFile("testdata/accumulate.json")
	if err != nil {
		t.Fatal(err)
	}
	var ref struct {
		X, W      []float32
		Y         []int32
		SGD, Adam accumulated
	}
	if err := json.Unmarshal(text, &ref); err != nil {
		t.Fatal(err)
	}
	data, err := feed.NewSet("parts", feed.FromF32(ref.X, 22, 4), feed.FromI32(ref.Y, 22), nil)
	if err != nil {
		t.Fatal(err)
	}
	data.W = feed.FromF32(ref.W, 22)
	spec := Spec{Name: "parts", Model: normed(), Loss: "cross_entropy", Batch: 4, Accumulate: 3, Ordered: true, Data: data}
	spec.Optimizer, spec.L2, spec.EMA = withSettings(t, "sgd", map[string]float64{"lr": 0.2, "momentum": 0.9, "clip_norm": 0.3}), 0.01, 0.75
	followParts(t, spec, ref.SGD)
	spec.Optimizer, spec.L2, spec.EMA = optimizer(t, "adam", 0.02), 0.002, 0.9
	followParts(t, spec, ref.Adam)
}

func followParts(t *testing.T, spec Spec, ref accumulated) {
	t.Helper()
	tr := trainer(t, device(t), spec)
	names := []string{"dense_1.kernel", "dense_2.kernel", "dense_2.bias"}
	for i, name := range names {
		first := feed.FromF32(ref.First[i], len(ref.First[i])).Data
		if err := errors.Join(tr.machine.mem.put(name, first), tr.machine.mem.put(averages+name, first)); err != nil {
			t.Fatal(err)
		}
	}
	same := func(epoch int, name string, want []float64) {
		got, err := tr.machine.mem.numbers(name, ir.F32)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			near(t, epoch, fmt.Sprintf("%s, %s %d", spec.Optimizer.Name(), name, i), got[i], want[i])
		}
	}
	for n, want := range ref.Epochs {
		fit(t, tr, 1)
		near(t, n+1, "loss", value(t, tr.Info().Last.Train, "loss"), want.Loss)
		for i, name := range names {
			same(n+1, name, want.Weights[i])
			same(n+1, averages+name, want.Averages[i])
		}
		same(n+1, "mean", want.Mean)
		same(n+1, "variance", want.Variance)
	}
}

// Each part draws numbers of its own.
func TestPartsDrawOtherNumbers(t *testing.T) {
	spec := irisSpec(t)
	drawn := op.Random(scalar(ir.StateSeed, ir.I32), scalar(ir.StateStep, ir.I32), 0, ir.Shape{1})
	list := ir.State("list", ir.F32, ir.Shape{32}, ir.Attrs{ir.AttrInit: "zeros"})
	spec.Model.Updates = []ir.Update{{State: list, New: op.Concat(0, op.SliceAxis(list, 0, 1, 32), drawn)}}
	spec.Model = ir.NewGraph("draws", spec.Model.Outputs, spec.Model.Updates)
	spec.Accumulate = 3 // epochs of three steps, of 3, 3 and 2 parts
	tr := trainer(t, device(t), spec)
	fit(t, tr, 4)
	seen, err := tr.machine.mem.numbers("list", ir.F32)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(seen)
	if n := len(slices.Compact(seen)); n != 32 || seen[0] == 0 {
		t.Errorf("32 parts drew %d different numbers", n)
	}
}

// A step in parts stops, goes on and is restored as exactly as any other, with
// everything in it that there may be.
func TestPartsResumeExactly(t *testing.T) {
	spec := noisySpec(t)
	spec.Batch, spec.Accumulate, spec.Mixup, spec.EMA, spec.Precision = 8, 4, 0.3, 0.9, MixedFloat16 // steps of 32, 32, 32 and 24
	windows := spec
	windows.Data, _ = sourced(t, spec.Data)
	windows.Window = 2 * 32
	for _, spec := range []Spec{spec, windows} {
		dev := device(t)
		whole := trainer(t, dev, spec)
		fit(t, whole, 3)
		for at := int64(1); at < 12; at++ {
			cut, again := trainer(t, dev, spec), trainer(t, dev, spec)
			stopAt(t, cut, at)
			s := take(t, cut)
			for _, p := range s.States {
				if strings.HasPrefix(p.Name, partly) {
					t.Errorf("%s is in a snapshot", p.Name)
				}
			}
			fit(t, again, 1) // leaves sums behind
			if err := again.Restore(s); err != nil {
				t.Fatal(err)
			}
			for _, tr := range []*Trainer{cut, again} {
				finish(t, tr)
				if weights(t, tr) != weights(t, whole) {
					t.Errorf("stopped after step %d, the weights became others", at)
				}
				sameHistory(t, whole, tr)
				tr.Close()
			}
		}
	}
}

// Windows, of whole steps, change nothing.
func TestPartsInWindows(t *testing.T) {
	dev, spec := device(t), irisSpec(t)
	spec.Batch, spec.Accumulate = 7, 3
	whole := trainer(t, dev, spec)
	fit(t, whole, 3)
	spec.Data, _ = sourced(t, spec.Data)
	for _, steps := range []int{0, 1, 2, 100} {
		spec.Window = steps * 21
		tr := trainer(t, dev, spec)
		fit(t, tr, 3)
		if weights(t, tr) != weights(t, whole) {
			t.Errorf("windows of %d steps give other weights", steps)
		}
		sameHistory(t, whole, tr)
	}
	spec.Window = 28
	if _, err := New(dev, spec); err == nil || !strings.Contains(err.Error(), "it must be a multiple of the 21 of a step") {
		t.Errorf("got %v", err)
	}
}
