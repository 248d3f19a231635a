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

// measured runs the steps and waits for each call.
func (e *executable) measured(steps int) error {
	for range steps {
		for i, c := range e.code.Calls {
			start := time.Now()
			r := recorder{e: e, limit: 1}
			r.call(i)
			e.wait()
			if err := e.failure.take(); err != nil {
				return err
			}
			e.clock.Times[c.Step] += time.Since(start)
		}
		e.clock.Steps++
	}
	return nil
}
