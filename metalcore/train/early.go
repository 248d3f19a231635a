package train

import (
	"context"
	"fmt"
	"math"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/metric"
)

// EarlyStop ends a training before its goal when a metric does not become better
// any more, as Keras's EarlyStopping does: one that is measured at the end of each
// epoch, of the validation data if there are some.
//
// The weights of the best epoch, with all other states of the model and their
// averages, are kept on the device, and come back when the training ends, early or
// at its goal. The optimizer, the counters and the history stay what they are.
//
// A training that was stopped or failed goes on with what it has seen. After one
// that has ended the next begins to count anew. One of a number of steps ends
// early only, and else goes on with the next.
type EarlyStop struct {
	Watch    string  // the metric; the loss when empty
	Patience int     // epochs without a better number until the end; 1 when 0
	MinDelta float64 // by which a number must be better
	Baseline float64 // which numbers must be better than to count; none when 0
	From     int     // the trainer's epochs up to this one do not count
	KeepLast bool    // keep the weights of the last epoch in place of the best
}

// Watched is what an early stop has seen of the training under way.
type Watched struct {
	Best  float64
	Epoch int // that had the best number, from 1; 0 when there was none
	Wait  int // epochs since a number was good
}

func (s *Spec) checkEarlyStop() error {
	e := s.EarlyStop
	if e == nil {
		return nil
	}
	if e.Patience < 0 || e.From < 0 || !(e.MinDelta >= 0) || math.IsInf(e.MinDelta, 0) || math.IsNaN(e.Baseline) || math.IsInf(e.Baseline, 0) {
		return fmt.Errorf("the early stop has a patience of %d epochs, a difference of %v, a baseline of %v and begins after epoch %d: give finite numbers of 0 or more",
			e.Patience, e.MinDelta, e.Baseline, e.From)
	}
	return s.CheckWatch("the early stop", e.Watch)
}

// text says it all, for who compares two of them.
func (e *EarlyStop) text() string {
	if e == nil {
		return "none"
	}
	return fmt.Sprintf("%+v", *e)
}

// observe takes the number of an epoch; larger says whether larger is better. A
// number that is none is not better.
func (e *EarlyStop) observe(w Watched, epoch int, x float64, larger bool) (next Watched, better, stop bool) {
	if epoch <= e.From {
		return w, false, false
	}
	beats := func(than float64) bool {
		if larger {
			return x-e.MinDelta > than
		}
		return x+e.MinDelta < than
	}
	w.Wait++
	if math.IsNaN(x) || w.Epoch > 0 && !beats(w.Best) {
		return w, false, w.Wait >= e.Patience
	}
	w.Best, w.Epoch = x, epoch
	if e.Baseline == 0 || beats(e.Baseline) {
		w.Wait = 0
	}
	return w, true, false
}

// OfValid begins the labels of what was measured of the validation data.
const OfValid = "validation "

// Measured returns the metric of that name, the loss when it is empty, of the
// validation data if there are some. The label says which it is.
func (e *Epoch) Measured(name string) (x float64, label string, ok bool) {
	if name == "" {
		name = "loss"
	}
	list, label := e.Train, name
	if e.Valid != nil {
		list, label = e.Valid, OfValid+name
	}
	for _, m := range list {
		if m.Name == name {
			return m.Value, label, true
		}
	}
	return 0, label, false
}

// LargerIsBetter reports whether a larger number is better of the metric of that
// name, the loss when it is empty.
func LargerIsBetter(name string) bool { return name != "" && metric.LargerIsBetter(name) }

// watch shows the early stop an epoch that has ended, and keeps its weights if
// they are the best.
func (t *Trainer) watch(e *Epoch) (next Watched, stop bool, err error) {
	t.mu.Lock()
	rule, next := t.spec.EarlyStop, t.watched
	t.mu.Unlock()
	if rule == nil {
		return next, false, nil
	}
	x, _, ok := e.Measured(rule.Watch)
	if !ok {
		return next, false, nil
	}
	next, better, stop := rule.observe(next, e.N, x, LargerIsBetter(rule.Watch))
	if better && !rule.KeepLast {
		if err = t.machine.keepBest(); err != nil { // some of them are not the best that was seen
			t.mu.Lock()
			defer t.mu.Unlock()
			t.forgetBest()
		}
	}
	return next, stop, err
}

