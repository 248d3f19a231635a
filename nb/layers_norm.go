package nb

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// Norm are the settings of the normalisations.
type Norm struct {
	Eps      float64 // added to the variance; 1e-5, of RMSNorm 1e-6
	Momentum float64 // BatchNorm: the share of a batch in the running statistics; 0.1
	NoAffine bool    // leave out "scale" and "bias"
}

func (c Norm) eps(preset float64) *ir.Value {
	if c.Eps < 0 {
		argument("use a small positive number, like 1e-5", "a normalisation with eps %v", c.Eps)
	}
	if c.Eps != 0 {
		preset = c.Eps
	}
	return num(preset)
}

// BatchNorm normalises each channel, the last axis, by mean and variance over
// all the others (Ioffe, Szegedy 2015):
//
//	y = (x - mean) / sqrt(variance + eps) * scale + bias
//
// Training uses the mean and the biased variance of the batch, and keeps
// running statistics, as PyTorch does: running = 0.9 running + 0.1 batch, of
// the unbiased variance. Evaluation and prediction use these. They are the
// states "mean" and "variance", zeros and ones at first; "scale" starts as ones
// and "bias" as zeros. A batch of one value in each channel leaves the running
// variance 0 instead of none.
func (t *Tensor) BatchNorm() *Tensor { return t.BatchNormWith(Norm{}) }

// BatchNormWith is BatchNorm with all settings.
func (t *Tensor) BatchNormWith(c Norm) *Tensor {
	last := t.lastAxis("batch_norm")
	if c.Momentum == 0 {
		c.Momentum = 0.1
	}
	if c.Momentum < 0 || c.Momentum > 1 {
		argument("use a number above 0 and up to 1, like 0.1", "batch_norm: momentum %v", c.Momentum)
	}
	var updates []update
	out := apply("batch_norm", []*Tensor{t}, func() *ir.Value {
		channels := t.v.Shape[last]
		mean, variance := moments(t.v, false, upTo(last)...)
		runMean, runVar := t.statistic("mean", InitZeros, channels), t.statistic("variance", InitOnes, channels)
		updates = []update{
			{runMean, toward(mean, c.Momentum)},
			{runVar, toward(op.Mul(variance, bessel(t.v.Shape[:last])), c.Momentum)},
		}
		mean, variance = op.Phase(mean, runMean), op.Phase(variance, runVar)
		return t.affine(op.Mul(op.Sub(t.v, mean), op.Rsqrt(op.Add(variance, c.eps(1e-5)))), c)
	})
	out.updates = updates
	return out
}

// lastAxis is the number of the last axis, of two or more.
func (t *Tensor) lastAxis(layer string) int {
	last := len(t.v.Shape) - 1
	if last < 1 {
		fail(&Error{Code: CodeShape, Message: fmt.Sprintf("%s: x is %s, and needs channels as its last axis", layer, t.v.Type()),
			Remedy: "begin the model with nb.Input(n)"})
	}
	return last
}

// upTo counts 0 to n-1.
func upTo(n int) (axes []int) {
	for i := range n {
		axes = append(axes, i)
	}
	return axes
}

// moments are mean and biased variance over axes. Where they do not keep their
// axes these must be the first ones, so that the mean broadcasts.
func moments(x *ir.Value, keep bool, axes ...int) (mean, variance *ir.Value) {
	mean = op.Mean(x, keep, axes...)
	d := op.Sub(x, mean)
	return mean, op.Mean(op.Mul(d, d), keep, axes...)
}

// bessel is n/(n-1) for the number of elements of a shape, which may depend on
// the batch; of a single one it is 1.
func bessel(shape ir.Shape) *ir.Value {
	n := op.Sum(ir.Const(1, ir.F32, shape...), false)
	return op.Div(n, op.Max(op.Sub(n, num(1)), num(1)))
}

// toward moves a state by the share m to x.
func toward(x *ir.Value, m float64) func(old *ir.Value) *ir.Value {
	return func(old *ir.Value) *ir.Value { return op.Add(op.Mul(num(1-m), old), op.Mul(num(m), x)) }
}

