package train

import (
	"fmt"
	"slices"
	"strings"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/optim"
)

// The precisions that a model can be computed in, as Keras names them. Of the
// mixed ones compile.Autocast says which ops are computed in 16 bits; parameters,
// the loss and the optimizer stay f32.
const (
	Float32       = "float32"
	MixedFloat16  = "mixed_float16"
	MixedBFloat16 = "mixed_bfloat16"
)

// Precisions lists them.
func Precisions() []string { return []string{Float32, MixedFloat16, MixedBFloat16} }

// low is the type of 16 bits that the model is computed in, 0 for none.
func (s *Spec) low() ir.DType {
	return map[string]ir.DType{MixedFloat16: ir.F16, MixedBFloat16: ir.BF16}[s.Precision]
}

func (s *Spec) precision() string {
	if s.Precision == "" {
		return Float32
	}
	return s.Precision
}

func (s *Spec) checkPrecision() error {
	if s.Precision != "" && !slices.Contains(Precisions(), s.Precision) {
		return fmt.Errorf("there is no precision %q: there are %s", s.Precision, strings.Join(Precisions(), ", "))
	}
	if _, ok := s.Optimizer.(*optim.LBFGS); ok && s.low() != 0 {
		return fmt.Errorf("the optimizer lbfgs compares losses that are too close for 16 bits: leave out the precision %s", s.Precision)
	}
	return nil
}

// Small gradients are zero in f16. So the loss is multiplied by a scale before
// the way back, and the gradients are divided by it after. When a gradient is
// not finite, the scale was too large: it is halved, and the optimizer does not
// take the step. After so many steps without that it is doubled. (Micikevicius
// and others 2018; the numbers are those of PyTorch's GradScaler.)
const (
	nameScale   = "train/scale"   // f32
	nameSteady  = "train/steady"  // steps since the scale changed
	nameSkipped = "train/skipped" // steps that the optimizer did not take

	firstScale = 65536
	growEvery  = 2000
	growFactor = 2
	backFactor = 0.5
	mostScale  = 0x1p127
	leastScale = 0x1p-14 // below it the scale is not to blame
)

// scaler is the loss scale of a step; nil without one.
type scaler struct{ scale, steady, skipped *ir.Value }

func (s *Spec) scaler() *scaler {
	if s.low() != ir.F16 {
		return nil
	}
	return &scaler{scalar(nameScale, ir.F32), scalar(nameSteady, ir.I32), scalar(nameSkipped, ir.I32)}
}

// up scales a loss.
func (s *scaler) up(loss *ir.Value) *ir.Value {
	if s == nil {
		return loss
	}
	return op.Mul(loss, s.scale)
}

// down divides gradients by the scale, which is exact: it is a power of two.
func (s *scaler) down(grads []*ir.Value) []*ir.Value {
	if s == nil {
		return grads
	}
	inverse := op.Div(ir.Const(1, ir.F32), s.scale)
	out := make([]*ir.Value, len(grads))
	for i, g := range grads {
		out[i] = op.Mul(g, inverse)
	}
	return out
}

// taken is the number of the step under way as the optimizer counts them.
func (s *scaler) taken(number *ir.Value) *ir.Value {
	if s == nil {
		return number
	}
	return op.Sub(number, s.skipped)
}

// excuses is true while gradients that are not finite may be the scale's fault.
func (s *scaler) excuses() *ir.Value { return op.Lt(ir.Const(leastScale, ir.F32), s.scale) }

// after is how a step changes them whose gradients were finite if good.
func (s *scaler) after(good *ir.Value) []ir.Update {
	if s == nil {
		return nil
	}
	steady := op.Add(s.steady, number(1))
	grows := op.Le(number(growEvery), steady)
	larger := op.Min(op.Mul(s.scale, ir.Const(growFactor, ir.F32)), ir.Const(mostScale, ir.F32))
	grown := op.Select(grows, larger, s.scale)
	return []ir.Update{
		{State: s.scale, New: op.Select(good, grown, op.Mul(s.scale, ir.Const(backFactor, ir.F32)))},
		{State: s.steady, New: op.Select(op.Min(good, op.Le(steady, number(growEvery-1))), steady, number(0))},
		{State: s.skipped, New: op.Select(good, s.skipped, op.Add(s.skipped, number(1)))},
	}
}

// resetScale sets what the scaler remembers to its first values.
func (m *machine) resetScale() error {
	s := m.spec.scaler()
	if s == nil {
		return nil
	}
	for _, v := range []*ir.Value{s.scale, s.steady, s.skipped} {
		if err := m.mem.needValue(v); err != nil {
			return err
		}
	}
	return m.mem.put(nameScale, ir.AppendElement(nil, ir.F32, firstScale))
}

// scaling tells how many steps were skipped, and the scale, 0 for none.
func (m *machine) scaling() (skipped int, scale float64, err error) {
	if m.spec.scaler() == nil {
		return 0, 0, nil
	}
	if skipped, err = m.mem.i32(nameSkipped); err != nil {
		return 0, 0, err
	}
	scale, err = m.mem.f32(nameScale, 0)
	return skipped, scale, err
}