// conclude puts the best weights back when the training is over, with this epoch
// as its last. It is not extended any more then.
func (t *Trainer) conclude(r *run, last *Epoch, stop bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	rule, w := t.spec.EarlyStop, t.watched
	if rule == nil || !stop && (r.until > 0 || t.epoch < t.goal) {
		return nil
	}
	r.over = true
	put := false
	if !rule.KeepLast && w.Epoch > 0 && w.Epoch < t.epoch {
		var err error
		if put, err = t.machine.takeBest(); err != nil {
			return err
		}
	}
	t.machine.dropBest()
	t.watched = Watched{}
	_, label, _ := last.Measured(rule.Watch)
	switch {
	case stop && w.Epoch == 0:
		r.note = fmt.Sprintf("%s has not been a number for %s", label, epochs(w.Wait))
	case stop:
		r.note = fmt.Sprintf("%s has not improved for %s; best %.4g in epoch %d", label, epochs(w.Wait), w.Best, w.Epoch)
	case put:
		r.note = fmt.Sprintf("%s was best in epoch %d, %.4g", label, w.Epoch, w.Best)
	}
	if put {
		r.note += fmt.Sprintf("; weights are those of epoch %d", w.Epoch)
	}
	if stop {
		t.goal = t.epoch
		r.until = min(r.until, t.step)
	}
	return nil
}

func epochs(n int) string {
	if n == 1 {
		return "1 epoch"
	}
	return fmt.Sprintf("%d epochs", n)
}

// SetEarlyStop changes the rule by which trainings end early, nil for none, from
// the end of the epoch under way on. What was seen of another metric is forgotten.
func (t *Trainer) SetEarlyStop(rule *EarlyStop) error {
	release, err := t.hold(context.Background())
	if err != nil {
		return err
	}
	defer release()
	t.mu.Lock()
	defer t.mu.Unlock()
	next, was := t.spec, t.spec.EarlyStop
	next.EarlyStop = rule
	if err := next.checkEarlyStop(); err != nil {
		return err
	}
	if rule == nil || was == nil || rule.Watch != was.Watch || rule.KeepLast != was.KeepLast {
		t.forgetBest()
	}
	t.spec = next
	return nil
}

// forgetBest forgets what the early stop has seen. The caller holds the device's
// side and t.mu.
func (t *Trainer) forgetBest() {
	t.machine.dropBest()
	t.watched = Watched{}
}

// nameBest is the prefix of the names of the best weights.
const nameBest = "train/best/"

// learned are the names of the model's states and of their averages.
func (m *machine) learned() (names []string) {
	for _, v := range ownStates(m.spec.Model) {
		names = append(names, v.Name)
		if m.spec.EMA > 0 && v.Bool(ir.AttrTrain) {
			names = append(names, averages+v.Name)
		}
	}
	return names
}

// keepBest copies what the model has learned.
func (m *machine) keepBest() error {
	for _, name := range m.learned() {
		v := m.mem.values[name]
		if err := m.mem.needValue(ir.State(nameBest+name, v.DType, v.Shape, nil)); err != nil {
			return err
		}
		if err := m.mem.copy(nameBest+name, name); err != nil {
			return err
		}
	}
	return nil
}

// takeBest copies that back. It returns false when there is none.
func (m *machine) takeBest() (bool, error) {
	names := m.learned()
	for _, name := range names {
		if m.mem.bufs[nameBest+name] == nil {
			return false, nil
		}
	}
	for _, name := range names {
		if err := m.mem.copy(name, nameBest+name); err != nil {
			return false, err
		}
	}
	return true, nil
}

func (m *machine) dropBest() { m.mem.drop(m.mem.named(nameBest)...) }