// affine multiplies by "scale" and adds "bias", one of each for a channel.
func (t *Tensor) affine(y *ir.Value, c Norm) *ir.Value {
	if c.NoAffine {
		return y
	}
	n := y.Shape[len(y.Shape)-1]
	return op.Add(op.Mul(y, t.param("scale", InitOnes, n)), t.param("bias", InitZeros, n))
}

// LayerNorm normalises along the last axis, each place for itself (Ba, Kiros,
// Hinton 2016): y = (x - mean) / sqrt(variance + eps) * scale + bias.
func (t *Tensor) LayerNorm() *Tensor { return t.LayerNormWith(Norm{}) }

// LayerNormWith is LayerNorm with all settings.
func (t *Tensor) LayerNormWith(c Norm) *Tensor {
	last := t.lastAxis("layer_norm")
	return apply("layer_norm", []*Tensor{t}, func() *ir.Value {
		mean, variance := moments(t.v, true, last)
		return t.affine(op.Mul(op.Sub(t.v, mean), op.Rsqrt(op.Add(variance, c.eps(1e-5)))), c)
	})
}

// GroupNorm normalises groups of channels over all places of a row (Wu, He
// 2018). One group is a layer norm over the whole row; as many groups as
// channels are an instance norm.
func (t *Tensor) GroupNorm(groups int) *Tensor { return t.GroupNormWith(groups, Norm{}) }

// GroupNormWith is GroupNorm with all settings.
func (t *Tensor) GroupNormWith(groups int, c Norm) *Tensor {
	last := t.lastAxis("group_norm")
	shape := t.v.Shape
	if groups < 1 || shape[last]%groups != 0 {
		argument("use a divisor of the channels", "group_norm: %d groups do not divide the channels of %s", groups, t.v.Type())
	}
	return apply("group_norm", []*Tensor{t}, func() *ir.Value {
		x := op.Reshape(t.v, ir.Shape{shape[0], shape[1:last].Elems(), groups, shape[last] / groups})
		mean, variance := moments(x, true, 1, 3)
		y := op.Mul(op.Sub(x, mean), op.Rsqrt(op.Add(variance, c.eps(1e-5))))
		return t.affine(op.Reshape(y, shape), c)
	})
}

// RMSNorm divides by the root of the mean square along the last axis (Zhang,
// Sennrich 2019): y = x / sqrt(mean(x²) + eps) * scale. It has no bias.
func (t *Tensor) RMSNorm() *Tensor { return t.RMSNormWith(Norm{}) }

// RMSNormWith is RMSNorm with all settings.
func (t *Tensor) RMSNormWith(c Norm) *Tensor {
	last := t.lastAxis("rms_norm")
	return apply("rms_norm", []*Tensor{t}, func() *ir.Value {
		square := op.Mean(op.Mul(t.v, t.v), true, last)
		y := op.Mul(t.v, op.Rsqrt(op.Add(square, c.eps(1e-6))))
		if c.NoAffine {
			return y
		}
		return op.Mul(y, t.param("scale", InitOnes, t.v.Shape[last]))
	})
}

// Dropout sets each element to 0 with the probability rate and divides the
// others by 1 - rate, so that the mean stays (Srivastava and others 2014). It
// does so in training only. Which elements it takes depends on the trainer's
// seed and step: a run that is stopped goes on as it would have.
func (t *Tensor) Dropout(rate float64) *Tensor {
	if !(rate >= 0 && rate < 1) {
		argument("use a probability of at least 0 and below 1, like 0.5", "dropout: a rate of %v", rate)
	}
	return t.unary("dropout", func(v *ir.Value) *ir.Value { return dropped(v, rate) })
}

// dropped is v with some elements dropped in training.
func dropped(v *ir.Value, rate float64) *ir.Value {
	if rate == 0 {
		return v
	}
	drawn := op.Random(trainerState(ir.StateSeed), trainerState(ir.StateStep), 0, v.Shape)
	mask := op.Select(op.Le(num(rate), drawn), num(1/(1-rate)), num(0))
	return op.Phase(op.Mul(v, mask), v)
}

// trainerState is a state that the trainer gives the model; modelText makes one
// of all that a model has.
func trainerState(name string) *ir.Value {
	return ir.State(name, ir.I32, ir.Shape{}, ir.Attrs{ir.AttrInit: string(InitZeros)})
}
