// Package loss builds the losses that models are trained with. A loss is a
// function from the model's output and the labels to one number per row of the
// batch, made of the engine's ops: the training step takes its mean, evaluation
// sums it up exactly over batches of any size.
package loss

import (
	"fmt"
	"slices"
	"strings"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// The names of the losses.
const (
	// CrossEntropy is -log softmax(out)[y] of logits out [R,C] and the numbers
	// y i32 [R] of the right classes.
	CrossEntropy = "cross_entropy"
	// MSE is the mean over a row's outputs of (out - y)².
	MSE = "mse"
	// MAE is the mean over a row's outputs of |out - y|.
	MAE = "mae"
)

var builders = map[string]func(out, y *ir.Value) *ir.Value{
	CrossEntropy: op.SoftmaxCrossEntropy,
	MSE: func(out, y *ir.Value) *ir.Value {
		d := op.Sub(out, y)
		return rowMean(op.Mul(d, d))
	},
	MAE: func(out, y *ir.Value) *ir.Value { return rowMean(op.Abs(op.Sub(out, y))) },
}

// Names lists the losses.
func Names() []string { return []string{CrossEntropy, MSE, MAE} }

// Build returns the loss of each row, f32 [R]. For a regression the targets y
// may be [R] where the model's output is [R,1], and the other way round.
func Build(name string, out, y *ir.Value) (perRow *ir.Value, err error) {
	if err := check(name, out, y); err != nil {
		return nil, err
	}
	err = op.Try(func() { perRow = builders[name](out, Align(out, y)) })
	return perRow, err
}

// Check reports whether the loss goes with the model's output and with data
// whose labels are y; classes is the number of the data's classes, 0 for a
// regression.
func Check(name string, out, y *ir.Value, classes int) error {
	if err := check(name, out, y); err != nil {
		return err
	}
	if name == CrossEntropy && out.Shape[1] != classes {
		return fmt.Errorf("loss %s: the model ends in %v but the data has %d classes: end the model with Dense(%d)",
			name, out.Shape, classes, classes)
	}
	return nil
}

// Align gives the targets y of a regression the output's shape where both have
// one number per row; other labels are left as they are.
func Align(out, y *ir.Value) *ir.Value {
	if y.DType == ir.I32 || y.Shape.Equal(out.Shape) {
		return y
	}
	return op.Reshape(y, out.Shape)
}

func check(name string, out, y *ir.Value) error {
	if !slices.Contains(Names(), name) {
		return fmt.Errorf("there is no loss %q: there are %s", name, strings.Join(Names(), ", "))
	}
	if len(out.Shape) == 0 || out.DType != ir.F32 {
		return fmt.Errorf("loss %s: the model's output is %s: it must be f32 with one row for each row of the batch", name, out.Type())
	}
	if len(y.Shape) == 0 || out.Shape[0] != y.Shape[0] {
		return fmt.Errorf("loss %s: the model's output is %s, the labels are %s: the numbers of rows differ; "+
			"the output must keep the batch as its first axis", name, out.Type(), y.Type())
	}
	if name == CrossEntropy {
		return checkClasses(out, y)
	}
	return checkTargets(name, out, y)
}

func checkClasses(out, y *ir.Value) error {
	if y.DType != ir.I32 {
		return fmt.Errorf("loss %s needs class numbers, i32 [N], but the labels are %s: "+
			"give class numbers as i32, or use the loss %q or %q", CrossEntropy, y.Type(), MSE, MAE)
	}
	if len(out.Shape) != 2 || len(y.Shape) != 1 {
		return fmt.Errorf("loss %s needs logits [B,classes] and labels [B], got %v and %v: "+
			"end the model with Flatten and Dense(number of classes)", CrossEntropy, out.Shape, y.Shape)
	}
	return nil
}

func checkTargets(name string, out, y *ir.Value) error {
	if y.DType != ir.F32 {
		return fmt.Errorf("loss %s needs numbers as targets, f32 [N] or [N,K], but the labels are %s: "+
			"give them as f32, or use the loss %q for classes", name, y.Type(), CrossEntropy)
	}
	if out.Shape.Equal(y.Shape) || width(out) == 1 && width(y) == 1 {
		return nil
	}
	return fmt.Errorf("loss %s: the model ends in %v but the targets are %v: end the model with Dense(%d)",
		name, out.Shape, y.Shape, width(y))
}

// width is the number of elements of one row.
func width(v *ir.Value) int { return v.Shape[1:].Elems() }

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
