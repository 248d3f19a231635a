// Package cpu runs programs on the processor. It works everywhere, in plain Go
// where there is nothing faster, and it is the oracle that other backends are
// held against, so it puts accuracy and repeatability first: sums are formed in
// a fixed order, whatever the number of threads. Products, convolutions and
// pooling use the kernels of package asm, for AVX-512, AVX2 or NEON, which the
// processor decides; EnvVariant forces others. On a Mac with arm64 Accelerate
// computes large products, in an order of its own.
//
// Compile turns every instruction into a closure that knows its shapes and
// strides; a run only resolves buffers and calls them in order. A step
// allocates nothing. Kernels stand in one file per family of package op.
package cpu

import (
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/cpu/asm"
)

// Device is the processor with its worker threads and the memory it has lent.
type Device struct {
	pool  *pool
	blas  sgemm // for large products; nil: none
	live  atomic.Int64
	limit int64
}

// EnvVariant names the environment variable that chooses the kernels of devices
// made from then on: go, avx2, avx512 or neon. Without it, or where the processor
// cannot run them, the fastest are used; then, on a Mac with arm64, Accelerate
// computes large products.
const EnvVariant = "METALNB_CPU"

// New returns a device that computes on the given number of threads; 0 means
// as many as Go uses.
func New(threads int) *Device {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	name := os.Getenv(EnvVariant)
	variant, err := asm.Choose(name)
	if err != nil {
		name, variant = "", asm.Best()
	}
	d := newDevice(threads, variant)
	if name == "" {
		d.blas = systemBLAS()
	}
	return d
}

func newDevice(threads int, variant asm.Variant) *Device {
	return &Device{pool: newPool(threads, variant), limit: physicalMemory()}
}

// Info describes the device.
func (d *Device) Info() backend.Info {
	return backend.Info{Name: fmt.Sprintf("CPU (%d threads)", d.pool.threads), Kind: "cpu", Family: d.pool.variant.String(),
		Threads: d.pool.threads, Memory: d.limit, Unified: true}
}

// LiveBytes is the memory held by buffers and executables that are not freed.
func (d *Device) LiveBytes() int64 { return d.live.Load() }

// Close ends the worker threads. It waits for what they are computing.
func (d *Device) Close() error {
	d.pool.close()
	return nil
}

// Alloc returns a zeroed buffer. It fails where all buffers together would not
// fit the machine's memory.
func (d *Device) Alloc(bytes int64) (backend.Buffer, error) { return d.alloc(bytes) }

func (d *Device) alloc(bytes int64) (*buffer, error) {
	if bytes < 0 {
		return nil, fmt.Errorf("cpu: cannot allocate %d bytes", bytes)
	}
	if live := d.live.Add(bytes); live > d.limit || live < 0 {
		d.live.Add(-bytes)
		return nil, fmt.Errorf("cpu: cannot allocate %d bytes: %d of the machine's %d are in use; free some, or use a smaller batch",
			bytes, live-bytes, d.limit)
	}
	b := &buffer{device: d, size: bytes}
	const line = 16 // a buffer begins with a line of the cache; kernels may read a register behind it
	data := make([]float32, (bytes+3)/4+3*line)
	at := -int(uintptr(unsafe.Pointer(unsafe.SliceData(data)))/4) & (line - 1)
	data = data[at : at+int(bytes+3)/4 : len(data)]
	b.data.Store(&data)
	return b, nil
}

// buffer keeps its memory as floats; other types are seen through a view. The
// memory goes when the last run that uses it has ended.
type buffer struct {
	device *Device
	size   int64
	data   atomic.Pointer[[]float32] // nil when freed
}

// Len is the size in bytes.
func (b *buffer) Len() int64 { return b.size }

// Upload copies src into the buffer.
func (b *buffer) Upload(offset int64, src []byte) error {
	dst, err := b.window("upload", offset, len(src))
	copy(dst, src)
	return err
}

// Download copies from the buffer into dst.
func (b *buffer) Download(offset int64, dst []byte) error {
	src, err := b.window("download", offset, len(dst))
	copy(dst, src)
	return err
}

// Free gives the memory back. Freeing twice does no harm.
func (b *buffer) Free() {
	if b.data.Swap(nil) != nil {
		b.device.live.Add(-b.size)
	}
}

func (b *buffer) window(what string, offset int64, n int) ([]byte, error) {
	data := b.data.Load()
	if data == nil {
		return nil, fmt.Errorf("cpu: %s: the buffer was freed", what)
	}
	if offset < 0 || int64(n) > b.size || offset > b.size-int64(n) {
		return nil, fmt.Errorf("cpu: %s of %d bytes at offset %d does not fit a buffer of %d bytes", what, n, offset, b.size)
	}
	all := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(*data))), 4*len(*data))
	return all[offset : offset+int64(n)], nil
}
