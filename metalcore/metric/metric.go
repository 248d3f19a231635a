// Package metric builds what is measured beside the loss. Sums and counts are
// made of the engine's ops and carried on the device from batch to batch; what
// is made of them at the end is exact over all rows, whatever the sizes of the
// batches.
package metric

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/loss"
	"github.com/metalnb/metalnb/metalcore/op"
)

// Value is a measured number.
type Value struct {
	Name  string
	Value float64
}

// Batch is what metrics are computed from.
type Batch struct {
	Out, Y *ir.Value // the model's output and the labels
	Rows   loss.Rows
}

// Set is the loss and some metrics, measured together.
type Set struct {
	loss    *loss.Loss
	task    task
	classes int
	names   []string
	// Weighted says that rows count differently.
	Weighted bool
}

// task is what a model is trained for, by which metrics go with it.
type task int

const (
	numbers task = iota // the output is to be like the target
	bits                // each output tells two classes apart
	classes             // the largest output is the class
)

func (t task) String() string {
	return [...]string{"numbers", "outputs that tell two classes apart", "classes"}[t]
}

// Names lists the metrics that there are, "top5" for all "top" numbers.
func Names() []string {
	return []string{"accuracy", "top5", "precision", "recall", "f1", "specificity", "npv", "perplexity",
		"mae", "mse", "rmse", "r2", "mape"}
}

// NewSet returns the loss with the metric that goes with it and those named
// besides. The default is the accuracy for classes, the mean absolute error for
// numbers, and the mean squared one where the absolute is the loss itself.
//
// The accuracy of a model of classes is the share of rows whose largest output
// is the label's (of equals the first), that of outputs which tell two classes
// apart the share of these. "top5" counts a row if the label's output is among
// the five largest. "precision", "recall", "f1", "specificity" and "npv" are
// means over the classes, each with the same weight, or of the class 1 alone
// where there are two and one output; with "_micro" after the name all classes
// are counted together, with "_weighted" each weighs as its number of rows.
// "perplexity" is e to the mean cross-entropy. "r2" is 1 less the ratio of the
// squares of the errors to those of the targets' distances from their mean, the
// mean over the outputs; "mape" the mean of |x - y| / |y|.
func NewSet(l *loss.Loss, extra []string, out, y *ir.Value) (*Set, error) {
	s := &Set{loss: l, task: taskOf(l, out, y), Weighted: l.Weighted(y.DType)}
	if s.task == classes {
		s.classes = out.Shape[1]
	} else if s.task == bits {
		s.classes = 2
	}
	if first := s.first(out, y); first != "" {
		s.names = append(s.names, first)
	}
	for _, name := range extra {
		if slices.Contains(s.names, name) {
			continue
		}
		if err := s.check(name, out, y); err != nil {
			return nil, err
		}
		s.names = append(s.names, name)
	}
	return s, nil
}

func taskOf(l *loss.Loss, out, y *ir.Value) task {
	wide := len(out.Shape) == 2 && out.Shape[1] > 1
	switch l.Name() {
	case loss.CrossEntropy:
		return classes
	case loss.BCE, loss.BCELogits:
		return bits
	case loss.Hinge:
		if y.DType == ir.I32 && wide {
			return classes
		}
		return bits
	case loss.Function:
		if y.DType == ir.I32 && wide {
			return classes
		}
	}
	return numbers
}

// first is the metric that goes with the loss, "" for none.
func (s *Set) first(out, y *ir.Value) string {
	switch {
	case s.task != numbers:
		return "accuracy"
	case s.loss.Name() == loss.MAE:
		return "mse"
	case s.loss.Name() == loss.Cosine || s.loss.Name() == loss.KL || !alike(out, y):
		return ""
	}
	return "mae"
}

// alike reports whether targets can be subtracted from the output.
func alike(out, y *ir.Value) bool {
	width := func(v *ir.Value) int { return v.Shape[1:].Elems() }
	return y.DType == ir.F32 && (out.Shape.Equal(y.Shape) || width(out) == 1 && width(y) == 1)
}

// Names lists the metrics of the set, the loss not among them.
func (s *Set) Names() []string { return slices.Clone(s.names) }

// Classes is the number of classes that the metrics tell apart, 0 for numbers.
func (s *Set) Classes() int { return s.classes }

// Confusion reads the confusion matrix of the sums of that prefix, which is
// there when a metric is made of it.
func (s *Set) Confusion(prefix string, read Read) (Confusion, error) {
	cells, err := read(prefix+nameConfusion, ir.I32)
	if err != nil {
		return Confusion{}, err
	}
	return NewConfusion(s.classes, cells), nil
}

// LargerIsBetter reports whether a larger number of that name is better.
func LargerIsBetter(name string) bool {
	return !slices.Contains([]string{nameLoss, "mae", "mse", "rmse", "mape", "perplexity"}, name)
}

