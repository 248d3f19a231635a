package runtime

import (
	"context"
	"os"

	"github.com/metalnb/metalnb/metalcore/checkpoint"
	"github.com/metalnb/metalnb/metalcore/train"
)

// Fork makes a trainer that is what another one, of this session or another, is at
// this moment, weights, optimizer, position and history, while that one trains on.
// They share the data. When there is one of that name and the same specification, it
// stays as it is.
func (s *Session) Fork(of *Session, name, as string) (*Trainer, error) {
	if err := checkTrainerName(as); err != nil {
		return nil, err
	}
	s.declaring.Lock()
	defer s.declaring.Unlock()
	_, done := s.core.work()
	defer done()
	from, release, err := of.Use(name)
	if err != nil {
		return nil, err
	}
	defer release()
	d := from.declaration()
	d.Name = as
	there := s.find(as)
	if there == nil {
		if there, err = s.wake(as); err != nil {
			return nil, err
		}
	}
	if there != nil {
		if c := train.Diff(there.Spec(), d.Spec); len(c) > 0 && !c[0].Live {
			return nil, errorf(Changed, "give the fork another name, or drop that one", "trainer %q is there already, with a different %s: %s", as, c[0].Field, c[0].Detail)
		}
		return there, nil
	}
	was, err := from.Snapshot(context.Background())
	if err != nil {
		return nil, classify(err)
	}
	t, err := s.create(d)
	if err != nil {
		return nil, err
	}
	if err := t.Trainer.Restore(was); err != nil {
		t.Close()
		return nil, classify(err)
	}
	s.put(t)
	t.changed()
	return t, nil
}

// Rename gives a trainer another name, also while it trains.
func (s *Session) Rename(name, as string) (*Trainer, error) {
	s.declaring.Lock()
	defer s.declaring.Unlock()
	t, release, err := s.Use(name)
	if err != nil {
		return nil, err
	}
	defer release()
	if as == name {
		return t, nil
	}
	if err := checkTrainerName(as); err != nil {
		return nil, err
	}
	s.waking.Lock()
	defer s.waking.Unlock()
	if s.find(as) != nil || s.core.journal.has(s.name, as) {
		return nil, errorf(Changed, "choose another name, or drop that one", "there is a trainer %q already", as)
	}
	s.files.Lock()
	defer s.files.Unlock()
	if err := s.core.journal.room(s.name, name, as); err != nil {
		return nil, err
	}
	if err := t.rename(as); err != nil {
		return nil, err
	}
	s.mu.Lock()
	delete(s.trainers, name)
	s.trainers[as] = t
	s.mu.Unlock()
	t.changed()
	return t, nil
}

// room refuses a name under which there are checkpoints already, of a trainer that
// was dropped, to one that has some.
func (j *Journal) room(session, name, as string) error {
	if j.none() {
		return nil
	}
	to := j.checkpoints(session, as)
	os.Remove(to) // if it is empty
	_, from := os.Stat(j.checkpoints(session, name))
	if _, err := os.Stat(to); err == nil && from == nil {
		return errorf(Changed, "choose another name, or remove that folder", "there are checkpoints of a trainer %q that was dropped, in %s", as, to)
	}
	return nil
}

// rename is done while nobody writes or reads checkpoints.
func (t *Trainer) rename(as string) error {
	if err := t.Trainer.Rename(as); err != nil {
		return classify(err)
	}
	j, k := t.session.core.journal, &t.kept
	k.writing.Lock()
	defer k.writing.Unlock()
	t.keeper.mu.Lock() // whose checkpoints have the name
	defer t.keeper.mu.Unlock()
	was := t.Name()
	t.mu.Lock()
	t.decl.Name = as
	t.mu.Unlock()
	if j.none() {
		return nil
	}
	os.Rename(j.checkpoints(t.session.name, was), j.checkpoints(t.session.name, as))
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.path == "" {
		return nil
	}
	path := j.path(t.session.name, as)
	for _, of := range []func(string) string{checkpoint.Before, func(p string) string { return p }, beatOf} {
		os.Rename(of(k.path), of(path))
	}
	k.path = path
	return nil
}
