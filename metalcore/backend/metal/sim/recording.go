package sim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/backend/gpu"
)

// recording is work between Begin and Commit. What is between two barriers runs
// in any order.
type recording struct {
	d         *Driver
	intervals [][]gpu.Dispatch
	held      []*buffer
	err       error // the first thing that was wrong with the recording
	done      func(error)
}

// Begin starts a recording.
func (d *Driver) Begin() (gpu.Recording, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, errClosed
	}
	return &recording{d: d, intervals: make([][]gpu.Dispatch, 1)}, nil
}

func (r *recording) Barrier() { r.intervals = append(r.intervals, nil) }

func (r *recording) Run(gpu.Product, []gpu.Span, gpu.Span) {
	r.fail(errors.New("sim: there is no library of products"))
}

func (r *recording) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *recording) Dispatch(d *gpu.Dispatch) {
	p, ok := d.Pipeline.(*pipeline)
	if !ok || p.d != r.d {
		r.fail(errors.New("sim: a dispatch with a pipeline of another driver"))
		return
	}
	if err := r.hold(p, d); err != nil {
		r.fail(&gpu.RunError{Kernel: p.k.Name(), Cause: err.Error()})
		return
	}
	last := &r.intervals[len(r.intervals)-1]
	c := *d
	c.Buffers = append([]gpu.Span(nil), d.Buffers...)
	*last = append(*last, c)
}

// hold checks what a dispatch uses, and keeps it until the work has ended.
func (r *recording) hold(p *pipeline, d *gpu.Dispatch) error {
	r.d.mu.Lock()
	defer r.d.mu.Unlock()
	if p.freed {
		return errors.New("its pipeline was freed")
	}
	for i, s := range d.Buffers {
		if s.Memory == nil {
			continue // an error only if the kernel has a buffer there
		}
		b, ok := s.Memory.(*buffer)
		switch {
		case !ok || b.d != r.d:
			return fmt.Errorf("buffer(%d) is memory of another driver", i)
		case b.freed:
			return fmt.Errorf("buffer(%d) was freed", i)
		case s.Offset < 0 || s.Offset >= b.Len():
			return fmt.Errorf("buffer(%d) begins at byte %d of memory that has %d", i, s.Offset, b.Len())
		}
		b.holders++
		r.held = append(r.held, b)
	}
	return nil
}

func (r *recording) Commit(done func(error)) {
	r.done = done
	r.d.mu.Lock()
	for _, b := range r.held {
		b.inFlight++
	}
	if strikes(&r.d.faults.Commit) {
		r.fail(&gpu.RunError{Cause: ErrInjected.Error()})
	}
	if r.d.closed {
		r.fail(errClosed)
		r.d.mu.Unlock()
		go r.end(r.err)
		return
	}
	r.d.mu.Unlock()
	r.d.queue <- r
}

// end lets go of what the work used, and tells.
func (r *recording) end(err error) {
	r.d.mu.Lock()
	for _, b := range r.held {
		b.inFlight--
		b.release()
	}
	r.d.mu.Unlock()
	r.done(err)
}

// work runs recordings in the order in which they are committed.
func (d *Driver) work() {
	defer close(d.ended)
	random := rand.New(rand.NewPCG(d.options.Seed, 0))
	for r := range d.queue {
		err := r.err
		if err == nil && d.options.Gather == nil {
			err = r.run(random)
		}
		r.end(err)
	}
}

func (r *recording) run(random *rand.Rand) error {
	for _, dispatches := range r.intervals {
		for n, i := range random.Perm(len(dispatches)) {
			if err := r.dispatch(&dispatches[i], random.Uint64()%64, n > 0); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *recording) dispatch(d *gpu.Dispatch, order uint64, joined bool) error {
	k := d.Pipeline.(*pipeline).k
	if r.d.fails(k.Name()) {
		return &gpu.RunError{Kernel: k.Name(), Cause: ErrInjected.Error()}
	}
	l := &Launch{Grid: d.Groups, Threads: [3]int{d.Threads, 1, 1}, Buffers: make([]unsafe.Pointer, len(d.Buffers)), Order: order, Whole: true, Joined: joined}
	l.Grid[0] *= d.Threads
	for i, s := range d.Buffers {
		if s.Memory != nil {
			l.Buffers[i] = s.Memory.(*buffer).m.At(s.Offset)
		}
	}
	if err := k.Run(l); err != nil {
		return err
	}
	for i, s := range d.Buffers {
		if s.Memory == nil {
			continue
		}
		if err := s.Memory.(*buffer).m.Check(); err != nil {
			return &gpu.RunError{Kernel: k.Name(), Cause: fmt.Sprintf("buffer(%d): %v", i, err)}
		}
	}
	return nil
}
