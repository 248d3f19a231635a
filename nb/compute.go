package nb

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// eval has the core compute the tensor, once; store names what the session
// shall keep it under.
func (t *Tensor) eval(store string) *wire.Tensor {
	if t.data != nil && store == "" {
		return t.data
	}
	if t.v.Shape.HasBatch() {
		argument("a trainer computes it: t.Predict(x)", "a model's value %s has no numbers of its own", t.v.Type())
	}
	req := &wire.Compute{Store: store}
	req.Graph = t.graph(req).String()
	for i := range req.Inputs {
		must(exportTensor(&req.Inputs[i].X))
	}
	out := &mustCall[wire.Tensors](req).List[0]
	must(importTensor(out))
	t.data = out
	return out
}

// graph is how the tensor is computed from the operands of the request.
func (t *Tensor) graph(req *wire.Compute) *ir.Graph {
	y := t.withOperands(req, map[*Tensor]*ir.Value{})
	return ir.NewGraph("tensor", []ir.Output{{Name: "y", Value: y}}, nil)
}

// withOperands rebuilds the values that t is computed from, with the arrays
// among them as named inputs of the request.
func (t *Tensor) withOperands(req *wire.Compute, seen map[*Tensor]*ir.Value) *ir.Value {
	if v := seen[t]; v != nil {
		return v
	}
	v := t.v
	switch {
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
		}
		v = replace(t.v, to)
	}
	seen[t] = v
	return v
}

// replace copies what v is computed from, down to the values in to.
func replace(v *ir.Value, to map[*ir.Value]*ir.Value) *ir.Value {
	if w := to[v]; w != nil {
		return w
	}
	w := *v
	w.In = make([]*ir.Value, len(v.In))
	for i, in := range v.In {
		w.In[i] = replace(in, to)
	}
	to[v] = &w
	return &w
}

// Eval computes the tensor now, so that later looks cost nothing.
func (t *Tensor) Eval() *Tensor { t.eval(""); return t }

// Values returns the elements in row-major order.
func (t *Tensor) Values() []float64 {
	data := t.eval("")
	out := make([]float64, len(data.Data)/4)
	for i := range out {
		bits := binary.LittleEndian.Uint32(data.Data[4*i:])
		if data.DType == "i32" {
			out[i] = float64(int32(bits))
		} else {
			out[i] = float64(math.Float32frombits(bits))
		}
	}
	return out
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
