package pool

import (
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// executable is a device's program, which is given that device's buffers.
type executable struct {
	pool    *Pool
	inner   backend.Executable
	program *plan.Program
	holding *holding
	cleanup runtime.Cleanup
	freed   atomic.Bool

	busy  atomic.Bool // a run in flight has the lists below
	lists lists
}

// lists are the buffers of a run: the device's, and those of ours that they are
// in.
type lists struct {
	bind backend.Bindings
	held []*buffer
}

// timed is one that measures itself.
type timed struct {
	*executable
	timer backend.Timed
}

// Measure switches the measurement on or off.
func (e *timed) Measure(on bool) { e.timer.Measure(on) }

// Times are those of the program's steps.
func (e *timed) Times() []time.Duration { return e.timer.Times() }

// Bytes is the memory that the program holds.
func (e *executable) Bytes() int64 { return e.inner.Bytes() }

// Places is how many places of the device a run takes.
func (e *executable) Places() int { return backend.PlacesOf(e.inner) }

// Free gives the memory back. Freeing twice does no harm.
func (e *executable) Free() {
	e.inner.Free()
	if e.freed.Swap(true) {
		return
	}
	e.cleanup.Stop()
	e.pool.mu.Lock()
	defer e.pool.mu.Unlock()
	e.pool.give(e.holding)
}

// run is a run in flight, with the buffers that it keeps.
type run struct {
	inner backend.Completion
	exe   *executable
	lists *lists
	ended atomic.Bool
}

// refused is a run that did not begin.
type refused struct{ err error }

func (r refused) Wait() error { return r.err }

// Submit starts the steps with the device's own buffers.
func (e *executable) Submit(b backend.Bindings, steps int) backend.Completion {
	r, err := e.begin(b)
	if err != nil {
		return refused{err}
	}
	r.inner = e.inner.Submit(r.lists.bind, steps)
	return r
}

// begin takes the buffers of a run that is to be started.
func (e *executable) begin(b backend.Bindings) (*run, error) {
	r := &run{exe: e, lists: &e.lists}
	if e.busy.Swap(true) {
		r.lists = &lists{} // the device says what is wrong with two runs at once
	}
	l := r.lists
	err := l.take(&l.bind.Inputs, b.Inputs, func(i int) *ir.Value { return at(e.program.Inputs, i) })
	if err == nil {
		err = l.take(&l.bind.States, b.States, func(i int) *ir.Value { return at(e.program.States, i) })
	}
	if err == nil {
		err = l.take(&l.bind.Outputs, b.Outputs, func(i int) *ir.Value { return at(e.program.Outputs, i).Value })
	}
	if err != nil {
		r.end()
		return nil, fmt.Errorf("program %s: %w", e.program.Graph.Name, err)
	}
	return r, nil
}

// series are runs of several programs in flight.
type series struct {
	inner backend.Completion
	runs  []*run
}

// Repeat starts runs of several programs with the device's own buffers.
func (e *executable) Repeat(runs []backend.Run, times int) backend.Completion {
	s, inner := &series{}, slices.Clone(runs)
	for i, r := range runs {
		own, ok := r.Executable.(interface{ own() *executable })
		if !ok {
			continue // the device says what is wrong with it
		}
		one, err := own.own().begin(r.Bindings)
		if err != nil {
			s.end()
			return refused{err}
		}
		s.runs = append(s.runs, one)
		inner[i].Executable, inner[i].Bindings = one.exe.inner, one.lists.bind
	}
	s.inner = backend.Repeat(inner, times)
	return s
}

func (e *executable) own() *executable { return e }

// Wait returns when all runs have ended, and lets their buffers go.
func (s *series) Wait() error {
	err := s.inner.Wait()
	s.end()
	return err
}

func (s *series) end() {
	for _, r := range s.runs {
		r.end()
	}
}

// at is an element of a list, a zero one where there is none.
func at[T any](list []T, i int) (x T) {
	if i < len(list) {
		return list[i]
	}
	return x
}

// take unwraps buffers and keeps them for the run.
func (l *lists) take(to *[]backend.Buffer, from []backend.Buffer, value func(int) *ir.Value) error {
	*to = (*to)[:0]
	for i, any := range from {
		b, ok := any.(*buffer)
		if !ok {
			*to = append(*to, any) // the device says what is wrong with it
			continue
		}
		if !b.acquire() {
			return fmt.Errorf("the buffer of %s was freed", label(value(i)))
		}
		l.held = append(l.held, b)
		if b.dirty.Load() {
			if err := b.clear(); err != nil {
				return err
			}
		}
		if v := value(i); v != nil && b.size < v.Bytes() && b.inner.Len() >= v.Bytes() {
			return fmt.Errorf("the buffer of %s has %d bytes, and %d are needed", label(v), b.size, v.Bytes())
		}
		*to = append(*to, b.inner)
	}
	return nil
}

func label(v *ir.Value) string {
	switch {
	case v == nil:
		return "one value too many"
	case v.Name == "":
		return "an output"
	}
	return v.Name
}

// Wait returns when all steps have ended, and lets the buffers go.
func (r *run) Wait() error {
	err := r.inner.Wait()
	r.end()
	return err
}

func (r *run) end() {
	if r.ended.Swap(true) {
		return
	}
	for _, b := range r.lists.held {
		b.users.Add(-1)
	}
	r.lists.held = r.lists.held[:0]
	if r.lists == &r.exe.lists {
		r.exe.busy.Store(false)
	}
}
