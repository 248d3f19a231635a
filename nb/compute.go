package nb

import (
	"slices"
	"strconv"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// Eval computes tensors now, together: what they have in common is computed
// once, and later looks cost nothing.
func Eval(ts ...*Tensor) {
	var todo []*Tensor
	for _, t := range ts {
		if t.data == nil && !slices.Contains(todo, t) {
			todo = append(todo, t)
		}
	}
	if len(todo) > 0 {
		compute(&wire.Compute{}, todo...)
	}
}

// eval has the core compute the tensor, once; store names what the session
// shall keep it under.
func (t *Tensor) eval(store string) *wire.Tensor {
	if t.data == nil || store != "" {
		compute(&wire.Compute{Store: store}, t)
	}
	return t.data
}

// compute sends a request and gives the tensors their numbers.
func compute(req *wire.Compute, ts ...*Tensor) {
	g := graphOf(req, ts...)
	if len(g.Values) > ir.MaxValues {
		argument("in a loop, call Eval in each round", "a tensor that is computed from %d values; %d are too many", len(g.Values), ir.MaxValues)
	}
	req.Graph = g.String()
	for i := range req.Inputs {
		must(exportTensor(&req.Inputs[i].X))
	}
	out := mustCall[wire.Tensors](req).List
	for i, t := range ts {
		must(importTensor(&out[i]))
		t.data = &out[i]
		t.detach()
	}
}

// detach forgets what a tensor that has its numbers was computed from, so that
// a loop does not carry all its rounds along. What Grad is differentiating must
// not be forgotten.
func (t *Tensor) detach() {
	if len(t.from) == 0 || t.order() > 0 {
		return
	}
	leaf := ir.Input("array", t.v.DType, t.v.Shape...)
	leaf.Layer, leaf.Pos = t.v.Layer, t.v.Pos
	t.v, t.was, t.from = leaf, t.v, nil
}

// graphOf is how tensors are computed from the operands of the request.
func graphOf(req *wire.Compute, ts ...*Tensor) *ir.Graph {
	seen := map[*Tensor]*ir.Value{}
	var outputs []ir.Output
	for i, t := range ts {
		if t.v.Shape.HasBatch() {
			argument("a trainer computes it: t.Predict(x)", "a model's value %s has no numbers of its own", t.v.Type())
		}
		outputs = append(outputs, ir.Output{Name: "y" + strconv.Itoa(i), Value: t.withOperands(req, seen)})
	}
	return ir.NewGraph("tensor", outputs, nil)
}

// withOperands rebuilds the values that t is computed from, with the arrays
// among them as named inputs of the request.
func (t *Tensor) withOperands(req *wire.Compute, seen map[*Tensor]*ir.Value) *ir.Value {
	if v := seen[t]; v != nil {
		return v
	}
	v := t.v
	switch {
	case t.arg != nil:
		v = t.arg.withOperands(req, seen)
	case t.data != nil || t.kept != "":
		operand := wire.Operand{Name: "x" + strconv.Itoa(len(req.Inputs)), Stored: t.kept}
		if t.kept == "" {
			operand.X = *t.data
		}
		req.Inputs = append(req.Inputs, operand)
		v = ir.Input(operand.Name, t.v.DType, t.v.Shape...)
	case len(t.from) > 0:
		to := map[*ir.Value]*ir.Value{}
		for _, f := range t.from {
			to[f.v] = f.withOperands(req, seen)
			if f.was != nil {
				to[f.was] = to[f.v]
			}
		}
		v = replace(t.v, to)
	}
	seen[t] = v
	return v
}

// replace copies what v is computed from, down to the values in to. What does
// not depend on those stays as it is.
func replace(v *ir.Value, to map[*ir.Value]*ir.Value) *ir.Value {
	if w := to[v]; w != nil {
		return w
	}
	w := *v
	w.In = make([]*ir.Value, len(v.In))
	changed := false
	for i, in := range v.In {
		w.In[i] = replace(in, to)
		changed = changed || w.In[i] != in
	}
	to[v] = v
	if changed {
		to[v] = &w
	}
	return to[v]
}

// Eval computes the tensor now, so that later looks cost nothing. See also the
// function Eval.
func (t *Tensor) Eval() *Tensor { t.eval(""); return t }

// Values returns the elements in row-major order; a bool is 1 or 0. Only whole
// numbers of i64 beyond 2^53 are not exact.
func (t *Tensor) Values() []float64 {
	numbers, err := t.eval("").Numbers()
	must(err)
	return numbers
}

// Numbers returns the tensor as it goes over the wire; package display uses it.
func (t *Tensor) Numbers() wire.Tensor { return *t.eval("") }

// Item returns the one element of a tensor of one element.
func (t *Tensor) Item() float64 {
	values := t.Values()
	if len(values) != 1 {
		argument("reduce it first, with Sum, Mean or Max", "Item: %s has %d elements", t.v.Type(), len(values))
	}
	return values[0]
}

// Keep stores the tensor in the core under a name, so that later cells can
// get it with Kept.
func (t *Tensor) Keep(name string) *Tensor {
	if name == "" {
		argument("give it a name", "Keep without a name")
	}
	t.eval(name)
	return t
}

// Kept returns the tensor that a cell of this notebook kept under the name.
func Kept(name string) *Tensor {
	out := mustCall[wire.Tensors](&wire.Compute{Inputs: []wire.Operand{{Name: "x", Stored: name}}}).List[0]
	dtype, err := ir.ParseDType(out.DType)
	must(err)
	return &Tensor{v: ir.Input("kept", dtype, out.Shape...), kept: name}
}
