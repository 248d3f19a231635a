package metric_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/loss"
	"github.com/metalnb/metalnb/metalcore/metric"
)

// runner adds batches of rows up; the states last from batch to batch.
type runner struct {
	t     *testing.T
	dev   backend.Device
	state map[string]backend.Buffer
}

func newRunner(t *testing.T) *runner {
	dev := cpu.New(1)
	t.Cleanup(func() { dev.Close() })
	return &runner{t, dev, map[string]backend.Buffer{}}
}

func (r *runner) buffer(data []byte) backend.Buffer {
	r.t.Helper()
	buf, err := r.dev.Alloc(int64(len(data)))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(buf.Free)
	if err := buf.Upload(0, data); err != nil {
		r.t.Fatal(err)
	}
	return buf
}

// run submits updates some times.
func (r *runner) run(updates []ir.Update, inputs map[string]feed.Array, steps int) {
	r.t.Helper()
	p, _, err := compile.Compile(ir.NewGraph("metrics", nil, updates), compile.Options{})
	if err != nil {
		r.t.Fatal(err)
	}
	exec, err := r.dev.Compile(p)
	if err != nil {
		r.t.Fatal(err)
	}
	defer exec.Free()
	var b backend.Bindings
	for _, v := range p.Inputs {
		b.Inputs = append(b.Inputs, r.buffer(inputs[v.Name].Data))
	}
	for _, v := range p.States {
		if r.state[v.Name] == nil {
			r.state[v.Name] = r.buffer(make([]byte, v.Bytes()))
		}
		b.States = append(b.States, r.state[v.Name])
	}
	if err := exec.Submit(b, steps).Wait(); err != nil {
		r.t.Fatal(err)
	}
}

func (r *runner) read(name string, dtype ir.DType) (list []float64, err error) {
	buf := r.state[name]
	if buf == nil {
		return nil, fmt.Errorf("no state %q", name)
	}
	a := feed.Array{DType: dtype, Data: make([]byte, buf.Len())}
	if err := buf.Download(0, a.Data); err != nil {
		return nil, err
	}
	for _, x := range a.F32s() {
		list = append(list, float64(x))
	}
	for _, x := range a.I32s() {
		list = append(list, float64(x))
	}
	return list, nil
}

// measure adds up rows in batches of the given size, and a last smaller one.
func measure(t *testing.T, l *loss.Loss, names []string, out, y feed.Array, batch int) map[string]float64 {
	t.Helper()
	typed := func(name string, a feed.Array, rows int) *ir.Value {
		return ir.Input(name, a.DType, append(ir.Shape{rows}, a.RowShape()...)...)
	}
	set, err := metric.NewSet(l, names, typed("out", out, ir.Batch), typed("y", y, ir.Batch))
	if err != nil {
		t.Fatal(err)
	}
	r := newRunner(t)
	for from := 0; from < out.Len(); from += batch {
		to := min(from+batch, out.Len())
		inputs := map[string]feed.Array{"out": out.Slice(from, to), "y": y.Slice(from, to)}
		x, labels := typed("out", out, to-from), typed("y", y, to-from)
		for name, list := range l.Inputs() {
			inputs[name] = feed.FromF32(list, len(list))
		}
		rows, err := l.Build(x, labels, nil)
		if err != nil {
			t.Fatal(err)
		}
		updates, err := set.Updates("sum/", metric.Batch{Out: x, Y: labels, Rows: rows})
		if err != nil {
			t.Fatal(err)
		}
		r.run(updates, inputs, 1)
	}
	list, err := set.Values("sum/", r.read)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, v := range list {
		got[v.Name] = v.Value
	}
	return got
}

// reference is a case of testdata/reference.py, which scikit-learn computed.
type reference struct {
	Loss                                    string
	Shape                                   []int
	X, Y                                    []float32
	Labels                                  []int32
	Values                                  map[string]float64
	Matrix                                  []float64
	Report                                  string
	FPR, TPR, Thresholds, Precision, Recall []float64
	ROC, AP                                 float64
}

func references(t *testing.T) (all []reference) {
	t.Helper()
	text, err := os.ReadFile("testdata/metrics.json")
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil || len(all) != 3 {
		t.Fatal(len(all), err)
	}
	return all
}

func TestMetricsOfScikitLearn(t *testing.T) {
	for _, r := range references(t) {
		l, err := loss.New(r.Loss, loss.Settings{})
		if err != nil {
			t.Fatal(err)
		}
		y := feed.FromI32(r.Labels, len(r.Labels))
		if r.Labels == nil {
			y = feed.FromF32(r.Y, r.Shape...)
		}
		var names []string
		for name := range r.Values {
			if name != "loss" {
				names = append(names, name)
			}
		}
		for _, batch := range []int{64, 7, 1000} {
			got := measure(t, l, names, feed.FromF32(r.X, r.Shape...), y, batch)
			if len(got) != len(r.Values) {
				t.Errorf("%s: got %v, want %v", r.Loss, got, r.Values)
			}
			for name, want := range r.Values {
				if d := math.Abs(got[name] - want); !(d <= 2e-6*math.Max(1, math.Abs(want))) {
					t.Errorf("%s in batches of %d: %s is %v, scikit-learn has %v", r.Loss, batch, name, got[name], want)
				}
			}
		}
	}
}

func near(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return math.Abs(x-y) < 1e-8 })
}

