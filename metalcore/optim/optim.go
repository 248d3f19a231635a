// Package optim builds optimizers: rules that a training step follows from the
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

// Optimizer is an Updater, or an *LBFGS, which takes more than one evaluation.
type Optimizer interface {
	// Name is the optimizer's name, like "adam".
	Name() string
	// Settings returns all settings, the defaults filled in; "lr" is the
	// learning rate to begin with.
	Settings() map[string]float64
	// Groups are the parameter groups, none as New makes it.
	Groups() []Group
}

// Updater builds the update of a training step.
type Updater interface {
	Optimizer
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

// The settings that several optimizers have.
func rate(preset float64) setting { return setting{"lr", preset, positive, "a positive number"} }
func size(name string, preset float64) setting {
	return setting{name, preset, positive, "a positive number"}
}
func share(name string, preset float64) setting {
	return setting{name, preset, below1, "at least 0 and below 1"}
}
func amount(name string, preset float64) setting {
	return setting{name, preset, notBelow0, "at least 0"}
}
func choice(name string) setting { return setting{name, 0, flag, "0 or 1"} }

// clips are settings of every updater.
var clips = []setting{amount("clip_value", 0), amount("clip_norm", 0)}

// kind is a row of the table of optimizers. step returns the next value of a
// parameter p whose gradient is g; it is nil for lbfgs.
type kind struct {
	settings []setting
	check    func(s map[string]float64) error
	step     func(b *builder, p, g *ir.Value) *ir.Value
}

var kinds = map[string]kind{
	"sgd": sgdKind, "adam": adamKind, "adamw": adamWKind, "nadam": nadamKind, "radam": radamKind,
	"rmsprop": rmspropKind, "adagrad": adagradKind, "adadelta": adadeltaKind, "lion": lionKind,
	"lbfgs": lbfgsKind,
}

// Names lists the optimizers.
func Names() []string { return slices.Sorted(maps.Keys(kinds)) }

// New returns the optimizer of that name. Settings that are not given have
// their defaults; unknown ones are refused.
//
//   - "sgd": lr 0.01, momentum 0, dampening 0, nesterov 0 (or 1)
//   - "adam": lr 0.001, beta1 0.9, beta2 0.999, eps 1e-8, amsgrad 0 (or 1)
//   - "adamw": those of adam, with weight_decay 0.01
//   - "nadam": lr 0.002, beta1 0.9, beta2 0.999, eps 1e-8, momentum_decay 0.004
//   - "radam": lr 0.001, beta1 0.9, beta2 0.999, eps 1e-8
//   - "rmsprop": lr 0.01, alpha 0.99, eps 1e-8, momentum 0, centered 0 (or 1)
//   - "adagrad": lr 0.01, lr_decay 0, initial 0, eps 1e-10
//   - "adadelta": lr 1, rho 0.9, eps 1e-6
//   - "lion": lr 1e-4, beta1 0.9, beta2 0.99
//   - "lbfgs": lr 1, iterations 20 in a step, evaluations 0 (5/4 of them),
//     history 10, tolerance_grad 1e-7, tolerance_change 1e-9
//
// All but lbfgs have weight_decay, 0 but for adamw. It applies to the parameters that are
// marked for it (ir.AttrDecay) and is added to the gradient (L2); adamw and
// lion shrink the parameter itself by lr·weight_decay (Loshchilov and Hutter
// 2019).
//
// All but lbfgs have clip_value, the bound of each element of the gradients, and
// clip_norm, the bound of the length of all gradients together, as in PyTorch's
// clip_grad_norm_; 0 is no bound, and values are clipped first.
func New(name string, settings map[string]float64) (Optimizer, error) {
	k, ok := kinds[name]
	if !ok {
		return nil, fmt.Errorf("there is no optimizer %q: there are %s", name, strings.Join(Names(), ", "))
	}
	all := map[string]float64{}
	var known []string
	rows := k.settings
	if k.step != nil {
		rows = slices.Concat(rows, clips)
	}
	for _, s := range rows {
		all[s.name] = s.preset
		known = append(known, s.name)
	}
	for _, given := range slices.Sorted(maps.Keys(settings)) {
		if !slices.Contains(known, given) {
			return nil, fmt.Errorf("%s has no setting %q: its settings are %s", name, given, strings.Join(known, ", "))
		}
		all[given] = settings[given]
	}
	for _, s := range rows {
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
	o := optimizer{name: name, settings: all}
	if k.step == nil {
		return &LBFGS{o}, nil
	}
	return &updater{o, k}, nil
}

// CheckLR reports whether x can be a learning rate.
func CheckLR(x float64) error {
	if f := float64(float32(x)); math.IsNaN(f) || math.IsInf(f, 0) || f <= 0 {
		return fmt.Errorf("the learning rate cannot be %v: it must be a positive number, such as 0.001", x)
	}
	return nil
}

// optimizer is a name and settings.
type optimizer struct {
	name     string
	settings map[string]float64
	groups   []Group
}

// updater is a row of the table with its settings.
type updater struct {
	optimizer
	kind kind
}

func (o *optimizer) Name() string                 { return o.name }
func (o *optimizer) Settings() map[string]float64 { return maps.Clone(o.settings) }
func (o *optimizer) Groups() []Group              { return slices.Clone(o.groups) }

func (o *updater) Build(params, grads []*ir.Value, lr, t *ir.Value) []ir.Update {
	grads = clip(grads, o.settings["clip_value"], o.settings["clip_norm"])
	b := &builder{name: o.name, t: t, once: map[string]*ir.Value{}}
	var updates []ir.Update
	for i, p := range params {
		b.lr, b.settings = o.groupOf(p).apply(lr, o.settings)
		updates = append(updates, ir.Update{State: p, New: o.kind.step(b, p, grads[i])})
	}
	return append(updates, b.states...)
}
