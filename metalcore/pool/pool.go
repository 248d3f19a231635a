// Package pool gives buffers of a device out and takes them back. What comes back
// is kept in a Cache, because a device takes long to make a buffer. It keeps
// accounts of who holds how much, which add up to what the device has given, and
// it keeps all together below a limit: first the cache goes, then whoever wants
// memory has others give some up, and last he is refused, with the names of those
// that hold most.
//
// The way of a step does not lead through here: a run looks at its buffers once
// when it begins, however many steps it takes.
package pool

import (
	"maps"
	"os"
	"sync"
	"time"

	"github.com/metalnb/metalnb/metalcore/backend"
)

// Options are the settings of a pool.
type Options struct {
	Limit int64 // bytes that buffers and programs may take, with the cache; 0 for three quarters of the device's memory
	Cache Caps  // of the cache; an eighth of the limit and 1024 buffers where it says nothing
	Debug bool  // remember where everything was allocated
	// Reclaim is asked to have somebody free memory, for the owner who needs so
	// many bytes. It reports whether anything was freed. It may be called from
	// several goroutines.
	Reclaim func(need int64, by backend.Owner) bool
	Remedy  func(*LimitError) string // what to do, for people
	// Arrays tells what owners hold of the host's memory. It counts as theirs, and
	// below the limit where that is the device's, too. Arrays that buffers wrap,
	// which skip knows by their first byte, are the device's already.
	Arrays func(skip func(*byte) bool) map[backend.Owner]int64
	Log    func(format string, args ...any)
}

// Pool is the memory of a device.
type Pool struct {
	Options
	inner   backend.Device
	queue   *backend.Queue
	unified bool

	mu       sync.Mutex // guards what follows, never while the device allocates
	cache    *Cache[backend.Buffer]
	accounts map[backend.Owner]*account
	wrapped  wrapped
	live     int64 // bytes in use
	peak     int64 // the most that ever were
	hits     int64
	misses   int64
	lost     lost
	host     int64     // of the host's arrays, when they were counted
	counted  time.Time // which was then
}

// share is the part of a device's memory that is the limit unless it is set: 3/4.
const share = 0.75

// New makes a pool of a device's memory.
func New(dev backend.Device, opts Options) *Pool {
	p := &Pool{inner: dev, queue: backend.QueueOf(dev), unified: dev.Info().Unified, accounts: map[backend.Owner]*account{}, wrapped: wrapped{}}
	p.Bound(opts)
	return p
}

// Bound changes the settings, before anything is allocated.
func (p *Pool) Bound(opts Options) {
	if opts.Limit <= 0 {
		opts.Limit = int64(share * float64(p.inner.Info().Memory))
	}
	if opts.Cache.Bytes == 0 {
		opts.Cache.Bytes = opts.Limit / 8
	}
	if opts.Cache.Count == 0 {
		opts.Cache.Count = 1024
	}
	if opts.Cache.Rest == 0 {
		opts.Cache.Rest = 1024
	}
	if opts.Log == nil {
		opts.Log = func(string, ...any) {}
	}
	p.Options, p.cache = opts, NewCache(opts.Cache, int64(os.Getpagesize()), backend.Buffer.Free)
}

// Device is the device that the pool is of, with its memory. What is made there
// is nobody's; its For names owners.
func (p *Pool) Device() backend.Device { return p.device(backend.Owner{}) }

func (p *Pool) device(o backend.Owner) backend.Device {
	d := device{p, o}
	if _, ok := p.inner.(backend.Unified); ok {
		return unified{d}
	}
	return d
}

// Trim frees all buffers that nobody uses.
func (p *Pool) Trim() (freed int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cache.Shrink(0)
}

// What others are about to free, who were asked for it or have ended, is waited
// for so often, and so long.
const (
	waits = 20
	wait  = 10 * time.Millisecond
)

