package gpu

import (
	"time"

	"github.com/metalnb/metalnb/metalcore/backend"
)

// Measure switches the measurement of a program's steps on or off. Their times are
// as the host sees them: each is a recording of its own, so that some microseconds
// of handing it over are in it.
func (e *executable) Measure(on bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.clock = nil
	if on {
		e.clock = backend.NewClock(e.code.Program)
	}
}

// Times returns the mean time of each step of the program, and of the copies.
// Calls that were joined count for the last of their steps.
func (e *executable) Times() []time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.clock.Mean()
}

// measured runs the turns and waits for each call.
func (e *executable) measured(turns []turn, times int) error {
	for range times {
		for _, t := range turns {
			for range t.steps {
				if err := t.measured(e, turns); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// measured runs a step of the program, for the one that waits.
func (t turn) measured(e *executable, turns []turn) error {
	clock := t.e.clock
	for i, c := range t.e.code.Calls {
		start := time.Now()
		r := recorder{e: e, turns: turns, limit: 1}
		r.call(t.e, i, true)
		e.wait()
		if err := e.failure.take(); err != nil {
			return err
		}
		if clock != nil {
			clock.Times[c.Step] += time.Since(start)
		}
	}
	if clock != nil {
		clock.Steps++
	}
	return nil
}