func TestCurvesOfScikitLearn(t *testing.T) {
	r := references(t)[1]
	scores, positive := make([]float64, len(r.X)), make([]bool, len(r.X))
	for i := range r.X {
		scores[i], positive[i] = math.Round(float64(r.X[i])*10)/10, r.Labels[i] == 1
	}
	roc, err := metric.ROC(scores, positive)
	if err != nil {
		t.Fatal(err)
	}
	if !near(roc.X, r.FPR) || !near(roc.Y, r.TPR) || !near(roc.Thresholds[1:], r.Thresholds) || math.Abs(roc.Area-r.ROC) > 1e-8 {
		t.Errorf("the ROC curve is %+v", roc)
	}
	pr, err := metric.PR(scores, positive)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(r.Precision) // scikit-learn begins with the lowest threshold
	slices.Reverse(r.Recall)
	if !near(pr.X, r.Recall) || !near(pr.Y, r.Precision) || math.Abs(pr.Area-r.AP) > 1e-8 {
		t.Errorf("the PR curve is %+v\nwant %v\n%v", pr, r.Recall, r.Precision)
	}
	for want, f := range map[string]func() (metric.Curve, error){
		"2 scores and 1 labels":      func() (metric.Curve, error) { return metric.ROC(scores[:2], positive[:1]) },
		"score 0 is NaN":             func() (metric.Curve, error) { return metric.PR([]float64{math.NaN()}, []bool{true}) },
		"positive and negative rows": func() (metric.Curve, error) { return metric.ROC([]float64{1, 2}, []bool{true, true}) },
	} {
		if _, err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestReportOfScikitLearn(t *testing.T) {
	r := references(t)[0]
	report := metric.Report{Confusion: metric.NewConfusion(10, r.Matrix)}
	for i := range 10 {
		report.Names = append(report.Names, fmt.Sprintf("class %d", i))
	}
	if got := report.String(); got != r.Report {
		t.Errorf("got\n%s\nscikit-learn has\n%s", got, r.Report)
	}
}

// Rows whose labels are to be ignored count in no metric.
func TestIgnoredRows(t *testing.T) {
	l, err := loss.New(loss.CrossEntropy, loss.Settings{Ignore: []int{2}, Weights: []float64{1, 3, 1}})
	if err != nil {
		t.Fatal(err)
	}
	out := feed.FromF32([]float32{5, 0, 0, 5, 0, 0, 0, 0, 5, 0, 0, 5, 0, 5, 0}, 5, 3)
	got := measure(t, l, []string{"recall", "top2"}, out, feed.FromI32([]int32{0, 1, 2, 2, 1}, 5), 2)
	right, wrong := math.Log(1+2*math.Exp(-5)), 5+math.Log(1+2*math.Exp(-5))
	want := map[string]float64{"accuracy": 2.0 / 3, "recall": (1 + 0.5) / 3, "top2": 1, "loss": (right + 3*wrong + 3*right) / 7}
	for name, x := range want {
		if math.Abs(got[name]-x) > 1e-6 {
			t.Errorf("%s is %v, want %v", name, got[name], x)
		}
	}
}

// A plain f32 sum would stay at 2^24 when 1 is added.
func TestSumsAreExactBeyondF32(t *testing.T) {
	l, err := loss.New(loss.MAE, loss.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	out, y := ir.Input("out", ir.F32, 1), ir.Input("y", ir.F32, 1)
	set, err := metric.NewSet(l, nil, out, y)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := l.Build(out, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	updates, err := set.Updates("", metric.Batch{Out: out, Y: y, Rows: rows})
	if err != nil {
		t.Fatal(err)
	}
	r, zero := newRunner(t), feed.FromF32([]float32{0}, 1)
	r.run(updates, map[string]feed.Array{"out": feed.FromF32([]float32{1 << 24}, 1), "y": zero}, 1)
	r.run(updates, map[string]feed.Array{"out": feed.FromF32([]float32{1}, 1), "y": zero}, 101)
	if sum, weight, err := set.Loss("", r.read); err != nil || sum != 1<<24+101 || weight != 102 {
		t.Errorf("the sum is %v of %v rows: %v", sum, weight, err)
	}
}

func TestBadMetrics(t *testing.T) {
	cases := []struct {
		loss, metric string
		out, y       *ir.Value
		want         string
	}{
		{loss.CrossEntropy, "auc", ir.Input("x", ir.F32, ir.Batch, 3), ir.Input("y", ir.I32, ir.Batch), `there is no metric "auc": there are accuracy, top5`},
		{loss.CrossEntropy, "mae", ir.Input("x", ir.F32, ir.Batch, 3), ir.Input("y", ir.I32, ir.Batch), "mae does not go with the loss cross_entropy, which is for classes"},
		{loss.CrossEntropy, "top4", ir.Input("x", ir.F32, ir.Batch, 3), ir.Input("y", ir.I32, ir.Batch), "the model has 3 classes only"},
		{loss.MSE, "f1", ir.Input("x", ir.F32, ir.Batch), ir.Input("y", ir.F32, ir.Batch), "f1 does not go with the loss mse, which is for numbers"},
		{loss.BCE, "perplexity", ir.Input("x", ir.F32, ir.Batch), ir.Input("y", ir.F32, ir.Batch), "which is for outputs that tell two classes apart"},
	}
	for _, c := range cases {
		l, err := loss.New(c.loss, loss.Settings{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := metric.NewSet(l, []string{c.metric}, c.out, c.y); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with %s: got %v, want %q", c.metric, c.loss, err, c.want)
		}
	}
}

func ExampleReport() {
	fmt.Print(metric.Report{
		Confusion: metric.Confusion{Cells: [][]int{{8, 2}, {1, 9}}},
		Names:     []string{"cat", "dog"},
	})
	// Output:
	//               precision    recall  f1-score   support
	//
	//          cat       0.89      0.80      0.84        10
	//          dog       0.82      0.90      0.86        10
	//
	//     accuracy                           0.85        20
	//    macro avg       0.85      0.85      0.85        20
	// weighted avg       0.85      0.85      0.85        20
}
