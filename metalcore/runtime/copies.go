package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

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
	if j == nil {
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
	was := t.Name()
	t.mu.Lock()
	t.decl.Name = as
	t.mu.Unlock()
	j, k := t.session.core.journal, &t.kept
	if j == nil {
		return nil
	}
	os.Rename(j.checkpoints(t.session.name, was), j.checkpoints(t.session.name, as))
	k.writing.Lock()
	defer k.writing.Unlock()
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

// Checkpoint is a trainer in a file that stays until somebody removes it.
type Checkpoint struct {
	Name  string // empty of a file that the user named
	Path  string
	Time  time.Time
	Epoch int // completed
	Step  int64
	Bytes int64
}

// checkpoints is where the checkpoints of a trainer lie.
func (j *Journal) checkpoints(session, name string) string {
	return filepath.Join(j.Dir, slug(session), slug(name)+checkpointDir)
}

// checkpointDir ends the names of folders of checkpoints.
const checkpointDir = ".checkpoints"

// Save writes the trainer as it is now to a file: under a name, beside the
// journal, or at a path.
func (t *Trainer) Save(name, path string) (Checkpoint, error) {
	t.session.files.RLock()
	defer t.session.files.RUnlock()
	path, err := t.place(name, path)
	if err != nil {
		return Checkpoint{}, err
	}
	if there, err := os.Lstat(path); err == nil && (!there.Mode().IsRegular() || there.Mode().Perm()&0o200 == 0) {
		return Checkpoint{}, errorf(BadRequest, "choose another path, or remove what is there", "%s is not a file that may be replaced", path)
	}
	was, err := t.Snapshot(context.Background())
	if err != nil {
		return Checkpoint{}, classify(err)
	}
	f, err := (&saved{session: t.session.name, name: t.Name(), text: t.text(), as: name, was: was}).file()
	if err == nil && name != "" {
		err = os.MkdirAll(filepath.Dir(path), 0o700)
	}
	if err == nil {
		err = checkpoint.Replace(path, f)
	}
	if err != nil {
		return Checkpoint{}, wrap(Resource, "", fmt.Errorf("the checkpoint is not written: %w", err))
	}
	return checkpointAt(path)
}

// place is the path of a file that is named, or given.
func (t *Trainer) place(name, path string) (string, error) {
	j := t.session.core.journal
	switch {
	case path != "" && (!filepath.IsAbs(path) || !strings.HasSuffix(path, suffix)):
		return "", errorf(BadRequest, "name it like run/best"+suffix, "%s is no file of a trainer", path)
	case path != "":
		return path, nil
	case checkName("a checkpoint", name) != nil:
		return "", checkName("a checkpoint", name)
	case j == nil || j.dead != "":
		return "", errorf(Resource, "give a path, as t.Save(\"best"+suffix+"\")", "this core has no folder for checkpoints")
	}
	return filepath.Join(j.checkpoints(t.session.name, t.Name()), slug(name)+suffix), nil
}

// checkpointAt reads what a file says of itself.
func checkpointAt(path string) (c Checkpoint, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return c, err
	}
	meta, err := checkpoint.ReadMeta(path)
	if err != nil {
		return c, err
	}
	p, err := positionOf(meta)
	return Checkpoint{Name: meta["checkpoint"], Path: path, Time: p.Time, Epoch: p.Epoch, Step: p.Step, Bytes: info.Size()}, err
}

// Checkpoints lists those that have a name, the latest last.
func (t *Trainer) Checkpoints() ([]Checkpoint, error) {
	t.session.files.RLock()
	defer t.session.files.RUnlock()
	return t.checkpoints()
}

func (t *Trainer) checkpoints() ([]Checkpoint, error) {
	j := t.session.core.journal
	if j == nil {
		return nil, nil
	}
	dir := j.checkpoints(t.session.name, t.Name())
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, wrap(Resource, "", err)
	}
	var list []Checkpoint
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), suffix) {
			continue
		}
		c, err := checkpointAt(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, wrap(Resource, "remove that file", err)
		}
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b Checkpoint) int { return a.Time.Compare(b.Time) })
	return list, nil
}

// Load makes the trainer what a checkpoint is, of a name or at a path.
func (t *Trainer) Load(name, path string) error {
	t.session.files.RLock()
	defer t.session.files.RUnlock()
	path, err := t.place(name, path)
	if err != nil {
		return err
	}
	f, err := checkpoint.Read(path, 4*t.session.core.Limit())
	if errors.Is(err, os.ErrNotExist) && name != "" {
		list, _ := t.checkpoints()
		names := map[string]bool{}
		for _, c := range list {
			names[c.Name] = true
		}
		return errorf(Unknown, known("the checkpoints of this trainer are", names, "make one with t.Checkpoint"), "there is no checkpoint %q", name)
	}
	if err != nil {
		return wrap(BadRequest, "", err)
	}
	s, err := savedOf(f)
	if err != nil {
		return wrap(BadRequest, "", fmt.Errorf("%s: %w", path, err))
	}
	t.change.Lock()
	defer t.change.Unlock()
	if t.Running() {
		return t.busy("be restored")
	}
	if err := t.Trainer.Restore(s.was); err != nil {
		return wrap(BadRequest, "", fmt.Errorf("the checkpoint is of another trainer: %w", err))
	}
	t.kept.setSnapshot(s.was, time.Now())
	t.kept.say("")
	t.changed()
	return nil
}
