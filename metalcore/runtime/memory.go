package runtime

import (
	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/pool"
)

// MemoryOptions say how much memory everything on the device may take.
type MemoryOptions struct {
	Limit int64 // bytes; three quarters of the device's memory when 0
	Debug bool  // remember where everything was allocated
	Log   func(format string, args ...any)
}

// Bound sets how much memory the core may take, before it holds anything.
func (c *Core) Bound(opts MemoryOptions) {
	if opts.Log == nil {
		opts.Log = func(string, ...any) {}
	}
	c.limits = opts
	c.memory().Bound(c.poolOptions())
}

func (c *Core) newPool(dev backend.Device) *pool.Pool { return pool.New(dev, c.poolOptions()) }

func (c *Core) poolOptions() pool.Options {
	o := c.limits
	return pool.Options{Limit: o.Limit, Debug: o.Debug, Log: o.Log, Reclaim: c.reclaim, Remedy: c.remedy}
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
