package runtime

import (
	"maps"
	"slices"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/train"
)

// Arrays of the host are data, kept tensors, the states that trainers go back to, and
// checkpoints that wait for the disk. Nobody keeps books of them: they are counted where they are, each once,
// whenever somebody wants to know, so that the sums cannot be wrong.

// holders are what owners hold of the host's memory and of the disk.
type holders struct {
	skip func(*byte) bool // arrays that are counted elsewhere
	seen map[any]bool
	host map[backend.Owner]int64
	disk map[backend.Owner]int64
}

// arrays is what owners hold of the host's memory.
func (c *Core) arrays(skip func(*byte) bool) map[backend.Owner]int64 {
	return c.count(&holders{skip: skip}).host
}

// holders is what owners hold, with what buffers wrap.
func (c *Core) holders() *holders {
	return c.count(&holders{skip: func(*byte) bool { return false }})
}

func (c *Core) count(h *holders) *holders {
	h.seen, h.host, h.disk = map[any]bool{}, map[backend.Owner]int64{}, map[backend.Owner]int64{}
	h.splits(&c.builtin)
	for _, s := range c.everySession() {
		s.count(h)
	}
	return h
}

func (s *Session) count(h *holders) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(s.data)) {
		h.set(s.data[name].set)
		h.splits(&s.data[name].parts)
	}
	for _, name := range slices.Sorted(maps.Keys(s.tensors)) {
		h.array(backend.Owner{Kind: "tensor", Session: s.name, Name: name}, s.tensors[name])
	}
	for _, t := range s.trainers {
		spec := t.Spec()
		h.set(spec.Data)
		h.set(spec.Valid)
		for _, u := range t.data() { // also when the session has others of that name
			h.set(u.set)
			h.splits(&u.parts)
		}
		h.snapshot(t.owner, t.kept.snapshot())
		for _, was := range t.keeper.waiting() {
			h.snapshot(t.owner, was)
		}
	}
}

func (h *holders) splits(p *parts) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.splits {
		h.set(s.whole)
		h.set(s.train)
		h.set(s.test)
	}
}

func (h *holders) set(s *feed.Set) {
	if s == nil {
		return
	}
	for _, a := range []feed.Array{s.X, s.Y, s.W} {
		h.array(s.Owner(), a)
	}
	if d := s.OnDisk(); d != nil && d.OnDisk() > 0 && !h.seen[d] {
		h.seen[d] = true
		h.disk[s.Owner()] += d.OnDisk()
	}
}

func (h *holders) snapshot(o backend.Owner, was *train.Snapshot) {
	if was == nil {
		return
	}
	for _, p := range was.States {
		h.array(o, p.Value)
	}
}

func (h *holders) array(o backend.Owner, a feed.Array) {
	if len(a.Data) == 0 {
		return
	}
	first := &a.Data[0]
	if h.seen[first] || h.skip(first) {
		return
	}
	h.seen[first] = true
	h.host[o] += int64(len(a.Data))
}

// shed has arrays go that can be had again: splits of data that no trainer uses, and
// states to go back to that are on the disk, too.
func (c *Core) shed() (any bool) {
	used := map[*feed.Set]bool{}
	for _, t := range c.Trainers() {
		spec := t.Spec()
		used[spec.Data], used[spec.Valid] = true, true
		any = t.shed() || any
	}
	all := []*parts{&c.builtin}
	for _, s := range c.everySession() {
		s.mu.Lock()
		for _, u := range s.data {
			all = append(all, &u.parts)
		}
		s.mu.Unlock()
	}
	for _, p := range all {
		p.mu.Lock()
		before := len(p.splits)
		p.splits = slices.DeleteFunc(p.splits, func(s split) bool { return !used[s.train] && !used[s.test] })
		any = any || len(p.splits) < before
		p.mu.Unlock()
	}
	return any
}

// shed forgets the state to go back to of a trainer that does not train, if the file
// has it. The next training begins with one of its own.
func (t *Trainer) shed() bool {
	if !t.change.TryLock() {
		return false
	}
	defer t.change.Unlock()
	if t.Running() {
		return false
	}
	k := &t.kept
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.last == nil || k.moved || k.path == "" || k.failed != "" {
		return false
	}
	k.last = nil
	return true
}
