package gpu

import (
	"fmt"
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
	return e.Repeat([]backend.Run{{Executable: e, Bindings: b, Steps: 1}}, steps)
}

// Repeat starts runs of several programs, which are recorded as one.
func (e *executable) Repeat(runs []backend.Run, times int) backend.Completion {
	if times < 0 {
		return backend.Ended(fmt.Errorf("%s: cannot run %d steps", e.device.limits.Kind, times))
	}
	var turns []turn
	done := func() {
		for _, t := range turns {
			t.e.unbind()
			t.e.mu.Unlock()
		}
	}
	for _, r := range runs {
		t, err := e.turn(r)
		if err != nil {
			done()
			return backend.Ended(err)
		}
		turns = append(turns, t)
	}
	return backend.Async(func() error {
		defer done()
		return e.run(turns, times)
	})
}

// turn is some steps of a program in a sequence of several.
type turn struct {
	e     *executable
	steps int
}

// turn takes a program for a run, until it is unbound and unlocked.
func (e *executable) turn(r backend.Run) (turn, error) {
	kind := e.device.limits.Kind
	other, ok := r.Executable.(*executable)
	switch {
	case !ok || other.device != e.device:
		return turn{}, fmt.Errorf("%s: a program is not one of this device", kind)
	case r.Steps < 0:
		return turn{}, fmt.Errorf("%s: cannot run %d steps", kind, r.Steps)
	case !other.mu.TryLock():
		return turn{}, fmt.Errorf("%s: a run of this program is in flight; wait for it first", kind)
	}
	if err := other.bind(r.Bindings); err != nil {
		other.unbind()
		other.mu.Unlock()
		return turn{}, err
	}
	return turn{other, r.Steps}, nil
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

// run records the turns, so many times, and waits for them.
func (e *executable) run(turns []turn, times int) error {
	r := recorder{e: e, turns: turns, limit: recordingCalls}
	for _, t := range turns {
		if t.e.clock != nil {
			return e.measured(turns, times)
		}
		r.length += t.steps * len(t.e.code.Calls)
	}
	for ; r.step < times && r.all(); r.step++ {
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
