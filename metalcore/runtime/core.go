package runtime

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/feed"
)

// Core is the root of all state: a device and the sessions that use it.
type Core struct {
	dev backend.Device

	mu       sync.Mutex
	sessions map[string]*Session
	builtin  map[Ref]*feed.Set // parts of built-in sets, shared by all sessions
}

// New makes a core on a device, which it closes at its end.
func New(dev backend.Device) *Core {
	return &Core{dev: dev, sessions: map[string]*Session{}, builtin: map[Ref]*feed.Set{}}
}

// Device is the device that everything runs on.
func (c *Core) Device() backend.Device { return c.dev }

// Session returns the session of that name, making it if there is none.
func (c *Core) Session(name string) *Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.sessions[name]
	if s == nil {
		s = &Session{name: name, core: c, trainers: map[string]*Trainer{}, data: map[string]*upload{},
			tensors: map[string]feed.Array{}, kernels: map[string]bool{}}
		c.sessions[name] = s
	}
	return s
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

// Close stops all training, frees everything and closes the device.
func (c *Core) Close() error {
	c.mu.Lock()
	sessions := slices.Collect(maps.Values(c.sessions))
	c.mu.Unlock()
	for _, s := range sessions {
		s.close()
	}
	return c.dev.Close()
}

// Ref names data, or a part of it that a seeded split draws.
type Ref struct {
	Source string
	User   bool
	Part   string // "train", "test", or "" for all rows
	Share  float64
	Seed   int64
}

// part finds the part of a set in a cache, splitting the set if it must. The
// caller holds the lock of the cache.
func part(cache map[Ref]*feed.Set, ref Ref, whole *feed.Set) (*feed.Set, error) {
	switch ref.Part {
	case "":
		return whole, nil
	case "train", "test":
	default:
		return nil, errorf(BadRequest, `use "train" or "test"`, "a split has no part %q", ref.Part)
	}
	if set := cache[ref]; set != nil {
		return set, nil
	}
	train, test, err := whole.Split(ref.Share, ref.Seed)
	if err != nil {
		return nil, wrap(BadData, "choose another share for the test part", err)
	}
	want := ref.Part
	ref.Part = "train"
	cache[ref] = train
	ref.Part = "test"
	cache[ref] = test
	if want == "train" {
		return train, nil
	}
	return test, nil
}

func (c *Core) builtinSet(ref Ref) (*feed.Set, error) {
	whole, err := feed.Builtin(ref.Source)
	if err != nil {
		return nil, wrap(Unknown, "", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return part(c.builtin, ref, whole)
}