// check reports whether the metric goes with the task.
func (s *Set) check(name string, out, y *ir.Value) error {
	base := strings.TrimSuffix(strings.TrimSuffix(name, "_micro"), "_weighted")
	fits := false
	switch {
	case topK(name) > 0:
		if s.task == classes && topK(name) > s.classes {
			return fmt.Errorf("the metric %s: the model has %d classes only", name, s.classes)
		}
		fits = s.task == classes
	case name == "accuracy" || slices.Contains(rates, base):
		fits = s.task != numbers
	case name == "perplexity":
		fits = s.loss.Name() == loss.CrossEntropy
	case slices.Contains([]string{"mae", "mse", "rmse", "r2", "mape"}, name):
		fits = s.task == numbers && alike(out, y)
	default:
		return fmt.Errorf("there is no metric %q: there are %s", name, strings.Join(Names(), ", "))
	}
	if !fits {
		return fmt.Errorf("the metric %s does not go with the loss %s, which is for %v, and labels %s", name, s.loss.Name(), s.task, y.Type())
	}
	return nil
}

// topK is the number in a name like "top5", 0 when it is none.
func topK(name string) int {
	digits, ok := strings.CutPrefix(name, "top")
	k, err := strconv.Atoi(digits)
	if !ok || err != nil || k < 1 {
		return 0
	}
	return k
}

// Updates returns the updates that add a batch to the sums of that prefix,
// states on the device that are zero at first.
func (s *Set) Updates(prefix string, b Batch) (updates []ir.Update, err error) {
	err = op.Try(func() { updates = s.sums(prefix, b) })
	return updates, err
}

func (s *Set) sums(prefix string, b Batch) []ir.Update {
	counts := s.counts(b.Y)
	sums := slices.Concat(newSum(prefix+nameLoss, op.Sum(b.Rows.Loss, false)), newSum(prefix+nameRows, rowCount(b, counts)))
	if s.Weighted {
		sums = append(sums, newSum(prefix+nameWeight, op.Sum(b.Rows.Weight, false))...)
	}
	done := map[string]bool{}
	for _, name := range s.names {
		key := s.source(name)
		if done[key] {
			continue
		}
		done[key] = true
		switch key {
		case nameConfusion:
			sums = append(sums, newSum(prefix+key, s.confusion(b, counts))...)
		case nameSpread:
			sums = append(sums, spread(prefix, b.Out, s.loss.Align(b.Out, b.Y))...)
		default:
			perRow := s.perRow(key, b)
			if counts != nil {
				perRow = op.Mul(perRow, counts)
			}
			sums = append(sums, newSum(prefix+key, op.Sum(perRow, false))...)
		}
	}
	return sums
}

// counts is 1 for each row that counts, nil when all do.
func (s *Set) counts(y *ir.Value) *ir.Value {
	if y.DType != ir.I32 {
		return nil
	}
	return s.loss.Counts(y)
}

// rowCount is the number of rows of the batch that count.
func rowCount(b Batch, counts *ir.Value) *ir.Value {
	if counts == nil {
		return ir.Const(float64(b.Out.Shape[0]), ir.I32)
	}
	return op.Cast(op.Sum(counts, false), ir.I32)
}

// Read returns the numbers of a state of that name.
type Read func(name string, dtype ir.DType) ([]float64, error)

// Loss returns the sum of the rows' losses and of their weights.
func (s *Set) Loss(prefix string, read Read) (sum, weight float64, err error) {
	if sum, err = total(prefix+nameLoss, read); err != nil {
		return 0, 0, err
	}
	if s.Weighted {
		weight, err = total(prefix+nameWeight, read)
	} else {
		weight, err = count(prefix+nameRows, read)
	}
	return sum, weight, err
}

// Values makes the loss and the metrics of the sums of that prefix.
func (s *Set) Values(prefix string, read Read) ([]Value, error) {
	sum, weight, err := s.Loss(prefix, read)
	if err != nil {
		return nil, err
	}
	rows, err := count(prefix+nameRows, read)
	if err != nil {
		return nil, err
	}
	list := []Value{{nameLoss, ratio(sum, weight)}}
	for _, name := range s.names {
		x, err := s.value(name, prefix, rows, read)
		if err != nil {
			return nil, err
		}
		list = append(list, Value{name, x})
	}
	return list, nil
}

func (s *Set) value(name, prefix string, rows float64, read Read) (float64, error) {
	key := s.source(name)
	switch key {
	case nameConfusion:
		c, err := s.Confusion(prefix, read)
		if err != nil {
			return 0, err
		}
		return c.rate(name, s.task == bits), nil
	case nameSpread:
		return readR2(prefix, read)
	}
	sum, err := total(prefix+key, read)
	mean := ratio(sum, rows)
	switch name {
	case "rmse":
		mean = math.Sqrt(mean)
	case "perplexity":
		mean = math.Exp(mean)
	}
	return mean, err
}

// ratio is 0 of nothing.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
