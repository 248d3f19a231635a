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
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/train"
)

// Session is what one notebook keeps in the core.
type Session struct {
	name    string
	core    *Core
	clients atomic.Int32

	declaring sync.Mutex // one declaration at a time; they may take long

	mu       sync.Mutex // guards what follows, never for long
	trainers map[string]*Trainer
	data     map[string]*upload
	tensors  map[string]feed.Array
	kernels  map[string]bool
}

// upload is a user's data, with the parts that were split off it.
type upload struct {
	hash  string
	set   *feed.Set
	parts parts
}

// Name is the notebook's path.
func (s *Session) Name() string { return s.name }

// Clients is the number of cells connected.
func (s *Session) Clients() int { return int(s.clients.Load()) }

// mostKernels is how many kernel processes a session remembers.
const mostKernels = 64

// Served reports whether the page that shows that kernel process's cells has
// been sent the chart library; SetServed notes that it has.
func (s *Session) Served(kernel string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kernels[kernel]
}

// SetServed notes that the page of that kernel process has the chart library.
func (s *Session) SetServed(kernel string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.kernels) >= mostKernels {
		clear(s.kernels) // having it twice does no harm
	}
	s.kernels[kernel] = true
}

func (s *Session) empty() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.trainers) == 0 && len(s.data) == 0 && len(s.tensors) == 0
}

func (s *Session) close() {
	for _, t := range s.Trainers() {
		t.end()
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
	s.declaring.Lock()
	defer s.declaring.Unlock()
	_, done := s.core.work() // until the trainer is known
	defer done()
	old, _ := s.Trainer(spec.Name)
	if old == nil {
		t, err := s.create(spec)
		if err == nil {
			s.put(t)
		}
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
	if err := old.retire("be replaced"); err != nil { // it began to train meanwhile
		t.Close()
		return "", nil, err
	}
	s.put(t)
	old.Close()
	return "replaced", t, nil
}

func (s *Session) create(spec train.Spec) (*Trainer, error) {
	var weights int64
	for _, v := range spec.Model.Leaves(ir.OpState) {
		weights += v.Bytes()
	}
	if err := s.core.CheckSize("the weights of this model", weights); err != nil {
		return nil, err
	}
	inner, err := train.New(s.core.Device(), spec)
	if err != nil {
		return nil, classify(err)
	}
	return &Trainer{Trainer: inner, name: spec.Name, spec: spec, session: s}, nil
}

func (s *Session) put(t *Trainer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trainers[t.name] = t
}

// Drop removes a trainer.
func (s *Session) Drop(name string) error {
	s.declaring.Lock()
	defer s.declaring.Unlock()
	_, done := s.core.work() // until its memory is free
	defer done()
	t, err := s.Trainer(name)
	if err == nil {
		err = t.retire("be dropped")
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	delete(s.trainers, name)
	s.mu.Unlock()
	return t.Close()
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
	return s.PutWeighted(name, hash, x, y, feed.Array{}, classes)
}

// PutWeighted is PutData with what each row counts, numbers [N].
func (s *Session) PutWeighted(name, hash string, x, y, weights feed.Array, classes []string) error {
	set, err := feed.NewSet(name, x, y, classes)
	if err == nil {
		if set.W = weights; weights.DType.Valid() && weights.Check() == nil {
			set.W = weights.Cast(ir.F32)
		}
		err = set.Check()
	}
	if err != nil {
		return wrap(BadData, "", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data[name] = &upload{hash: hash, set: set}
	return nil
}

// Data returns the data that a reference names.
func (s *Session) Data(ref Ref) (*feed.Set, error) {
	if !ref.User {
		return s.core.builtinSet(ref)
	}
	u, err := s.upload(ref.Source)
	if err != nil {
		return nil, err
	}
	return u.parts.part(ref, u.set)
}

func (s *Session) upload(name string) (*upload, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.data[name]; u != nil {
		return u, nil
	}
	return nil, errorf(Unknown, known("the data of this notebook are", s.data, "make some with nb.Data"), "there is no data %q", name)
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
	if errors.Is(err, train.ErrClosed) {
		return wrap(Unknown, "it was dropped or replaced: declare it with nb.NewTrainer", err)
	}
	if errors.Is(err, train.ErrBusy) {
		return wrap(Busy, "wait for it with t.Wait(), or end it with t.Stop()", err)
	}
	return wrap(BadRequest, "", err)
}
