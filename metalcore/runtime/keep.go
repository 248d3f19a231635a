package runtime

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/metalnb/metalnb/metalcore/train"
)

// Keep says which checkpoints a training makes by itself, and how many of them
// stay. They are called epoch-12, or step-3400.
type Keep struct {
	Every int    // epochs between two; 1 when 0
	Steps int    // steps between two, in place of Every, when it is not 0
	Last  int    // the latest of these stay
	Best  int    // the epochs with the best numbers stay
	Watch string // the metric; the loss when empty
}

func (k Keep) check(s *train.Spec) error {
	if min(k.Every, k.Steps, k.Last, k.Best) < 0 {
		return errorf(BadRequest, "like nb.Keep{Last: 2, Best: 1}", "checkpoints that are kept cannot be %+v", k)
	}
	return s.CheckWatch("Keep", k.Watch)
}

// candidate is the checkpoint that may be made at a moment.
func (k Keep) candidate(m train.Moment) (c Checkpoint, ok bool) {
	c = Checkpoint{Kept: true, Step: m.Step}
	if m.Ended == nil {
		c.Name = fmt.Sprintf("step-%d", m.Step)
		return c, k.Last > 0 && k.Steps > 0 && m.Before/int64(k.Steps) < m.Step/int64(k.Steps)
	}
	c.Name, c.Epoch = fmt.Sprintf("epoch-%d", m.Ended.N), m.Ended.N
	if x, label, ok := m.Ended.Measured(k.Watch); ok {
		c.Metric, c.Value = label, x
	}
	return c, k.Best > 0 || k.Last > 0 && k.periodic(c)
}

// periodic reports whether a checkpoint is one of every so many.
func (k Keep) periodic(c Checkpoint) bool {
	if k.Steps > 0 {
		return strings.HasPrefix(c.Name, "step-")
	}
	return strings.HasPrefix(c.Name, "epoch-") && c.Epoch%max(k.Every, 1) == 0
}

// stay are the names of the checkpoints that stay, of a list in the order of time.
func (k Keep) stay(list []Checkpoint) map[string]bool {
	names := map[string]bool{}
	for _, c := range slices.Backward(list) {
		if len(names) < k.Last && k.periodic(c) {
			names[c.Name] = true
		}
	}
	for i, c := range ranked(list) {
		if i < k.Best {
			names[c.Name] = true
		}
	}
	return names
}

// ranked are the checkpoints that have a number, the best first. Where the metric
// has changed, those with the latest one come before the others, of which the latest
// is first.
func ranked(list []Checkpoint) []Checkpoint {
	list = slices.DeleteFunc(slices.Clone(list), func(c Checkpoint) bool { return c.Metric == "" || math.IsNaN(c.Value) })
	if len(list) == 0 {
		return nil
	}
	metric := list[len(list)-1].Metric
	sign := 1.0
	if train.LargerIsBetter(strings.TrimPrefix(metric, train.OfValid)) {
		sign = -1
	}
	var same, others []Checkpoint
	for _, c := range list {
		if c.Metric == metric {
			same = append(same, c)
		} else {
			others = append(others, c)
		}
	}
	slices.SortStableFunc(same, func(a, b Checkpoint) int { return cmp.Compare(sign*a.Value, sign*b.Value) })
	slices.Reverse(others)
	return append(same, others...)
}
