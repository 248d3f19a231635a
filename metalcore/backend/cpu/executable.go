package cpu

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/cpu/vec"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// kernel computes one instruction in the memory of a frame.
type kernel func(fr *frame)

// instruction is a kernel with what an error says about it.
type instruction struct {
	run    kernel
	step   *plan.Step
	number int // of the step in the program
}

// frame is the memory of a run: for each value its elements, and scratch. What
// is no f32 is seen through a view.
type frame struct {
	vals   [][]float32
	elems  []int
	size   []int              // of an element, in bytes
	shared []float32          // one for the instruction that runs
	local  [][]float32        // one for each worker
	table  [][]unsafe.Pointer // of elementwise steps, one for each worker
	pool   *pool
	wide   bool // some work was shared with the workers
}

// number is an element type that Go computes with. A bool is a uint8.
type number interface {
	float32 | int32 | int64 | uint8
}

// view is the memory of a value in its element type.
func view[T number | uint16 | uint32 | uint64](fr *frame, id int) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(fr.vals[id]))), fr.elems[id])
}

// bytes is the memory of a value.
func (fr *frame) bytes(id int) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(fr.vals[id]))), fr.elems[id]*fr.size[id])
}

// at is the address of an element of a value.
func (fr *frame) at(id, element int) unsafe.Pointer {
	return unsafe.Add(unsafe.Pointer(unsafe.SliceData(fr.vals[id])), element*fr.size[id])
}

type executable struct {
	device *Device
	prog   *plan.Program
	instrs []instruction
	copies []copyOp
	arena  *buffer
	frame  frame
	places []plan.Place // of each value number
	binder *backend.Binder
	binds  []func(fr *frame) // what instructions prepare for new buffers

	mu    sync.Mutex     // held while a run is in flight
	ran   bool           // a step
	clock *backend.Clock // nil when nothing is measured
}

// copyOp moves a result to its buffer at the end of a step.
type copyOp struct{ from, to int }

// Submit starts the steps in a goroutine of their own.
func (e *executable) Submit(b backend.Bindings, steps int) backend.Completion {
	if steps < 0 {
		return backend.Ended(fmt.Errorf("cpu: cannot run %d steps", steps))
	}
	if !e.mu.TryLock() {
		return backend.Ended(errors.New("cpu: a run of this program is in flight; wait for it first"))
	}
	if err := e.bind(b); err != nil {
		e.mu.Unlock()
		return backend.Ended(err)
	}
	return backend.Async(func() error {
		defer e.mu.Unlock()
		return e.steps(steps)
	})
}

// Bytes is the size of arena and scratch.
func (e *executable) Bytes() int64 { return e.arena.size }

// Places is the number of threads that a run takes: one if a step has shown that it
// shares nothing.
func (e *executable) Places() int {
	if e.ran && !e.frame.wide {
		return 1
	}
	return e.device.pool.threads
}

// Free waits for a run in flight and gives the arena back.
func (e *executable) Free() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.arena.Free()
	e.frame.vals, e.frame.shared, e.frame.local, e.frame.table = nil, nil, nil, nil
	e.instrs, e.binds = nil, nil
}

// steps runs the program; a kernel's panic becomes an error.
func (e *executable) steps(n int) (err error) {
	step, at := 0, 0
	e.ran = e.ran || n > 0
	runtime.LockOSThread()
	old := vec.Flush()
	defer func() {
		vec.Restore(old)
		runtime.UnlockOSThread()
		if r := recover(); r != nil {
			err = e.explain(step, at, r)
		}
	}()
	if e.clock != nil {
		return e.measured(n, &step, &at)
	}
	for ; step < n; step++ {
		for at = 0; at < len(e.instrs); at++ {
			e.instrs[at].run(&e.frame)
		}
		for _, c := range e.copies {
			copy(e.frame.bytes(c.to), e.frame.bytes(c.from))
		}
	}
	return nil
}

func (e *executable) explain(step, at int, cause any) error {
	if at >= len(e.instrs) {
		return fmt.Errorf("cpu: step %d: copying results: %v", step, cause)
	}
	return fmt.Errorf("cpu: step %d: %s: %v", step, e.instrs[at].step.Describe(), cause)
}

// bind resolves the memory of all values for a run.
func (e *executable) bind(b backend.Bindings) error {
	arena := e.arena.data.Load()
	if arena == nil {
		return errors.New("cpu: the program was freed")
	}
	if err := e.binder.Check(b); err != nil {
		return err
	}
	for id, p := range e.places {
		switch p.Kind {
		case plan.Inside:
			continue
		case plan.Arena:
			at := p.Offset / 4
			e.frame.vals[id] = (*arena)[at : at+int64(e.frame.words(id))]
			continue
		}
		data, err := e.resolve(b, p, id)
		if err != nil {
			return err
		}
		e.frame.vals[id] = data
	}
	for _, prepare := range e.binds {
		prepare(&e.frame)
	}
	return nil
}

func (e *executable) resolve(b backend.Bindings, p plan.Place, id int) ([]float32, error) {
	bound := e.binder.Buffer(b, p)
	buf, ok := bound.(*buffer)
	if !ok || buf == nil || buf.device != e.device {
		return nil, e.binder.Errorf("is given a buffer for %s that is not one of this device", e.binder.Label(p))
	}
	data := buf.data.Load()
	if data == nil {
		return nil, e.binder.Errorf("is given a buffer for %s that was freed", e.binder.Label(p))
	}
	if need := int64(e.frame.elems[id] * e.frame.size[id]); buf.size < need {
		return nil, e.binder.Errorf("is given a buffer for %s of %d bytes and needs %d", e.binder.Label(p), buf.size, need)
	}
	return (*data)[:e.frame.words(id)], nil
}
