package nb

import (
	"math"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// ReLU is max(x, 0).
func (t *Tensor) ReLU() *Tensor { return t.unary("relu", op.ReLU) }

// Sigmoid is 1 / (1 + exp(-x)).
func (t *Tensor) Sigmoid() *Tensor { return t.unary("sigmoid", op.Sigmoid) }

// Tanh is the hyperbolic tangent.
func (t *Tensor) Tanh() *Tensor { return t.unary("tanh", op.Tanh) }

// Softmax is exp(x) over its sum along the last axis. A classifier needs none
// at its end: the loss works on logits, and Predict returns probabilities.
func (t *Tensor) Softmax() *Tensor {
	return t.unary("softmax", func(v *ir.Value) *ir.Value { return op.Softmax(v, -1) })
}

// LogSoftmax is the logarithm of Softmax.
func (t *Tensor) LogSoftmax() *Tensor {
	return t.unary("log_softmax", func(v *ir.Value) *ir.Value { return op.LogSoftmax(v, -1) })
}

// above is a where x > 0 and b elsewhere. What is not chosen gets no gradient,
// but must be finite: 0 times infinity is NaN.
func above(x, a, b *ir.Value) *ir.Value { return op.Select(op.Lt(num(0), x), a, b) }

// below0 is x where it is at most 0, else 0.
func below0(x *ir.Value) *ir.Value { return above(x, num(0), x) }

// LeakyReLU is x above 0 and slope x below (Maas, Hannun, Ng 2013); 0.01 is a
// usual slope.
func (t *Tensor) LeakyReLU(slope float64) *Tensor {
	return t.unary("leaky_relu", func(v *ir.Value) *ir.Value { return above(v, v, op.Mul(num(slope), v)) })
}

// PReLU is LeakyReLU whose "slope" is trained, one for each channel, the last
// axis (He, Zhang, Ren, Sun 2015). It starts at 0.25.
func (t *Tensor) PReLU() *Tensor {
	last := t.lastAxis("prelu")
	return t.unary("prelu", func(v *ir.Value) *ir.Value {
		return above(v, v, op.Mul(t.param("slope", InitQuarter, v.Shape[last]), v))
	})
}

// ELU is x above 0 and alpha (exp(x) - 1) below (Clevert, Unterthiner,
// Hochreiter 2016); alpha is usually 1.
func (t *Tensor) ELU(alpha float64) *Tensor {
	return t.unary("elu", func(v *ir.Value) *ir.Value { return elu(v, alpha, 1) })
}

// elu is x above 0 and alpha (exp(x/width) - 1) below.
func elu(v *ir.Value, alpha, width float64) *ir.Value {
	return above(v, v, op.Mul(num(alpha), op.Expm1(op.Mul(below0(v), num(1/width)))))
}

// SELU is 1.0507 ELU(1.6733): numbers with which activations keep mean 0 and
// variance 1 (Klambauer and others 2017). Weights should start as
// InitLecunNormal.
func (t *Tensor) SELU() *Tensor {
	const scale, alpha = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
	return t.unary("selu", func(v *ir.Value) *ir.Value { return op.Mul(num(scale), elu(v, alpha, 1)) })
}

// CELU is x above 0 and alpha (exp(x/alpha) - 1) below (Barron 2017).
func (t *Tensor) CELU(alpha float64) *Tensor {
	if !(alpha > 0) {
		argument("use a positive number, like 1", "celu: alpha %v", alpha)
	}
	return t.unary("celu", func(v *ir.Value) *ir.Value { return elu(v, alpha, alpha) })
}

// GELU is x times the probability that a standard normal number is below it,
// x (1 + erf(x/sqrt(2))) / 2 (Hendrycks, Gimpel 2016).
func (t *Tensor) GELU() *Tensor {
	return t.unary("gelu", func(v *ir.Value) *ir.Value {
		return op.Mul(op.Mul(num(0.5), v), op.Add(num(1), op.Erf(op.Mul(v, num(math.Sqrt2/2)))))
	})
}

// GELUTanh is GELU by the approximation
// x (1 + tanh(sqrt(2/pi) (x + 0.044715 x³))) / 2.
func (t *Tensor) GELUTanh() *Tensor {
	return t.unary("gelu_tanh", func(v *ir.Value) *ir.Value {
		cube := op.Mul(v, op.Mul(v, v))
		inner := op.Mul(num(math.Sqrt(2/math.Pi)), op.Add(v, op.Mul(num(0.044715), cube)))
		return op.Mul(op.Mul(num(0.5), v), op.Add(num(1), op.Tanh(inner)))
	})
}

// HardSigmoid is a line in place of Sigmoid: x/6 + 1/2, not below 0 nor above 1.
func (t *Tensor) HardSigmoid() *Tensor { return t.unary("hard_sigmoid", hardSigmoid) }

func hardSigmoid(v *ir.Value) *ir.Value {
	return op.Sub(op.ReLU(op.Add(op.Mul(v, num(1./6)), num(0.5))), op.ReLU(op.Sub(op.Mul(v, num(1./6)), num(0.5))))
}

// SiLU is x Sigmoid(x), also called Swish (Elfwing, Uchibe, Doya 2018).
func (t *Tensor) SiLU() *Tensor {
	return t.unary("silu", func(v *ir.Value) *ir.Value { return op.Mul(v, op.Sigmoid(v)) })
}

// HardSwish is x HardSigmoid(x) (Howard and others 2019).
func (t *Tensor) HardSwish() *Tensor {
	return t.unary("hard_swish", func(v *ir.Value) *ir.Value { return op.Mul(v, hardSigmoid(v)) })
}

// Softplus is log(1 + exp(x)), a smooth ReLU.
func (t *Tensor) Softplus() *Tensor { return t.unary("softplus", softplus) }

// softplus never overflows: exp gets no positive number.
func softplus(v *ir.Value) *ir.Value {
	return op.Add(above(v, v, num(0)), op.Log1p(op.Exp(above(v, op.Neg(v), v))))
}

// Mish is x tanh(Softplus(x)) (Misra 2019).
func (t *Tensor) Mish() *Tensor {
	return t.unary("mish", func(v *ir.Value) *ir.Value { return op.Mul(v, op.Tanh(softplus(v))) })
}
