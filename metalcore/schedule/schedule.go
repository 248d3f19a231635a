// Package schedule says how the learning rate changes while a trainer trains.
// A schedule is a function of the number of steps taken to a rate, computed on
// the host and given to the device for each step; nothing of it is compiled, so
// that it can change at any time. Only the one that reacts to a measured number
// remembers anything, in a State that belongs to the trainer.
//
// The base rate is that of the optimizer, or what the user has set it to since:
// all schedules scale with it.
package schedule

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Position is where training stands.
type Position struct {
	Step     int64 // steps taken
	PerEpoch int   // steps in an epoch
}

// Schedule is one of the table with its settings.
type Schedule struct {
	name     string
	settings map[string]float64
	kind     kind
}

// kind is a row of the table. rate gets the number of steps since the end of
// the warm-up, and the length that the settings name, both in steps.
type kind struct {
	settings []setting
	length   float64 // epochs when none are given; 0 when they must be
	rate     func(s map[string]float64, base, t, length float64) float64
}

type setting struct {
	name   string
	preset float64
	valid  func(x float64) bool
	span   string
}

func positive(x float64) bool  { return x > 0 }
func notBelow0(x float64) bool { return x >= 0 }
func below1(x float64) bool    { return x >= 0 && x < 1 }
func from1(x float64) bool     { return x >= 1 }

var kinds = map[string]kind{
	"constant":    {nil, 1, func(_ map[string]float64, base, _, _ float64) float64 { return base }},
	"step":        {[]setting{{"factor", 0.1, positive, "a positive number"}}, 0, step},
	"exponential": {[]setting{{"factor", 0.95, positive, "a positive number"}}, 1, exponential},
	"cosine": {[]setting{{"min", 0, notBelow0, "at least 0"}, {"restart", 0, func(x float64) bool { return x == 0 || x == 1 }, "0 or 1"},
		{"grow", 1, from1, "at least 1"}}, 0, cosine},
	"one_cycle": {[]setting{{"rise", 0.3, below1, "at least 0 and below 1"}, {"div", 25, positive, "a positive number"},
		{"final_div", 1e4, positive, "a positive number"}}, 0, oneCycle},
	"polynomial": {[]setting{{"power", 1, positive, "a positive number"}, {"min", 0, notBelow0, "at least 0"}}, 0, polynomial},
	"plateau": {[]setting{{"factor", 0.1, func(x float64) bool { return x > 0 && x < 1 }, "between 0 and 1"}, {"patience", 10, notBelow0, "at least 0"},
		{"threshold", 1e-4, notBelow0, "at least 0"}, {"cooldown", 0, notBelow0, "at least 0"}, {"min", 0, notBelow0, "at least 0"}},
		1, func(_ map[string]float64, base, _, _ float64) float64 { return base }},
}

// common are settings of every schedule: its length, and the warm-up.
var common = []setting{
	{"epochs", 0, notBelow0, "at least 0"}, {"steps", 0, notBelow0, "at least 0"},
	{"warmup_epochs", 0, notBelow0, "at least 0"}, {"warmup_steps", 0, notBelow0, "at least 0"},
	{"warmup_start", 0, below1, "at least 0 and below 1"},
}

// Names lists the schedules.
func Names() []string { return slices.Sorted(maps.Keys(kinds)) }

