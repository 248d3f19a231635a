package compile

import (
	"math"
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// rule returns a simpler value equal to v, or nil if it has nothing to say.
type rule func(v *ir.Value) *ir.Value

// rules stand under the op that they simplify.
var rules = map[string][]rule{
	"add": {neutral(1, 0), neutral(0, 0), joinPads, unbroadcast, reshapeLast},
	"sub": {neutral(1, 0), unbroadcast, reshapeLast},
	"mul": {neutral(1, 1), neutral(0, 1), unbroadcast, reshapeLast},
	"div": {neutral(1, 1), unbroadcast},
	"pow": {neutral(1, 1), unbroadcast},
	"max": {unbroadcast}, "min": {unbroadcast}, "eq": {unbroadcast}, "lt": {unbroadcast, reshapeLast}, "le": {unbroadcast},
	"select": {unbroadcast, reshapeLast},

	"neg":  {twice},
	"abs":  {again},
	"relu": {again, reshapeLast},
	"tanh": {reshapeLast}, "sigmoid": {reshapeLast}, "erf": {reshapeLast},
	"cast": {sameType, thereAndBack},

	"stop_gradient": {operand},

	"reshape":     {unmoved, joinReshapes},
	"broadcast":   {unmoved, joinBroadcasts},
	"transpose":   {joinTransposes, unmoved, transposeAsReshape},
	"reduce_sum":  {overNothing, overWindows},
	"slice":       {unmoved},
	"pad":         {unmoved},
	"concat":      {unmoved},
	"reduce_max":  {overNothing},
	"reduce_min":  {overNothing},
	"reduce_prod": {overNothing},
	"reduce_mean": {overNothing},
	"matmul":      {untranspose},
}

// simplify applies the rules to each value, after its operands, until none
// says anything more.
func simplify(g *ir.Graph) (*ir.Graph, error) {
	return g.Rewrite(func(v *ir.Value) *ir.Value {
		for next := v; next != nil; next = simpler(v) {
			v = next
		}
		return v
	}), nil
}

func simpler(v *ir.Value) *ir.Value {
	for _, r := range rules[v.Op] {
		if w := r(v); w != nil {
			return w
		}
	}
	return nil
}

// made gives a value made by a rule the origin of the one that it replaces.
func made(w, v *ir.Value) *ir.Value {
	if w.Pos.File == "" && w.Layer == "" {
		w.Layer, w.Pos = v.Layer, v.Pos
	}
	return w
}

func isConst(v *ir.Value, x float64) bool {
	return v.Op == ir.OpConst && element(v) == x && !math.Signbit(element(v))
}

// neutral drops operand i where it is the number x: a+0, a*1, a/1, a^1. The
// sum of -0 and 0 becomes -0 by it, which compares equal.
func neutral(i int, x float64) rule {
	return func(v *ir.Value) *ir.Value {
		if a := v.In[1-i]; isConst(v.In[i], x) && a.Shape.Equal(v.Shape) {
			return a
		}
		return nil
	}
}

// unbroadcast lets an elementwise op repeat an operand itself: a constant
// becomes a single number, and a broadcast is left out, as long as the other
// operands still make the shape of the result.
func unbroadcast(v *ir.Value) *ir.Value {
	for i, in := range v.In {
		var small *ir.Value
		switch {
		case in.Op == ir.OpConst && len(in.Shape) > 0:
			small = made(ir.Const(in.Float("value"), in.DType), in)
		case in.Op == "broadcast":
			small = in.In[0]
		default:
			continue
		}
		w := *v
		w.In = slices.Clone(v.In)
		w.In[i] = small
		if _, shape, err := op.Lookup(v.Op).Infer(&w); err == nil && shape.Equal(v.Shape) {
			return &w
		}
	}
	return nil
}

// twice: neg(neg a) is a.
func twice(v *ir.Value) *ir.Value {
	if in := v.In[0]; in.Op == v.Op {
		return in.In[0]
	}
	return nil
}

// again: abs(abs a) is abs a.
func again(v *ir.Value) *ir.Value {
	if in := v.In[0]; in.Op == v.Op {
		return in
	}
	return nil
}

// operand: the gradients are there, so that stopping them has been done.
func operand(v *ir.Value) *ir.Value { return v.In[0] }

func sameType(v *ir.Value) *ir.Value {
	if v.In[0].DType == v.DType {
		return v.In[0]
	}
	return nil
}

// thereAndBack: what was cast to a type that holds all numbers of its own comes
// back as it was.
func thereAndBack(v *ir.Value) *ir.Value {
	in := v.In[0]
	if in.Op != "cast" || in.In[0].DType != v.DType || !holds(in.DType, v.DType) {
		return nil
	}
	return in.In[0]
}

// holds reports whether each number of the type is one of the wider type.
func holds(wide, d ir.DType) bool {
	switch d {
	case ir.Bool:
		return true
	case ir.U8:
		return wide != ir.Bool // 255 takes 8 bits, as many as a bf16 has
	case ir.I32:
		return wide == ir.I64
	}
	return d.Half() && wide == ir.F32
}

// unmoved drops a reshape, broadcast, slice, pad or concat to the same shape,
// and a transpose that leaves all axes in their order.
func unmoved(v *ir.Value) *ir.Value {
	if v.Op == "transpose" && !slices.IsSorted(v.Ints("perm")) || !v.In[0].Shape.Equal(v.Shape) {
		return nil
	}
	return v.In[0]
}

func joinReshapes(v *ir.Value) *ir.Value {
	if in := v.In[0]; in.Op == "reshape" {
		return made(op.Reshape(in.In[0], v.Shape), v)
	}
	return nil
}

// reshapeLast reshapes what is computed of a product, not the product, so that
// it can be computed while the product's results are at hand. Other operands of
// the same shape are reshaped, which costs nothing; a number stays.
func reshapeLast(v *ir.Value) *ir.Value {
	at := slices.IndexFunc(v.In, func(in *ir.Value) bool { return in.Op == "reshape" && ofProduct(in.In[0]) })
	if at < 0 || !v.In[at].Shape.Equal(v.Shape) {
		return nil
	}
	from, w := v.In[at].In[0], *v
	w.In, w.Shape = slices.Clone(v.In), from.Shape
	for i, in := range v.In {
		switch {
		case in.Shape.Equal(v.Shape):
			w.In[i] = reshaped(in, from.Shape)
		case in.Shape.Elems() != 1 || len(in.Shape) > len(from.Shape):
			return nil
		}
	}
	return made(op.Reshape(&w, v.Shape), v)
}

// reshaped is v in another shape, without a reshape of a reshape.
func reshaped(v *ir.Value, shape ir.Shape) *ir.Value {
	if v.Op == "reshape" {
		v = v.In[0]
	}
	if v.Shape.Equal(shape) {
		return v
	}
	return made(op.Reshape(v, shape), v)
}

// ofProduct reports whether v is a product or elementwise of one.
func ofProduct(v *ir.Value) bool {
	for plan.Fusible(v.Op) {
		at := slices.IndexFunc(v.In, func(in *ir.Value) bool { return in.Shape.Equal(v.Shape) && (plan.Product(in) || plan.Fusible(in.Op)) })
		if at < 0 {
			return false
		}
		v = v.In[at]
	}
	return plan.Product(v)
}

func joinBroadcasts(v *ir.Value) *ir.Value {
	if in := v.In[0]; in.Op == "broadcast" {
		return made(op.Broadcast(in.In[0], v.Shape), v)
	}
	return nil
}

func joinTransposes(v *ir.Value) *ir.Value {
	in := v.In[0]
	if in.Op != "transpose" {
		return nil
	}
	perm := make([]int, len(v.Shape))
	for i, axis := range v.Ints("perm") {
		perm[i] = in.Ints("perm")[axis]
	}
	return made(op.Transpose(in.In[0], perm...), v)
}

// transposeAsReshape: where only axes of size 1 move, no element does.
func transposeAsReshape(v *ir.Value) *ir.Value {
	var moved []int
	for _, axis := range v.Ints("perm") {
		if v.In[0].Shape[axis] != 1 {
			moved = append(moved, axis)
		}
	}
	if !slices.IsSorted(moved) || v.Shape.Equal(v.In[0].Shape) {
		return nil
	}
	return made(op.Reshape(v.In[0], v.Shape), v)
}

// overNothing: folding axes of size 1 only moves them.
func overNothing(v *ir.Value) *ir.Value {
	if v.In[0].Shape.Elems() != v.Shape.Elems() || v.Shape.Elems() == 0 {
		return nil
	}
	if w := op.Reshape(v.In[0], v.Shape); w != v.In[0] {
		return made(w, v)
	}
	return v.In[0]
}

// overWindows: a window of max pooling hands its gradient on to one pixel, so
// that the sum over whole images is that of the windows' gradients.
func overWindows(v *ir.Value) *ir.Value {
	in, axes := v.In[0], v.Ints("axes")
	if in.Op != "maxpool2d_grad" || !slices.Contains(axes, 1) || !slices.Contains(axes, 2) {
		return nil
	}
	return made(op.Sum(in.In[2], v.Bool("keep"), axes...), v)
}

// untranspose lets a matrix product read an operand transposed instead of
// transposing it before.
func untranspose(v *ir.Value) *ir.Value {
	for i, attr := range []string{"ta", "tb"} {
		in := v.In[i]
		if in.Op != "transpose" || !swapsLast(in.Ints("perm")) {
			continue
		}
		operands, turned := slices.Clone(v.In), map[string]bool{"ta": v.Bool("ta"), "tb": v.Bool("tb")}
		operands[i], turned[attr] = in.In[0], !turned[attr]
		return made(op.MatMul(operands[0], operands[1], turned["ta"], turned["tb"]), v)
	}
	return nil
}

func swapsLast(perm []int) bool {
	n := len(perm)
	if n < 2 || perm[n-1] != n-2 || perm[n-2] != n-1 {
		return false
	}
	return slices.IsSorted(perm[:n-2])
}
