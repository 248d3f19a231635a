package optim

import (
	"errors"
	"maps"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

var sgdKind = kind{
	settings: []setting{
		{"lr", 1e-2, positive, "a positive number"},
		{"momentum", 0, below1, "at least 0 and below 1"},
		{"nesterov", 0, flag, "0 or 1"},
		{"weight_decay", 0, notBelow0, "at least 0"},
	},
	check: func(s map[string]float64) error {
		if s["nesterov"] == 1 && s["momentum"] == 0 {
			return errors.New("sgd: nesterov needs a momentum: set momentum, for example to 0.9")
		}
		return nil
	},
	make: func(s map[string]float64) Optimizer { return sgd{s} },
}

// sgd is stochastic gradient descent. With the gradient g, weight decay w,
// momentum u and learning rate r, a step is
//
//	g = g + w p
//	b = u b + g
//	p = p - r b                  or, with nesterov, p - r (g + u b)
//
// (PyTorch, torch.optim.SGD, without dampening).
type sgd struct{ settings map[string]float64 }

func (s sgd) Name() string                 { return "sgd" }
func (s sgd) Settings() map[string]float64 { return maps.Clone(s.settings) }

func (s sgd) Build(params, grads []*ir.Value, lr, _ *ir.Value) []ir.Update {
	u := s.settings["momentum"]
	var updates, slots []ir.Update
	for i, p := range params {
		g := decayed(p, grads[i], s.settings["weight_decay"])
		if u != 0 {
			b := slot("sgd", "momentum", p)
			next := op.Add(op.Mul(num(u), b), g)
			slots = append(slots, ir.Update{State: b, New: next})
			if s.settings["nesterov"] == 1 {
				g = op.Add(g, op.Mul(num(u), next))
			} else {
				g = next
			}
		}
		updates = append(updates, ir.Update{State: p, New: op.Sub(p, op.Mul(lr, g))})
	}
	return append(updates, slots...)
}

// decayed adds the parameter's weight decay to its gradient.
func decayed(p, g *ir.Value, decay float64) *ir.Value {
	if decay == 0 || !p.Bool(ir.AttrDecay) {
		return g
	}
	return op.Add(g, op.Mul(num(decay), p))
}

func num(x float64) *ir.Value { return ir.Const(x, ir.F32) }
