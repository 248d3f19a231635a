package nb

import (
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// Tensor is a value: of a model, when it was made from Input, or an array of
// numbers, when it was made from Array and its like. Its methods are layers
// and operations and return new tensors; nothing is computed before somebody
// looks, and then in the core.
//
// In a model axis 0 is the batch, whose size is not known yet and which prints
// as B. Axes are counted as in NumPy, negative ones from the end.
type Tensor struct {
	v    *ir.Value
	from []*Tensor    // what it was computed from
	data *wire.Tensor // the numbers, of an array
	kept string       // the name in the core, of a kept tensor
	was  *ir.Value    // v before it was computed
	arg  *Tensor      // what it stands for, of the argument of a function that Grad differentiates

	updates []update // of the states of the layer that made it
	share   *sharing // where its layers take their parameters from, nil for new ones
}

// update says how a state changes in each step of training. A layer that is
// used twice updates its state twice, one after the other.
type update struct {
	state *ir.Value
	next  func(old *ir.Value) *ir.Value
}

// Input is where the data enters a model: one row of it has the given shape.
// Images are height, width, channels.
//
//	nb.Input(8, 8, 1)   // f32[B,8,8,1]
func Input(shape ...int) *Tensor {
	for _, d := range shape {
		if d <= 0 {
			argument("give the size of each axis of one row, like nb.Input(8, 8, 1)", "Input%v: sizes must be positive", ir.Shape(shape))
		}
	}
	t := &Tensor{v: ir.Input("x", ir.F32, append([]int{ir.Batch}, shape...)...)}
	ir.Stamp(t.v, "input", userPos())
	return t
}

// InputInts is Input for whole numbers, like the words of a text: f32 numbers
// come in and i32 goes on.
//
//	nb.InputInts(20).Embedding(5000, 64)   // f32[B,20,64]
func InputInts(shape ...int) *Tensor { return Input(shape...).Int() }

// layerCount makes each call of a layer one of its own; trainers number the
// layers of their model anew.
var layerCount atomic.Int64

// apply makes the result of a layer or operation. What make builds is stamped
// with the layer's kind and the user's line.
func apply(kind string, from []*Tensor, make func() *ir.Value) *Tensor {
	out := &Tensor{from: from}
	for _, t := range from {
		if out.share == nil {
			out.share = t.share
		}
	}
	if err := op.Try(func() { out.v = make() }); err != nil {
		fail(err)
	}
	ir.Stamp(out.v, fmt.Sprintf("%s#%d", kind, layerCount.Add(1)), userPos())
	return out
}

// unary and binary apply one op.
func (t *Tensor) unary(kind string, f func(*ir.Value) *ir.Value) *Tensor {
	return apply(kind, []*Tensor{t}, func() *ir.Value { return f(t.v) })
}

func (t *Tensor) binary(kind string, other any, f func(a, b *ir.Value) *ir.Value) *Tensor {
	o := t.operand(kind, other)
	return apply(kind, []*Tensor{t, o}, func() *ir.Value {
		a, b := alike(t.v, o.v)
		return f(a, b)
	})
}

// operand makes a tensor of what an operation was given: a *Tensor or a number,
// which takes the type of t unless t has integers and it is no integer.
func (t *Tensor) operand(kind string, x any) *Tensor {
	if o, ok := x.(*Tensor); ok && o != nil {
		return o
	}
	n, ok := number(x)
	if !ok {
		argument("pass a *nb.Tensor or a number", "%s: an operand of type %T", kind, x)
	}
	dtype := t.v.DType
	switch x.(type) {
	case float32, float64:
		dtype = floating(t.v).DType
	}
	return &Tensor{v: ir.Const(n, dtype)}
}

// alike gives two operands one type, that of both which holds more: integers
// meet floats as floats, bools meet integers as integers.
func alike(a, b *ir.Value) (*ir.Value, *ir.Value) {
	to := op.Wider(a.DType, b.DType)
	return as(a, to), as(b, to)
}

func as(v *ir.Value, to ir.DType) *ir.Value {
	if v.DType == to {
		return v
	}
	return op.Cast(v, to)
}

// floating is v, or what it is as floats.
func floating(v *ir.Value) *ir.Value {
	if v.DType.Float() {
		return v
	}
	return op.Cast(v, ir.F32)
}

// number converts any Go number.
func number(x any) (float64, bool) {
	switch n := x.(type) {
	case int:
		return float64(n), true
	case int32:
		return float64(n), true
	case int64:
		return float64(n), true
	case float32:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}

// Named gives a name to the layer that made t, for tables, messages and
// checkpoints. It must follow the layer's call at once.
//
//	h.Dense(10).Named("logits")
func (t *Tensor) Named(name string) *Tensor {
	if name == "" || strings.ContainsAny(name, "#/\"\n") {
		argument("use letters, digits, _ and .", "a layer cannot be named %q", name)
	}
	old := t.v.Layer
	var rename func(v *ir.Value)
	rename = func(v *ir.Value) {
		if v.Layer != old {
			return
		}
		v.Layer = name
		for _, in := range v.In {
			rename(in)
		}
	}
	rename(t.v)
	return t
}

// Shape returns the size of each axis; -1 is the batch of a model.
func (t *Tensor) Shape() []int { return append([]int{}, t.v.Shape...) }

// DType is the element type, like F32 or Bool.
func (t *Tensor) DType() string { return t.v.DType.String() }
