// Package optim builds the optimizers. An optimizer is a function from
// parameters, gradients and the learning rate to the parameters' next values,
// made of the engine's ops, so that it is part of the compiled training step.
// What it remembers from step to step (momentum, moments) are states on the
// device, zero at first. Formulas and defaults are those of PyTorch.
package optim

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// Optimizer builds the update of a training step.
type Optimizer interface {
	// Name is the optimizer's name, like "adam".
	Name() string
	// Settings returns all settings, the defaults filled in; "lr" is the
	// learning rate to begin with.
	Settings() map[string]float64
	// Build returns the updates of one step: those of the parameters, in their
	// order, then those of the optimizer's own states. lr is the learning
	// rate and t the number of this step counted from 1, both f32 scalars.
	Build(params, grads []*ir.Value, lr, t *ir.Value) []ir.Update
}

// setting is what is known of one setting.
type setting struct {
	name   string
	preset float64
	valid  func(x float64) bool
	span   string // the valid numbers in words
}

func positive(x float64) bool  { return x > 0 }
func notBelow0(x float64) bool { return x >= 0 }
func below1(x float64) bool    { return x >= 0 && x < 1 }
func flag(x float64) bool      { return x == 0 || x == 1 }

// kind is a row of the table of optimizers.
type kind struct {
	settings []setting
	check    func(s map[string]float64) error
	make     func(s map[string]float64) Optimizer
}

var kinds = map[string]kind{"sgd": sgdKind, "adam": adamKind}

// Names lists the optimizers.
func Names() []string { return slices.Sorted(maps.Keys(kinds)) }

// New returns the optimizer of that name. Settings that are not given have
// their defaults; unknown ones are refused.
//
//   - "sgd": lr 0.01, momentum 0, nesterov 0 (or 1), weight_decay 0
//   - "adam": lr 0.001, beta1 0.9, beta2 0.999, eps 1e-8, weight_decay 0
//
// Weight decay is added to the gradient (L2), for the parameters that are
// marked for it (ir.AttrDecay).
func New(name string, settings map[string]float64) (Optimizer, error) {
	k, ok := kinds[name]
	if !ok {
		return nil, fmt.Errorf("there is no optimizer %q: there are %s", name, strings.Join(Names(), ", "))
	}
	all := map[string]float64{}
	var known []string
	for _, s := range k.settings {
		all[s.name] = s.preset
		known = append(known, s.name)
	}
	for _, given := range slices.Sorted(maps.Keys(settings)) {
		if !slices.Contains(known, given) {
			return nil, fmt.Errorf("%s has no setting %q: its settings are %s", name, given, strings.Join(known, ", "))
		}
		all[given] = settings[given]
	}
	for _, s := range k.settings {
		x := all[s.name]
		if f := float64(float32(x)); math.IsNaN(f) || math.IsInf(f, 0) || !s.valid(f) {
			return nil, fmt.Errorf("%s: %s is %v: it must be %s", name, s.name, x, s.span)
		}
	}
	if k.check != nil {
		if err := k.check(all); err != nil {
			return nil, err
		}
	}
	return k.make(all), nil
}

// CheckLR reports whether x can be a learning rate.
func CheckLR(x float64) error {
	if f := float64(float32(x)); math.IsNaN(f) || math.IsInf(f, 0) || f <= 0 {
		return fmt.Errorf("the learning rate cannot be %v: it must be a positive number, such as 0.001", x)
	}
	return nil
}

// slot is a state of an optimizer that goes with a parameter.
func slot(optimizer, name string, param *ir.Value) *ir.Value {
	return ir.State(optimizer+"/"+name+"/"+param.Name, ir.F32, param.Shape, ir.Attrs{ir.AttrInit: "zeros"})
}
