package loss

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// Check reports whether the loss goes with the model's output and with data
// whose labels are y; classes is the number of the data's classes, 0 for a
// regression.
func (l *Loss) Check(out, y *ir.Value, classes int) error {
	if err := l.check(out, y); err != nil {
		return err
	}
	byClass := y.DType == ir.I32 && len(out.Shape) == 2 && (l.kind.labels == ofClasses || l.kind.labels == ofMargin && out.Shape[1] > 1)
	switch {
	case byClass && out.Shape[1] != classes:
		return fmt.Errorf("loss %s: the model ends in %v but the data has %d classes: end the model with Dense(%d)",
			l.name, out.Shape, classes, classes)
	case y.DType == ir.I32 && !byClass && l.kind.labels != ofAny && classes > 2:
		return fmt.Errorf("loss %s: the data has %d classes, and one output tells two apart: use the loss %q and end the model with Dense(%d)",
			l.name, classes, CrossEntropy, classes)
	}
	return nil
}

func (l *Loss) check(out, y *ir.Value) error {
	if len(out.Shape) == 0 || out.DType != ir.F32 {
		return fmt.Errorf("loss %s: the model's output is %s: it must be f32 with one row for each row of the batch", l.name, out.Type())
	}
	if len(y.Shape) == 0 || out.Shape[0] != y.Shape[0] {
		return fmt.Errorf("loss %s: the model's output is %s, the labels are %s: the numbers of rows differ; "+
			"the output must keep the batch as its first axis", l.name, out.Type(), y.Type())
	}
	switch l.kind.labels {
	case ofClasses:
		return l.checkClasses(out, y)
	case ofBits:
		return l.checkBits(out, y)
	case ofMargin:
		return l.checkMargin(out, y)
	case ofNumbers:
		return l.checkTargets(out, y)
	}
	return l.checkInputs(out, y)
}

func (l *Loss) checkClasses(out, y *ir.Value) error {
	if y.DType == ir.F32 {
		return l.checkSoft(out, y)
	}
	if len(out.Shape) != 2 || len(y.Shape) != 1 {
		return fmt.Errorf("loss %s needs logits [B,classes] and labels [B], got %v and %v: "+
			"end the model with Flatten and Dense(number of classes)", l.name, out.Shape, y.Shape)
	}
	return l.checkWeights(out)
}

// checkSoft is about labels that are probabilities of the classes.
func (l *Loss) checkSoft(out, y *ir.Value) error {
	switch {
	case len(y.Shape) != 2 || width(y) < 2:
		return fmt.Errorf("loss %s needs class numbers, i32 [N], or probabilities of classes, f32 [N,C], but the labels are %s: "+
			"give class numbers as i32, or use the loss %q or %q", l.name, y.Type(), MSE, MAE)
	case !out.Shape.Equal(y.Shape):
		return fmt.Errorf("loss %s: the model ends in %v but the labels are %v: end the model with Dense(%d)",
			l.name, out.Shape, y.Shape, width(y))
	case len(l.settings.Ignore) > 0:
		return fmt.Errorf("loss %s: labels to ignore are class numbers, but the labels are %s: give such rows the weight 0", l.name, y.Type())
	}
	return l.checkWeights(out)
}

func (l *Loss) checkWeights(out *ir.Value) error {
	if n := len(l.settings.Weights); n > 0 && n != out.Shape[1] {
		return fmt.Errorf("loss %s: %d class weights for a model that ends in %v: give one for each class", l.name, n, out.Shape)
	}
	return nil
}

func (l *Loss) checkBits(out, y *ir.Value) error {
	if y.DType == ir.F32 {
		return l.checkTargets(out, y)
	}
	if len(y.Shape) != 1 || width(out) != 1 {
		return fmt.Errorf("loss %s: the model ends in %v but the labels are %s: end the model with Dense(1), "+
			"give f32 labels of the output's shape, or use the loss %q", l.name, out.Shape, y.Type(), CrossEntropy)
	}
	return nil
}

func (l *Loss) checkMargin(out, y *ir.Value) error {
	if y.DType == ir.I32 && len(y.Shape) == 1 && len(out.Shape) == 2 {
		return nil
	}
	return l.checkBits(out, y)
}

func (l *Loss) checkTargets(out, y *ir.Value) error {
	if y.DType != ir.F32 {
		return fmt.Errorf("loss %s needs numbers as targets, f32 [N] or [N,K], but the labels are %s: "+
			"give them as f32, or use the loss %q for classes", l.name, y.Type(), CrossEntropy)
	}
	if out.Shape.Equal(y.Shape) || width(out) == 1 && width(y) == 1 {
		return l.checkRow(out)
	}
	return fmt.Errorf("loss %s: the model ends in %v but the targets are %v: end the model with Dense(%d)",
		l.name, out.Shape, y.Shape, width(y))
}

// checkRow refuses losses of whole rows for rows of one number.
func (l *Loss) checkRow(out *ir.Value) error {
	if (l.name == KL || l.name == Cosine) && (len(out.Shape) != 2 || width(out) < 2) {
		return fmt.Errorf("loss %s compares rows of several numbers, but the model ends in %v: use the loss %q", l.name, out.Shape, MSE)
	}
	return nil
}

// width is the number of elements of one row.
func width(v *ir.Value) int { return v.Shape[1:].Elems() }
