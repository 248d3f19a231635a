package train

import (
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/schedule"
)

// The learning rate is an input of the compiled step: a list of rates, of which
// each step takes the next one. So many steps are handed over at once although
// each may have another rate, and a rate that does not change fills the list
// once and for all.
const maxRates = 4096

// putRates gives the next n steps their rates, and returns how many of them
// the list has room for.
func (m *machine) putRates(n int, steady bool, rate func(step int) float64) (int, error) {
	if err := m.mem.putI32(nameTick, 0); err != nil {
		return 0, err
	}
	if steady {
		lr := rate(0)
		if lr == m.steady {
			return n, nil
		}
		list := make([]float32, maxRates)
		for i := range list {
			list[i] = float32(lr)
		}
		m.steady = lr
		return n, m.mem.put(nameRates, feed.FromF32(list, maxRates).Data)
	}
	n = min(n, maxRates)
	list := make([]float32, n)
	for i := range list {
		list[i] = float32(rate(i))
	}
	m.steady = 0
	return n, m.mem.put(nameRates, feed.FromF32(list, n).Data)
}

// rateAt is the learning rate of a step, counted from 0. The caller holds t.mu.
func (t *Trainer) rateAt(step int64) float64 {
	return t.spec.Schedule.Rate(t.lr, schedule.Position{Step: step, PerEpoch: t.machine.stepsPerEpoch()}, t.lowered)
}

// SetSchedule changes the schedule of the learning rate from the next slice of
// steps on, and the metric that it watches, the loss when empty. By what the
// one before has lowered the rate is forgotten.
func (t *Trainer) SetSchedule(s *schedule.Schedule, watch string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return ErrClosed
	}
	next := t.spec
	next.Schedule, next.Watch = s, watch
	if err := next.CheckWatch("the schedule", watch); err != nil {
		return err
	}
	if scheduleText(&next) != scheduleText(&t.spec) {
		t.spec.Schedule, t.spec.Watch, t.lowered = s, watch, schedule.State{}
	}
	return nil
}

// rates gives the next n steps their learning rates.
func (t *Trainer) rates(n int) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := schedule.Position{Step: t.step, PerEpoch: t.machine.stepsPerEpoch()}
	return t.machine.putRates(n, t.spec.Schedule.Steady(at), func(i int) float64 { return t.rateAt(t.step + int64(i)) })
}

// observe shows the schedule what was measured at the end of an epoch: of the
// validation data, if there are some. The caller holds t.mu.
func (t *Trainer) observe(e *Epoch) {
	if x, _, ok := e.Measured(t.spec.Watch); ok && t.spec.Schedule.Watches() {
		t.lowered = t.spec.Schedule.Observe(t.lowered, x, LargerIsBetter(t.spec.Watch))
	}
}
