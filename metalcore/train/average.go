package train

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/optim"
)

// With Spec.EMA each step moves an average of every parameter,
//
//	average = EMA · average + (1 - EMA) · parameter
//
// which begins as the parameter does (Polyak and Juditsky, 1992). Evaluation,
// validation and prediction use the averages; training does not.

const averages = "average/" // prefix of their names

func average(p *ir.Value) *ir.Value { return ir.State(averages+p.Name, p.DType, p.Shape, nil) }

func (s *Spec) checkEMA() error {
	if !(s.EMA >= 0 && s.EMA < 1) {
		return fmt.Errorf("an EMA of %v: it must be at least 0 and below 1, such as 0.999", s.EMA)
	}
	if _, ok := s.Optimizer.(optim.Updater); !ok && s.EMA > 0 {
		return fmt.Errorf("%s cannot average weights: leave EMA out, or choose another optimizer", s.Optimizer.Name())
	}
	return nil
}

// averaged adds the updates of the averages to those of the optimizer.
func (s *Spec) averaged(updates []ir.Update) []ir.Update {
	if s.EMA == 0 {
		return updates
	}
	for _, u := range updates {
		if u.State.Bool(ir.AttrTrain) {
			a := average(u.State)
			// a + (1-d)(p-a) stays what it is when p does.
			updates = append(updates, ir.Update{State: a, New: op.Add(a, op.Mul(ir.Const(1-s.EMA, ir.F32), op.Sub(u.New, a)))})
		}
	}
	return updates
}
