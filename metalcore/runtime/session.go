package runtime

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/checkpoint"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/pool"
	"github.com/metalnb/metalnb/metalcore/train"
)

// Session is what one notebook keeps in the core.
type Session struct {
	name    string
	core    *Core
	clients atomic.Int32

	declaring sync.Mutex   // one declaration at a time; they may take long
	waking    sync.Mutex   // one restoration at a time
	files     sync.RWMutex // of checkpoints; held for reading while one is written or read

	mu       sync.Mutex // guards what follows, never for long
	trainers map[string]*Trainer
	asleep   map[string]sleeper // trainers that are on the disk, for want of memory
	data     map[string]*Upload
	tensors  map[string]feed.Array
	kernels  map[string]bool
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
	return len(s.trainers) == 0 && len(s.asleep) == 0 && len(s.data) == 0 && len(s.tensors) == 0
}

// close ends all trainers and writes them down.
func (s *Session) close() {
	for _, t := range s.Trainers() {
		t.end()
	}
}

// Trainers returns the session's trainers in the order of their names.
func (s *Session) Trainers() []*Trainer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.trainers), func(a, b *Trainer) int { return strings.Compare(a.Name(), b.Name()) })
}

// Trainer returns the trainer of that name, out of the journal if need be.
func (s *Session) Trainer(name string) (*Trainer, error) {
	if t := s.find(name); t != nil {
		return t, nil
	}
	if t, err := s.wake(name); t != nil || err != nil {
		return t, err
	}
	return nil, s.unknown(name)
}

// unknown is the error of a name that no trainer has.
func (s *Session) unknown(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errorf(Unknown, known("the trainers of this notebook are", s.trainers, "declare one with nb.NewTrainer"),
		"there is no trainer %q", name)
}

// find returns the trainer of that name that is awake, nil without one.
func (s *Session) find(name string) *Trainer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trainers[name]
}

// known lists the names that there are, or what to do when there are none.
func known[T any](what string, m map[string]T, none string) string {
	if len(m) == 0 {
		return none
	}
	return what + " " + strings.Join(slices.Sorted(maps.Keys(m)), ", ")
}

// Declaration is a trainer's specification, and what it can be made of again
// when the core has died.
type Declaration struct {
	train.Spec
	Keep Keep      // checkpoints
	Text string    // that JournalOptions.Declaration reads; a trainer without one is not written down
	Data []*Upload // that it is made of
}

// Declare makes the trainer when there is none of that name, attaches to one
// of the same specification, and applies what may change live. Another one is
// refused, unless replace is set. The outcome is "created", "attached",
// "changed" or "replaced".
func (s *Session) Declare(d Declaration, replace bool) (string, *Trainer, error) {
	if err := checkTrainerName(d.Name); err != nil {
		return "", nil, err
	}
	s.declaring.Lock()
	defer s.declaring.Unlock()
	_, done := s.core.work() // until the trainer is known
	defer done()
	old, err := s.reach(d.Name)
	lost := "" // what is wrong with its journal
	if errors.Is(err, checkpoint.ErrDamaged) || err != nil && replace {
		lost = err.Error()
	} else if err != nil {
		return "", nil, err
	}
	defer s.unpin(old)
	if old == nil {
		t, err := s.create(d)
		if err != nil {
			return "", nil, err
		}
		t.kept.said = lost
		s.put(t)
		return "created", t, nil
	}
	changes := differences(old.declaration(), d)
	switch {
	case len(changes) == 0:
		return "attached", old, nil
	case changes[0].Live:
		return "changed", old, old.redeclare(d)
	case !replace:
		return "", nil, errorf(Changed,
			"give the new one another name, or set Replace: true in its nb.Config to put it in the place of the old one, whose training is then gone",
			"trainer %q is there already, with a different %s: %s", d.Name, changes[0].Field, changes[0].Detail)
	case old.Running():
		return "", nil, old.busy("be replaced")
	}
	t, err := s.create(d)
	if err != nil {
		return "", nil, err
	}
	if err := old.retire("be replaced"); err != nil { // it began to train meanwhile
		t.Close()
		return "", nil, err
	}
	old.forget()
	s.put(t)
	old.Close()
	return "replaced", t, nil
}

// differences are those of two declarations, the ones that are not live first.
func differences(was, is Declaration) []train.Change {
	list := train.Diff(was.Spec, is.Spec)
	if was.Keep != is.Keep {
		list = append(list, train.Change{Field: "keep", Detail: fmt.Sprintf("Keep is %+v, it was %+v", is.Keep, was.Keep), Live: true})
	}
	return list
}

// create makes a trainer that the session does not have yet.
func (s *Session) create(d Declaration) (*Trainer, error) {
	var weights int64
	for _, v := range d.Model.Leaves(ir.OpState) {
		weights += v.Bytes()
	}
	if err := s.core.CheckSize("the weights of this model", weights); err != nil {
		return nil, err
	}
	owner := backend.Owner{Kind: "trainer", Session: s.name, Name: d.Name, Number: s.core.made.Add(1)}
	inner, err := train.New(backend.For(s.core.Device(), owner), d.Spec)
	if err != nil {
		return nil, classify(err)
	}
	if err := d.Keep.check(&d.Spec); err != nil {
		inner.Close()
		return nil, classify(err)
	}
	return &Trainer{Trainer: inner, owner: owner, used: time.Now(), decl: d, session: s}, nil
}

// put makes a trainer known, and has it written down from now on.
func (s *Session) put(t *Trainer) {
	s.core.journal.keep(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trainers[t.Name()] = t
	delete(s.asleep, t.Name())
}

// Drop removes a trainer, and what the journal has of it; or the data and the
// tensor of that name, where no trainer has it. Trainers keep the data that they use.
func (s *Session) Drop(name string) error {
	s.declaring.Lock()
	defer s.declaring.Unlock()
	_, done := s.core.work() // until its memory is free
	defer done()
	s.waking.Lock() // so that nothing is restored that goes
	defer s.waking.Unlock()
	t := s.find(name)
	if t == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.asleep, name)
		if s.core.journal.remove(s.name, name) || s.dropArrays(name) {
			return nil
		}
		return errorf(Unknown, known("the trainers of this notebook are", s.trainers, "declare one with nb.NewTrainer"), "there is no trainer %q", name)
	}
	if err := t.retire("be dropped"); err != nil {
		return err
	}
	t.forget()
	s.mu.Lock()
	delete(s.trainers, name)
	s.mu.Unlock()
	return t.Close()
}

// dropArrays removes data and a tensor. The caller holds s.mu.
func (s *Session) dropArrays(name string) bool {
	_, data := s.data[name]
	_, tensor := s.tensors[name]
	delete(s.data, name)
	delete(s.tensors, name)
	return data || tensor
}

// Classify gives an error of training its code.
func Classify(err error) error { return classify(err) }

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
	if full, ok := errors.AsType[*pool.LimitError](err); ok {
		return wrap(Resource, full.Remedy, err)
	}
	if errors.Is(err, train.ErrClosed) {
		return wrap(Unknown, "it was dropped or replaced: declare it with nb.NewTrainer", err)
	}
	if errors.Is(err, train.ErrBusy) {
		return wrap(Busy, "wait for it with t.Wait(), or end it with t.Stop()", err)
	}
	return wrap(BadRequest, "", err)
}
