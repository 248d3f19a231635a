package metric

import (
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// The names of the states, after their prefix.
const (
	nameLoss      = "loss"
	nameRows      = "rows"
	nameWeight    = "weight"
	nameConfusion = "confusion"
	nameSpread    = "spread"
)

// newSum adds x to a state. One of f32 is kept as two numbers, the second of
// which holds what rounding took from the first (Kahan's summation), so that it
// stays exact where a single f32 would no longer notice a row.
func newSum(name string, x *ir.Value) []ir.Update {
	sum := ir.State(name, x.DType, x.Shape, nil)
	if x.DType == ir.I32 {
		return []ir.Update{{State: sum, New: op.Add(sum, x)}}
	}
	lost := ir.State(name+"/lost", x.DType, x.Shape, nil)
	y := op.Sub(x, lost)
	next := op.Add(sum, y)
	return []ir.Update{{State: sum, New: next}, {State: lost, New: op.Sub(op.Sub(next, sum), y)}}
}

// total reads a sum of one number that newSum made.
func total(name string, read Read) (float64, error) {
	list, err := totals(name, read)
	if err != nil {
		return 0, err
	}
	return list[0], nil
}

func totals(name string, read Read) ([]float64, error) {
	sum, err := read(name, ir.F32)
	if err != nil {
		return nil, err
	}
	lost, err := read(name+"/lost", ir.F32)
	if err != nil {
		return nil, err
	}
	for i := range sum {
		sum[i] -= lost[i]
	}
	return sum, nil
}

func count(name string, read Read) (float64, error) {
	list, err := read(name, ir.I32)
	if err != nil {
		return 0, err
	}
	return list[0], nil
}
