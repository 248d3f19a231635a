package cpu

import (
	"time"

	"github.com/metalnb/metalnb/metalcore/backend"
)

// Measure switches the measurement of instructions on or off.
func (e *executable) Measure(on bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.clock = nil
	if on {
		e.clock = backend.NewClock(e.prog)
	}
}

// Times returns the mean time of each step of the program, and of the copies.
func (e *executable) Times() []time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.clock.Mean()
}

// measured is the loop of steps with a look at the clock after each
// instruction. It keeps step and at as it goes, for the error of a panic.
func (e *executable) measured(n int, step, at *int) error {
	for ; *step < n; *step++ {
		last := time.Now()
		lap := func(number int) {
			now := time.Now()
			e.clock.Times[number] += now.Sub(last)
			last = now
		}
		for *at = 0; *at < len(e.instrs); *at++ {
			e.instrs[*at].run(&e.frame)
			lap(e.instrs[*at].number)
		}
		for _, c := range e.copies {
			copy(e.frame.vals[c.to], e.frame.vals[c.from])
		}
		lap(len(e.clock.Times) - 1)
		e.clock.Steps++
	}
	return nil
}
