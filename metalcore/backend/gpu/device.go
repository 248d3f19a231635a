package gpu

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// Device runs programs on a GPU.
type Device struct {
	driver  Driver
	dialect Dialect
	limits  Limits
	live    atomic.Int64 // bytes
	library *library     // nil: none

	mu        sync.Mutex
	pipelines map[string]*pipeline // by the kernel's name
}

// pipeline is a kernel that programs share. It stays when none uses it, since
// the same will often be wanted again, up to a number of them.
type pipeline struct {
	Pipeline
	users int
}

// keptPipelines is how many pipelines are kept that no program uses.
const keptPipelines = 2048

// New returns a device that runs programs through a driver, whose compiler takes
// the given dialect. Close closes the driver. The file keeps which products the
// vendor's library computes faster, if it has one; "" keeps nothing.
func New(driver Driver, dialect Dialect, choices string) *Device {
	d := &Device{driver: driver, dialect: dialect, limits: driver.Limits(), pipelines: map[string]*pipeline{}}
	if l, ok := driver.(Library); ok {
		d.library = newLibrary(d, l, choices)
	}
	return d
}

// Info describes the device.
func (d *Device) Info() backend.Info {
	l := d.limits
	_, unified := d.driver.(Unified)
	return backend.Info{Name: l.Device, Kind: l.Kind, Family: l.Family, Memory: l.Memory, MaxBuffer: l.MaxBuffer, Unified: unified,
		Limits: fmt.Sprintf("%d threads and %d KB of memory a threadgroup, %d buffers a kernel", l.Threads, l.Shared>>10, l.Bindings)}
}

// Limits are those of the driver.
func (d *Device) Limits() Limits { return d.limits }

// LiveBytes is the memory held by buffers and executables that are not freed.
func (d *Device) LiveBytes() int64 { return d.live.Load() }

// Close frees the compiled kernels and closes the driver.
func (d *Device) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.pipelines {
		p.Free()
	}
	clear(d.pipelines)
	return d.driver.Close()
}

// Alloc returns a zeroed buffer. It fails where all buffers together would take
// more than the GPU should use.
func (d *Device) Alloc(bytes int64) (backend.Buffer, error) {
	m, err := d.alloc(bytes)
	if err != nil {
		return nil, err
	}
	return &buffer{device: d, size: bytes, memory: m, users: 1}, nil
}

func (d *Device) alloc(bytes int64) (Memory, error) {
	kind := d.limits.Kind
	switch most := d.limits.MaxBuffer; {
	case bytes < 0:
		return nil, fmt.Errorf("%s: cannot allocate %d bytes", kind, bytes)
	case most > 0 && bytes > most:
		return nil, fmt.Errorf("%s: cannot allocate %d bytes: a buffer of %s holds %d; use a smaller batch, or split the data", kind, bytes, d.limits.Device, most)
	}
	if live := d.live.Add(bytes); d.limits.Memory > 0 && live > d.limits.Memory || live < 0 {
		d.live.Add(-bytes)
		return nil, fmt.Errorf("%s: cannot allocate %d bytes: %d of the %d that %s should use are in use; free some, or use a smaller batch",
			kind, bytes, live-bytes, d.limits.Memory, d.limits.Device)
	}
	m, err := d.driver.Alloc(max(bytes, 1))
	if err != nil {
		d.live.Add(-bytes)
		return nil, err
	}
	return m, nil
}

// Wrap returns a buffer of the host's memory, which must begin with a page and
// have room for whole ones.
func (d *Device) Wrap(data []byte) (backend.Buffer, error) {
	driver, ok := d.driver.(Unified)
	page := os.Getpagesize()
	whole := (len(data) + page - 1) / page * page
	if !ok || len(data) == 0 || whole > cap(data) {
		return nil, errors.ErrUnsupported
	}
	m, err := driver.Wrap(data[:whole])
	if err != nil {
		return nil, err
	}
	d.live.Add(int64(len(data)))
	return &buffer{device: d, size: int64(len(data)), memory: m, users: 1, host: data}, nil
}

// buffer is memory with the runs that use it. It goes when the last of those has
// ended.
type buffer struct {
	device *Device
	size   int64
	host   []byte // what it wraps, which it keeps

	mu     sync.Mutex
	memory Memory
	users  int // runs in flight, and one for who has allocated it
	freed  bool
}

// Len is the size in bytes.
func (b *buffer) Len() int64 { return b.size }

