package gpu

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// The work of many steps goes to the GPU in recordings of at most so many calls
// or bytes, of which so many are in flight: enough that it never waits, and few
// enough that a stop is soon heard.
const (
	recordingCalls     = 256
	recordingBytes     = 256 << 20
	recordingsInFlight = 3
)

type executable struct {
	device    *Device
	code      *Code
	pipelines []*pipeline
	products  []Product // by call; nil for kernels
	bytes     []int64   // by call, that it reads and writes
	arena     Memory
	binder    *backend.Binder

	mu         sync.Mutex // held while a run is in flight
	dispatches []Dispatch // by call, with what is bound
	used       []*buffer  // what is bound, each once
	ready      chan struct{}
	failure    failure
	clock      *backend.Clock // nil when nothing is measured
}

// failure is the first error of a run.
type failure struct {
	mu  sync.Mutex
	err error
}

func (f *failure) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
}

func (f *failure) take() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.err
	f.err = nil
	return err
}

func (f *failure) failed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err != nil
}

// prepare allocates the arena, writes the constants, and lays out the dispatches.
func (e *executable) prepare() error {
	var err error
	if e.arena, err = e.device.alloc(e.code.Arena); err != nil {
		return err
	}
	for _, v := range e.code.Program.Graph.Values {
		if err := e.writeConstant(v); err != nil {
			return err
		}
	}
	e.dispatches, e.products = make([]Dispatch, len(e.code.Calls)), make([]Product, len(e.code.Calls))
	e.bytes = make([]int64, len(e.code.Calls))
	for i, c := range e.code.Calls {
		d := Dispatch{Buffers: make([]Span, len(c.Args)), Groups: c.Groups}
		if c.Product != nil {
			if e.products[i], err = e.device.library.driver.Product(*c.Product); err != nil {
				return err
			}
		} else {
			d.Pipeline, d.Threads = e.pipelines[c.Kernel].Pipeline, e.code.Kernels[c.Kernel].Threads
		}
		for _, a := range c.Args {
			e.bytes[i] += a.Bytes
		}
		e.dispatches[i] = d
	}
	return nil
}

// writeConstant writes a value that never changes to its place.
func (e *executable) writeConstant(v *ir.Value) error {
	n := v.Shape.Elems()
	if v.Op != ir.OpConst && v.Op != ir.OpIota || n == 0 {
		return nil
	}
	data := make([]byte, 0, v.Bytes())
	for i := range n {
		x := v.Float("value")
		if v.Op == ir.OpIota {
			x = float64(i)
		}
		data = ir.AppendElement(data, v.DType, x)
	}
	return e.arena.Upload(e.code.Program.Places[v].Offset, data)
}

// Submit starts the steps; a goroutine records them.
func (e *executable) Submit(b backend.Bindings, steps int) backend.Completion {
	kind := e.device.limits.Kind
	if steps < 0 {
		return backend.Ended(fmt.Errorf("%s: cannot run %d steps", kind, steps))
	}
	if !e.mu.TryLock() {
		return backend.Ended(fmt.Errorf("%s: a run of this program is in flight; wait for it first", kind))
	}
	if err := e.bind(b); err != nil {
		e.unbind()
		e.mu.Unlock()
		return backend.Ended(err)
	}
	return backend.Async(func() error {
		defer e.mu.Unlock()
		defer e.unbind()
		if e.clock != nil {
			return e.measured(steps)
		}
		return e.run(steps)
	})
}

// bind resolves the memory of all calls.
func (e *executable) bind(b backend.Bindings) error {
	if e.arena == nil {
		return fmt.Errorf("%s: %w", e.device.limits.Kind, errFreed)
	}
	if err := e.binder.Check(b); err != nil {
		return err
	}
	p := e.code.Program
	for i, v := range p.Inputs {
		if err := e.use(b, plan.Place{Kind: plan.Input, Index: i}, v.Bytes()); err != nil {
			return err
		}
	}
	for i, v := range p.States {
		if err := e.use(b, plan.Place{Kind: plan.State, Index: i}, v.Bytes()); err != nil {
			return err
		}
	}
	for i, o := range p.Outputs {
		if err := e.use(b, plan.Place{Kind: plan.Output, Index: i}, o.Value.Bytes()); err != nil {
			return err
		}
	}
	for i := range e.code.Calls {
		for j, a := range e.code.Calls[i].Args {
			span := Span{Memory: e.arena, Offset: a.Offset}
			if a.Kind != plan.Arena {
				span = Span{Memory: e.binder.Buffer(b, a.Place).(*buffer).memory}
			}
			e.dispatches[i].Buffers[j] = span
		}
	}
	return nil
}

