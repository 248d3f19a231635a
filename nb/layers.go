package nb

import (
	"fmt"
	"strings"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// Init names how a parameter gets its first numbers, from the trainer's seed.
// In and out are the numbers of inputs and outputs that one output or input of
// the layer sees: for a convolution the window is counted in.
type Init string

// The initialisers.
const (
	InitZeros         Init = "zeros"
	InitOnes          Init = "ones"
	InitQuarter       Init = "quarter"        // 0.25 everywhere
	InitNormal        Init = "normal"         // normal, standard deviation 0.02
	InitUnitNormal    Init = "unit_normal"    // normal, standard deviation 1
	InitHeNormal      Init = "he_normal"      // normal, variance 2/in: He, Zhang, Ren, Sun 2015
	InitHeUniform     Init = "he_uniform"     // uniform, variance 2/in
	InitGlorotNormal  Init = "glorot_normal"  // normal, variance 2/(in+out): Glorot, Bengio 2010
	InitGlorotUniform Init = "glorot_uniform" // uniform, variance 2/(in+out)
	InitLecunNormal   Init = "lecun_normal"   // normal, variance 1/in: LeCun, Bottou, Orr, Müller 1998
	InitLecunUniform  Init = "lecun_uniform"  // uniform, variance 1/in
)

// or is the initialiser itself, or the layer's own when it is empty.
func (i Init) or(preset Init) Init {
	if i == "" {
		return preset
	}
	return i
}

// param makes a trainable state of a layer on t. Its name is the part after the
// layer's; it gets the layer's name when the model is declared. Weight decay
// is for what multiplies inputs.
func (t *Tensor) param(part string, init Init, shape ...int) *ir.Value {
	decay := !strings.HasSuffix(part, "bias") && part != "scale" && part != "slope"
	return t.state(part, ir.Attrs{ir.AttrInit: string(init), ir.AttrTrain: true, ir.AttrDecay: decay}, shape)
}

// statistic makes a state that training updates but no optimizer trains.
func (t *Tensor) statistic(part string, init Init, shape ...int) *ir.Value {
	return t.state(part, ir.Attrs{ir.AttrInit: string(init), ir.AttrTrain: false, ir.AttrDecay: false}, shape)
}

func (t *Tensor) state(part string, attrs ir.Attrs, shape []int) *ir.Value {
	if t.share != nil {
		return t.share.state(part, attrs, shape)
	}
	return ir.State(part, ir.F32, shape, attrs)
}

// Linear are the settings of DenseWith.
type Linear struct {
	Units  int  // outputs
	NoBias bool // y = x W
	Init   Init // of the weights; InitHeNormal
}

// Dense multiplies the last axis by a weight matrix and adds a bias:
// y = x W + b, with "weight" [in, units] and "bias" [units]. Rows may be
// vectors, [B, in], or sequences of them, [B, steps, in]. Weights start as
// InitHeNormal, the bias as zeros.
func (t *Tensor) Dense(units int) *Tensor { return t.DenseWith(Linear{Units: units}) }

// DenseWith is Dense with all settings.
func (t *Tensor) DenseWith(c Linear) *Tensor {
	if c.Units <= 0 {
		argument("give the number of outputs, like Dense(10)", "Dense(%d): units must be positive", c.Units)
	}
	shape := t.v.Shape
	if len(shape) < 2 {
		fail(&Error{Code: CodeShape, Message: fmt.Sprintf("dense: x is %s, and a row must have at least one axis", t.v.Type()),
			Remedy: "begin the model with nb.Input(n) for rows of n numbers"})
	}
	if len(shape) > 3 && shape.HasBatch() {
		fail(&Error{Code: CodeShape, Message: fmt.Sprintf("dense: x is %s, and a row must be flat", t.v.Type()),
			Remedy: "put .Flatten() before .Dense"})
	}
	return apply("dense", []*Tensor{t}, func() *ir.Value {
		return t.linear(t.v, "", c.Units, c.Init.or(InitHeNormal), !c.NoBias)
	})
}

// linear is x W + b over the last axis, with parameters whose names begin with
// the prefix.
func (t *Tensor) linear(x *ir.Value, prefix string, units int, init Init, bias bool) *ir.Value {
	y := op.MatMul(x, t.param(prefix+"weight", init, x.Shape[len(x.Shape)-1], units), false, false)
	if !bias {
		return y
	}
	return op.Add(y, t.param(prefix+"bias", InitZeros, units))
}

// Flatten makes one axis of all but the first: [B, 3, 3, 16] becomes [B, 144].
func (t *Tensor) Flatten() *Tensor {
	return t.unary("flatten", func(v *ir.Value) *ir.Value {
		if len(v.Shape) == 0 {
			return op.Reshape(v, ir.Shape{1})
		}
		return op.Reshape(v, ir.Shape{v.Shape[0], v.Shape[1:].Elems()})
	})
}

// sequence fails unless t is [B, steps, features].
func (t *Tensor) sequence(layer string) (steps, features int) {
	s := t.v.Shape
	if len(s) != 3 || s[1] < 1 || s[2] < 1 {
		fail(&Error{Code: CodeShape, Message: fmt.Sprintf("%s: x is %s, and sequences have the axes [B, steps, features]", layer, t.v.Type()),
			Remedy: "begin the model with nb.Input(steps, features), or put .Reshape(steps, features) before"})
	}
	return s[1], s[2]
}

// image fails unless t is [B, height, width, channels].
func (t *Tensor) image(layer string) {
	if len(t.v.Shape) != 4 {
		fail(&Error{Code: CodeShape, Message: fmt.Sprintf("%s: x is %s, and images have the axes [B, height, width, channels]", layer, t.v.Type()),
			Remedy: "begin the model with nb.Input(height, width, channels)"})
	}
}

// num is a number as an operand.
func num(x float64) *ir.Value { return ir.Const(x, ir.F32) }