// New returns the schedule of that name. Lengths are given in "epochs" or in
// "steps". With t the time since the warm-up and T the length, the rate r
// becomes
//
//   - "constant": r
//   - "step": r · factor^floor(t/T), factor 0.1
//   - "exponential": r · factor^(t/T), factor 0.95; T is one epoch if not given
//   - "cosine": min + (r - min)(1 + cos(π t/T))/2, min 0, and min after T; with
//     restart 1 it begins anew after T, each time grow times as long
//     (Loshchilov and Hutter 2017)
//   - "one_cycle": along a cosine from r/div up to r in the share rise of T, and
//     down to r/(div final_div) in the rest (Smith and Topin 2018)
//   - "polynomial": min + (r - min)(1 - t/T)^power, power 1
//   - "plateau": r times factor each time a measured number has not become
//     better for more than patience epochs, by a share of threshold at least,
//     and not below min; for cooldown epochs after that none counts
//
// In front of any, the rate rises in a straight line from r · warmup_start (one
// step's share when 0) for warmup_steps or warmup_epochs. At whole epochs the
// rates are those of PyTorch's torch.optim.lr_scheduler.
func New(name string, settings map[string]float64) (*Schedule, error) {
	k, ok := kinds[name]
	if !ok {
		return nil, fmt.Errorf("there is no schedule %q: there are %s", name, strings.Join(Names(), ", "))
	}
	all := map[string]float64{}
	var known []string
	rows := slices.Concat(k.settings, common)
	for _, s := range rows {
		all[s.name] = s.preset
		known = append(known, s.name)
	}
	for _, given := range slices.Sorted(maps.Keys(settings)) {
		if !slices.Contains(known, given) {
			return nil, fmt.Errorf("the schedule %s has no setting %q: its settings are %s", name, given, strings.Join(known, ", "))
		}
		all[given] = settings[given]
	}
	for _, s := range rows {
		if x := all[s.name]; math.IsNaN(x) || math.IsInf(x, 0) || !s.valid(x) {
			return nil, fmt.Errorf("the schedule %s: %s is %v: it must be %s", name, s.name, x, s.span)
		}
	}
	return &Schedule{name, all, k}, checkLengths(name, k, all)
}

func checkLengths(name string, k kind, s map[string]float64) error {
	switch {
	case s["epochs"] != 0 && s["steps"] != 0:
		return fmt.Errorf("the schedule %s has a length in epochs and one in steps: leave one out", name)
	case s["warmup_epochs"] != 0 && s["warmup_steps"] != 0:
		return fmt.Errorf("the schedule %s has a warm-up in epochs and one in steps: leave one out", name)
	case k.length == 0 && s["epochs"] == 0 && s["steps"] == 0:
		return fmt.Errorf("the schedule %s needs a length: give it in epochs or in steps", name)
	}
	return nil
}

// Name is the schedule's name, like "cosine".
func (s *Schedule) Name() string { return s.name }

// Settings returns all settings, the defaults filled in.
func (s *Schedule) Settings() map[string]float64 { return maps.Clone(s.settings) }

// String prints the schedule with what it does not have by default, like
// cosine(epochs=20).
func (s *Schedule) String() string {
	presets := map[string]float64{}
	for _, row := range s.kind.settings {
		presets[row.name] = row.preset
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(s.settings)) {
		if x := s.settings[name]; x != presets[name] {
			parts = append(parts, fmt.Sprintf("%s=%v", name, x))
		}
	}
	if len(parts) == 0 {
		return s.name
	}
	return s.name + "(" + strings.Join(parts, ", ") + ")"
}

// Rate is the learning rate of the step that follows the position. A nil
// schedule is constant.
func (s *Schedule) Rate(base float64, at Position, seen State) float64 {
	if s == nil {
		return base
	}
	t := float64(at.Step)
	warm := s.settings["warmup_steps"] + s.settings["warmup_epochs"]*float64(at.PerEpoch)
	if t < warm {
		start := s.settings["warmup_start"]
		if start == 0 {
			start = min(1, 1/warm)
		}
		return base * seen.scale() * (start + (1-start)*t/warm)
	}
	length := s.settings["steps"] + s.settings["epochs"]*float64(at.PerEpoch)
	if length == 0 {
		length = s.kind.length * float64(at.PerEpoch)
	}
	r := s.kind.rate(s.settings, base, t-warm, length)
	if s.Watches() {
		r = max(r*seen.scale(), min(s.settings["min"], base))
	}
	return r
}

// Steady reports whether the rate stays what it is at the position until an
// epoch ends.
func (s *Schedule) Steady(at Position) bool {
	if s == nil {
		return true
	}
	warm := s.settings["warmup_steps"] + s.settings["warmup_epochs"]*float64(at.PerEpoch)
	return (s.name == "constant" || s.Watches()) && float64(at.Step) >= warm
}