// use checks a buffer and keeps it for the run.
func (e *executable) use(b backend.Bindings, p plan.Place, need int64) error {
	buf, ok := e.binder.Buffer(b, p).(*buffer)
	if !ok || buf == nil || buf.device != e.device {
		return e.binder.Errorf("is given a buffer for %s that is not one of this device", e.binder.Label(p))
	}
	if buf.size < need {
		return e.binder.Errorf("is given a buffer for %s of %d bytes and needs %d", e.binder.Label(p), buf.size, need)
	}
	if !buf.acquire() {
		return e.binder.Errorf("is given a buffer for %s that was freed", e.binder.Label(p))
	}
	e.used = append(e.used, buf)
	return nil
}

func (e *executable) unbind() {
	for _, b := range e.used {
		b.release()
	}
	e.used = e.used[:0]
}

// run records the steps and waits for them.
func (e *executable) run(steps int) error {
	r := recorder{e: e, limit: recordingCalls}
	for step := 0; step < steps && !e.failure.failed(); step++ {
		r.step = step
		for i := range e.code.Calls {
			if !r.call(i) {
				break
			}
		}
	}
	r.commit()
	e.wait()
	return e.failure.take()
}

// wait returns when no recording is in flight: when all places are free.
func (e *executable) wait() {
	for range recordingsInFlight {
		e.ready <- struct{}{}
	}
	for range recordingsInFlight {
		<-e.ready
	}
}

// recorder records calls, and commits what it has recorded now and then.
type recorder struct {
	e     *executable
	rec   Recording
	limit int
	calls int
	bytes int64
	first int // the step that the recording begins in
	step  int
}

// call records a call; it fails when the run has.
func (r *recorder) call(i int) bool {
	e := r.e
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
		last := len(d.Buffers) - 1
		r.rec.Run(e.products[i], d.Buffers[:last], d.Buffers[last])
	} else {
		r.rec.Dispatch(d)
	}
	r.calls++
	r.bytes += e.bytes[i]
	if r.full(i) {
		r.commit()
	}
	return true
}

// full reports whether no more fits after a call. Where several steps fit they
// are whole ones, so that recordings are alike, and a driver may know them again.
func (r *recorder) full(i int) bool {
	step := len(r.e.code.Calls)
	return r.calls >= r.limit || r.bytes >= recordingBytes || i == step-1 && r.calls+step > r.limit
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
			e.failure.set(e.explain(first, last, err))
		}
		<-e.ready
	})
	r.rec = nil
}

// explain says which step and layer an error is of, as far as the driver tells
// the kernel.
func (e *executable) explain(first, last int, err error) error {
	where := fmt.Sprintf("step %d", first)
	if last > first {
		where = fmt.Sprintf("steps %d to %d", first, last)
	}
	var run *RunError
	var steps []string
	if errors.As(err, &run) && run.Kernel != "" {
		for _, c := range e.code.Calls {
			if c.Product == nil && e.code.Kernels[c.Kernel].Name == run.Kernel && c.Step < len(e.code.Program.Steps) {
				steps = append(steps, e.code.Program.Steps[c.Step].Describe())
			}
		}
	}
	if len(steps) > 0 {
		where += ": " + strings.Join(steps, " or ")
	}
	return fmt.Errorf("%s: %s: %w", e.device.limits.Kind, where, err)
}

// Bytes is the size of the arena.
func (e *executable) Bytes() int64 { return e.code.Arena }

// Free waits for a run in flight and gives the arena and the kernels back.
func (e *executable) Free() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.arena != nil {
		e.arena.Free()
		e.device.live.Add(-e.code.Arena)
	}
	for _, p := range e.products {
		if p != nil {
			p.Free()
		}
	}
	e.device.unload(e.pipelines)
	e.arena, e.products, e.pipelines, e.dispatches = nil, nil, nil, nil
}