// Upload copies src into the buffer.
func (b *buffer) Upload(offset int64, src []byte) error {
	return b.transfer("upload", offset, len(src), func() error { return b.memory.Upload(offset, src) })
}

// Download copies from the buffer into dst.
func (b *buffer) Download(offset int64, dst []byte) error {
	return b.transfer("download", offset, len(dst), func() error { return b.memory.Download(offset, dst) })
}

func (b *buffer) transfer(what string, offset int64, n int, move func() error) error {
	kind := b.device.limits.Kind
	if !b.acquire() {
		return fmt.Errorf("%s: %s: the buffer was freed", kind, what)
	}
	defer b.release()
	if offset < 0 || int64(n) > b.size || offset > b.size-int64(n) {
		return fmt.Errorf("%s: %s of %d bytes at offset %d does not fit a buffer of %d bytes", kind, what, n, offset, b.size)
	}
	if n == 0 {
		return nil
	}
	return move()
}

// Free gives the memory back. Freeing twice does no harm.
func (b *buffer) Free() {
	b.mu.Lock()
	freed := b.freed
	b.freed = true
	b.mu.Unlock()
	if !freed {
		b.release()
	}
}

// acquire keeps the memory until release; it fails once the buffer is freed.
func (b *buffer) acquire() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.freed {
		return false
	}
	b.users++
	return true
}

func (b *buffer) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.users--; b.users == 0 {
		b.memory.Free()
		b.memory, b.host = nil, nil
		b.device.live.Add(-b.size)
	}
}

// Compile lowers a program to kernels and compiles those.
func (d *Device) Compile(p *plan.Program) (backend.Executable, error) {
	var library func(ProductSpec) bool
	if d.library != nil {
		library = d.library.computes
	}
	code, err := Lower(p, d.dialect, d.limits, library)
	if err != nil {
		return nil, err
	}
	return d.executable(code)
}

// executable compiles the kernels of a program and allocates its arena.
func (d *Device) executable(code *Code) (backend.Executable, error) {
	p := code.Program
	e := &executable{device: d, code: code, binder: backend.NewBinder(d.limits.Kind, p), ready: make(chan struct{}, recordingsInFlight)}
	var err error
	if e.pipelines, err = d.load(code.Kernels); err == nil {
		err = e.prepare()
	}
	if err != nil {
		e.Free()
		return nil, fmt.Errorf("program %s: %w", p.Graph.Name, err)
	}
	return e, nil
}

// load finds the pipelines of kernels, and compiles those that there are none of.
func (d *Device) load(kernels []Kernel) ([]*pipeline, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var missing []Kernel
	list := make([]*pipeline, 0, len(kernels))
	for _, k := range kernels {
		if p := d.pipelines[k.Name]; p != nil {
			p.users++ // so that it stays
			list = append(list, p)
		} else {
			missing = append(missing, k)
		}
	}
	if err := d.compile(missing); err != nil {
		for _, p := range list {
			p.users--
		}
		return nil, err
	}
	for _, k := range missing {
		d.pipelines[k.Name].users++
	}
	list = list[:0]
	for _, k := range kernels {
		list = append(list, d.pipelines[k.Name])
	}
	return list, nil
}

// compile adds pipelines of kernels that there are none of.
func (d *Device) compile(kernels []Kernel) error {
	if len(kernels) == 0 {
		return nil
	}
	d.evict(len(kernels))
	var names []string
	for _, k := range kernels {
		names = append(names, k.Name)
	}
	compiled, err := d.driver.Compile(d.dialect.Render(kernels), names)
	if err != nil {
		return err
	}
	for i, k := range kernels {
		if most := compiled[i].Threads(); most < k.Threads {
			for _, p := range compiled {
				p.Free()
			}
			return fmt.Errorf("%s: a threadgroup of kernel %s may have %d threads, and it takes %d", d.limits.Kind, k.Name, most, k.Threads)
		}
	}
	for i, k := range kernels {
		d.pipelines[k.Name] = &pipeline{Pipeline: compiled[i]}
	}
	return nil
}

// evict frees pipelines that nobody uses where there would be too many.
func (d *Device) evict(more int) {
	if len(d.pipelines)+more <= keptPipelines {
		return
	}
	for name, p := range d.pipelines {
		if p.users == 0 {
			p.Free()
			delete(d.pipelines, name)
		}
	}
}

func (d *Device) unload(list []*pipeline) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range list {
		p.users--
	}
}

var errFreed = errors.New("the program was freed")