// reserve adds bytes to what is in use, and to the owner's account, if that is
// possible below the limit.
func (p *Pool) reserve(bytes int64, o backend.Owner) error {
	for waited := 0; !p.fits(bytes, o); {
		switch {
		case bytes > p.Limit || p.Reclaim == nil:
			return p.refuse(bytes)
		case p.Reclaim(bytes, o):
			waited = 0
		case waited == waits:
			return p.refuse(bytes)
		default:
			waited++
			time.Sleep(wait)
		}
	}
	return nil
}

// Want is an error when there is no room for an array of the host, where that
// counts. Others give memory up for it first.
func (p *Pool) Want(bytes int64, o backend.Owner) error {
	if !p.unified {
		return nil
	}
	p.recount()
	if err := p.reserve(bytes, o); err != nil {
		return err
	}
	p.cancel(bytes, o)
	p.recount() // the array comes
	return nil
}

// Unified reports whether arrays of the host count below the limit.
func (p *Pool) Unified() bool { return p.unified }

// arrays tells what owners hold of the host's memory, and how much that is in all.
func (p *Pool) arrays() (by map[backend.Owner]int64, sum int64) {
	if p.Arrays == nil {
		return nil, 0
	}
	p.mu.Lock()
	wrapped := maps.Clone(p.wrapped)
	p.mu.Unlock()
	by = p.Arrays(func(first *byte) bool { return wrapped[first] > 0 })
	for _, bytes := range by {
		sum += bytes
	}
	return by, sum
}

// fresh is how long a count of the host's arrays is good enough to tell that much
// less than the limit is in use: whoever makes many buffers has them counted once.
const fresh = 100 * time.Millisecond

// hosted is what arrays of the host take, for who wants so many bytes.
func (p *Pool) hosted(bytes int64) int64 {
	p.mu.Lock()
	host, known := p.host, time.Since(p.counted) < fresh && p.live+p.host+bytes < p.Limit/2
	p.mu.Unlock()
	if known {
		return host
	}
	now := time.Now()
	_, host = p.arrays()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.host, p.counted = host, now
	return host
}

// recount has the arrays counted for the next who wants memory.
func (p *Pool) recount() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counted = time.Time{}
}

func (p *Pool) fits(bytes int64, o backend.Owner) bool {
	room := p.Limit
	if p.Limit > 0 && p.unified {
		room -= p.hosted(bytes)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if room -= p.live; p.Limit > 0 {
		if bytes > room {
			return false
		}
		p.cache.Shrink(room - bytes)
	}
	p.use(bytes, o)
	return true
}

// use counts bytes more, or fewer.
func (p *Pool) use(bytes int64, o backend.Owner) *account {
	p.live += bytes
	p.peak = max(p.peak, p.live)
	a := p.accounts[o]
	if a == nil {
		a = &account{held: map[*holding]bool{}}
		p.accounts[o] = a
	}
	a.bytes += bytes
	return a
}

// cancel takes a reservation back.
func (p *Pool) cancel(bytes int64, o backend.Owner) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.use(-bytes, o)
	p.settle(o)
}

// alloc finds a buffer of that size in the cache, or has the device make one. It
// tells how large the buffer is, and whether something was in it.
func (p *Pool) alloc(bytes int64, o backend.Owner) (buf backend.Buffer, have int64, used bool, err error) {
	p.mu.Lock()
	if buf, have, ok := p.cache.Take(bytes); ok {
		p.hits++
		p.use(have, o)
		p.mu.Unlock()
		return buf, have, true, nil
	}
	p.misses++
	p.mu.Unlock()
	if err := p.reserve(bytes, o); err != nil {
		return nil, 0, false, err
	}
	buf, err = p.inner.Alloc(bytes)
	if err != nil && p.Trim() > 0 { // the device may have less than was thought
		buf, err = p.inner.Alloc(bytes)
	}
	if err != nil {
		p.cancel(bytes, o)
	}
	return buf, bytes, false, err
}
