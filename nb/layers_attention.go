package nb

import (
	"fmt"
	"math"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// Embedding looks up a row of "table" [n, size] for each whole number 0 to n-1:
// [B, steps] becomes [B, steps, size]. Numbers outside take the nearest row.
// The table starts as InitUnitNormal, or as given.
func (t *Tensor) Embedding(n, size int, init ...Init) *Tensor {
	if n <= 0 || size <= 0 {
		argument("like Embedding(5000, 64): 5000 words, 64 numbers each", "Embedding(%d, %d) must have positive sizes", n, size)
	}
	start := InitUnitNormal
	if len(init) > 0 {
		start = init[0]
	}
	return t.unary("embedding", func(v *ir.Value) *ir.Value {
		if v.DType != ir.I32 {
			v = op.Cast(v, ir.I32)
		}
		return op.Gather(t.param("table", start, n, size), v)
	})
}

// Attention are the settings of MultiHeadAttention.
type Attention struct {
	Causal bool    // a step sees itself and those before it only
	Mask   *Tensor // bool, or i32 that is not 0, where a step may look: [B, steps seen], [steps, steps seen] or [B, steps, steps seen]
	// Context is the sequence that is looked at, [B, steps seen, features]; t
	// itself when nil.
	Context *Tensor
	Dropout float64 // rate at which weights are dropped in training
	NoBias  bool
	Init    Init // of the weights; InitGlorotUniform
}

// MultiHeadAttention lets each step of a sequence [B, steps, features] look at
// all steps (Vaswani and others 2017). With d = features/heads, each head has
//
//	softmax(q kᵀ / sqrt(d)) v,  q = x Wq + bq,  k = c Wk + bk,  v = c Wv + bv
//
// of the sequence x and its context c, and the heads side by side are
// multiplied by Wo. The parameters are "query_weight" [features, features],
// "query_bias" and so on for key, value and output. A step that may look
// nowhere looks everywhere alike.
func (t *Tensor) MultiHeadAttention(heads int, a Attention) *Tensor {
	steps, features := t.sequence("attention")
	if heads < 1 || features%heads != 0 {
		argument("use a divisor of the features", "attention: %d heads do not divide the %d features of %s", heads, features, t.v.Type())
	}
	if !(a.Dropout >= 0 && a.Dropout < 1) {
		argument("use a probability of at least 0 and below 1", "attention: a dropout of %v", a.Dropout)
	}
	from, c := []*Tensor{t}, t
	if a.Context != nil {
		a.Context.sequence("attention's context")
		from, c = append(from, a.Context), a.Context
	}
	seen := c.v.Shape[1]
	if a.Mask != nil {
		from = append(from, a.Mask)
	}
	init := a.Init.or(InitGlorotUniform)
	return apply("attention", from, func() *ir.Value {
		part := func(x *ir.Value, name string) *ir.Value {
			y := t.linear(x, name+"_", features, init, !a.NoBias)
			return op.Transpose(op.Reshape(y, ir.Shape{x.Shape[0], x.Shape[1], heads, features / heads}), 0, 2, 1, 3)
		}
		q, k, v := part(t.v, "query"), part(c.v, "key"), part(c.v, "value")
		q = op.Mul(q, num(1/math.Sqrt(float64(features/heads))))
		scores := op.MatMul(q, k, false, true) // [B, heads, steps, seen]
		if may := a.allowed(steps, seen); may != nil {
			scores = op.Select(may, scores, num(-1e9))
		}
		y := op.MatMul(dropped(op.Softmax(scores, -1), a.Dropout), v, false, false)
		y = op.Reshape(op.Transpose(y, 0, 2, 1, 3), t.v.Shape)
		return t.linear(y, "output_", features, init, !a.NoBias)
	})
}

// allowed says where each step may look, in a shape that broadcasts to
// [B, heads, steps, seen]; nil for everywhere.
func (a Attention) allowed(steps, seen int) *ir.Value {
	var may *ir.Value
	if a.Causal {
		row, col := op.Reshape(ir.Iota(steps), ir.Shape{steps, 1}), op.Reshape(ir.Iota(seen), ir.Shape{1, seen})
		may = op.Le(col, row)
	}
	if a.Mask == nil {
		return may
	}
	mask := op.Cast(a.Mask.v, ir.Bool)
	s := mask.Shape
	switch {
	case a.Mask.v.DType.Float():
		a.wrongMask(steps, seen)
	case len(s) == 2 && s[0] == steps && s[1] == seen:
	case len(s) == 2 && s[1] == seen:
		mask = op.Reshape(mask, ir.Shape{s[0], 1, 1, seen})
	case len(s) == 3 && s[1] == steps && s[2] == seen:
		mask = op.Reshape(mask, ir.Shape{s[0], 1, steps, seen})
	default:
		a.wrongMask(steps, seen)
	}
	if may == nil {
		return mask
	}
	return op.Min(may, mask)
}

func (a Attention) wrongMask(steps, seen int) {
	fail(&Error{Code: CodeShape, Message: fmt.Sprintf("attention: the mask is %s, for %d steps that look at %d", a.Mask.v.Type(), steps, seen),
		Remedy: "make it bool or i32 [B, steps seen], [steps, steps seen] or [B, steps, steps seen]"})
}

// PositionalEncoding adds sine waves to a sequence [B, steps, features], by
// which attention can tell the steps apart (Vaswani and others 2017):
//
//	y[p, 2i] = x + sin(p / 10000^(2i/features)),  y[p, 2i+1] = x + cos(the same)
func (t *Tensor) PositionalEncoding() *Tensor {
	steps, features := t.sequence("positional_encoding")
	if features%2 != 0 {
		argument("use an even number of features", "positional_encoding: %s", t.v.Type())
	}
	return t.unary("positional_encoding", func(v *ir.Value) *ir.Value {
		half := features / 2
		place := op.Reshape(op.Cast(ir.Iota(steps), ir.F32), ir.Shape{steps, 1})
		wave := op.Exp(op.Mul(op.Cast(ir.Iota(half), ir.F32), num(-2*math.Log(10000)/float64(features))))
		angle := op.Reshape(op.Mul(place, wave), ir.Shape{steps, half, 1})
		return op.Add(v, op.Reshape(op.Concat(2, op.Sin(angle), op.Cos(angle)), ir.Shape{steps, features}))
	})
}

// LearnedPositions adds a trained row of "table" [steps, features] to each step
// of a sequence. It starts as InitNormal.
func (t *Tensor) LearnedPositions() *Tensor {
	steps, features := t.sequence("learned_positions")
	return t.unary("learned_positions", func(v *ir.Value) *ir.Value {
		return op.Add(v, t.param("table", InitNormal, steps, features))
	})
}
