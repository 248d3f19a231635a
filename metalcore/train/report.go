package train

import (
	"context"
	"fmt"
	"slices"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/metric"
)

// Report tells how well the model tells the classes of a set apart. The counts
// are made on the device, like all metrics.
func (t *Trainer) Report(ctx context.Context, set *feed.Set) (metric.Report, error) {
	spec := *t.machine.spec
	spec.Metrics = []string{"f1"} // which is made of the confusion matrix
	if err := spec.checkData(set); err != nil {
		return metric.Report{}, err
	}
	release, err := t.hold(ctx)
	if err != nil {
		return metric.Report{}, err
	}
	defer release()
	r, err := t.machine.place(set, t.machine.chunk())
	if err != nil {
		return metric.Report{}, err
	}
	defer r.Release()
	m := *t.machine
	m.spec, m.evals = &spec, map[evalKey]*program{}
	defer m.forget(r)
	if _, err := m.measure(ctx, r); err != nil {
		return metric.Report{}, err
	}
	metrics, err := spec.metrics(set)
	if err != nil {
		return metric.Report{}, err
	}
	matrix, err := metrics.Confusion(sumsEval, m.mem.numbers)
	return metric.Report{Confusion: matrix, Names: set.Classes}, err
}

// The kinds of curves.
const (
	CurveROC = "roc"
	CurvePR  = "pr"
)

// Curve is the ROC or PR curve of one class against the others: of the model's
// probabilities for it, or of its only output, which stands for the class 1.
func (t *Trainer) Curve(set *feed.Set, kind string, class int) (metric.Curve, error) {
	metrics, err := t.machine.spec.metrics(set)
	if err != nil {
		return metric.Curve{}, err
	}
	if set, err = set.Load(context.Background()); err != nil {
		return metric.Curve{}, err
	}
	y, err := t.Predict(set.X, false)
	if err != nil {
		return metric.Curve{}, err
	}
	width := y.RowShape().Elems()
	if n := metrics.Classes(); n == 0 || width > 1 && y.DType == ir.F32 && set.Y.DType != ir.I32 || class < 0 || class >= n {
		return metric.Curve{}, fmt.Errorf("there is no curve of the class %d: it needs a model with the loss cross_entropy or bce, "+
			"class numbers as labels, and one of the %d classes", class, n)
	}
	labels := set.Y.I32s()
	for _, v := range set.Y.F32s() {
		labels = append(labels, int32(v+0.5))
	}
	scores, positive := make([]float64, len(labels)), make([]bool, len(labels))
	for i, p := range slices.Collect(slices.Chunk(y.F32s(), width)) {
		positive[i] = int(labels[i]) == class
		switch {
		case width > 1:
			scores[i] = float64(p[class])
		case class == 1:
			scores[i] = float64(p[0])
		default:
			scores[i] = -float64(p[0])
		}
	}
	switch kind {
	case CurveROC:
		return metric.ROC(scores, positive)
	case CurvePR:
		return metric.PR(scores, positive)
	}
	return metric.Curve{}, fmt.Errorf("there is no curve %q: there are %s and %s", kind, CurveROC, CurvePR)
}
