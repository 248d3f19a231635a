package nb

import (
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// Recurrent are the settings of LSTMWith and GRUWith.
type Recurrent struct {
	Units     int
	Sequences bool // return the output of every step, [B, steps, units], not of the last one
	Reverse   bool // go from the last step to the first
	Init      Init // of the weights; InitGlorotUniform
}

// LSTM reads a sequence [B, steps, features] step by step and returns its last
// output [B, units] (Hochreiter, Schmidhuber 1997; Gers and others 2000). With
// h and c zero at first, a step is, in the order in which the gates lie side by
// side in the parameters,
//
//	i, f, g, o = x W + h U + b
//	c = sigmoid(f) c + sigmoid(i) tanh(g)
//	h = sigmoid(o) tanh(c)
//
// "weight" W is [features, 4 units], "recurrent_weight" U [units, 4 units],
// "bias" [4 units] zeros at first. PyTorch's two biases are one here.
func (t *Tensor) LSTM(units int) *Tensor { return t.LSTMWith(Recurrent{Units: units}) }

// LSTMWith is LSTM with all settings.
func (t *Tensor) LSTMWith(c Recurrent) *Tensor {
	return t.recurrent("lstm", c, 4, func(n int) step {
		u := t.param("recurrent_weight", c.Init.or(InitGlorotUniform), n, 4*n)
		cell := ir.Const(0, ir.F32, t.v.Shape[0], n)
		return func(x, h *ir.Value) *ir.Value {
			gate := parts(op.Add(x, op.MatMul(h, u, false, false)), 4)
			kept := op.Mul(op.Sigmoid(gate[1]), cell)
			cell = op.Add(kept, op.Mul(op.Sigmoid(gate[0]), op.Tanh(gate[2])))
			return op.Mul(op.Sigmoid(gate[3]), op.Tanh(cell))
		}
	})
}

// GRU is a smaller LSTM (Cho and others 2014), in PyTorch's form:
//
//	r, z = sigmoid(x W + b + h U + d), the first two parts
//	n = tanh(x W + b + r (h U + d)), the third
//	h = (1 - z) n + z h
//
// "weight" W is [features, 3 units], "recurrent_weight" U [units, 3 units],
// "bias" b and "recurrent_bias" d [3 units].
func (t *Tensor) GRU(units int) *Tensor { return t.GRUWith(Recurrent{Units: units}) }

// GRUWith is GRU with all settings.
func (t *Tensor) GRUWith(c Recurrent) *Tensor {
	return t.recurrent("gru", c, 3, func(n int) step {
		u := t.param("recurrent_weight", c.Init.or(InitGlorotUniform), n, 3*n)
		d := t.param("recurrent_bias", InitZeros, 3*n)
		return func(x, h *ir.Value) *ir.Value {
			in, state := parts(x, 3), parts(op.Add(op.MatMul(h, u, false, false), d), 3)
			r, z := op.Sigmoid(op.Add(in[0], state[0])), op.Sigmoid(op.Add(in[1], state[1]))
			fresh := op.Tanh(op.Add(in[2], op.Mul(r, state[2])))
			return op.Add(fresh, op.Mul(z, op.Sub(h, fresh)))
		}
	})
}

// step computes the next output from an input, multiplied by its weights
// already, and the last output.
type step func(x, h *ir.Value) *ir.Value

// recurrent unrolls a layer over time. The inputs of all steps are multiplied
// by "weight" in one product.
func (t *Tensor) recurrent(layer string, c Recurrent, gates int, begin func(units int) step) *Tensor {
	steps, _ := t.sequence(layer)
	if c.Units <= 0 {
		argument("give the number of outputs, like LSTM(64)", "%s: %d units", layer, c.Units)
	}
	return apply(layer, []*Tensor{t}, func() *ir.Value {
		rows, width := t.v.Shape[0], gates*c.Units
		x := op.Transpose(t.linear(t.v, "", width, c.Init.or(InitGlorotUniform), true), 1, 0, 2)
		next, h := begin(c.Units), ir.Const(0, ir.F32, rows, c.Units)
		outputs := make([]*ir.Value, steps)
		for i := range steps {
			at := i
			if c.Reverse {
				at = steps - 1 - i
			}
			h = next(op.Reshape(op.SliceAxis(x, 0, at, at+1), ir.Shape{rows, width}), h)
			outputs[at] = op.Reshape(h, ir.Shape{rows, 1, c.Units})
		}
		if !c.Sequences {
			return h
		}
		return op.Concat(1, outputs...)
	})
}

// parts cuts the last axis into n equal parts.
func parts(v *ir.Value, n int) []*ir.Value {
	size := v.Shape[len(v.Shape)-1] / n
	out := make([]*ir.Value, n)
	for i := range out {
		out[i] = op.SliceAxis(v, -1, i*size, (i+1)*size)
	}
	return out
}
