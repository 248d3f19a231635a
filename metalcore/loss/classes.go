package loss

import (
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// crossEntropy follows PyTorch's torch.nn.CrossEntropyLoss. With the class
// weights w and the smoothing e (Szegedy et al. 2016), the loss of a row with
// the label y is
//
//	-(1 - e) w[y] log p[y] - e/C · sum over c of w[c] log p[c],   p = softmax(x)
//
// and the row counts w[y], or 0 when y is ignored.
func crossEntropy(l *Loss, x, y *ir.Value) Rows {
	e := l.numbers["smoothing"]
	if y.DType == ir.F32 {
		return l.softCrossEntropy(x, y, e)
	}
	loss := op.SoftmaxCrossEntropy(x, y)
	var weight *ir.Value
	classes := l.classWeights()
	if classes != nil {
		weight = op.Gather(classes, y)
		loss = op.Mul(loss, weight)
	}
	if e != 0 {
		logs := op.LogSoftmax(x, 1)
		if classes != nil {
			logs = op.Mul(logs, classes)
		}
		even := op.Mul(op.Sum(logs, false, 1), num(e/float64(x.Shape[1])))
		loss = op.Sub(op.Mul(loss, num(1-e)), even)
	}
	if len(l.settings.Ignore) == 0 {
		return Rows{loss, weight}
	}
	counts := l.Counts(y)
	return Rows{op.Mul(loss, counts), times(weight, counts)}
}

// Counts is 1 for the labels that count and 0 for those to ignore; nil when
// all count.
func (l *Loss) Counts(y *ir.Value) *ir.Value {
	if len(l.settings.Ignore) == 0 {
		return nil
	}
	var ignored *ir.Value
	for _, label := range l.settings.Ignore {
		is := op.Eq(y, ir.Const(float64(label), ir.I32))
		if ignored == nil {
			ignored = is
		} else {
			ignored = op.Max(ignored, is)
		}
	}
	return op.Select(ignored, num(0), num(1))
}

func (l *Loss) classWeights() *ir.Value {
	if len(l.settings.Weights) == 0 {
		return nil
	}
	return ir.Input(ClassWeights, ir.F32, len(l.settings.Weights))
}

// softCrossEntropy is - sum over c of w[c] q[c] log p[c] with the smoothed
// labels q = (1 - e) y + e/C.
func (l *Loss) softCrossEntropy(x, y *ir.Value, e float64) Rows {
	if e != 0 {
		y = op.Add(op.Mul(y, num(1-e)), num(e/float64(x.Shape[1])))
	}
	if classes := l.classWeights(); classes != nil {
		y = op.Mul(y, classes)
	}
	return Rows{Loss: op.Neg(op.Sum(op.Mul(y, op.LogSoftmax(x, 1)), false, 1))}
}

// bceLogits is y w softplus(-x) + (1 - y) softplus(x), with the weight w of the
// positive ones, the mean over a row's outputs.
func bceLogits(l *Loss, x, y *ir.Value) Rows {
	yes := op.Mul(y, softplus(op.Neg(x)))
	if w := l.numbers["pos_weight"]; w != 1 {
		yes = op.Mul(yes, num(w))
	}
	return Rows{Loss: rowMean(op.Add(yes, op.Mul(op.Sub(num(1), y), softplus(x))))}
}

// softplus is log(1 + e^x) = max(x, 0) + log(1 + e^-|x|), which cannot
// overflow. Both operands of the maximum share its gradient at 0, where half
// of it is right.
func softplus(x *ir.Value) *ir.Value {
	return op.Add(op.Max(x, num(0)), op.Log1p(op.Exp(op.Neg(op.Abs(x)))))
}

// bce is -y w log x - (1 - y) log(1 - x), where a logarithm is -100 at least,
// as in PyTorch's torch.nn.BCELoss.
func bce(l *Loss, x, y *ir.Value) Rows {
	const tiny = 0x1p-126
	logX := op.Select(op.Lt(num(tiny), x), op.Log(op.Max(x, num(tiny))), num(-100))
	logRest := op.Select(op.Lt(x, num(1)), op.Log1p(op.Neg(op.Min(x, num(1-0x1p-24)))), num(-100))
	yes := op.Mul(y, logX)
	if w := l.numbers["pos_weight"]; w != 1 {
		yes = op.Mul(yes, num(w))
	}
	return Rows{Loss: op.Neg(rowMean(op.Add(yes, op.Mul(op.Sub(num(1), y), logRest))))}
}

// hinge is max(0, 1 - y x) of one output and y = -1 or 1. Of logits [R,C] and
// classes it is that of Crammer and Singer, as torch.nn.MultiMarginLoss has it:
// the sum over the wrong classes c of max(0, 1 - x[y] + x[c]), divided by C.
func hinge(_ *Loss, x, y *ir.Value) Rows {
	if y.DType == ir.F32 {
		return Rows{Loss: rowMean(op.ReLU(op.Sub(num(1), op.Mul(y, x))))}
	}
	classes := x.Shape[1]
	right := op.Eq(op.Reshape(y, ir.Shape{y.Shape[0], 1}), ir.Iota(classes))
	mine := op.Sum(op.Select(right, x, num(0)), true, 1)
	margin := op.ReLU(op.Add(op.Sub(num(1), mine), x))
	return Rows{Loss: op.Mul(op.Sum(op.Select(right, num(0), margin), false, 1), num(1/float64(classes)))}
}

// kl is the Kullback-Leibler divergence of softmax(x) from the probabilities y:
// the sum of y (log y - log softmax(x)); y = 0 adds nothing.
func kl(_ *Loss, x, y *ir.Value) Rows {
	known := op.Log(op.Max(y, num(0x1p-126)))
	return Rows{Loss: op.Sum(op.Mul(y, op.Sub(known, op.LogSoftmax(x, 1))), false, 1)}
}
