package runtime

import (
	"os"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/pool"
)

// MemoryOptions say how much memory everything on the device may take.
type MemoryOptions struct {
	Limit int64  // bytes; three quarters of the device's memory when 0
	Debug bool   // remember where everything was allocated
	Spool string // directory of rows that do not fit in memory; without one they are an error
	Log   func(format string, args ...any)
}

// Bound sets how much memory the core may take, before it holds anything.
func (c *Core) Bound(opts MemoryOptions) {
	if opts.Log == nil {
		opts.Log = func(string, ...any) {}
	}
	c.limits = opts
	if opts.Spool != "" {
		os.RemoveAll(opts.Spool) // of a core that was killed
		if err := os.MkdirAll(opts.Spool, 0o700); err != nil {
			opts.Log("memory: rows that do not fit have no place: %v", err) // whoever needs it is told
		}
	}
	c.memory().Bound(c.poolOptions())
}

func (c *Core) newPool(dev backend.Device) *pool.Pool { return pool.New(dev, c.poolOptions()) }

func (c *Core) poolOptions() pool.Options {
	o := c.limits
	return pool.Options{Limit: o.Limit, Debug: o.Debug, Log: o.Log, Reclaim: c.reclaim, Remedy: c.remedy, Arrays: c.arrays}
}

// memory is the pool in use.
func (c *Core) memory() *pool.Pool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pool
}

// Trim frees the memory that is kept so that the next computation is quick.
func (c *Core) Trim() {
	c.computed.clear()
	c.memory().Trim()
}

// Holding is what somebody holds of the memory.
type Holding struct {
	pool.Use
	Disk int64 // bytes of rows that did not fit in memory
	Gone bool  // nobody is there any more whose it could be
}

// MemoryUse tells who holds how much.
type MemoryUse struct {
	pool.Usage
	Holdings []Holding // who holds most is first
	Disk     int64
}

// Memory tells who holds how much of the memory. What is of trainers
// that are gone, or of data that no trainer needs, should have been freed.
func (c *Core) Memory() MemoryUse {
	m := MemoryUse{Usage: c.memory().Usage()} // before the owners are looked at: those of what was there are known
	owners, settled := c.owners()
	disk := c.holders().disk
	for _, u := range m.Uses {
		h := Holding{Use: u, Disk: disk[u.Owner]}
		m.Disk += h.Disk
		name, known := owners[u.Owner]
		switch {
		case u.Owner.Kind == computing.Kind || u.Owner.Kind == explaining.Kind:
		case known:
			h.Owner.Name = name
		default:
			h.Gone = settled && u.Bytes > 0
		}
		m.Holdings = append(m.Holdings, h)
	}
	return m
}

// owners are those of trainers and of the data that they need, with their names
// of today. It is not settled while trainers come, go or are in use.
func (c *Core) owners() (owners map[backend.Owner]string, settled bool) {
	owners, settled = map[backend.Owner]string{}, true
	for _, s := range c.Sessions() {
		if !s.declaring.TryLock() {
			settled = false
		} else {
			defer s.declaring.Unlock()
		}
		if !s.waking.TryLock() {
			settled = false
		} else {
			defer s.waking.Unlock()
		}
		for _, t := range s.Trainers() {
			owners[t.owner] = t.Name()
			for _, set := range []*feed.Set{t.Trainer.Spec().Data, t.Trainer.Spec().Valid} {
				if set != nil {
					owners[set.Owner()] = set.Name
				}
			}
			if s.used(t) {
				settled = false
			}
		}
	}
	return owners, settled
}
