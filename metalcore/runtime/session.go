package runtime

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/train"
)

// Session is what one notebook keeps in the core.
type Session struct {
	name    string
	core    *Core
	clients atomic.Int32

	mu       sync.Mutex
	trainers map[string]*Trainer
	data     map[string]*upload
	tensors  map[string]feed.Array
	kernels  map[string]bool
}

// upload is a user's data, with the parts that were split off it.
type upload struct {
	hash  string
	set   *feed.Set
	parts map[Ref]*feed.Set
}

// Name is the notebook's path.
func (s *Session) Name() string { return s.name }

// Clients is the number of cells connected; Join counts one more, until the
// function it returns is called.
func (s *Session) Clients() int { return int(s.clients.Load()) }

// Join counts a client.
func (s *Session) Join() (leave func()) {
	s.clients.Add(1)
	return func() { s.clients.Add(-1) }
}

// FirstOf reports whether this is the first call for that kernel process: a
// page that shows its cells has not been sent the chart library yet.
func (s *Session) FirstOf(kernel string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := !s.kernels[kernel]
	s.kernels[kernel] = true
	return first
}

func (s *Session) empty() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.trainers) == 0 && len(s.data) == 0 && len(s.tensors) == 0
}

func (s *Session) close() {
	for _, t := range s.Trainers() {
		t.Stop()
		t.Close()
	}
}

// Trainers returns the session's trainers in the order of their names.
func (s *Session) Trainers() []*Trainer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.trainers), func(a, b *Trainer) int { return strings.Compare(a.name, b.name) })
}

// Trainer returns the trainer of that name.
func (s *Session) Trainer(name string) (*Trainer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trainer(name)
}

func (s *Session) trainer(name string) (*Trainer, error) {
	if t := s.trainers[name]; t != nil {
		return t, nil
	}
	return nil, errorf(Unknown, known("the trainers of this notebook are", s.trainers, "declare one with nb.NewTrainer"),
		"there is no trainer %q", name)
}

// known lists the names that there are, or what to do when there are none.
func known[T any](what string, m map[string]T, none string) string {
	if len(m) == 0 {
		return none
	}
	return what + " " + strings.Join(slices.Sorted(maps.Keys(m)), ", ")
}

// Declare makes the trainer when there is none of that name, attaches to one
// of the same specification, and applies what may change live. Another one is
// refused, unless replace is set. The outcome is "created", "attached",
// "changed" or "replaced".
func (s *Session) Declare(spec train.Spec, replace bool) (string, *Trainer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.trainers[spec.Name]
	if old == nil {
		t, err := s.create(spec)
		return "created", t, err
	}
	changes := train.Diff(old.Spec(), spec)
	switch {
	case len(changes) == 0:
		return "attached", old, nil
	case changes[0].Live:
		return "changed", old, old.redeclare(spec)
	case !replace:
		return "", nil, errorf(Changed,
			"give the new one another name, or set Replace: true in its nb.Config to put it in the place of the old one, whose training is then gone",
			"trainer %q is there already, with a different %s: %s", spec.Name, changes[0].Field, changes[0].Detail)
	case old.Running():
		return "", nil, old.busy("be replaced")
	}
	t, err := s.create(spec)
	if err != nil {
		return "", nil, err
	}
	old.Close()
	return "replaced", t, nil
}

func (s *Session) create(spec train.Spec) (*Trainer, error) {
	inner, err := train.New(s.core.dev, spec)
	if err != nil {
		return nil, classify(err)
	}
	t := &Trainer{Trainer: inner, name: spec.Name, spec: spec, session: s}
	s.trainers[spec.Name] = t
	return t, nil
}

// Drop removes a trainer.
func (s *Session) Drop(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.trainer(name)
	if err != nil {
		return err
	}
	if t.Running() {
		return t.busy("be dropped")
	}
	delete(s.trainers, name)
	t.Close()
	return nil
}

// HasData reports whether data of that name and content is there.
func (s *Session) HasData(name, hash string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.data[name]
	return u != nil && u.hash == hash
}

// PutData keeps a user's data; data of that name that differs is let go once
// no trainer uses it.
func (s *Session) PutData(name, hash string, x, y feed.Array, classes []string) error {
	set, err := feed.NewSet(name, x, y, classes)
	if err != nil {
		return wrap(BadData, "", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data[name] = &upload{hash: hash, set: set, parts: map[Ref]*feed.Set{}}
	return nil
}

// Data returns the data that a reference names.
func (s *Session) Data(ref Ref) (*feed.Set, error) {
	if !ref.User {
		return s.core.builtinSet(ref)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.data[ref.Source]
	if u == nil {
		return nil, errorf(Unknown, known("the data of this notebook are", s.data, "make some with nb.Data"), "there is no data %q", ref.Source)
	}
	return part(u.parts, ref, u.set)
}

// DataNames lists the user's data.
func (s *Session) DataNames() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.data))
}

// classify gives an error of training its code.
func classify(err error) error {
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	if _, ok := errors.AsType[*train.DivergedError](err); ok {
		return wrap(Diverged, "", err)
	}
	if _, ok := errors.AsType[*backend.UnsupportedError](err); ok {
		return wrap(BadRequest, "", err)
	}
	if errors.Is(err, train.ErrBusy) {
		return wrap(Busy, "wait for it with t.Wait(), or end it with t.Stop()", err)
	}
	return wrap(BadRequest, "", err)
}
