package optim

import (
	"math"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// builder is what an optimizer's rule has at hand while it builds the update
// of one parameter after the other.
type builder struct {
	name     string
	settings map[string]float64 // of the parameter's group
	lr       *ir.Value          // likewise
	t        *ir.Value          // the number of the step, from 1
	states   []ir.Update        // of the optimizer's own states, so far
	once     map[string]*ir.Value
}

func (b *builder) num(setting string) *ir.Value { return num(b.settings[setting]) }

// slot is a state that goes with a parameter: its old value.
func (b *builder) slot(name string, param *ir.Value) *ir.Value {
	full := b.name + "/" + name + "/" + param.Name
	return b.shared(full, func() *ir.Value {
		return ir.State(full, ir.F32, param.Shape, ir.Attrs{ir.AttrInit: "zeros"})
	})
}

// keep notes the new value of a state, and returns it.
func (b *builder) keep(state, next *ir.Value) *ir.Value {
	b.states = append(b.states, ir.Update{State: state, New: next})
	return next
}

// average is a moving average of x that goes with a parameter:
// a = beta a + (1 - beta) x.
func (b *builder) average(name string, p *ir.Value, beta float64, x *ir.Value) *ir.Value {
	a := b.slot(name, p)
	return b.keep(a, op.Add(op.Mul(num(beta), a), op.Mul(num(1-beta), x)))
}

// shared is a value that is used more than once and made once.
func (b *builder) shared(name string, make func() *ir.Value) *ir.Value {
	if b.once[name] == nil {
		b.once[name] = make()
	}
	return b.once[name]
}

// correction is 1 - beta^t for the setting of that name. Written with expm1 it
// keeps its digits where beta^t is close to 1.
func (b *builder) correction(setting string) *ir.Value {
	beta := b.settings[setting]
	if beta == 0 {
		return num(1)
	}
	return b.shared(setting, func() *ir.Value {
		return op.Neg(op.Expm1(op.Mul(b.t, num(math.Log(beta)))))
	})
}

// decayed adds the parameter's weight decay to its gradient (L2).
func (b *builder) decayed(p, g *ir.Value) *ir.Value {
	if b.settings["weight_decay"] == 0 || !p.Bool(ir.AttrDecay) {
		return g
	}
	return op.Add(g, op.Mul(b.num("weight_decay"), p))
}

// shrunk is p - lr·weight_decay·p (decoupled decay). The factor 1 - lr·decay
// itself would lose the digits of a small decay.
func (b *builder) shrunk(p *ir.Value) *ir.Value {
	if b.settings["weight_decay"] == 0 || !p.Bool(ir.AttrDecay) {
		return p
	}
	return op.Sub(p, op.Mul(op.Mul(b.lr, b.num("weight_decay")), p))
}

// clip bounds the elements of the gradients and then the length of all of them
// together; 0 is no bound. The 1e-6 is that of PyTorch's clip_grad_norm_.
func clip(grads []*ir.Value, value, norm float64) []*ir.Value {
	if value == 0 && norm == 0 {
		return grads
	}
	out := append([]*ir.Value(nil), grads...)
	if value != 0 {
		for i, g := range out {
			out[i] = op.Max(op.Min(g, num(value)), num(-value))
		}
	}
	if norm == 0 || len(out) == 0 {
		return out
	}
	squares := num(0)
	for _, g := range out {
		squares = op.Add(squares, op.Sum(op.Mul(g, g), false))
	}
	factor := op.Min(op.Div(num(norm), op.Add(op.Sqrt(squares), num(1e-6))), num(1))
	for i, g := range out {
		out[i] = op.Mul(g, factor)
	}
	return out
}

func num(x float64) *ir.Value { return ir.Const(x, ir.F32) }
