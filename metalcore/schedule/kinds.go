package schedule

import "math"

func step(s map[string]float64, base, t, length float64) float64 {
	return base * math.Pow(s["factor"], math.Floor(t/length))
}

func exponential(s map[string]float64, base, t, length float64) float64 {
	return base * math.Pow(s["factor"], t/length)
}

func cosine(s map[string]float64, base, t, length float64) float64 {
	x := t / length
	if s["restart"] == 1 {
		x = sinceRestart(x, s["grow"])
	}
	return along(base, s["min"], min(x, 1))
}

// sinceRestart is the part of a period that has passed when the first one is 1
// long and each is grow times as long as the one before.
func sinceRestart(x, grow float64) float64 {
	if grow == 1 {
		return x - math.Floor(x)
	}
	// n periods are (grow^n - 1) / (grow - 1) long together. The small addition
	// keeps a beginning from being taken for an end.
	n := math.Floor(math.Log(x*(grow-1)+1)/math.Log(grow) + 1e-12)
	length := math.Pow(grow, n)
	return max(x-(length-1)/(grow-1), 0) / length
}

// along goes from a to b along half a wave of the cosine.
func along(a, b, x float64) float64 { return b + (a-b)*(1+math.Cos(math.Pi*x))/2 }

// oneCycle counts as PyTorch does: the last of T steps has the last rate, so
// that there are T - 1 between the first and it.
func oneCycle(s map[string]float64, base, t, length float64) float64 {
	first := base / s["div"]
	last := first / s["final_div"]
	top, end := s["rise"]*length-1, length-1
	switch {
	case t >= end:
		return last
	case t <= top:
		return along(first, base, t/top)
	}
	return along(base, last, (t-max(top, 0))/(end-max(top, 0)))
}

func polynomial(s map[string]float64, base, t, length float64) float64 {
	return s["min"] + (base-s["min"])*math.Pow(1-min(t/length, 1), s["power"])
}

// State is what a schedule remembers that reacts to a measured number.
type State struct {
	Lowered int     // how often the rate was lowered
	Scale   float64 // what it is multiplied by since; 1 when 0
	Best    float64 // the best number so far
	Seen    bool    // there was one
	Bad     int     // epochs since then
	Rest    int     // epochs until they count again
}

func (s State) scale() float64 {
	if s.Lowered == 0 {
		return 1
	}
	return s.Scale
}

// Watches reports whether the schedule reacts to a measured number.
func (s *Schedule) Watches() bool { return s != nil && s.name == "plateau" }

// Observe takes the number that was measured at the end of an epoch; larger
// says whether larger is better. A number that is none is no progress.
func (s *Schedule) Observe(seen State, x float64, larger bool) State {
	if !s.Watches() {
		return seen
	}
	share := s.settings["threshold"]
	better := x < seen.Best*(1-share)
	if larger {
		better = x > seen.Best*(1+share)
	}
	if (better || !seen.Seen) && !math.IsNaN(x) {
		seen.Best, seen.Seen, seen.Bad = x, true, 0
	} else {
		seen.Bad++
	}
	if seen.Rest > 0 {
		seen.Rest--
		seen.Bad = 0
	}
	if float64(seen.Bad) > s.settings["patience"] {
		seen.Scale = seen.scale() * s.settings["factor"]
		seen.Lowered++
		seen.Rest, seen.Bad = int(s.settings["cooldown"]), 0
	}
	return seen
}
