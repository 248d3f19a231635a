package runtime

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/pool"
)

// Core is the root of all state: a device and the sessions that use it.
type Core struct {
	journal *Journal // nil without one
	limits  MemoryOptions
	working sync.RWMutex // held for reading while something is computed or made on the device

	computed computations
	made     atomic.Int64 // trainers so far

	mu       sync.Mutex // guards what follows, never for long
	pool     *pool.Pool // of the device
	sessions map[string]*Session
	builtin  parts // of built-in sets, shared by all sessions
}

// New makes a core on a device, which it closes at its end.
func New(dev backend.Device) *Core {
	c := &Core{sessions: map[string]*Session{}}
	c.limits.Log = func(string, ...any) {}
	c.pool = c.newPool(dev)
	return c
}

// Device is the device that everything runs on.
func (c *Core) Device() backend.Device { return c.memory().Device() }

// work returns the device, which stays the same until done is called.
func (c *Core) work() (dev backend.Device, done func()) {
	c.working.RLock()
	return c.Device(), c.working.RUnlock
}

// SetDevice makes everything run on the device that open opens, unless it is of
// the same kind as the one in use. It is refused while a trainer is there, which
// has its weights and data on the old device, and while something is computed.
func (c *Core) SetDevice(kind string, open func() (backend.Device, error)) error {
	if c.Device().Info().Kind == kind {
		return nil
	}
	if !c.working.TryLock() {
		return errorf(Busy, "wait until it has ended", "the device cannot be changed while something is computed")
	}
	defer c.working.Unlock()
	dev, err := open()
	if err != nil {
		return wrap(Unknown, "", err)
	}
	old := c.Device()
	if dev.Info().Kind == old.Info().Kind {
		return dev.Close()
	}
	if names := c.trainerNames(); len(names) > 0 {
		dev.Close()
		left := "and nothing of what this core holds is left"
		if !strings.HasPrefix(c.Journal(), "off") {
			left = "and trainers come back there from the journal; kept tensors, and data that no trainer uses, are lost"
		}
		return errorf(Busy, fmt.Sprintf("drop them with Drop(), or end the core with `metalnb stop --force` and run the cell again: "+
			"a new core then uses %s, %s", dev.Info().Name, left),
			"the core computes on %s, where it keeps the trainers %s", old.Info().Name, strings.Join(names, ", "))
	}
	c.computed.clear()
	c.mu.Lock()
	c.pool = c.newPool(dev)
	c.mu.Unlock()
	return old.Close()
}

// trainerNames are those of all trainers, with their notebooks.
func (c *Core) trainerNames() []string {
	var names []string
	for _, t := range c.Trainers() {
		names = append(names, fmt.Sprintf("%q of %s", t.Name(), t.session.name))
	}
	return names
}

// Limit is the number of bytes that one piece of work may take: an array, a
// model's weights, a computation. Only a part of the machine's memory, because
// some of it is there twice, and others want some too. It is 0 for no limit.
func (c *Core) Limit() int64 { return c.Device().Info().Memory / 4 }

// CheckSize refuses what is larger than the limit.
func (c *Core) CheckSize(what string, bytes int64) error {
	if limit := c.Limit(); limit > 0 && bytes > limit {
		return errorf(Resource, "make it smaller, or do it in parts",
			"%s would take %.3g GB of memory, and this machine's core gives %.3g GB at most to one", what, float64(bytes)/1e9, float64(limit)/1e9)
	}
	return nil
}

// Join returns the session of that name, making it if there is none, and counts
// one client more until leave is called. A session that holds nothing goes with
// its last client.
func (c *Core) Join(name string) (s *Session, leave func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s = c.sessions[name]
	if s == nil {
		s = &Session{name: name, core: c, trainers: map[string]*Trainer{}, asleep: map[string]sleeper{}, data: map[string]*Upload{},
			tensors: map[string]feed.Array{}, kernels: map[string]bool{}}
		c.sessions[name] = s
	}
	s.clients.Add(1)
	return s, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if s.clients.Add(-1) == 0 && s.empty() {
			delete(c.sessions, name)
		}
	}
}

// Sessions returns the sessions that hold something or have a client, in the
// order of their names.
func (c *Core) Sessions() []*Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []*Session
	for _, s := range c.sessions {
		if !s.empty() || s.Clients() > 0 {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b *Session) int { return strings.Compare(a.name, b.name) })
	return out
}

// everySession returns all sessions, in the order of their names.
func (c *Core) everySession() []*Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.SortedFunc(maps.Values(c.sessions), func(a, b *Session) int { return strings.Compare(a.name, b.name) })
}

// Trainers returns all trainers.
func (c *Core) Trainers() []*Trainer {
	var out []*Trainer
	for _, s := range c.Sessions() {
		out = append(out, s.Trainers()...)
	}
	return out
}

// Empty reports whether no session holds anything.
func (c *Core) Empty() bool {
	return !slices.ContainsFunc(c.Sessions(), func(s *Session) bool { return !s.empty() })
}

// WriteDown has on the disk what is not yet, of trainers that do not train.
func (c *Core) WriteDown() {
	for _, t := range c.Trainers() {
		t.writeDown()
	}
}

// Losses names what would be lost, or stopped, if the core ended: what trains,
// and what is not written down.
func (c *Core) Losses() (list []string) {
	for _, s := range c.Sessions() {
		written := map[string]bool{} // data
		for _, t := range s.Trainers() {
			switch i := t.Info(); {
			case t.Running():
				list = append(list, fmt.Sprintf("trainer %q (training, %d steps)", t.Name(), i.Step))
			case !t.kept.safe() || t.keeper.note() != "":
				list = append(list, fmt.Sprintf("trainer %q (%d steps)", t.Name(), i.Step))
			default:
				for _, u := range t.data() {
					written[u.set.Name] = true
				}
			}
		}
		for _, name := range append(s.DataNames(), s.Tensors()...) {
			if !written[name] {
				list = append(list, fmt.Sprintf("%q", name))
			}
		}
	}
	return list
}

// Close stops all training, writes it down, frees everything and closes the
// device.
func (c *Core) Close() error {
	for _, s := range c.everySession() {
		s.close()
	}
	c.journal.close()
	c.computed.clear()
	return c.Device().Close()
}
