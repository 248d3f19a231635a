// Package metric builds what is measured beside the loss. A metric is one
// number per row, made of the engine's ops; its sum is carried on the device
// from batch to batch, and the mean over all rows is exact whatever the sizes
// of the batches.
package metric

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/loss"
	"github.com/metalnb/metalnb/metalcore/op"
)

// Metric is a number that is measured for each row and averaged.
type Metric struct {
	Name  string // "accuracy"
	build func(out, y *ir.Value) (*ir.Value, error)
}

// PerRow returns the metric of each row, f32 [R].
func (m Metric) PerRow(out, y *ir.Value) (perRow *ir.Value, err error) {
	return m.build(out, y)
}

// For returns the metric that goes with a loss: the accuracy with
// cross_entropy; with a regression the mean absolute error, or the mean squared
// one where the absolute is the loss itself.
func For(name string) (Metric, error) {
	switch name {
	case loss.CrossEntropy:
		return Metric{"accuracy", accuracy}, nil
	case loss.MSE:
		return Metric{loss.MAE, regression(loss.MAE)}, nil
	case loss.MAE:
		return Metric{loss.MSE, regression(loss.MSE)}, nil
	}
	return Metric{}, fmt.Errorf("there is no metric for the loss %q", name)
}

// accuracy is 1 where the largest logit is that of the right class, else 0.
func accuracy(out, y *ir.Value) (hit *ir.Value, err error) {
	err = op.Try(func() { hit = op.Cast(op.Eq(op.ArgMax(out, 1), y), ir.F32) })
	return hit, err
}

func regression(name string) func(out, y *ir.Value) (*ir.Value, error) {
	return func(out, y *ir.Value) (*ir.Value, error) { return loss.Build(name, out, y) }
}

// Sum is a sum that lives on the device. It is kept as two f32 numbers, the
// second of which holds what rounding took from the first (Kahan's summation),
// so that it stays exact where a single f32 would no longer notice a row.
type Sum struct {
	Total, Lost *ir.Value // states, f32 []
}

// NewSum returns a sum whose states are called name and name+"/lost".
func NewSum(name string) Sum {
	return Sum{ir.State(name, ir.F32, ir.Shape{}, nil), ir.State(name+"/lost", ir.F32, ir.Shape{}, nil)}
}

// Add returns the updates that add x, an f32 scalar.
func (s Sum) Add(x *ir.Value) []ir.Update {
	y := op.Sub(x, s.Lost)
	total := op.Add(s.Total, y)
	return []ir.Update{
		{State: s.Total, New: total},
		{State: s.Lost, New: op.Sub(op.Sub(total, s.Total), y)},
	}
}
