//go:build linux

package cuda

import (
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/backend/gpu"
)

// memory is a buffer on the GPU.
type memory struct {
	d       *driver
	address uint64
	size    int64
}

// Alloc returns memory of zeros.
func (d *driver) Alloc(bytes int64) (gpu.Memory, error) {
	m := &memory{d: d, size: bytes}
	if err := d.call("cuMemAlloc_v2", uintptr(unsafe.Pointer(&m.address)), uintptr(bytes)); err != nil {
		return nil, err
	}
	if err := d.copied("cuMemsetD8Async", uintptr(m.address), 0, uintptr(bytes), d.copies); err != nil {
		m.Free()
		return nil, err
	}
	return m, nil
}

// copied calls a function that works on the stream of copies, and waits.
//
//go:uintptrescapes
func (d *driver) copied(function string, args ...uintptr) error {
	if err := d.call(function, args...); err != nil {
		return err
	}
	return d.call("cuStreamSynchronize", d.copies)
}

// Len is the size in bytes.
func (m *memory) Len() int64 { return m.size }

// Upload copies from the host.
func (m *memory) Upload(offset int64, src []byte) error {
	if len(src) == 0 {
		return nil
	}
	return m.d.copied("cuMemcpyHtoDAsync_v2", uintptr(m.address)+uintptr(offset), uintptr(unsafe.Pointer(&src[0])), uintptr(len(src)), m.d.copies)
}

// Download copies to the host.
func (m *memory) Download(offset int64, dst []byte) error {
	if len(dst) == 0 {
		return nil
	}
	return m.d.copied("cuMemcpyDtoHAsync_v2", uintptr(unsafe.Pointer(&dst[0])), uintptr(m.address)+uintptr(offset), uintptr(len(dst)), m.d.copies)
}

// Free gives the memory back.
func (m *memory) Free() { m.d.call("cuMemFree_v2", uintptr(m.address)) }
