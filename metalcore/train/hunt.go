package train

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// A step that was not finite has changed nothing, so that the batch and the
// weights that made it are still there. hunt computes it once more, in a program
// that looks at every value, and says what made the first number that is not
// finite. Training itself pays nothing for that.
func (m *machine) hunt(epochStep int) (string, error) {
	rows := m.spec.batch()
	if epochStep >= m.spec.Data.Len()/rows {
		rows = m.spec.Data.Len() % rows
	}
	values, forward, err := m.huntValues(rows)
	if err != nil {
		return "", err
	}
	p, err := m.mem.compile(m.tables(m.data), func() (*ir.Graph, error) { return firstBad(values), nil })
	if err != nil {
		return "", err
	}
	defer p.free()
	if err := p.run(1); err != nil {
		return "", err
	}
	first, err := m.mem.i32("out/" + outFirst)
	if err != nil || first >= len(values) {
		return "", err
	}
	return describe(values[first], first >= forward), nil
}

const outFirst = "hunt/first"

// huntValues are the values of a step in the order in which they are computed,
// of which the first so many lead to the loss and the others back from it.
func (m *machine) huntValues(rows int) (values []*ir.Value, forward int, err error) {
	g, err := build(func() (*ir.Graph, error) {
		b, err := gradients(m.spec, rows)
		if err != nil {
			return nil, err
		}
		outputs := []ir.Output{{Name: "loss", Value: b.mean}}
		forward = len(ir.NewGraph("", outputs, nil).Values)
		for i, grad := range b.grads {
			outputs = append(outputs, ir.Output{Name: fmt.Sprint(i), Value: grad})
		}
		return ir.NewGraph("", outputs, nil), nil
	})
	if err != nil {
		return nil, 0, err
	}
	return g.Values, forward, nil
}

// firstBad computes the place of the first value with a number that is not
// finite, the number of values when there is none.
func firstBad(values []*ir.Value) *ir.Graph {
	first := number(len(values))
	for i := len(values) - 1; i >= 0; i-- {
		v := values[i]
		if v.DType != ir.F32 || v.Shape.Elems() == 0 || v.Op == ir.OpConst {
			continue
		}
		bad := op.Sum(op.Sub(number(1), op.IsFinite(v)), false)
		first = op.Select(bad, number(i), first)
	}
	return ir.NewGraph("hunt", []ir.Output{{Name: outFirst, Value: first}}, nil)
}

// describe names a value for people: what op made it, where.
func describe(v *ir.Value, backward bool) string {
	if v.Op == ir.OpState || v.Op == ir.OpInput {
		return fmt.Sprintf("%q, which is not finite itself", v.Name)
	}
	text := v.Op
	switch {
	case v.Layer != "":
		text += " of layer " + v.Layer
	default:
		text += " of the loss"
	}
	if backward {
		text += ", on the way back"
	}
	if at := v.Pos.String(); at != "" {
		text += " (" + at + ")"
	}
	return text
}
