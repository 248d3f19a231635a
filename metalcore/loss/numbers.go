package loss

import (
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// elementwise is a loss of the differences d = x - y, the mean over a row's
// outputs.
func elementwise(f func(l *Loss, d *ir.Value) *ir.Value) func(l *Loss, x, y *ir.Value) Rows {
	return func(l *Loss, x, y *ir.Value) Rows { return Rows{Loss: rowMean(f(l, op.Sub(x, y)))} }
}

// huber is d²/2 up to |d| = delta and goes on as a straight line (Huber 1964).
func huber(l *Loss, d *ir.Value) *ir.Value {
	delta, size := l.numbers["delta"], op.Abs(d)
	line := op.Mul(num(delta), op.Sub(size, num(delta/2)))
	return op.Select(op.Le(size, num(delta)), op.Mul(num(0.5), op.Mul(d, d)), line)
}

// smoothL1 is huber with delta = beta, divided by beta (Girshick 2015).
func smoothL1(l *Loss, d *ir.Value) *ir.Value {
	beta, size := l.numbers["beta"], op.Abs(d)
	return op.Select(op.Lt(size, num(beta)), op.Mul(num(0.5/beta), op.Mul(d, d)), op.Sub(size, num(beta/2)))
}

// cosine is 1 - x·y / √((x·x + 1e-12)(y·y + 1e-12)), as torch.nn.
// CosineEmbeddingLoss has it for pairs that belong together.
func cosine(_ *Loss, x, y *ir.Value) Rows {
	dot := func(a, b *ir.Value) *ir.Value { return op.Sum(op.Mul(a, b), false, 1) }
	length := func(v *ir.Value) *ir.Value { return op.Sqrt(op.Add(dot(v, v), num(1e-12))) }
	return Rows{Loss: op.Sub(num(1), op.Div(op.Div(dot(x, y), length(x)), length(y)))}
}

// rowMean is the mean over all axes but the first.
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
