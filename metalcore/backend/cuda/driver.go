//go:build linux

package cuda

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/gpu"
)

// New opens the first NVIDIA GPU. Where there is none, or no library to use it,
// the error is a *backend.UnavailableError.
func New() (backend.Device, error) {
	d, err := newDriver()
	if err != nil {
		return nil, err
	}
	return gpu.New(d, gpu.CUDA{}, ""), nil
}

// Some attributes of a device, and flags, in the numbers of cuda.h.
const (
	maxThreads       = 1
	maxGridX         = 5 // and y and z after it
	maxShared        = 8
	warpSize         = 10
	capabilityMajor  = 75
	capabilityMinor  = 76
	streamNonBlock   = 1
	eventBlocking    = 1
	eventNoTiming    = 2
	functionThreads  = 0
	memoryPart       = 0.9 // of the GPU's memory that buffers should take
	kernelBuffers    = 128
	recordingsQueued = 64
)

// driver is a gpu.Driver of an NVIDIA GPU. Kernels run on one stream, one after
// the other, so that there is nothing to do for barriers; copies from and to the
// host are made on another one.
type driver struct {
	cuda     *library
	compiler *compiler
	device   uintptr
	context  uintptr
	kernels  uintptr // streams
	copies   uintptr
	arch     int // 90 for sm_90
	limits   gpu.Limits

	mu        sync.Mutex // held while recordings are launched
	graphs    []*graph
	closed    bool
	committed chan *recording
	ended     chan struct{}
}

func newDriver() (*driver, error) {
	lib, err := openDriver()
	if err != nil {
		return nil, &backend.UnavailableError{Kind: "cuda", Why: "the driver of NVIDIA GPUs cannot be used: " + err.Error()}
	}
	c, err := openCompiler()
	if err != nil {
		return nil, &backend.UnavailableError{Kind: "cuda", Why: fmt.Sprintf("there is no NVRTC, which compiles kernels: %v; install the CUDA toolkit, or set %s to the path of libnvrtc.so", err, EnvNVRTC)}
	}
	d := &driver{cuda: lib, compiler: c, committed: make(chan *recording, recordingsQueued), ended: make(chan struct{})}
	if err := d.open(); err != nil {
		return nil, &backend.UnavailableError{Kind: "cuda", Why: err.Error()}
	}
	go d.wait()
	return d, nil
}

// open takes the first device, and makes the streams.
func (d *driver) open() error {
	var device int32
	if err := d.cuda.call("cuDeviceGet", uintptr(unsafe.Pointer(&device)), 0); err != nil {
		return err
	}
	d.device = uintptr(device)
	if err := d.describe(); err != nil {
		return err
	}
	if _, _, err := d.compiler.target(d.arch); err != nil {
		return err
	}
	if err := d.cuda.call("cuDevicePrimaryCtxRetain", uintptr(unsafe.Pointer(&d.context)), d.device); err != nil {
		return err
	}
	err := d.call("cuStreamCreate", uintptr(unsafe.Pointer(&d.kernels)), streamNonBlock)
	if err == nil {
		err = d.call("cuStreamCreate", uintptr(unsafe.Pointer(&d.copies)), streamNonBlock)
	}
	if err != nil {
		d.cuda.call("cuDevicePrimaryCtxRelease_v2", d.device)
	}
	return err
}

