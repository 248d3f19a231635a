//go:build linux

package cuda

import (
	"errors"
	"runtime"
	"slices"
	"unsafe"

	"github.com/ebitengine/purego"

	"github.com/metalnb/metalnb/metalcore/backend/gpu"
)

// recording is a list of launches, which are made when it is committed.
type recording struct {
	d        *driver
	launches []launch
	buffers  []uint64 // addresses, of all launches one after the other
	done     func(error)
	err      error   // of the launches
	event    uintptr // comes when the work has ended
}

type launch struct {
	kernel  *pipeline
	groups  [3]int
	threads int
	buffers int // how many
}

// Begin starts a recording.
func (d *driver) Begin() (gpu.Recording, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, errClosed
	}
	return &recording{d: d}, nil
}

// Dispatch records a launch.
func (r *recording) Dispatch(x *gpu.Dispatch) {
	r.launches = append(r.launches, launch{x.Pipeline.(*pipeline), x.Groups, x.Threads, len(x.Buffers)})
	for _, b := range x.Buffers {
		r.buffers = append(r.buffers, b.Memory.(*memory).address+uint64(b.Offset))
	}
}

// Run is never called: the driver has no library of products.
func (r *recording) Run(gpu.Product, []gpu.Span, gpu.Span) {
	r.err = errors.New("cuda: there is no library of products")
}

// Barrier does nothing: a stream runs its work in order.
func (r *recording) Barrier() {}

// Commit launches the kernels; another goroutine waits for them.
func (r *recording) Commit(done func(error)) {
	d := r.d
	r.done = done
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		go done(errClosed)
		return
	}
	if r.err == nil {
		r.err = r.start()
	}
	d.committed <- r
}

// start hands all kernels over, and then the event. It is called with d.mu
// held.
func (r *recording) start() error {
	d := r.d
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := d.cuda.call("cuCtxSetCurrent", d.context); err != nil {
		return &gpu.RunError{Cause: err.Error()}
	}
	if err := d.cuda.call("cuEventCreate", uintptr(unsafe.Pointer(&r.event)), eventBlocking|eventNoTiming); err != nil {
		return &gpu.RunError{Cause: err.Error()}
	}
	launches, buffers, times := r.period()
	err := d.repeat(launches, buffers, times)
	if e := d.cuda.call("cuEventRecord", r.event, d.kernels); e != nil && err == nil {
		err = &gpu.RunError{Cause: e.Error()}
	}
	return err
}

// period is what the recording repeats, such as a step, and how often it does.
func (r *recording) period() (launches []launch, buffers []uint64, times int) {
	n := len(r.launches)
	bound := 0
	for p := 1; p <= n/2; p++ {
		bound += r.launches[p-1].buffers
		if n%p == 0 && slices.Equal(r.launches[p:], r.launches[:n-p]) && slices.Equal(r.buffers[bound:], r.buffers[:len(r.buffers)-bound]) {
			return r.launches[:p], r.buffers[:bound], n / p
		}
	}
	return r.launches, r.buffers, 1
}

// launch launches kernels one after the other. It is called with the context.
func (d *driver) launch(launches []launch, buffers []uint64) error {
	params := make([]unsafe.Pointer, len(buffers)+1) // the address of each argument, as CUDA wants it
	for i := range buffers {
		params[i] = unsafe.Pointer(&buffers[i])
	}
	f, first := d.cuda.functions["cuLaunchKernel"], 0
	for i := range launches {
		l := &launches[i]
		code, _, _ := purego.SyscallN(f, l.kernel.function, uintptr(l.groups[0]), uintptr(l.groups[1]), uintptr(l.groups[2]),
			uintptr(l.threads), 1, 1, 0, d.kernels, uintptr(unsafe.Pointer(&params[first])), 0)
		if err := d.cuda.result("cuLaunchKernel", int(int32(code))); err != nil {
			return &gpu.RunError{Kernel: l.kernel.name, Cause: err.Error()}
		}
		first += l.buffers
	}
	return nil
}

// wait completes recordings, in the order in which they were committed.
func (d *driver) wait() {
	defer close(d.ended)
	for r := range d.committed {
		if r.event != 0 {
			if err := d.call("cuEventSynchronize", r.event); err != nil && r.err == nil {
				r.err = &gpu.RunError{Cause: err.Error()}
			}
			d.call("cuEventDestroy_v2", r.event)
		}
		r.done(r.err)
	}
}
