package backend

import (
	"time"

	"github.com/metalnb/metalnb/metalcore/plan"
)

// run is a run in a goroutine of its own.
type run struct {
	done chan struct{}
	err  error
}

func (r *run) Wait() error {
	<-r.done
	return r.err
}

// Async starts work in a goroutine of its own, for devices.
func Async(work func() error) Completion {
	r := &run{done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.err = work()
	}()
	return r
}

// Ended is a run that failed before it began.
func Ended(err error) Completion {
	r := &run{done: make(chan struct{}), err: err}
	close(r.done)
	return r
}

// Clock sums up the times of a program's steps, for devices that are Timed.
type Clock struct {
	Times []time.Duration // by number of the step; the copies last
	Steps int             // of the program, that were measured
}

// NewClock returns a clock for a program.
func NewClock(p *plan.Program) *Clock {
	return &Clock{Times: make([]time.Duration, len(p.Steps)+1)}
}

// Mean is what Timed.Times returns; the clock may be nil.
func (c *Clock) Mean() []time.Duration {
	if c == nil || c.Steps == 0 {
		return nil
	}
	mean := make([]time.Duration, len(c.Times))
	for i, t := range c.Times {
		mean[i] = t / time.Duration(c.Steps)
	}
	return mean
}
