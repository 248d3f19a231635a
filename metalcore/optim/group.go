package optim

import (
	"fmt"
	"maps"
	"math"
	"path"
	"slices"
	"strings"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// Group is a group of parameters with a learning rate and decay of its own. A
// parameter belongs to the first group whose pattern matches.
type Group struct {
	// Layers is a pattern as of path.Match, like "conv2d_*". It is held against
	// the layer, "conv2d_1", and against the parameter, "conv2d_1/kernel".
	Layers  string
	LR      float64 // what the learning rate is multiplied by; 1 when 0
	Decay   float64 // weight decay; that of the optimizer when 0
	NoDecay bool    // no weight decay
}

// Check reports whether the group can be.
func (g Group) Check() error {
	if _, err := path.Match(g.Layers, ""); err != nil || g.Layers == "" {
		return fmt.Errorf("parameter group %q is no pattern of layers: write it like conv2d_* or dense_1/bias", g.Layers)
	}
	for _, x := range []float64{g.LR, g.Decay} {
		if x < 0 || math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Errorf("parameter group %q: a factor or decay of %v: use a number of 0 or more", g.Layers, x)
		}
	}
	if g.NoDecay && g.Decay != 0 {
		return fmt.Errorf("parameter group %q has a weight decay and NoDecay: leave one out", g.Layers)
	}
	return nil
}

// Has reports whether the parameter of that name matches the group's pattern.
func (g Group) Has(param string) bool {
	layer := param[:max(strings.LastIndexByte(param, '/'), 0)]
	asParam, _ := path.Match(g.Layers, param)
	asLayer, _ := path.Match(g.Layers, layer)
	return asParam || asLayer
}

// WithGroups returns the optimizer with parameter groups.
func WithGroups(o Optimizer, groups ...Group) (Optimizer, error) {
	own, ok := o.(*updater)
	if !ok {
		return nil, fmt.Errorf("the optimizer %s takes no parameter groups", o.Name())
	}
	for _, g := range groups {
		if err := g.Check(); err != nil {
			return nil, err
		}
	}
	out := *own
	out.groups = slices.Clone(groups)
	return &out, nil
}

// groupOf is the first group that has the parameter.
func (o *optimizer) groupOf(p *ir.Value) Group {
	for _, g := range o.groups {
		if g.Has(p.Name) {
			return g
		}
	}
	return Group{}
}

// apply returns learning rate and settings of the group.
func (g Group) apply(lr *ir.Value, s map[string]float64) (*ir.Value, map[string]float64) {
	if g.LR != 0 && g.LR != 1 {
		lr = op.Mul(lr, num(g.LR))
	}
	if g.Decay != 0 || g.NoDecay {
		s = maps.Clone(s)
		s["weight_decay"] = g.Decay
	}
	return lr, s
}
