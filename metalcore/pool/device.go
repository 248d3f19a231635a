package pool

import (
	"runtime"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// device is the pool's device for one owner. Two of the same are equal.
type device struct {
	pool  *Pool
	owner backend.Owner
}

// unified is one that works on the host's memory.
type unified struct{ device }

// Info describes the device; its memory is what the limit leaves of it.
func (d device) Info() backend.Info {
	i := d.pool.inner.Info()
	if limit := d.pool.Limit; limit > 0 && (i.Memory == 0 || limit < i.Memory) {
		i.Memory = limit
	}
	return i
}

// Queue is that of the device, whoever computes on it.
func (d device) Queue() *backend.Queue { return d.pool.queue }

// For is the device for another owner.
func (d device) For(o backend.Owner) backend.Device { return d.pool.device(o) }

// LiveBytes is the memory held by buffers and executables that are not freed.
func (d device) LiveBytes() int64 {
	d.pool.mu.Lock()
	defer d.pool.mu.Unlock()
	return d.pool.live
}

// Close empties the cache and closes the device.
func (d device) Close() error {
	d.pool.Trim()
	return d.pool.inner.Close()
}

// Alloc returns a buffer that reads as zeros. One that was used before is cleared
// when somebody looks at it, so that one that is filled at once is written once.
func (d device) Alloc(bytes int64) (backend.Buffer, error) {
	if bytes < 0 {
		return d.pool.inner.Alloc(bytes) // says what is wrong
	}
	inner, have, used, err := d.pool.alloc(bytes, d.owner)
	if err != nil {
		return nil, err
	}
	b := d.buffer(inner, bytes, have)
	b.dirty.Store(used)
	b.keep = func() { d.pool.cache.Put(have, inner) }
	return b, nil
}

// Wrap returns a buffer that is the host's memory.
func (d unified) Wrap(data []byte) (backend.Buffer, error) {
	bytes := int64(len(data))
	d.pool.wrap(data, 1)
	err := d.pool.reserve(bytes, d.owner)
	if err != nil {
		d.pool.wrap(data, -1)
		return nil, err
	}
	inner, err := d.pool.inner.(backend.Unified).Wrap(data)
	if err != nil {
		d.pool.wrap(data, -1)
		d.pool.cancel(bytes, d.owner)
		return nil, err
	}
	b := d.buffer(inner, bytes, bytes)
	b.holding.host = data
	return b, nil
}

func (p *Pool) wrap(data []byte, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wrapped.add(data, n)
}

func (d device) buffer(inner backend.Buffer, bytes, have int64) *buffer {
	h := &holding{owner: d.owner, bytes: have, free: inner.Free}
	d.pool.hold(h)
	b := &buffer{pool: d.pool, inner: inner, size: bytes, holding: h}
	b.cleanup = runtime.AddCleanup(b, d.pool.lose, h)
	return b
}

// Compile prepares a program, whose arena goes on the owner's account.
func (d device) Compile(p *plan.Program) (backend.Executable, error) {
	if err := d.pool.reserve(p.Arena, d.owner); err != nil {
		return nil, err
	}
	inner, err := d.pool.inner.Compile(p)
	if err != nil && d.pool.Trim() > 0 { // the device may have less than was thought
		inner, err = d.pool.inner.Compile(p)
	}
	if err != nil {
		d.pool.cancel(p.Arena, d.owner)
		return nil, err
	}
	h := &holding{owner: d.owner, bytes: inner.Bytes(), program: true, free: inner.Free}
	d.pool.mu.Lock()
	d.pool.use(h.bytes-p.Arena, d.owner)
	d.pool.mu.Unlock()
	d.pool.hold(h)
	e := &executable{pool: d.pool, inner: inner, program: p, holding: h}
	e.cleanup = runtime.AddCleanup(e, d.pool.lose, h)
	if t, ok := inner.(backend.Timed); ok {
		return &timed{e, t}, nil
	}
	return e, nil
}
