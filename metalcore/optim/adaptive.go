package optim

import (
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// rmsprop divides by the root of a moving average of squares (Hinton 2012):
//
//	v = alpha v + (1 - alpha) g²
//	p = p - r g / (√v + eps)
//
// With centered the variance v - a² stands for v, where a is the average of g
// (Graves 2013). With a momentum u it is b = u b + g / (√v + eps), p = p - r b.
// (PyTorch, torch.optim.RMSprop.)
var rmspropKind = kind{
	settings: []setting{rate(1e-2), share("alpha", 0.99), size("eps", 1e-8), share("momentum", 0), choice("centered"), amount("weight_decay", 0)},
	step: func(b *builder, p, g *ir.Value) *ir.Value {
		g = b.decayed(p, g)
		v := b.average("v", p, b.settings["alpha"], op.Mul(g, g))
		if b.settings["centered"] == 1 {
			a := b.average("mean", p, b.settings["alpha"], g)
			v = op.Max(op.Sub(v, op.Mul(a, a)), num(0)) // rounding may take it below 0
		}
		step := op.Div(g, op.Add(op.Sqrt(v), b.num("eps")))
		if b.settings["momentum"] != 0 {
			m := b.slot("momentum", p)
			step = b.keep(m, op.Add(op.Mul(b.num("momentum"), m), step))
		}
		return op.Sub(p, op.Mul(b.lr, step))
	},
}

// adagrad divides by the root of the sum of all squares (Duchi, Hazan and
// Singer 2011), which begins with the setting initial:
//
//	s = s + g²
//	p = p - r / (1 + (t - 1) lr_decay) · g / (√s + eps)
//
// (PyTorch, torch.optim.Adagrad.)
var adagradKind = kind{
	settings: []setting{rate(1e-2), amount("lr_decay", 0), amount("initial", 0), size("eps", 1e-10), amount("weight_decay", 0)},
	step: func(b *builder, p, g *ir.Value) *ir.Value {
		g = b.decayed(p, g)
		s := b.slot("sum", p)
		sum := b.keep(s, op.Add(s, op.Mul(g, g)))
		if b.settings["initial"] != 0 {
			sum = op.Add(sum, b.num("initial"))
		}
		lr := b.lr
		if b.settings["lr_decay"] != 0 {
			lr = op.Div(lr, op.Add(num(1), op.Mul(op.Sub(b.t, num(1)), b.num("lr_decay"))))
		}
		return op.Sub(p, op.Mul(lr, op.Div(g, op.Add(op.Sqrt(sum), b.num("eps")))))
	},
}

// adadelta gives the step the unit of the parameter (Zeiler 2012):
//
//	v = rho v + (1 - rho) g²
//	d = √(u + eps) / √(v + eps) · g
//	u = rho u + (1 - rho) d²
//	p = p - r d
//
// (PyTorch, torch.optim.Adadelta.)
var adadeltaKind = kind{
	settings: []setting{rate(1), share("rho", 0.9), size("eps", 1e-6), amount("weight_decay", 0)},
	step: func(b *builder, p, g *ir.Value) *ir.Value {
		g = b.decayed(p, g)
		eps, u := b.num("eps"), b.slot("u", p)
		v := b.average("v", p, b.settings["rho"], op.Mul(g, g))
		d := op.Mul(op.Div(op.Sqrt(op.Add(u, eps)), op.Sqrt(op.Add(v, eps))), g)
		b.keep(u, op.Add(op.Mul(b.num("rho"), u), op.Mul(num(1-b.settings["rho"]), op.Mul(d, d))))
		return op.Sub(p, op.Mul(b.lr, d))
	},
}
