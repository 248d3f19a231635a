// Package ir is the intermediate representation that every model, loss,
// optimizer and metric is built from: a graph of values in static single
// assignment form, each made by one op from earlier values, with a static
// shape and element type and with the place in the user's code it came from.
//
// Values are made by the functions of package op, which check shapes. A Graph
// is the part of that web which some results need, in an order in which it can
// be computed; Graph.String prints it and Parse reads it back, and that text is
// also how a notebook cell sends a model to the core.
package ir

import (
	"fmt"
	"slices"
)

// The ops of values that are not computed from other values. All other op
// names are rows of the table in package op.
const (
	OpInput = "input" // given at each run, by name
	OpState = "state" // lives on the device from step to step, by name: parameters, moments, counters
	OpConst = "const" // one number ("value") in every element
	OpIota  = "iota"  // 0, 1, 2, ... along its only axis, i32
)

// Attributes of state values.
const (
	AttrInit  = "init"  // initialiser: "zeros", "ones", "he_normal", "glorot_uniform", ...
	AttrTrain = "train" // true for what the optimizer updates
	AttrDecay = "decay" // true for what weight decay applies to
)

// The states of a model that are not its own: a trainer gives them their
// values, i32 scalars both. They make random numbers differ from step to step
// and from trainer to trainer, and the same again when a run is repeated.
const (
	StateStep = "train/step" // steps taken
	StateSeed = "train/seed" // the trainer's seed
)

// Pos is a place in the user's code.
type Pos struct {
	File string
	Line int
}

func (p Pos) String() string {
	if p.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// Attrs are an op's compile-time settings. The values are of type int, []int,
// float64, string or bool.
type Attrs map[string]any

// Value is one value of a graph. It is not changed once other values use it.
type Value struct {
	Op    string
	In    []*Value
	Attrs Attrs
	Shape Shape
	DType DType
	Name  string // of inputs and states
	Layer string // the layer that made it
	Pos   Pos    // the user's line that made it
}

// Int returns an attribute of type int, 0 when there is none.
func (v *Value) Int(key string) int { n, _ := v.Attrs[key].(int); return n }

// Ints returns an attribute of type []int, nil when there is none.
func (v *Value) Ints(key string) []int { n, _ := v.Attrs[key].([]int); return n }

// Float returns an attribute of type float64, 0 when there is none.
func (v *Value) Float(key string) float64 { x, _ := v.Attrs[key].(float64); return x }

// Str returns an attribute of type string, "" when there is none.
func (v *Value) Str(key string) string { s, _ := v.Attrs[key].(string); return s }

// Bool returns an attribute of type bool, false when there is none.
func (v *Value) Bool(key string) bool { b, _ := v.Attrs[key].(bool); return b }

// Bytes is the size of the value in memory. The batch must be bound.
func (v *Value) Bytes() int64 { return int64(v.Shape.Elems()) * int64(v.DType.Size()) }

// IsLeaf reports whether the value is not computed from other values.
func (v *Value) IsLeaf() bool { return len(v.In) == 0 }

// Type prints the element type and shape, like f32[B,10].
func (v *Value) Type() string { return v.DType.String() + v.Shape.String() }

// Stamp writes layer and position on root and on what it was computed from, as
// far as that has no position yet: the values that one call of a layer made.
// Without a position to write it goes as far as there is no layer yet.
func Stamp(root *Value, layer string, pos Pos) {
	if root.Pos.File != "" || pos.File == "" && (layer == "" || root.Layer != "") {
		return
	}
	root.Layer, root.Pos = layer, pos
	for _, in := range root.In {
		Stamp(in, layer, pos)
	}
}

// Input is a value given at each run.
func Input(name string, dtype DType, shape ...int) *Value {
	return &Value{Op: OpInput, Name: name, DType: dtype, Shape: slices.Clone(shape)}
}

// State is a value that lives on the device from step to step.
func State(name string, dtype DType, shape Shape, attrs Attrs) *Value {
	return &Value{Op: OpState, Name: name, DType: dtype, Shape: slices.Clone(shape), Attrs: attrs}
}

// Const has the number x in every element.
func Const(x float64, dtype DType, shape ...int) *Value {
	return &Value{Op: OpConst, DType: dtype, Shape: slices.Clone(shape), Attrs: Attrs{"value": x}}
}

// Iota counts 0, 1, ... n-1; its type is i32.
func Iota(n int) *Value {
	return &Value{Op: OpIota, DType: I32, Shape: Shape{n}}
}
