package metal

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/gpu"
	"github.com/metalnb/metalnb/metalcore/backend/metal/objc"
)

// Options say how a driver is opened.
type Options struct {
	Libraries objc.Libraries // none: those of the system
	Cache     string         // folder that keeps compiled kernels; none: they are not kept
	// Diagnose makes errors tell the kernel that failed, which costs a little.
	// After a failure it is switched on anyway.
	Diagnose bool
}

// Driver is a GPU by Metal.
type Driver struct {
	limits    gpu.Limits
	device    objc.Owned
	queue     objc.Owned
	classes   map[string]objc.Object
	residency residency
	archive   archive
	slabs     slabs

	diagnose atomic.Bool
	lost     atomic.Pointer[gpu.RunError] // the GPU is gone
	flight   sync.WaitGroup

	mu     sync.RWMutex // held to read by calls, to write by Close
	closed bool
	stats  counters
}

var (
	_ gpu.Library   = (*Driver)(nil)
	_ gpu.Recording = (*recording)(nil)
)

// classNames are the classes whose objects are made.
var classNames = []string{"MTLCompileOptions", "MTLComputePipelineDescriptor", "MTLBinaryArchiveDescriptor", "MTLCommandBufferDescriptor",
	"MPSCommandBuffer", "MPSMatrixDescriptor", "MPSMatrix", "MPSMatrixMultiplication", "MPSGraph", "MPSGraphDevice", "MPSGraphShapedType",
	"MPSGraphConvolution2DOpDescriptor", "MPSGraphTensorData", "MPSNDArray", "MPSNDArrayDescriptor"}

func unavailable(format string, args ...any) error {
	return &backend.UnavailableError{Kind: "metal", Why: fmt.Sprintf(format, args...)}
}

// Open opens the system's GPU. Where there is none that can be used the error
// is a *backend.UnavailableError.
func Open(o Options) (*Driver, error) {
	if err := load(o.Libraries); err != nil {
		return nil, err
	}
	create, err := objc.Function("MTLCreateSystemDefaultDevice")
	if err != nil {
		return nil, unavailable("%v", err)
	}
	d := &Driver{classes: map[string]objc.Object{}}
	objc.Pool(func() { err = d.open(create, o) })
	if err != nil {
		objc.Pool(d.release)
		return nil, err
	}
	return d, nil
}

func load(l objc.Libraries) error {
	if l.Runtime == "" {
		if runtime.GOOS != "darwin" {
			return unavailable("it needs a Mac with Apple Silicon")
		}
		l = objc.System
	}
	if err := objc.Load(l); err != nil {
		return unavailable("Metal cannot be loaded (%v)", err)
	}
	return nil
}

func (d *Driver) open(create uintptr, o Options) error {
	d.device = objc.Owned{Object: objc.Object(objc.Call(create))}
	if d.device.Object == 0 {
		return unavailable("the system has no GPU with Metal")
	}
	d.limits = limitsOf(d.device.Object)
	if d.limits.Family == "" {
		return unavailable("%s is no GPU of Apple's from the M1 on, which the kernels are made for", d.limits.Device)
	}
	for _, name := range classNames {
		class, err := objc.Class(name)
		if err != nil {
			return unavailable("%v", err)
		}
		d.classes[name] = class
	}
	if d.queue = newCommandQueue.Owned(d.device.Object); d.queue.Object == 0 {
		return unavailable("%s gives no command queue", d.limits.Device)
	}
	d.diagnose.Store(o.Diagnose)
	d.slabs.driver, d.slabs.spare = d, 1
	d.residency.open(d)
	d.archive.open(d, o.Cache)
	return nil
}

// workingSetShare is how much of what the system recommends is used: beyond it
// buffers are paged out, and the machine with them.
const workingSetShare = 0.95

// Bindings, and the other limits that all of Apple's GPUs from the M1 on share.
// Threads are counted by 32 bits, so threadgroups of the largest size by 22.
const (
	bindings   = 31
	maxInGroup = 1024
	maxGroups  = 1<<22 - 1
	simdWidth  = 32
)

func limitsOf(device objc.Object) gpu.Limits {
	l := gpu.Limits{
		Device: objc.Text(deviceName.Object(device)), Kind: "metal", Threads: maxInGroup, Bindings: bindings,
		Groups: [3]int{maxGroups, 1<<16 - 1, 1<<16 - 1}, Shared: int(maxThreadgroupBytes.Word(device)),
		MaxBuffer: int64(maxBufferLength.Word(device)), Memory: int64(float64(workingSet.Word(device)) * workingSetShare),
	}
	for f := mtlGPUFamilyApple10; f >= mtlGPUFamilyApple7; f-- {
		if supportsFamily.Bool(device, uintptr(f)) {
			l.Family = fmt.Sprintf("apple%d", f-1000)
			break
		}
	}
	return l
}

// Devices describes the GPUs that the system has, also those that cannot be
// used: they have no Family.
func Devices(l objc.Libraries) ([]gpu.Limits, error) {
	if err := load(l); err != nil {
		return nil, err
	}
	list, err := objc.Function("MTLCopyAllDevices")
	if err != nil {
		return nil, unavailable("%v", err)
	}
	var out []gpu.Limits
	objc.Pool(func() {
		all := objc.Owned{Object: objc.Object(objc.Call(list))}
		defer all.Release()
		for _, device := range objc.Elements(all.Object) {
			out = append(out, limitsOf(device))
		}
	})
	return out, nil
}

// Limits of the GPU.
func (d *Driver) Limits() gpu.Limits { return d.limits }

var errClosed = errors.New("metal: the driver is closed")

// enter begins a call; leave ends it. None begins once the driver is closed.
func (d *Driver) enter() error {
	d.mu.RLock()
	if d.closed {
		d.mu.RUnlock()
		return errClosed
	}
	return nil
}

func (d *Driver) leave() { d.mu.RUnlock() }

// Close waits for what is in flight and gives the GPU back. Memory and pipelines
// that are not freed by then keep what they need.
func (d *Driver) Close() error {
	d.mu.Lock()
	again := d.closed
	d.closed = true
	d.mu.Unlock()
	if again {
		return nil
	}
	d.flight.Wait()
	objc.Pool(d.release)
	return nil
}

func (d *Driver) release() {
	d.slabs.close()
	d.archive.close()
	d.residency.close()
	d.queue.Release()
	d.device.Release()
}

// class is one of classNames.
func (d *Driver) class(name string) objc.Object { return d.classes[name] }

// Stats counts what a driver holds.
type Stats struct {
	Buffers    int64 // of Metal; small pieces of memory share them
	Bytes      int64 // of those
	Pipelines  int64
	Products   int64
	Recordings int64 // in flight
}

type counters struct{ buffers, bytes, pipelines, products, recordings atomic.Int64 }

// Stats returns the counts of this moment.
func (d *Driver) Stats() Stats {
	c := &d.stats
	return Stats{Buffers: c.buffers.Load(), Bytes: c.bytes.Load(), Pipelines: c.pipelines.Load(), Products: c.products.Load(),
		Recordings: c.recordings.Load()}
}

// shared is what recordings in flight keep from being freed: it goes when its
// owner and all of them have dropped it.
type shared struct {
	refs atomic.Int64
	free func()
}

func (s *shared) init(free func()) {
	s.free = free
	s.refs.Store(1)
}

// hold is false for what is freed.
func (s *shared) hold() bool {
	for {
		n := s.refs.Load()
		if n == 0 {
			return false
		}
		if s.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (s *shared) drop() {
	if s.refs.Add(-1) == 0 {
		s.free()
	}
}
