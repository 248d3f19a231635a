package optim

import (
	"errors"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// sgd is stochastic gradient descent. With the gradient g, weight decay w,
// momentum u, dampening d and learning rate r, a step is
//
//	g = g + w p
//	b = u b + (1 - d) g          (b = g at the first step)
//	p = p - r b                  or, with nesterov, p - r (g + u b)
//
// (PyTorch, torch.optim.SGD).
var sgdKind = kind{
	settings: []setting{rate(1e-2), share("momentum", 0), share("dampening", 0), choice("nesterov"), amount("weight_decay", 0)},
	check: func(s map[string]float64) error {
		switch {
		case s["nesterov"] == 1 && s["momentum"] == 0:
			return errors.New("sgd: nesterov needs a momentum: set momentum, for example to 0.9")
		case s["nesterov"] == 1 && s["dampening"] != 0:
			return errors.New("sgd: nesterov takes no dampening: leave dampening out")
		}
		return nil
	},
	step: func(b *builder, p, g *ir.Value) *ir.Value {
		g = b.decayed(p, g)
		if b.settings["momentum"] == 0 {
			return op.Sub(p, op.Mul(b.lr, g))
		}
		m, fresh := b.slot("momentum", p), g
		if d := b.settings["dampening"]; d != 0 {
			first := op.Le(b.t, num(1))
			fresh = op.Mul(op.Select(first, num(1), num(1-d)), g)
		}
		next := b.keep(m, op.Add(op.Mul(b.num("momentum"), m), fresh))
		if b.settings["nesterov"] == 1 {
			next = op.Add(g, op.Mul(b.num("momentum"), next))
		}
		return op.Sub(p, op.Mul(b.lr, next))
	},
}

// lion is the optimizer that Chen et al. (2023, "Symbolic Discovery of
// Optimization Algorithms") found by search. With the gradient g and its
// momentum m, a step is
//
//	p = p - r (sign(beta1 m + (1 - beta1) g) + w p)
//	m = beta2 m + (1 - beta2) g
var lionKind = kind{
	settings: []setting{rate(1e-4), share("beta1", 0.9), share("beta2", 0.99), amount("weight_decay", 0)},
	step: func(b *builder, p, g *ir.Value) *ir.Value {
		m, beta1 := b.slot("m", p), b.settings["beta1"]
		move := op.Sign(op.Add(op.Mul(num(beta1), m), op.Mul(num(1-beta1), g)))
		b.average("m", p, b.settings["beta2"], g)
		return op.Sub(b.shrunk(p), op.Mul(b.lr, move))
	},
}
