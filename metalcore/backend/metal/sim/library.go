package sim

import (
	"bytes"
	"fmt"
	"runtime"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
	"github.com/metalnb/metalnb/metalcore/backend/gpu"
)

// Library is compiled MSL.
type Library struct{ kernels map[string]*Kernel }

// Compile compiles texts of MSL, each for itself. A text that does not compile
// is a *gpu.CompileError, or several that are joined.
func Compile(texts ...string) (*Library, error) { return compile(texts, false) }

// CompileWatched is Compile for kernels that tell of each access of up to 16
// bytes, so that a race is an error: two threads that use the same byte, of
// which one writes, and no barrier that orders this memory between them. That
// takes many times as long to run.
func CompileWatched(texts ...string) (*Library, error) { return compile(texts, true) }

func compile(texts []string, watched bool) (*Library, error) {
	t, err := tools()
	if err != nil {
		return nil, err
	}
	units, err := unitsOf(texts, watched)
	if err != nil {
		return nil, err
	}
	if err := t.load(units); err != nil {
		return nil, err
	}
	l := &Library{kernels: map[string]*Kernel{}}
	for _, u := range units {
		l.kernels[u.name] = &Kernel{t: t, u: u}
	}
	return l, nil
}

// Kernel returns a kernel by its name, nil if there is none.
func (l *Library) Kernel(name string) *Kernel { return l.kernels[name] }

// Kernel is a function that the host can start.
type Kernel struct {
	t *toolchain
	u *unit
}

// Name returns the kernel's name.
func (k *Kernel) Name() string { return k.u.name }

// Threads returns how many threads a threadgroup may have.
func (k *Kernel) Threads() int { return k.u.threads }

// Launch says what a kernel runs on.
type Launch struct {
	Grid    [3]int           // threads in all; threadgroups at its edge may be smaller
	Threads [3]int           // of a threadgroup
	Buffers []unsafe.Pointer // by index; nil is not bound
	Dynamic []int            // bytes of threadgroup memory that the host gives, by index
	Order   uint64           // of threads and threadgroups: 0 forward, 1 backward, else the seed of a shuffle
	Whole   bool             // SIMD functions must be called by all 32 threads
	Joined  bool             // no barrier is between this and the Run before: a kernel that is watched may not race with it
}

// launch is sim::Launch.
type launch struct {
	buffers *[maxBindings]unsafe.Pointer
	dynamic *[maxBindings]uint32
	grid    [3]uint32
	threads [3]uint32
	limit   uint32
	whole   uint32
	joined  uint32
	_       uint32
	order   uint64
	err     [256]byte
}

// one is held while a dispatch runs: there is one runtime in a process.
var one sync.Mutex

// Run runs the kernel to its end. What goes wrong is a *gpu.RunError.
func (k *Kernel) Run(l *Launch) error {
	if cause := k.check(l); cause != "" {
		return &gpu.RunError{Kernel: k.u.name, Cause: cause}
	}
	c := &launch{buffers: new([maxBindings]unsafe.Pointer), dynamic: new([maxBindings]uint32), limit: maxShared, order: l.Order}
	copy(c.buffers[:], l.Buffers)
	for i := range 3 {
		c.grid[i], c.threads[i] = uint32(l.Grid[i]), uint32(l.Threads[i])
	}
	for i, n := range l.Dynamic {
		c.dynamic[i] = uint32(n)
	}
	if l.Whole {
		c.whole = 1
	}
	if l.Joined {
		c.joined = 1
	}
	one.Lock()
	purego.SyscallN(k.t.run, k.u.entry, uintptr(unsafe.Pointer(c)))
	one.Unlock()
	runtime.KeepAlive(c)
	if n := bytes.IndexByte(c.err[:], 0); n > 0 {
		return &gpu.RunError{Kernel: k.u.name, Cause: string(c.err[:n])}
	}
	return nil
}

func (k *Kernel) check(l *Launch) string {
	for i := range 3 {
		if l.Grid[i] < 1 || l.Threads[i] < 1 || l.Grid[i] > 1<<31 {
			return fmt.Sprintf("a grid of %v threads, in threadgroups of %v", l.Grid, l.Threads)
		}
	}
	if n := l.Threads[0] * l.Threads[1] * l.Threads[2]; n > k.u.threads {
		return fmt.Sprintf("a threadgroup of %d threads, and %d are allowed", n, k.u.threads)
	}
	if len(l.Buffers) > maxBindings || len(l.Dynamic) > maxBindings {
		return fmt.Sprintf("%d buffers, and %d can be bound", max(len(l.Buffers), len(l.Dynamic)), maxBindings)
	}
	for _, i := range k.u.buffers {
		if i >= len(l.Buffers) || l.Buffers[i] == nil {
			return fmt.Sprintf("buffer(%d) is not bound", i)
		}
	}
	return ""
}
