// Package autodiff adds the backward half of a training step to a graph: for a
// loss it builds the values that are its gradients, in the same ops that
// everything else is made of, so that they are compiled, fused and run like it.
//
// It is only the walk from the loss back to what it was computed from. The
// derivative of each op stands in its row of the table in package op, and so do
// the conventions where there is none: at a kink relu and abs have slope 0,
// equal operands of max and min get half each, equal largest elements share,
// and sign and floor have slope 0, all as in PyTorch.
package autodiff

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// Gradients returns for each value of wrt the gradient of loss, one floating
// point number, with respect to it: a value of the same type and shape. It is
// zeros for what the loss does not depend on, or only through what is no float.
// The new values carry the layer and position of the forward value whose gradient
// they are part of.
func Gradients(loss *ir.Value, wrt []*ir.Value) ([]*ir.Value, error) {
	if err := check(loss, wrt); err != nil {
		return nil, err
	}
	w := &walk{needed: map[*ir.Value]bool{}, seen: map[*ir.Value]bool{}, grads: map[*ir.Value]*ir.Value{}}
	for _, v := range wrt {
		w.needed[v] = true
	}
	w.sort(loss)
	if err := w.back(loss); err != nil {
		return nil, err
	}
	out := make([]*ir.Value, len(wrt))
	for i, v := range wrt {
		if out[i] = w.grads[v]; out[i] == nil {
			out[i] = ir.Const(0, v.DType, v.Shape...)
		}
	}
	return out, nil
}

func check(loss *ir.Value, wrt []*ir.Value) error {
	if loss == nil {
		return fmt.Errorf("gradients of a loss that is nil; pass the value of the loss")
	}
	if !loss.DType.Float() || len(loss.Shape) != 0 {
		return fmt.Errorf("gradients of %s: a loss is one floating point number; take the mean or sum of it", loss.Type())
	}
	for i, v := range wrt {
		if v == nil {
			return fmt.Errorf("gradient %d is for a value that is nil", i)
		}
		if !v.DType.Float() {
			return fmt.Errorf("gradient %d is for %s %q of type %s; only floating point values have one", i, v.Op, v.Name, v.Type())
		}
	}
	return nil
}

type walk struct {
	order  []*ir.Value // what the loss needs, operands first
	seen   map[*ir.Value]bool
	needed map[*ir.Value]bool // is, or depends on, a value of wrt
	grads  map[*ir.Value]*ir.Value
}

func (w *walk) sort(v *ir.Value) {
	if w.seen[v] {
		return
	}
	w.seen[v] = true
	for _, in := range v.In {
		w.sort(in)
		if w.needed[in] {
			w.needed[v] = true
		}
	}
	w.order = append(w.order, v)
}

// back visits the values from the loss on. When a value's turn comes, all that
// use it have been visited, so its gradient is complete.
func (w *walk) back(loss *ir.Value) error {
	seed := ir.Const(1, loss.DType)
	seed.Layer, seed.Pos = loss.Layer, loss.Pos
	w.grads[loss] = seed
	for i := len(w.order) - 1; i >= 0; i-- {
		v := w.order[i]
		g := w.grads[v]
		if g == nil || !w.needed[v] || v.IsLeaf() || !w.flows(v) {
			continue
		}
		if err := w.visit(v, g); err != nil {
			return fmt.Errorf("gradient of %s%s: %w", v.Op, where(v), err)
		}
	}
	return nil
}

// flows reports whether an operand of v takes a gradient that is asked for.
func (w *walk) flows(v *ir.Value) bool {
	for _, in := range v.In {
		if w.takes(in) {
			return true
		}
	}
	return false
}

func (w *walk) takes(v *ir.Value) bool { return w.needed[v] && v.DType.Float() }

// visit hands the gradient g of v on to its operands.
func (w *walk) visit(v, g *ir.Value) error {
	row := op.Lookup(v.Op)
	if row == nil {
		return fmt.Errorf("there is no such op")
	}
	if row.Grad == nil {
		return fmt.Errorf("it has none: %s", row.NoGrad)
	}
	return op.Try(func() {
		old := map[*ir.Value]bool{v: true, g: true}
		for _, in := range v.In {
			old[in] = true
		}
		for i, share := range row.Grad(v, g) {
			in := v.In[i]
			if share == nil || !w.takes(in) {
				continue
			}
			stamp(share, v, old)
			if have := w.grads[in]; have != nil {
				share = op.Add(have, share)
				share.Layer, share.Pos = v.Layer, v.Pos
			}
			w.grads[in] = share
		}
	})
}

// stamp writes the layer and position of v on what was newly made. ir.Stamp
// would go on into older values that have no position.
func stamp(made, v *ir.Value, old map[*ir.Value]bool) {
	if old[made] {
		return
	}
	old[made] = true
	made.Layer, made.Pos = v.Layer, v.Pos
	for _, in := range made.In {
		stamp(in, v, old)
	}
}

func where(v *ir.Value) string {
	s := ""
	if v.Layer != "" {
		s += " of layer " + v.Layer
	}
	if at := v.Pos.String(); at != "" {
		s += " (" + at + ")"
	}
	return s
}
