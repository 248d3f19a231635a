package gpu

import (
	"errors"
	"fmt"
	"strings"
)

// recorder records calls, and commits what it has recorded now and then.
type recorder struct {
	e      *executable // which waits for the recordings
	turns  []turn
	length int // calls of all turns
	rec    Recording
	limit  int
	calls  int
	bytes  int64
	first  int // the step that the recording begins in: a step is all turns
	step   int
}

// all records the turns once; it fails when the run has.
func (r *recorder) all() bool {
	at := 0
	for _, t := range r.turns {
		for range t.steps {
			for i := range t.e.code.Calls {
				at++
				if !r.call(t.e, i, at == r.length) {
					return false
				}
			}
		}
	}
	return !r.e.failure.failed()
}

// call records a call, the last of all turns or not; it fails when the run has.
func (r *recorder) call(e *executable, i int, last bool) bool {
	c := &e.code.Calls[i]
	switch {
	case r.rec == nil:
		if !r.begin() {
			return false
		}
	case c.Barrier || i == 0:
		r.rec.Barrier()
	}
	if d := &e.dispatches[i]; c.Product != nil {
		out := len(d.Buffers) - 1
		r.rec.Run(e.products[i], d.Buffers[:out], d.Buffers[out])
	} else {
		r.rec.Dispatch(d)
	}
	r.calls++
	r.bytes += e.bytes[i]
	if r.full(last) {
		r.commit()
	}
	return true
}

// full reports whether no more fits after a call. Where several steps fit they
// are whole ones, so that recordings are alike, and a driver may know them again.
func (r *recorder) full(last bool) bool {
	return r.calls >= r.limit || r.bytes >= recordingBytes || last && r.calls+r.length > r.limit
}

// begin waits until few enough recordings are in flight.
func (r *recorder) begin() bool {
	e := r.e
	e.ready <- struct{}{}
	if e.failure.failed() {
		<-e.ready
		return false
	}
	rec, err := e.device.driver.Begin()
	if err != nil {
		e.failure.set(err)
		<-e.ready
		return false
	}
	r.rec, r.calls, r.bytes, r.first = rec, 0, 0, r.step
	return true
}

// commit hands over what is recorded.
func (r *recorder) commit() {
	if r.rec == nil {
		return
	}
	e, first, last := r.e, r.first, r.step
	r.rec.Commit(func(err error) {
		if err != nil {
			e.failure.set(r.explain(first, last, err))
		}
		<-e.ready
	})
	r.rec = nil
}

// explain says which step and layer an error is of, as far as the driver tells
// the kernel.
func (r *recorder) explain(first, last int, err error) error {
	where := fmt.Sprintf("step %d", first)
	if last > first {
		where = fmt.Sprintf("steps %d to %d", first, last)
	}
	var run *RunError
	var steps []string
	if errors.As(err, &run) && run.Kernel != "" {
		for _, t := range r.turns {
			steps = append(steps, t.e.code.using(run.Kernel)...)
		}
	}
	if len(steps) > 0 {
		where += ": " + strings.Join(steps, " or ")
	}
	return fmt.Errorf("%s: %s: %w", r.e.device.limits.Kind, where, err)
}

// using describes the steps of the program that are of a kernel.
func (c *Code) using(kernel string) (steps []string) {
	for _, call := range c.Calls {
		if call.Product == nil && c.Kernels[call.Kernel].Name == kernel && call.Step < len(c.Program.Steps) {
			steps = append(steps, c.Program.Steps[call.Step].Describe())
		}
	}
	return steps
}
