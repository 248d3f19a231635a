package metric

import (
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/loss"
	"github.com/metalnb/metalnb/metalcore/op"
)

// source is the name of the sums that a metric is made of.
func (s *Set) source(name string) string {
	switch {
	case name == "rmse":
		return "mse"
	case name == "r2":
		return nameSpread
	case isRate(name):
		return nameConfusion
	}
	return name
}

// perRow is a metric whose mean over the rows is wanted, f32 [R].
func (s *Set) perRow(name string, b Batch) *ir.Value {
	if k := topK(name); k > 0 {
		return among(b.Out, s.truth(b), k)
	}
	switch name {
	case "accuracy":
		hit := op.Cast(op.Eq(s.guess(b), s.truth(b)), ir.F32)
		return rowMean(hit)
	case "perplexity":
		if b.Y.DType == ir.I32 {
			return op.SoftmaxCrossEntropy(b.Out, b.Y)
		}
		return op.Neg(op.Sum(op.Mul(b.Y, op.LogSoftmax(b.Out, 1)), false, 1))
	}
	y := s.loss.Align(b.Out, b.Y)
	d := op.Sub(b.Out, y)
	switch name {
	case "mse":
		return rowMean(op.Mul(d, d))
	case "mape":
		return rowMean(op.Div(op.Abs(d), op.Max(op.Abs(y), num(0x1p-52)))) // as in scikit-learn
	}
	return rowMean(op.Abs(d)) // "mae"
}

// guess is the class that the model decides for, i32 [R], or [R,...] for
// outputs that tell two classes apart.
func (s *Set) guess(b Batch) *ir.Value {
	if s.task == classes {
		return op.ArgMax(b.Out, 1)
	}
	border := 0.0
	if s.loss.Name() == loss.BCE {
		border = 0.5
	}
	return op.Cast(op.Lt(num(border), b.Out), ir.I32)
}

// truth is the right class, of the shape of guess.
func (s *Set) truth(b Batch) *ir.Value {
	if s.task == classes {
		if b.Y.DType == ir.I32 {
			return b.Y
		}
		return op.ArgMax(b.Y, 1)
	}
	border := 0.5
	if s.loss.Name() == loss.Hinge {
		border = 0
	}
	return op.Cast(op.Lt(num(border), s.loss.Align(b.Out, b.Y)), ir.I32)
}

// among is 1 where fewer than k classes have a larger output than the label's,
// or an equal one and a smaller number.
func among(out, label *ir.Value, k int) *ir.Value {
	column := op.Reshape(label, ir.Shape{label.Shape[0], 1})
	number := ir.Iota(out.Shape[1])
	mine := op.Sum(op.Select(op.Eq(column, number), out, num(0)), true, 1)
	equalBefore := op.Mul(op.Eq(out, mine), op.Lt(number, column))
	before := op.Sum(op.Cast(op.Max(op.Lt(mine, out), equalBefore), ir.I32), false, 1)
	return op.Cast(op.Lt(before, ir.Const(float64(k), ir.I32)), ir.F32)
}

// confusion counts how often class i was taken for class j, at [i·C + j].
func (s *Set) confusion(b Batch, counts *ir.Value) *ir.Value {
	truth, guess := s.truth(b), s.guess(b)
	n := ir.Shape{truth.Shape.Elems()}
	truth, guess = op.Reshape(truth, n), op.Reshape(guess, n)
	cell := op.Add(op.Mul(truth, ir.Const(float64(s.classes), ir.I32)), guess)
	ones := ir.Const(1, ir.I32, n...)
	if counts != nil {
		ones = op.Cast(counts, ir.I32)
	}
	return op.ScatterAdd(cell, ones, s.classes*s.classes)
}

// spread carries what r2 needs. Mean and squared distances of the targets are
// merged from batch to batch (Chan, Golub and LeVeque 1979), because sums of
// squares would cancel out where the mean is large.
func spread(prefix string, out, y *ir.Value) []ir.Update {
	rows := y.Shape[0]
	flat := ir.Shape{rows, y.Shape[1:].Elems()}
	y, out = op.Reshape(y, flat), op.Reshape(out, flat)
	width := flat[1:]
	d := op.Sub(y, out)
	seen := ir.State(prefix+"spread/rows", ir.F32, ir.Shape{}, nil)
	mean, square := ir.State(prefix+"spread/mean", ir.F32, width, nil), ir.State(prefix+"spread/square", ir.F32, width, nil)
	n := num(float64(rows))
	all := op.Add(seen, n)
	batchMean := op.Mean(y, false, 0)
	off := op.Sub(y, batchMean)
	batchSquare := op.Sum(op.Mul(off, off), false, 0)
	delta := op.Sub(batchMean, mean)
	merged := op.Add(op.Add(square, batchSquare), op.Mul(op.Mul(delta, delta), op.Mul(seen, op.Div(n, all))))
	return append(newSum(prefix+"spread/error", op.Sum(op.Mul(d, d), false, 0)),
		ir.Update{State: seen, New: all},
		ir.Update{State: mean, New: op.Add(mean, op.Mul(delta, op.Div(n, all)))},
		ir.Update{State: square, New: merged})
}

// readR2 is the mean over the outputs of 1 - error / spread; where there is no
// spread it is 1 without an error and 0 with one, as in scikit-learn.
func readR2(prefix string, read Read) (float64, error) {
	errs, err := totals(prefix+"spread/error", read)
	if err != nil {
		return 0, err
	}
	squares, err := read(prefix+"spread/square", ir.F32)
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for i, e := range errs {
		switch {
		case squares[i] != 0:
			sum += 1 - e/squares[i]
		case e == 0:
			sum++
		}
	}
	return ratio(sum, float64(len(errs))), nil
}

func rowMean(v *ir.Value) *ir.Value {
	var axes []int
	for axis := 1; axis < len(v.Shape); axis++ {
		axes = append(axes, axis)
	}
	if len(axes) == 0 {
		return v
	}
	return op.Mean(v, false, axes...)
}

func num(x float64) *ir.Value { return ir.Const(x, ir.F32) }
