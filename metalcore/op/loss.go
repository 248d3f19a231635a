package op

import (
	"fmt"
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// SoftmaxCrossEntropy is the loss of each row of logits [R,C] for its label
// [R] (i32, i64 or u8): log(sum of exp(logits)) - logits[label]. A label outside 0..C-1
// counts as the nearest class.
func SoftmaxCrossEntropy(logits, labels *ir.Value) *ir.Value {
	return build("softmax_cross_entropy", nil, logits, labels)
}

// SoftmaxCrossEntropyGrad is the gradient of SoftmaxCrossEntropy for its logits
// when g [R] is that of its result.
func SoftmaxCrossEntropyGrad(logits, labels, g *ir.Value) *ir.Value {
	return build("softmax_cross_entropy_grad", nil, logits, labels, g)
}

// Softmax is exp(x) divided by its sum along an axis.
func Softmax(a *ir.Value, axis int) *ir.Value {
	e := Exp(Sub(a, shift(a, axis)))
	return Div(e, Sum(e, true, axis))
}

// LogSoftmax is the logarithm of Softmax, exact where that is tiny.
func LogSoftmax(a *ir.Value, axis int) *ir.Value {
	x := Sub(a, shift(a, axis))
	return Sub(x, Log(Sum(Exp(x), true, axis)))
}

// shift keeps exp from overflowing. Softmax does not depend on it, so the whole
// number below the largest is as good, and spares a gradient that cancels out.
func shift(a *ir.Value, axis int) *ir.Value { return Floor(MaxOver(a, true, axis)) }

func lossOps() []Op {
	return []Op{
		{Name: "softmax_cross_entropy", Doc: "y[r] = log(sum over c of e^logits[r,c]) - logits[r, clamp(label[r], 0, C-1)]",
			Class: Loss, Arity: 2, Shape: crossEntropyShape,
			Grad: func(v, g *ir.Value) []*ir.Value {
				return []*ir.Value{SoftmaxCrossEntropyGrad(v.In[0], v.In[1], g), nil}
			}},
		{Name: "softmax_cross_entropy_grad", Doc: "y[r,c] = g[r] (softmax(logits[r])[c] - (1 if c = clamp(label[r], 0, C-1) else 0))",
			Class: Loss, Arity: 3, Shape: crossEntropyGradShape, Grad: crossEntropyGradGrad},
	}
}

func crossEntropyShape(v *ir.Value) (ir.DType, ir.Shape, error) {
	logits, labels := v.In[0], v.In[1]
	if err := wantType(v, 0, floats...); err != nil {
		return 0, nil, err
	}
	if err := wantIndex(v, 1); err != nil {
		return 0, nil, err
	}
	if err := wantRank(v, 0, 2, "[rows,classes]"); err != nil {
		return 0, nil, err
	}
	if err := wantFilled(v, 1); err != nil {
		return 0, nil, err
	}
	rows := logits.Shape[:1]
	if !labels.Shape.Equal(rows) {
		return 0, nil, fail(v, SizesDiffer, fmt.Sprintf("the labels %s are not one for each row", labels.Shape),
			"give labels "+rows.String()+", the index of the class")
	}
	return logits.DType, slices.Clone(rows), nil
}

func crossEntropyGradShape(v *ir.Value) (ir.DType, ir.Shape, error) {
	_, rows, err := crossEntropyShape(v)
	if err != nil {
		return 0, nil, err
	}
	if err := wantSame(v, v.In[0], v.In[2]); err != nil {
		return 0, nil, err
	}
	if g := v.In[2].Shape; !g.Equal(rows) {
		return 0, nil, fail(v, SizesDiffer, fmt.Sprintf("the gradient %s is not one for each row", g), "give "+rows.String())
	}
	return v.In[0].DType, slices.Clone(v.In[0].Shape), nil
}

// crossEntropyGradGrad: with p = softmax(logits), y = g (p - onehot), and
// dp = p (d - sum of p d).
func crossEntropyGradGrad(v, d *ir.Value) []*ir.Value {
	logits, labels, g := v.In[0], v.In[1], v.In[2]
	p := Softmax(logits, 1)
	column := Reshape(g, ir.Shape{g.Shape[0], 1})
	forLogits := Mul(column, Mul(p, Sub(d, Sum(Mul(p, d), true, 1))))
	unit := SoftmaxCrossEntropyGrad(logits, labels, ir.Const(1, g.DType, g.Shape...))
	return []*ir.Value{forLogits, nil, Sum(Mul(d, unit), false, 1)}
}