// describe asks for the limits.
func (d *driver) describe() error {
	name := make([]byte, 256)
	var bytes uintptr
	err := d.cuda.call("cuDeviceGetName", uintptr(unsafe.Pointer(&name[0])), uintptr(len(name)), d.device)
	if err == nil {
		err = d.cuda.call("cuDeviceTotalMem_v2", uintptr(unsafe.Pointer(&bytes)), d.device)
	}
	attributes := map[int]int32{maxThreads: 0, maxGridX: 0, maxGridX + 1: 0, maxGridX + 2: 0, maxShared: 0, warpSize: 0, capabilityMajor: 0, capabilityMinor: 0}
	for a := range attributes {
		var n int32
		if err == nil {
			err = d.cuda.call("cuDeviceGetAttribute", uintptr(unsafe.Pointer(&n)), uintptr(a), d.device)
		}
		attributes[a] = n
	}
	if err != nil {
		return err
	}
	if attributes[warpSize] != 32 {
		return fmt.Errorf("its warps are of %d threads, and kernels are written for 32", attributes[warpSize])
	}
	label, _, _ := strings.Cut(string(name), "\x00")
	d.arch = int(10*attributes[capabilityMajor] + attributes[capabilityMinor])
	d.limits = gpu.Limits{Device: label, Kind: "cuda", Family: fmt.Sprint("sm_", d.arch), Threads: int(attributes[maxThreads]), Shared: int(attributes[maxShared]),
		Bindings: kernelBuffers, MaxBuffer: int64(bytes), Memory: int64(memoryPart * float64(bytes)),
		Groups: [3]int{int(attributes[maxGridX]), int(attributes[maxGridX+1]), int(attributes[maxGridX+2])}}
	return nil
}

// Limits are those of the device.
func (d *driver) Limits() gpu.Limits { return d.limits }

// call calls a function of the driver with the context.
//
//go:uintptrescapes
func (d *driver) call(function string, args ...uintptr) error {
	runtime.LockOSThread() // a context belongs to a thread
	defer runtime.UnlockOSThread()
	if err := d.cuda.call("cuCtxSetCurrent", d.context); err != nil {
		return err
	}
	return d.cuda.call(function, args...)
}

var errClosed = errors.New("cuda: the device is closed")

// Close waits for what was committed and gives the device back.
func (d *driver) Close() error {
	d.mu.Lock()
	closed := d.closed
	d.closed = true
	d.mu.Unlock()
	if closed {
		return errClosed
	}
	close(d.committed)
	<-d.ended
	d.dropOf(nil)
	return errors.Join(d.call("cuStreamDestroy_v2", d.kernels), d.call("cuStreamDestroy_v2", d.copies), d.cuda.call("cuDevicePrimaryCtxRelease_v2", d.device))
}

// module holds kernels that were compiled together, until none is used.
type module struct {
	d      *driver
	handle uintptr

	mu    sync.Mutex
	users int
}

// pipeline is a kernel of a module.
type pipeline struct {
	name     string
	module   *module
	function uintptr
	threads  int
	once     sync.Once
}

// Compile compiles a text, or finds it compiled.
func (d *driver) Compile(text string, names []string) ([]gpu.Pipeline, error) {
	image, err := d.compiler.compile(text, d.arch)
	if err != nil {
		return nil, err
	}
	m := &module{d: d, users: 1}
	if err := d.call("cuModuleLoadData", uintptr(unsafe.Pointer(&m.handle)), uintptr(unsafe.Pointer(&image[0]))); err != nil {
		return nil, &gpu.CompileError{Log: err.Error()}
	}
	defer m.release()
	var all []gpu.Pipeline
	for _, name := range names {
		p, err := m.pipeline(name)
		if err != nil {
			for _, p := range all {
				p.Free()
			}
			return nil, &gpu.CompileError{Kernel: name, Log: err.Error()}
		}
		all = append(all, p)
	}
	return all, nil
}

func (m *module) pipeline(name string) (*pipeline, error) {
	p := &pipeline{name: name, module: m}
	var threads int32
	err := m.d.call("cuModuleGetFunction", uintptr(unsafe.Pointer(&p.function)), m.handle, uintptr(unsafe.Pointer(cString(name))))
	if err == nil {
		err = m.d.call("cuFuncGetAttribute", uintptr(unsafe.Pointer(&threads)), functionThreads, p.function)
	}
	if err != nil {
		return nil, err
	}
	p.threads = int(threads)
	m.mu.Lock()
	m.users++
	m.mu.Unlock()
	return p, nil
}

// release gives the module back when nothing uses it.
func (m *module) release() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.users--; m.users == 0 {
		m.d.call("cuModuleUnload", m.handle)
	}
}

// Threads is how many threads a threadgroup of the kernel may have.
func (p *pipeline) Threads() int { return p.threads }

// Free gives the kernel back. Freeing twice does no harm.
func (p *pipeline) Free() {
	p.once.Do(func() {
		p.module.d.dropOf(p)
		p.module.release()
	})
}
