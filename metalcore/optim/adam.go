package optim

import (
	"errors"
	"math"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// adam is Kingma and Ba's Adam. With the gradient g, weight decay w and
// learning rate r, step t is
//
//	g = g + w p
//	m = beta1 m + (1 - beta1) g
//	v = beta2 v + (1 - beta2) g²
//	p = p - r / (1 - beta1^t) · m / (√v / √(1 - beta2^t) + eps)
//
// With amsgrad the largest v so far stands in place of v in the last line
// (Reddi, Kale and Kumar 2018). (PyTorch, torch.optim.Adam.)
var adamKind = kind{
	settings: adamSettings(0),
	step: func(b *builder, p, g *ir.Value) *ir.Value {
		return b.adam(p, p, b.decayed(p, g))
	},
}

// adamW is Adam whose weight decay shrinks the parameter, p - r w p, in place
// of adding to the gradient (PyTorch, torch.optim.AdamW).
var adamWKind = kind{
	settings: adamSettings(0.01),
	step: func(b *builder, p, g *ir.Value) *ir.Value {
		return b.adam(p, b.shrunk(p), g)
	},
}

func adamSettings(decay float64) []setting {
	return []setting{rate(1e-3), share("beta1", 0.9), share("beta2", 0.999), size("eps", 1e-8),
		choice("amsgrad"), amount("weight_decay", decay)}
}

// adam moves from, which is the parameter p or p decayed.
func (b *builder) adam(p, from, g *ir.Value) *ir.Value {
	m := b.average("m", p, b.settings["beta1"], g)
	v := b.average("v", p, b.settings["beta2"], op.Mul(g, g))
	if b.settings["amsgrad"] == 1 {
		most := b.slot("most", p)
		v = b.keep(most, op.Max(most, v))
	}
	root := op.Div(num(1), op.Sqrt(b.correction("beta2")))
	length := op.Add(op.Mul(op.Sqrt(v), root), b.num("eps"))
	return op.Sub(from, op.Mul(op.Div(b.lr, b.correction("beta1")), op.Div(m, length)))
}

// nadam is Adam with Nesterov's momentum (Dozat 2016). With the moments m and v
// of adam and
//
//	u(t) = beta1 (1 - 0.96^(t momentum_decay) / 2),   U(t) = u(1) u(2) ... u(t)
//
// step t is
//
//	p = p - r ((1 - u(t)) / (1 - U(t)) g + u(t+1) / (1 - U(t+1)) m) / (√(v / (1 - beta2^t)) + eps)
//
// (PyTorch, torch.optim.NAdam.)
var nadamKind = kind{
	settings: []setting{rate(2e-3), share("beta1", 0.9), share("beta2", 0.999), size("eps", 1e-8),
		amount("momentum_decay", 4e-3), amount("weight_decay", 0)},
	check: needBeta1("nadam"),
	step: func(b *builder, p, g *ir.Value) *ir.Value {
		g = b.decayed(p, g)
		m := b.average("m", p, b.settings["beta1"], g)
		v := b.average("v", p, b.settings["beta2"], op.Mul(g, g))
		now, after := b.momentum("now", b.t), b.momentum("after", op.Add(b.t, num(1)))
		// The product U is kept as its logarithm, which is 0 at first.
		log := b.shared("log", func() *ir.Value {
			state := ir.State(b.name+"/log", ir.F32, ir.Shape{}, ir.Attrs{ir.AttrInit: "zeros"})
			return b.keep(state, op.Add(state, op.Log(now)))
		})
		left := op.Div(op.Sub(num(1), now), op.Neg(op.Expm1(log)))
		right := op.Div(after, op.Neg(op.Expm1(op.Add(log, op.Log(after)))))
		length := op.Add(op.Sqrt(op.Div(v, b.correction("beta2"))), b.num("eps"))
		step := op.Add(op.Mul(op.Mul(b.lr, left), op.Div(g, length)), op.Mul(op.Mul(b.lr, right), op.Div(m, length)))
		return op.Sub(p, step)
	},
}

// momentum is nadam's u(t).
func (b *builder) momentum(name string, t *ir.Value) *ir.Value {
	return b.shared(name, func() *ir.Value {
		decay := op.Exp(op.Mul(t, num(b.settings["momentum_decay"]*math.Log(0.96))))
		return op.Mul(b.num("beta1"), op.Sub(num(1), op.Mul(num(0.5), decay)))
	})
}

// radam is Adam whose first steps, while v is not known well, are shortened or
// taken without v (Liu et al. 2020). With
//
//	q(t) = q - 2 t beta2^t / (1 - beta2^t),   q = 2 / (1 - beta2) - 1
//
// step t is p - r / (1 - beta1^t) · m · s(t), where s(t) is 1 while q(t) <= 5, and later
//
//	√((q(t) - 4)(q(t) - 2) q / ((q - 4)(q - 2) q(t))) · √(1 - beta2^t) / (√v + eps)
//
// (PyTorch, torch.optim.RAdam.)
var radamKind = kind{
	settings: []setting{rate(1e-3), share("beta1", 0.9), share("beta2", 0.999), size("eps", 1e-8), amount("weight_decay", 0)},
	check: func(s map[string]float64) error {
		if s["beta2"] <= 0.6 {
			return errors.New("radam: beta2 must be above 0.6, or no step would ever use it: leave it out for 0.999")
		}
		return nil
	},
	step: func(b *builder, p, g *ir.Value) *ir.Value {
		g = b.decayed(p, g)
		m := b.average("m", p, b.settings["beta1"], g)
		v := b.average("v", p, b.settings["beta2"], op.Mul(g, g))
		known := b.known()
		q := 2/(1-b.settings["beta2"]) - 1
		short := b.shared("short", func() *ir.Value {
			late := op.Max(known, num(5)) // the root of what is not used must not be NaN
			ratio := op.Div(op.Mul(op.Sub(late, num(4)), op.Sub(late, num(2))), late)
			root := op.Sqrt(op.Mul(ratio, num(q/((q-4)*(q-2)))))
			return op.Mul(root, op.Sqrt(b.correction("beta2")))
		})
		scale := op.Select(op.Lt(num(5), known), op.Div(short, op.Add(op.Sqrt(v), b.num("eps"))), num(1))
		return op.Sub(p, op.Mul(op.Div(b.lr, b.correction("beta1")), op.Mul(m, scale)))
	},
}

// known is radam's q(t). Its two terms nearly cancel in the first steps; there,
// with x = -t log(beta2), the series of x / (e^x - 1) = 1 - x/2 + x²/12 - ...
// leaves nothing to cancel.
func (b *builder) known() *ir.Value {
	return b.shared("known", func() *ir.Value {
		beta2 := b.settings["beta2"]
		q, a := 2/(1-beta2)-1, -math.Log(beta2)
		x := op.Mul(b.t, num(a))
		x2 := op.Mul(x, x)
		series := op.Mul(x2, op.Sub(num(1.0/12), op.Mul(x2, op.Sub(num(1.0/720), op.Mul(x2, num(1.0/30240))))))
		early := op.Sub(op.Add(b.t, num(q-2/a)), op.Mul(num(2/a), series))
		late := op.Sub(num(q), op.Div(op.Mul(num(2), b.t), op.Expm1(x)))
		return op.Select(op.Lt(x, num(0.5)), early, late)
	})
}

func needBeta1(name string) func(s map[string]float64) error {
	return func(s map[string]float64) error {
		if s["beta1"] == 0 {
			return errors.New(name + ": beta1 must be above 0: leave it out for 0.9")
		}
		return nil
	}
}
