package compile

import (
	"math"
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// lowOps are computed in a half: nearly all the work of a model is here, and
// what they sum up they sum up in f32.
var lowOps = map[string]bool{"matmul": true, "conv2d": true, "conv2d_grad_input": true, "conv2d_grad_kernel": true}

// followOps are computed in the type of their operands.
var followOps = map[string]bool{
	"add": true, "sub": true, "mul": true, "div": true, "max": true, "min": true, "neg": true, "abs": true, "sign": true,
	"relu": true, "tanh": true, "sigmoid": true, "floor": true, "round": true, "select": true, "stop_gradient": true,
	"eq": true, "lt": true, "le": true, "is_finite": true,
	"reshape": true, "transpose": true, "broadcast": true, "slice": true, "concat": true, "pad": true, "gather": true, "take_along": true,
	"maxpool2d": true, "avgpool2d": true,
}

// Autocast copies a model's graph for mixed precision: matrix products and
// convolutions take their operands as low, which is a half, and make results of
// it. What follows them element by element goes on in it, with parameters and
// constants cast to it, until it meets an f32 that was computed. All else stays
// f32: exp, log and powers, and so softmax; sums and means, and so the statistics
// of norms; the outputs and new states. Parameters remain f32, so that small
// updates are not lost.
//
// The lists are those of PyTorch's autocast. What a user cast by hand stays as it
// is.
func Autocast(g *ir.Graph, low ir.DType) *ir.Graph {
	a := &caster{low: low, was: map[*ir.Value]ir.DType{}, weak: map[*ir.Value]bool{}}
	out := g.Rewrite(a.visit)
	for i, o := range out.Outputs {
		out.Outputs[i].Value = a.cast(o.Value, a.was[o.Value], o.Value)
	}
	for i, u := range out.Updates {
		out.Updates[i].New = a.cast(u.New, u.State.DType, u.New)
	}
	return ir.NewGraph(out.Name, out.Outputs, out.Updates)
}

// caster remembers of each value what type it had, and whether it is weak: made
// of parameters and constants only, so that it takes the type of what it meets.
type caster struct {
	low  ir.DType
	was  map[*ir.Value]ir.DType
	weak map[*ir.Value]bool
}

// visit gets a copy of a value that already has its new operands.
func (a *caster) visit(v *ir.Value) *ir.Value {
	dtype := v.DType
	to := a.target(v)
	weak := a.weakened(v)
	for i, in := range v.In {
		switch {
		case to != 0 && a.was[in] == ir.F32:
			v.In[i] = a.cast(in, to, v)
		case to == 0:
			v.In[i] = a.cast(in, a.was[in], v)
		}
	}
	if to != 0 && dtype == ir.F32 && v.Op != "cast" {
		v.DType = to
	}
	a.was[v], a.weak[v] = dtype, weak
	return v
}

// target is the type in which v shall be computed, 0 for a value that keeps the
// types it has.
func (a *caster) target(v *ir.Value) ir.DType {
	floats := slices.DeleteFunc(slices.Clone(v.In), func(in *ir.Value) bool { return a.was[in] != ir.F32 })
	mixed := slices.ContainsFunc(v.In, func(in *ir.Value) bool { return a.was[in].Half() })
	switch {
	case len(floats) == 0 || mixed:
		return 0
	case lowOps[v.Op]:
		return a.low
	case v.Op == "cast": // from whatever it is computed in
		return floats[0].DType
	case !followOps[v.Op]:
		return ir.F32
	}
	to := ir.DType(0)
	for _, in := range floats {
		switch {
		case a.weak[in] && a.holds(in):
		case in.DType == ir.F32:
			return ir.F32
		default:
			to = a.low
		}
	}
	if to == 0 {
		return ir.F32
	}
	return to
}

// weakened reports whether v is made of parameters and constants.
func (a *caster) weakened(v *ir.Value) bool {
	switch v.Op {
	case ir.OpConst:
		return true
	case ir.OpState:
		return v.Bool(ir.AttrTrain)
	}
	floats := 0
	for _, in := range v.In {
		if a.was[in] != ir.F32 {
			continue
		}
		if floats++; !a.weak[in] {
			return false
		}
	}
	return floats > 0
}

// holds reports whether the low type has room for a value: a constant that is
// too large or too small for it, like the 1e-8 that guards a division, does not
// fit.
func (a *caster) holds(v *ir.Value) bool {
	if v.Op != ir.OpConst || a.low != ir.F16 {
		return true
	}
	x := math.Abs(v.Float("value"))
	return x == 0 || x >= 0x1p-14 && x <= 65504 || math.IsInf(x, 0)
}

// cast makes a value of the type, with the origin of the one that needs it.
func (a *caster) cast(v *ir.Value, to ir.DType, by *ir.Value) *ir.Value {
	if v.DType == to {
		return v
	}
	c := op.Cast(v, to)
	c.Layer, c.Pos = by.Layer, by.Pos
	return c
}
