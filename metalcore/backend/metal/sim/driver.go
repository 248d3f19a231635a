package sim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/metalnb/metalnb/metalcore/backend/gpu"
)

// Options are how a Driver behaves. The zero value is an Apple GPU of 1 GiB.
type Options struct {
	Seed      uint64     // of the order in which dispatches, threadgroups and threads run
	MaxBuffer int64      // bytes of one buffer, 0 for 256 MiB
	Memory    int64      // bytes of all buffers together, 0 for 1 GiB
	Watch     bool       // races are errors: of threads, threadgroups, and dispatches without a barrier between them
	Gather    *Gathering // if there is one, nothing is compiled or run, and it takes the kernels
}

// Faults are what a driver is told to get wrong: the nth call from then on
// fails, once; 0 is none.
type Faults struct {
	Alloc, Compile, Commit int
	Kernel                 string // dispatches of the kernels whose names contain it fail
}

// ErrInjected is the cause of the failures that Faults asks for.
var ErrInjected = errors.New("injected failure")

// Driver is a gpu.Driver that runs MSL on the CPU.
type Driver struct {
	options Options
	t       *toolchain
	queue   chan *recording
	ended   chan struct{}

	mu        sync.Mutex
	faults    Faults
	used      int64
	memories  int
	pipelines int
	closed    bool
}

// New returns a driver. It needs clang++.
func New(o Options) (*Driver, error) {
	t, err := tools()
	if err != nil {
		return nil, err
	}
	if o.MaxBuffer == 0 {
		o.MaxBuffer = 256 << 20
	}
	if o.Memory == 0 {
		o.Memory = 1 << 30
	}
	d := &Driver{options: o, t: t, queue: make(chan *recording, 16), ended: make(chan struct{})}
	go d.work()
	return d, nil
}

// Limits returns those of an Apple GPU.
func (d *Driver) Limits() gpu.Limits {
	const groups = 1<<31 - 1
	return gpu.Limits{Device: "Metal on the CPU", Kind: "metal", Family: "apple7", Threads: maxThreads, Shared: maxShared, Bindings: maxBindings,
		Groups: [3]int{groups, groups, groups}, MaxBuffer: d.options.MaxBuffer, Memory: d.options.Memory}
}

// Fail makes calls fail from here on; it replaces what was asked for before.
func (d *Driver) Fail(f Faults) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = f
}

// Live returns how many memories and pipelines were not freed.
func (d *Driver) Live() (memories, pipelines int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.memories, d.pipelines
}

// strikes counts down to an injected failure. It is called with mu held.
func strikes(n *int) bool {
	*n = max(*n-1, -1)
	return *n == 0
}

// Alloc returns guarded memory.
func (d *Driver) Alloc(bytes int64) (gpu.Memory, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.closed:
		return nil, errClosed
	case strikes(&d.faults.Alloc):
		return nil, fmt.Errorf("sim: %d bytes: %w", bytes, ErrInjected)
	case bytes < 1 || bytes > d.options.MaxBuffer:
		return nil, fmt.Errorf("sim: a buffer of %d bytes, and it may have from 1 to %d", bytes, d.options.MaxBuffer)
	case d.used+bytes > d.options.Memory:
		return nil, fmt.Errorf("sim: a buffer of %d bytes: %d of %d are in use", bytes, d.used, d.options.Memory)
	}
	m, err := NewMemory(bytes)
	if err != nil {
		return nil, err
	}
	d.used += bytes
	d.memories++
	return &buffer{d: d, m: m, holders: 1}, nil
}

var errClosed = errors.New("sim: the driver is closed")

// Compile compiles a text of MSL, or finds its kernels in the cache.
func (d *Driver) Compile(text string, names []string) ([]gpu.Pipeline, error) {
	d.mu.Lock()
	closed, strike := d.closed, strikes(&d.faults.Compile)
	d.mu.Unlock()
	if closed {
		return nil, errClosed
	}
	if strike {
		return nil, &gpu.CompileError{Log: ErrInjected.Error()}
	}
	units, err := unitsOf([]string{text}, d.options.Watch)
	if err != nil {
		return nil, err
	}
	picked := make([]*unit, len(names))
	for i, name := range names {
		at := slices.IndexFunc(units, func(u *unit) bool { return u.name == name })
		if at < 0 {
			return nil, &gpu.CompileError{Kernel: name, Log: "the text has no such kernel"}
		}
		picked[i] = units[at]
	}
	if d.options.Gather != nil {
		d.options.Gather.add(units)
	} else if err := d.t.load(units); err != nil {
		return nil, err
	}
	out := make([]gpu.Pipeline, len(picked))
	for i, u := range picked {
		out[i] = &pipeline{d: d, k: &Kernel{t: d.t, u: u}}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pipelines += len(out)
	return out, nil
}

// Close waits for what was committed, and fails if something was not freed.
func (d *Driver) Close() error {
	d.mu.Lock()
	closed := d.closed
	d.closed = true
	d.mu.Unlock()
	if closed {
		return errClosed
	}
	close(d.queue)
	<-d.ended
	if m, p := d.Live(); m+p > 0 {
		return fmt.Errorf("sim: %d memories and %d pipelines were not freed", m, p)
	}
	return nil
}

// fails reports whether a dispatch of a kernel is to fail.
func (d *Driver) fails(kernel string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.faults.Kernel != "" && strings.Contains(kernel, d.faults.Kernel)
}

// pipeline is a kernel of a driver.
type pipeline struct {
	d     *Driver
	k     *Kernel
	freed bool // under d.mu
}

func (p *pipeline) Threads() int { return p.k.Threads() }

func (p *pipeline) Free() {
	p.d.mu.Lock()
	defer p.d.mu.Unlock()
	if !p.freed {
		p.freed = true
		p.d.pipelines--
	}
}

// buffer is the memory of a driver. Recordings that use it hold it.
type buffer struct {
	d        *Driver
	m        *Memory
	holders  int // all under d.mu
	inFlight int
	freed    bool
}

func (b *buffer) Len() int64 { return int64(len(b.m.Bytes())) }

func (b *buffer) Upload(offset int64, src []byte) error {
	return b.access(offset, len(src), func(at []byte) { copy(at, src) })
}

func (b *buffer) Download(offset int64, dst []byte) error {
	return b.access(offset, len(dst), func(at []byte) { copy(dst, at) })
}

func (b *buffer) access(offset int64, n int, f func([]byte)) error {
	b.d.mu.Lock()
	defer b.d.mu.Unlock()
	switch {
	case b.freed:
		return errors.New("sim: memory is used after it was freed")
	case b.inFlight > 0:
		return errors.New("sim: memory is read or written by the host while work in flight uses it")
	case offset < 0 || offset+int64(n) > b.Len():
		return fmt.Errorf("sim: bytes %d to %d of memory that has %d", offset, offset+int64(n), b.Len())
	}
	f(b.m.Bytes()[offset : offset+int64(n)])
	return nil
}

func (b *buffer) Free() {
	b.d.mu.Lock()
	defer b.d.mu.Unlock()
	if b.freed {
		return
	}
	b.freed = true
	b.d.memories--
	b.d.used -= b.Len()
	b.release()
}

// release ends a hold. It is called with d.mu held.
func (b *buffer) release() {
	if b.holders--; b.holders == 0 {
		b.m.Free()
	}
}
