package runtime

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/pool"
	"github.com/metalnb/metalnb/metalcore/train"
)

// When memory is wanted and there is none left, the trainer that nobody has used
// for longest goes to sleep: the journal writes it down, and all that it has on
// the device is freed. Whoever asks for it next wakes it, like one that a core
// before left behind, and it is what it was, bit for bit.

// sleeper is what of a sleeping trainer is not on the disk.
type sleeper struct {
	since time.Time
	run   *Run // its last training
}

// Use returns the trainer of that name, out of the journal if need be. It stays
// awake until release is called.
func (s *Session) Use(name string) (t *Trainer, release func(), err error) {
	if t, err = s.reach(name); t == nil && err == nil {
		err = s.unknown(name)
	}
	return t, func() { s.unpin(t) }, err
}

// reach finds or wakes a trainer and keeps it awake. It returns nil without an
// error when there is none of that name.
func (s *Session) reach(name string) (t *Trainer, err error) {
	for {
		if t = s.find(name); t == nil {
			t, err = s.wake(name)
		}
		if t == nil || err != nil || s.pin(t) {
			return t, err
		}
	}
}

// pin keeps a trainer awake, unless it sleeps already.
func (s *Session) pin(t *Trainer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.slept {
		return false
	}
	t.uses++
	return true
}

func (s *Session) unpin(t *Trainer) {
	if t == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t.uses--
	t.used = time.Now()
}

// reclaim has something go that can be had again, for the owner who needs so many
// bytes: what is kept of computations, else of a trainer's evaluations and
// predictions, else arrays of the host, or else a trainer.
func (c *Core) reclaim(need int64, by backend.Owner) bool {
	if c.computed.clear() > 0 {
		return true
	}
	idle := c.idle()
	if slices.ContainsFunc(idle, func(t *Trainer) bool { return t.owner != by && t.Trim() > 0 }) {
		return true
	}
	if c.memory().Unified() && c.shed() {
		return true
	}
	for _, t := range idle {
		if t.owner == by {
			continue
		}
		before := c.memory().Of(t.owner).Bytes
		if t.sleep() {
			c.limits.Log("memory: trainer %q of %s sleeps: its %s are wanted by %v, which needs %s", t.Name(), t.session.name,
				pool.Size(before), by, pool.Size(need))
			return true
		}
	}
	return false
}

// admit finds room for an array of the host.
func (c *Core) admit(bytes int64, o backend.Owner) error {
	if err := c.memory().Want(bytes, o); err != nil {
		return classify(err)
	}
	return nil
}

// idle are the trainers that nobody uses, the one used last is last.
func (c *Core) idle() (list []*Trainer) {
	used := map[*Trainer]time.Time{}
	for _, s := range c.Sessions() {
		trainers := s.Trainers()
		s.mu.Lock()
		for _, t := range trainers {
			if t.uses == 0 {
				used[t] = t.used
				list = append(list, t)
			}
		}
		s.mu.Unlock()
	}
	slices.SortFunc(list, func(a, b *Trainer) int { return used[a].Compare(used[b]) })
	return list
}

// sleep writes a trainer down and frees its memory. It returns false for one that
// is busy, or cannot be written down.
func (t *Trainer) sleep() bool {
	s, j := t.session, t.session.core.journal
	if j.off() || !t.kept.safe() || !t.change.TryLock() {
		return false
	}
	defer t.change.Unlock()
	if t.Running() || t.Trainer.Info().State == train.Failed || s.used(t) {
		return false
	}
	if !s.files.TryRLock() { // a renaming waits, perhaps for who wants the memory
		return false
	}
	defer s.files.RUnlock()
	if j.finish(t); len(t.keeper.waiting()) > 0 || !t.lieDown() {
		return false
	}
	t.Close()
	return true
}

func (s *Session) used(t *Trainer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return t.uses > 0
}

// lieDown takes a trainer that is written down out of its session, unless
// somebody uses it.
func (t *Trainer) lieDown() bool {
	s := t.session
	s.mu.Lock()
	defer s.mu.Unlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	name := t.decl.Name
	if t.uses > 0 || t.retired || s.trainers[name] != t || !t.kept.written() {
		return false
	}
	delete(s.trainers, name)
	t.retired, t.slept = true, true
	s.asleep[name] = sleeper{time.Now(), t.run}
	return true
}

// written reports whether the file holds what the trainer is, and has no more
// written.
func (k *kept) written() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.moved || k.path == "" || k.failed != "" {
		return false
	}
	k.path = ""
	return true
}

// awake tells how a trainer that slept is back, nothing of one that did not.
func (s *Session) awake(t *Trainer) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	was, ok := s.asleep[t.Name()]
	if !ok {
		return ""
	}
	delete(s.asleep, t.Name())
	t.run = was.run
	return fmt.Sprintf("it slept since %s, because memory was wanted, and woke after step %d; nothing was lost", clock(was.since), t.Trainer.Info().Step)
}

// Asleep lists the trainers that are on the disk, for want of memory.
func (s *Session) Asleep() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for name := range s.asleep {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// droppable reports whether somebody's arrays are data or a tensor that can be
// dropped by their name.
func (c *Core) droppable(o backend.Owner) bool {
	for _, s := range c.everySession() {
		if s.name == o.Session && (o.Kind == "data" && slices.Contains(s.DataNames(), o.Name) || o.Kind == "tensor" && slices.Contains(s.Tensors(), o.Name)) {
			return true
		}
	}
	return false
}

// remedy tells who wants memory how to get some.
func (c *Core) remedy(full *pool.LimitError) string {
	var drop, arrays []string
	busy := false
	for _, u := range full.Uses {
		if u.Host > 0 && len(arrays) < 3 && c.droppable(u.Owner) {
			arrays = append(arrays, fmt.Sprintf("%q", u.Owner.Name))
		}
		if u.Owner.Kind != "trainer" || len(drop) == 3 {
			continue
		}
		for _, t := range c.Trainers() {
			if t.owner == u.Owner {
				drop = append(drop, fmt.Sprintf("%q", t.Name()))
				busy = busy || t.Running()
			}
		}
	}
	s := "take a smaller batch"
	if len(drop) > 0 {
		s = "drop a trainer with t.Drop(): the largest are " + strings.Join(drop, ", ") + "; " + s
	}
	if len(arrays) > 0 {
		s = "drop data or a kept tensor that no trainer needs with nb.Drop(name): the largest are " + strings.Join(arrays, ", ") + "; " + s
	}
	if busy {
		s = "stop one that trains with t.Stop(), so that it can be put on the disk; " + s
	}
	if c.journal.off() {
		s += "; let the core put idle trainers on the disk, which the journal does that is off"
	}
	return s + "; or give the core more than " + pool.Size(full.Limit) + ": end it with `metalnb stop`, and set METALNB_MEMORY, like METALNB_MEMORY=8GB"
}
