package optim

import (
	"maps"
	"math"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

var adamKind = kind{
	settings: []setting{
		{"lr", 1e-3, positive, "a positive number"},
		{"beta1", 0.9, below1, "at least 0 and below 1"},
		{"beta2", 0.999, below1, "at least 0 and below 1"},
		{"eps", 1e-8, positive, "a positive number"},
		{"weight_decay", 0, notBelow0, "at least 0"},
	},
	make: func(s map[string]float64) Optimizer { return adam{s} },
}

// adam is Kingma and Ba's Adam. With the gradient g, weight decay w and
// learning rate r, step t is
//
//	g = g + w p
//	m = beta1 m + (1 - beta1) g
//	v = beta2 v + (1 - beta2) g²
//	p = p - r / (1 - beta1^t) · m / (√v / √(1 - beta2^t) + eps)
//
// (PyTorch, torch.optim.Adam).
type adam struct{ settings map[string]float64 }

func (a adam) Name() string                 { return "adam" }
func (a adam) Settings() map[string]float64 { return maps.Clone(a.settings) }

func (a adam) Build(params, grads []*ir.Value, lr, t *ir.Value) []ir.Update {
	beta1, beta2 := a.settings["beta1"], a.settings["beta2"]
	rate := op.Div(lr, correction(beta1, t))
	root2 := op.Sqrt(correction(beta2, t))
	var updates, slots []ir.Update
	for i, p := range params {
		g := decayed(p, grads[i], a.settings["weight_decay"])
		m, v := slot("adam", "m", p), slot("adam", "v", p)
		nextM := op.Add(op.Mul(num(beta1), m), op.Mul(num(1-beta1), g))
		nextV := op.Add(op.Mul(num(beta2), v), op.Mul(num(1-beta2), op.Mul(g, g)))
		size := op.Add(op.Div(op.Sqrt(nextV), root2), num(a.settings["eps"]))
		updates = append(updates, ir.Update{State: p, New: op.Sub(p, op.Mul(rate, op.Div(nextM, size)))})
		slots = append(slots, ir.Update{State: m, New: nextM}, ir.Update{State: v, New: nextV})
	}
	return append(updates, slots...)
}

// correction is 1 - beta^t. Written with expm1 it keeps its digits where
// beta^t is close to 1.
func correction(beta float64, t *ir.Value) *ir.Value {
	if beta == 0 {
		return num(1)
	}
	return op.Neg(op.Expm1(op.Mul(t, num(math.Log(beta)))))
}
