package train

import (
	"fmt"
	"maps"
	"math"

	"gonum.org/v1/gonum/mathext"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/loss"
	"github.com/metalnb/metalnb/metalcore/op"
)

// Mixup (Zhang, Cissé, Dauphin, Lopez-Paz 2018) trains on pairs of rows: on
// l x + (1-l) x' with the loss l L(y) + (1-l) L(y'), where a step draws one l of
// the distribution Beta(a, a). A row's partner is the one at its place counted
// from the end of the batch, which is in random order anyway. As both of a pair
// are each other's partners, l and 1-l are the same, and l is the larger of them:
// so a row counts more than its partner, and metrics measure it by its own label.

// nameMix is the table of l by its probability, at even distances.
const nameMix = "train/mix"

const (
	mixPoints = 1024
	mixStream = 1 << 24 // of random numbers, apart from those of the model
)

// mixTable has the quantiles of the larger one of l and 1-l. Its distribution is
// P(l <= q) = 2 I(q) - 1 with the incomplete beta function I.
func mixTable(alpha float64) []float32 {
	list := make([]float32, mixPoints+1)
	for i := range list {
		q := mathext.InvRegIncBeta(alpha, alpha, (1+float64(i)/mixPoints)/2)
		list[i] = float32(min(max(q, 0.5), 1))
	}
	return list
}

// constants are the inputs of a step that stay as they are.
func (m *machine) constants() map[string][]float32 {
	all := map[string][]float32{}
	maps.Copy(all, m.loss.Inputs())
	if m.spec.Mixup > 0 {
		all[nameMix] = mixTable(m.spec.Mixup)
	}
	return all
}

// mixShare draws l for a step: between the points of the table on a straight line.
func mixShare(s *Spec, step *ir.Value) *ir.Value {
	table := ir.Input(nameMix, ir.F32, mixPoints+1)
	at := op.Mul(op.Random(seedOf(s), step, mixStream, ir.Shape{}), ir.Const(mixPoints, ir.F32))
	below := op.Floor(at)
	i, part := op.Cast(below, ir.I32), op.Sub(at, below)
	return mixed(op.Gather(table, op.Add(i, number(1))), op.Gather(table, i), part)
}

// mixed is share a + (1 - share) b.
func mixed(a, b, share *ir.Value) *ir.Value {
	return op.Add(op.Mul(share, a), op.Mul(op.Sub(ir.Const(1, ir.F32), share), b))
}

// partners are the rows of v, from the last to the first.
func partners(v *ir.Value) *ir.Value {
	if v == nil {
		return nil
	}
	n := v.Shape[0]
	return op.Gather(v, op.Sub(number(n-1), ir.Iota(n)))
}

// mixLoss is the loss of rows that were mixed by a share.
func mixLoss(l *loss.Loss, out, y, weights, share *ir.Value) (rows loss.Rows, err error) {
	own, err := l.Build(out, y, weights)
	if err != nil {
		return rows, err
	}
	other, err := l.Build(out, partners(y), partners(weights))
	if err != nil {
		return rows, err
	}
	rows.Loss = mixed(own.Loss, other.Loss, share)
	if own.Weight != nil {
		rows.Weight = mixed(own.Weight, other.Weight, share)
	}
	return rows, nil
}

func (s *Spec) checkMixup() error {
	switch {
	case s.Mixup < 0 || math.IsNaN(s.Mixup) || s.Mixup > 100 || s.Mixup > 0 && s.Mixup < 0.01:
		return fmt.Errorf("mixup with alpha = %v: use a number from 0.01 to 100, such as 0.2, or 0 for none", s.Mixup)
	case s.Mixup > 0 && !s.input().DType.Float():
		return fmt.Errorf("mixup needs an input of floats: the model takes %v", s.input().DType)
	}
	return nil
}
