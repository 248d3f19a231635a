package schedule_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/schedule"
)

// Rates that testdata/reference.py took from PyTorch, with epochs of one step.
func TestRatesOfPyTorch(t *testing.T) {
	text, err := os.ReadFile("testdata/rates.json")
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Base    float64
		Numbers []float64
		Cases   []struct {
			Name     string
			Larger   bool
			Settings map[string]float64
			Rates    []float64
		}
	}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, c := range all.Cases {
		seen[c.Name] = true
		s, err := schedule.New(c.Name, c.Settings)
		if err != nil {
			t.Fatal(err)
		}
		var state schedule.State
		for i, want := range c.Rates {
			got := s.Rate(all.Base, schedule.Position{Step: int64(i), PerEpoch: 1}, state)
			if math.Abs(got-want) > 1e-9 {
				t.Errorf("%v: the rate of step %d is %v, PyTorch has %v", s, i, got, want)
			}
			x := all.Numbers[i]
			if c.Larger {
				x = 6 - x
			}
			state = s.Observe(state, x, c.Larger)
		}
	}
	if len(seen) != len(schedule.Names()) {
		t.Errorf("there are rates for %v only", seen)
	}
}

// A length in epochs is that many times as many steps.
func TestEpochsAreSteps(t *testing.T) {
	for _, name := range []string{"cosine", "one_cycle", "polynomial", "step", "exponential"} {
		epochs, err := schedule.New(name, map[string]float64{"epochs": 6, "warmup_epochs": 2})
		if err != nil {
			t.Fatal(err)
		}
		steps, err := schedule.New(name, map[string]float64{"steps": 6 * 7, "warmup_steps": 2 * 7})
		if err != nil {
			t.Fatal(err)
		}
		for i := range int64(70) {
			at := schedule.Position{Step: i, PerEpoch: 7}
			if a, b := epochs.Rate(1, at, schedule.State{}), steps.Rate(1, at, schedule.State{}); a != b || !(a >= 0 && a <= 1) {
				t.Errorf("%s: step %d has the rate %v, in steps %v", name, i, a, b)
			}
		}
	}
}

// Long after its end a schedule stays where it ended, and every rate is one.
func TestFarAhead(t *testing.T) {
	for _, name := range schedule.Names() {
		for _, grow := range []float64{1, 1.5} {
			settings := map[string]float64{"epochs": 3}
			if name == "cosine" {
				settings["restart"], settings["grow"] = 1, grow
			}
			s, err := schedule.New(name, settings)
			if err != nil {
				t.Fatal(err)
			}
			for _, step := range []int64{0, 1, 1e6, 1e12, math.MaxInt64} {
				if r := s.Rate(0.5, schedule.Position{Step: step, PerEpoch: 100}, schedule.State{}); !(r >= 0 && r <= 0.5) {
					t.Errorf("%v: the rate after %d steps is %v", s, step, r)
				}
			}
		}
	}
}

func TestBadSchedules(t *testing.T) {
	cases := []struct {
		name     string
		settings map[string]float64
		want     string
	}{
		{"linear", nil, `no schedule "linear": there are constant, cosine`},
		{"cosine", nil, "the schedule cosine needs a length"},
		{"cosine", map[string]float64{"epochs": 1, "steps": 5}, "a length in epochs and one in steps"},
		{"constant", map[string]float64{"warmup_epochs": 1, "warmup_steps": 5}, "a warm-up in epochs and one in steps"},
		{"cosine", map[string]float64{"epochs": 1, "power": 2}, `cosine has no setting "power": its settings are min, restart, grow`},
		{"step", map[string]float64{"epochs": 1, "factor": 0}, "factor is 0: it must be a positive number"},
		{"step", map[string]float64{"epochs": math.NaN()}, "epochs is NaN"},
		{"plateau", map[string]float64{"factor": 1}, "factor is 1: it must be between 0 and 1"},
	}
	for _, c := range cases {
		if _, err := schedule.New(c.name, c.settings); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %v: got %v, want %q", c.name, c.settings, err, c.want)
		}
	}
}

func ExampleNew() {
	s, err := schedule.New("cosine", map[string]float64{"epochs": 10, "warmup_steps": 4})
	if err != nil {
		panic(err)
	}
	fmt.Println(s)
	for _, step := range []int64{0, 2, 4, 504, 1004} {
		fmt.Printf("%.3f\n", s.Rate(0.1, schedule.Position{Step: step, PerEpoch: 100}, schedule.State{}))
	}
	// Output:
	// cosine(epochs=10, warmup_steps=4)
	// 0.025
	// 0.062
	// 0.100
	// 0.050
	// 0.000
}
