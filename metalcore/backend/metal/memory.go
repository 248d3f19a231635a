package metal

import (
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/backend/gpu"
	"github.com/metalnb/metalnb/metalcore/backend/metal/objc"
)

// area is a part of a buffer of Metal, which the CPU sees, too.
type area struct {
	shared
	buffer objc.Object
	offset int64 // in the buffer
	bytes  []byte
}

// memory is an area that its user may free once.
type memory struct {
	*area
	driver *Driver
	freed  atomic.Bool
}

// resourceOptions of all buffers. Were they untracked, nothing would order a
// product of the vendor's library after the kernels that write what it reads.
const resourceOptions = mtlResourceStorageModeShared | mtlResourceHazardTrackingModeTracked

// Alloc returns zeroed memory.
func (d *Driver) Alloc(bytes int64) (gpu.Memory, error) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	defer d.leave()
	a, err := d.area(bytes)
	if err != nil {
		return nil, err
	}
	return &memory{area: a, driver: d}, nil
}

func (d *Driver) area(bytes int64) (*area, error) {
	switch {
	case bytes <= 0:
		return nil, fmt.Errorf("metal: cannot allocate %d bytes", bytes)
	case bytes > d.limits.MaxBuffer:
		return nil, fmt.Errorf("metal: cannot allocate %d bytes: a buffer of this GPU has at most %d; use a smaller batch", bytes, d.limits.MaxBuffer)
	case bytes <= smallBytes:
		return d.slabs.area(bytes)
	}
	return d.ownBuffer(bytes)
}

// reserve counts bytes against the working set.
func (d *Driver) reserve(bytes int64) error {
	if all := d.stats.bytes.Add(bytes); all > d.limits.Memory {
		d.stats.bytes.Add(-bytes)
		return fmt.Errorf("metal: cannot allocate %d bytes: %d of the %d that this GPU should use are in use; free some, or use a smaller batch",
			bytes, all-bytes, d.limits.Memory)
	}
	return nil
}

// ownBuffer is an area that is a buffer.
func (d *Driver) ownBuffer(bytes int64) (*area, error) {
	return d.wrap(bytes, func() objc.Owned {
		return newBuffer.Owned(d.device.Object, uintptr(uint64(bytes)), uintptr(resourceOptions))
	})
}

// wrap makes an area of a new buffer, whose memory Metal has zeroed.
func (d *Driver) wrap(bytes int64, create func() objc.Owned) (*area, error) {
	if err := d.reserve(bytes); err != nil {
		return nil, err
	}
	var buffer objc.Owned
	var at unsafe.Pointer
	objc.Pool(func() {
		if buffer = create(); buffer.Object != 0 {
			at = contents.Pointer(buffer.Object)
		}
	})
	if buffer.Object == 0 {
		d.stats.bytes.Add(-bytes)
		return nil, fmt.Errorf("metal: the system has no buffer of %d bytes left; close other programs, or use a smaller batch", bytes)
	}
	a := &area{buffer: buffer.Object, bytes: unsafe.Slice((*byte)(at), bytes)}
	a.init(func() { d.freeBuffer(buffer, bytes) })
	d.stats.buffers.Add(1)
	d.residency.add(buffer.Object)
	return a, nil
}

func (d *Driver) freeBuffer(buffer objc.Owned, bytes int64) {
	objc.Pool(func() {
		d.residency.remove(buffer.Object)
		buffer.Release()
	})
	d.stats.bytes.Add(-bytes)
	d.stats.buffers.Add(-1)
}

// Wrap makes memory of whole pages that the caller has mapped, without a copy.
// They have to stay mapped until it is freed and nothing that uses it is in
// flight.
func (d *Driver) Wrap(pages []byte) (gpu.Memory, error) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	defer d.leave()
	page, n := os.Getpagesize(), int64(len(pages))
	if n == 0 || len(pages)%page != 0 || uintptr(unsafe.Pointer(&pages[0]))%uintptr(page) != 0 {
		return nil, fmt.Errorf("metal: %d bytes at %p are not whole pages of %d: they cannot be used without a copy", n, unsafe.SliceData(pages), page)
	}
	if n > d.limits.MaxBuffer {
		return nil, fmt.Errorf("metal: %d bytes are more than a buffer of this GPU has, %d", n, d.limits.MaxBuffer)
	}
	a, err := d.wrap(n, func() objc.Owned {
		return newBufferNoCopy.Owned(d.device.Object, uintptr(unsafe.Pointer(&pages[0])), uintptr(uint64(n)), uintptr(resourceOptions), uintptr(objc.Block(0)))
	})
	if err != nil {
		return nil, err
	}
	return &memory{area: a, driver: d}, nil
}

// Len is the size in bytes.
func (m *memory) Len() int64 { return int64(len(m.bytes)) }

// Upload copies src into the memory.
func (m *memory) Upload(offset int64, src []byte) error {
	to, err := m.window("upload", offset, len(src))
	copy(to, src)
	return err
}

// Download copies from the memory into dst.
func (m *memory) Download(offset int64, dst []byte) error {
	from, err := m.window("download", offset, len(dst))
	copy(dst, from)
	return err
}

func (m *memory) window(what string, offset int64, n int) ([]byte, error) {
	if m.freed.Load() {
		return nil, fmt.Errorf("metal: %s: the memory was freed", what)
	}
	if offset < 0 || offset > m.Len() || int64(n) > m.Len()-offset {
		return nil, fmt.Errorf("metal: %s of %d bytes at offset %d does not fit memory of %d bytes", what, n, offset, m.Len())
	}
	return m.bytes[offset : offset+int64(n)], nil
}

// Free gives the memory back, once what uses it has run. Freeing twice does no
// harm.
func (m *memory) Free() {
	if !m.freed.Swap(true) {
		m.drop()
	}
}
