package metal

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/backend/gpu"
	"github.com/metalnb/metalnb/metalcore/backend/metal/objc"
)

// recording is a list of work. It is checked as it comes, and sent to Metal by
// Commit, all at once: so one pool serves all of it, and a recording that is
// never committed leaves nothing behind. What Metal would answer with the end of
// the process is an error here.
type recording struct {
	driver *Driver
	work   []command
	bound  []binding            // of all commands
	held   map[*shared]struct{} // until the work has run
	err    error                // the first fault; nothing is sent then
}

// command is a dispatch, a product or, with neither, a barrier.
type command struct {
	pipeline *pipeline
	product  product
	bound    []binding // in the order of the kernel's parameters; of a product, the result is the last
	groups   [3]int
	threads  int
}

// binding is a place in a buffer of Metal.
type binding struct {
	buffer objc.Object
	offset int64
}

// Begin starts a recording.
func (d *Driver) Begin() (gpu.Recording, error) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	defer d.leave()
	if lost := d.lost.Load(); lost != nil {
		return nil, lost
	}
	return &recording{driver: d, held: map[*shared]struct{}{}}, nil
}

func (r *recording) fail(kernel, format string, args ...any) {
	if r.err == nil {
		r.err = &gpu.RunError{Kernel: kernel, Cause: fmt.Sprintf(format, args...)}
	}
}

// hold keeps what the recording uses. It is false for what was freed.
func (r *recording) hold(s *shared) bool {
	if _, held := r.held[s]; held {
		return true
	}
	if !s.hold() {
		return false
	}
	r.held[s] = struct{}{}
	return true
}

// bind checks and holds a span of at least so many bytes.
func (r *recording) bind(kernel string, i int, s gpu.Span, bytes int64) {
	m, ok := s.Memory.(*memory)
	switch {
	case !ok || m.driver != r.driver:
		r.fail(kernel, "buffer %d is not memory of this driver", i)
	case m.freed.Load() || !r.hold(&m.area.shared):
		r.fail(kernel, "buffer %d, of %d bytes, was freed", i, m.Len())
	case s.Offset < 0 || bytes > m.Len()-s.Offset:
		r.fail(kernel, "buffer %d: %d bytes at offset %d do not lie in %d", i, bytes, s.Offset, m.Len())
	default:
		r.bound = append(r.bound, binding{m.buffer, m.offset + s.Offset})
	}
}

// Dispatch records a dispatch.
func (r *recording) Dispatch(d *gpu.Dispatch) {
	p, ok := d.Pipeline.(*pipeline)
	switch {
	case r.err != nil:
		return
	case !ok || p.driver != r.driver:
		r.fail("", "a pipeline is not of this driver")
		return
	case !r.hold(&p.shared):
		r.fail(p.name, "the pipeline was freed")
		return
	case len(d.Buffers) > bindings:
		r.fail(p.name, "%d buffers, and a kernel may have %d", len(d.Buffers), bindings)
		return
	case d.Threads < 1 || d.Threads > p.threads:
		r.fail(p.name, "threadgroups of %d threads, and it may have 1 to %d", d.Threads, p.threads)
		return
	}
	for i, n := range d.Groups {
		if most := r.driver.limits.Groups[i]; n < 1 || n > most {
			r.fail(p.name, "%d threadgroups along axis %d, and there may be 1 to %d", n, i, most)
			return
		}
	}
	from := len(r.bound)
	for i, s := range d.Buffers {
		r.bind(p.name, i, s, 1)
	}
	r.work = append(r.work, command{pipeline: p, bound: r.bound[from:len(r.bound):len(r.bound)], groups: d.Groups, threads: d.Threads})
}

// Run records a product of the vendor's library.
func (r *recording) Run(p gpu.Product, in []gpu.Span, out gpu.Span) {
	v, ok := p.(product)
	if r.err != nil {
		return
	}
	if !ok || v.common().driver != r.driver {
		r.fail("", "a product is not of this driver")
		return
	}
	c := v.common()
	if !r.hold(&c.shared) {
		r.fail(c.name, "the product was freed")
		return
	}
	if len(in)+1 != len(c.bytes) {
		r.fail(c.name, "%d operands, and it takes %d", len(in), len(c.bytes)-1)
		return
	}
	from := len(r.bound)
	for i, s := range append(in[:len(in):len(in)], out) {
		r.bind(c.name, i, s, c.bytes[i])
	}
	r.work = append(r.work, command{product: v, bound: r.bound[from:len(r.bound):len(r.bound)]})
}

// Barrier separates what comes from what came.
func (r *recording) Barrier() {
	if n := len(r.work); n > 0 && !r.work[n-1].barrier() {
		r.work = append(r.work, command{})
	}
}

func (c *command) barrier() bool { return c.pipeline == nil && c.product == nil }

// Commit sends the work.
func (r *recording) Commit(done func(error)) {
	c := &completion{driver: r.driver, held: r.held, done: done, err: r.err}
	if err := r.driver.enter(); err != nil {
		c.err = err
		c.open.Store(1)
		c.leave()
		return
	}
	defer r.driver.leave()
	r.driver.flight.Add(1)
	r.driver.stats.recordings.Add(1)
	c.counted = true
	c.open.Store(1)
	if c.err == nil {
		objc.Pool(func() {
			e := &encoder{driver: r.driver, completion: c}
			if err := e.encode(r.work); err != nil {
				c.fail(&gpu.RunError{Cause: err.Error()})
			}
		})
	}
	c.leave()
}
