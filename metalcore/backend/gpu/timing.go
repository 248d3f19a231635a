package gpu

import "time"

// clock sums up the time of each step of a program, as the host sees it: each is
// a recording of its own, so that some microseconds of handing it over are in it.
type clock struct {
	times []time.Duration // by number of the step; the copies last
	steps int
}

// Measure switches the measurement of a program's steps on or off.
func (e *executable) Measure(on bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.clock = nil
	if on {
		e.clock = &clock{times: make([]time.Duration, len(e.code.Program.Steps)+1)}
	}
}

// Times returns the mean time of each step of the program, and of the copies.
// Calls that were joined count for the last of their steps.
func (e *executable) Times() []time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.clock == nil || e.clock.steps == 0 {
		return nil
	}
	mean := make([]time.Duration, len(e.clock.times))
	for i, t := range e.clock.times {
		mean[i] = t / time.Duration(e.clock.steps)
	}
	return mean
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
			e.clock.times[c.Step] += time.Since(start)
		}
		e.clock.steps++
	}
	return nil
}
