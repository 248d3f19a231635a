package train

import (
	"context"
	"fmt"
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/optim"
)

// A step that was not finite has changed nothing, so that the batch and the
// weights that made it are still there. hunt computes it once more, in a program
// that looks at every value, and says what made the first number that is not
// finite. Training itself pays nothing for that. With Spec.Hunt each step is such
// a program, and has looked already.
func (m *machine) hunt(ctx context.Context, epochStep int) (string, error) {
	step, _, err := m.prepare(epochStep)
	if err != nil {
		return "", err
	}
	if a, ok := step.(*accumulation); ok {
		return a.hunt(ctx)
	}
	rows := m.spec.batch()
	if epochStep >= m.spec.Data.Len()/rows {
		rows = m.spec.Data.Len() % rows
	}
	return m.look(ctx, m.spec.Hunt, func() (walk, error) {
		b, err := gradients(m.spec, rows)
		if err != nil {
			return walk{}, err
		}
		updates := b.model.Updates
		if o, ok := m.spec.Optimizer.(optim.Updater); ok && m.spec.Hunt {
			updates = append(b.updates(o), updates...)
		}
		return b.walk(updates), nil
	})
}

// look describes the first value of a walk with a number that is not finite, "" for
// none. A program looks for it, unless the step has looked.
func (m *machine) look(ctx context.Context, looked bool, over func() (walk, error)) (string, error) {
	var w walk
	graph := func() (g *ir.Graph, err error) {
		if w, err = over(); err != nil {
			return nil, err
		}
		return ir.NewGraph("hunt", nil, []ir.Update{{State: scalar(nameFirst, ir.I32), New: w.firstBad()}}), nil
	}
	if looked {
		if _, err := build(graph); err != nil {
			return "", err
		}
	} else {
		p, err := m.mem.compile(m.dataTables(), graph)
		if err != nil {
			return "", err
		}
		defer p.free()
		if err := p.run(ctx, 1); err != nil {
			return "", err
		}
	}
	first, err := m.mem.i32(nameFirst)
	if err != nil || first >= len(w.values) {
		return "", err
	}
	return w.describe(first), nil
}

// walk is the values of a step in the order in which they are computed: forward
// to the loss, back from it, and on to what the states become.
type walk struct {
	values        []*ir.Value
	forward, back int // ends of the first two parts
	updates       []ir.Update
}

func (b *slopes) walk(updates []ir.Update) walk {
	w := walk{updates: updates}
	outputs := []ir.Output{{Name: "loss", Value: b.mean}}
	w.forward = len(ir.NewGraph("", outputs, nil).Values)
	for i, grad := range b.grads {
		outputs = append(outputs, ir.Output{Name: fmt.Sprint(i), Value: grad})
	}
	w.back = len(ir.NewGraph("", outputs, nil).Values)
	w.values = ir.NewGraph("", outputs, updates).Values
	return w
}

// firstBad is the place of the first value with a number that is not finite, the
// number of values when there is none. Constants may be infinite: masks are.
func (w *walk) firstBad() *ir.Value {
	first := number(len(w.values))
	for i := len(w.values) - 1; i >= 0; i-- {
		v := w.values[i]
		if !v.DType.Float() || v.Shape.Elems() == 0 || v.Op == ir.OpConst {
			continue
		}
		first = op.Select(op.MinOver(op.IsFinite(v), false), first, number(i))
	}
	return first
}

// describe names a value for people: what op made it, where.
func (w *walk) describe(i int) string {
	v := w.values[i]
	if v.Op == ir.OpState || v.Op == ir.OpInput {
		return fmt.Sprintf("%q, which is not finite itself", v.Name)
	}
	text := v.Op
	switch {
	case v.Layer != "":
		text += " of layer " + v.Layer
	case i >= w.back:
		text += " of the update of " + w.updated(v)
	default:
		text += " of the loss"
	}
	if i >= w.forward && i < w.back {
		text += ", on the way back"
	}
	if at := v.Pos.String(); at != "" {
		text += " (" + at + ")"
	}
	return text
}

// updated names the first state whose update needs the value.
func (w *walk) updated(v *ir.Value) string {
	for _, u := range w.updates {
		if slices.Contains(ir.NewGraph("", nil, []ir.Update{u}).Values, v) {
			return u.State.Name
		}
	}
	return "a state"
}
