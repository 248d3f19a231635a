package pool

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/metalnb/metalnb/metalcore/backend"
)

// buffer is a device's buffer, or the beginning of one, that somebody has.
type buffer struct {
	pool    *Pool
	inner   backend.Buffer
	size    int64
	holding *holding
	cleanup runtime.Cleanup
	keep    func() // puts inner in the cache; nil of what cannot lie there

	clearing sync.Mutex
	dirty    atomic.Bool  // somebody else's numbers are in it
	users    atomic.Int32 // runs and copies under way
	freed    atomic.Bool
}

// Len is the size in bytes.
func (b *buffer) Len() int64 { return b.size }

// Upload copies src into the buffer.
func (b *buffer) Upload(offset int64, src []byte) error {
	return b.copy("upload", offset, len(src), func() error { return b.inner.Upload(offset, src) })
}

// Download copies from the buffer into dst.
func (b *buffer) Download(offset int64, dst []byte) error {
	return b.copy("download", offset, len(dst), func() error { return b.inner.Download(offset, dst) })
}

func (b *buffer) copy(what string, offset int64, n int, move func() error) error {
	if !b.acquire() {
		return fmt.Errorf("%s: the buffer was freed", what)
	}
	defer b.users.Add(-1)
	if offset < 0 || int64(n) > b.size || offset > b.size-int64(n) {
		return fmt.Errorf("%s of %d bytes at offset %d does not fit a buffer of %d bytes", what, n, offset, b.size)
	}
	if b.dirty.Load() {
		if what == "upload" && int64(n) == b.size {
			return b.overwrite(move)
		}
		if err := b.clear(); err != nil {
			return err
		}
	}
	return move()
}

// overwrite fills all of a buffer, so that nothing needs to be cleared.
func (b *buffer) overwrite(move func() error) error {
	b.clearing.Lock()
	defer b.clearing.Unlock()
	err := move()
	if err == nil {
		b.dirty.Store(false)
	}
	return err
}

// zeros is what buffers are cleared with, a part after the other.
var zeros [256 << 10]byte

// clear fills a buffer with zeros, unless that was done.
func (b *buffer) clear() error {
	b.clearing.Lock()
	defer b.clearing.Unlock()
	if !b.dirty.Load() {
		return nil
	}
	for at := int64(0); at < b.size; at += int64(len(zeros)) {
		if err := b.inner.Upload(at, zeros[:min(int64(len(zeros)), b.size-at)]); err != nil {
			return err
		}
	}
	b.dirty.Store(false)
	return nil
}

// acquire keeps the buffer out of the cache until users is counted down. It
// fails once it is freed.
func (b *buffer) acquire() bool {
	b.users.Add(1)
	if b.freed.Load() {
		b.users.Add(-1)
		return false
	}
	return true
}

// Free gives the memory back: to the cache, or to the device where a run still
// uses it. Freeing twice does no harm.
func (b *buffer) Free() {
	if b.freed.Swap(true) {
		return
	}
	b.cleanup.Stop()
	idle := b.users.Load() == 0 && b.keep != nil
	b.pool.mu.Lock()
	b.pool.give(b.holding)
	if idle {
		b.keep()
	}
	b.pool.mu.Unlock()
	if !idle {
		b.inner.Free()
	}
}
