package loss

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// The names in the graph of a user's loss.
const (
	InputOutput = "output" // what the model makes
	InputTarget = "target" // the labels
	ResultLoss  = "loss"
)

func checkFunction(g *ir.Graph) error {
	if err := op.Check(g); err != nil {
		return err
	}
	out := g.Output(ResultLoss)
	if out == nil {
		return fmt.Errorf("the loss function has no output %q", ResultLoss)
	}
	perRow := len(out.Shape) > 0 && len(out.Shape) <= 2 && out.Shape[0] == ir.Batch && width(out) == 1
	if out.DType != ir.F32 || len(out.Shape) != 0 && !perRow {
		return fmt.Errorf("the loss function makes %s: it must make one number for each row, f32[B], or their mean; "+
			"take the mean over the other axes", out.Type())
	}
	seen := false
	for _, v := range g.Leaves(ir.OpInput) {
		if v.Name != InputOutput && v.Name != InputTarget {
			return fmt.Errorf("the loss function has the input %q: it can use %s and %s", v.Name, InputOutput, InputTarget)
		}
		seen = seen || v.Name == InputOutput
	}
	if len(g.Leaves(ir.OpState)) > 0 || len(g.Updates) > 0 {
		return fmt.Errorf("the loss function has parameters: layers with weights belong into the model")
	}
	if !seen {
		return fmt.Errorf("the loss function does not use the model's output: there is nothing to learn from it")
	}
	return nil
}

// checkInputs holds the function's inputs against what it would be given.
func (l *Loss) checkInputs(out, y *ir.Value) error {
	given := map[string]*ir.Value{InputOutput: out, InputTarget: l.Align(out, y)}
	for _, v := range l.settings.Graph.Leaves(ir.OpInput) {
		is := given[v.Name]
		shape := v.Shape
		if !is.Shape.HasBatch() {
			shape = shape.Bind(is.Shape[0])
		}
		if is.DType != v.DType || !is.Shape.Equal(shape) {
			return fmt.Errorf("the loss function was made for an %s of %s, but it is %s", v.Name, v.Type(), is.Type())
		}
	}
	return nil
}

// function puts output and labels in place of the graph's inputs. A mean over
// the batch stands for each of its rows.
func function(l *Loss, out, y *ir.Value) Rows {
	rows := out.Shape[0]
	given := map[string]*ir.Value{InputOutput: out, InputTarget: y}
	g := l.settings.Graph
	if rows > 0 {
		g = g.Bind(rows)
	}
	v := g.Rewrite(func(v *ir.Value) *ir.Value {
		if v.Op == ir.OpInput {
			return given[v.Name]
		}
		return v
	}).Output(ResultLoss)
	if len(v.Shape) == 0 {
		return Rows{Loss: op.Broadcast(v, ir.Shape{rows})}
	}
	if len(v.Shape) == 2 {
		v = op.Reshape(v, ir.Shape{rows})
	}
	return Rows{Loss: v}
}
