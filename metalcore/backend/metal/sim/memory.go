package sim

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

// Memory is a buffer that ends where the process may not read or write, up to
// what its alignment takes. What is left of its pages is filled with NaN, and
// checked.
type Memory struct {
	mapping       []byte
	before, after []byte
	bytes         []byte
}

// alignment of a buffer's first byte, as the largest vectors need it.
const alignment = 32

// NewMemory returns memory of the given size, all zero.
func NewMemory(size int64) (*Memory, error) {
	page := int64(os.Getpagesize())
	pages := (size + page - 1) / page * page
	all, err := syscall.Mmap(-1, 0, int(pages+2*page), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("sim: %d bytes: %w", size, err)
	}
	for _, guard := range [][]byte{all[:page], all[page+pages:]} {
		if err := syscall.Mprotect(guard, syscall.PROT_NONE); err != nil {
			return nil, fmt.Errorf("sim: %d bytes: %w", size, err)
		}
	}
	inner := all[page : page+pages]
	begin := (pages - size) / alignment * alignment
	m := &Memory{mapping: all, before: inner[:begin], bytes: inner[begin : begin+size : begin+size], after: inner[begin+size:]}
	for _, rest := range [][]byte{m.before, m.after} {
		for i := range rest {
			rest[i] = 0xff
		}
	}
	return m, nil
}

// Bytes returns what is in the memory.
func (m *Memory) Bytes() []byte { return m.bytes }

// At returns a pointer into the memory.
func (m *Memory) At(offset int64) unsafe.Pointer {
	return unsafe.Add(unsafe.Pointer(&m.bytes[0]), offset)
}

// Check reports a write beside the memory.
func (m *Memory) Check() error {
	filled := func(b []byte) bool { return len(b) == 0 || b[0] == 0xff && bytes.Equal(b[1:], b[:len(b)-1]) }
	if !filled(m.before) {
		return fmt.Errorf("a write before the first of %d bytes", len(m.bytes))
	}
	if !filled(m.after) {
		return fmt.Errorf("a write behind the last of %d bytes", len(m.bytes))
	}
	return nil
}

// Free gives the memory back; an access faults from then on.
func (m *Memory) Free() error { return syscall.Munmap(m.mapping) }
