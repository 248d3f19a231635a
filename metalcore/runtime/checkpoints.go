package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/metalnb/metalnb/metalcore/checkpoint"
)

// Checkpoint is a trainer in a file that stays until somebody removes it.
type Checkpoint struct {
	Name  string // empty of a file that the user named
	Path  string
	Time  time.Time
	Epoch int // completed
	Step  int64
	Bytes int64

	Kept   bool    // made by a training itself, which removes it when others take its place
	Metric string  // that was measured at its epoch's end, as "validation loss"; empty for none
	Value  float64 // of it
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
	if name != "" {
		t.kept.writing.Lock()
		defer t.kept.writing.Unlock()
		t.keeper.disown(name)
	}
	if err := t.write(path, &saved{as: name, was: was}); err != nil {
		return Checkpoint{}, wrap(Resource, "", fmt.Errorf("the checkpoint is not written: %w", err))
	}
	return checkpointAt(path)
}

// write writes a checkpoint, whose folder it makes if it has a name.
func (t *Trainer) write(path string, s *saved) error {
	s.session, s.name, s.text = t.session.name, t.Name(), t.text()
	f, err := s.file()
	if err == nil && s.as != "" {
		err = os.MkdirAll(filepath.Dir(path), 0o700)
	}
	if err == nil {
		err = checkpoint.Replace(path, f)
	}
	return err
}

// place is the path of a file that is named, or given.
func (t *Trainer) place(name, path string) (string, error) {
	j := t.session.core.journal
	switch {
	case path != "" && name != "":
		return "", errorf(BadRequest, "give one of them", "a checkpoint has a name or a path, and not %q and %s", name, path)
	case path != "" && (!filepath.IsAbs(path) || !strings.HasSuffix(path, suffix)):
		return "", errorf(BadRequest, "name it like run/best"+suffix, "%s is no file of a trainer", path)
	case path != "":
		return path, nil
	case checkName("a checkpoint", name) != nil:
		return "", checkName("a checkpoint", name)
	case j.none():
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
	c = Checkpoint{Name: meta["checkpoint"], Path: path, Time: p.Time, Epoch: p.Epoch, Step: p.Step, Bytes: info.Size()}
	if text := meta["kept"]; text != "" && err == nil {
		var m mark
		err = json.Unmarshal([]byte(text), &m)
		c.Kept, c.Metric, c.Value = true, m.Metric, float64(m.Value)
	}
	return c, err
}

// Checkpoints lists those that have a name, the latest last.
func (t *Trainer) Checkpoints() ([]Checkpoint, error) {
	t.flush()
	t.session.files.RLock()
	defer t.session.files.RUnlock()
	return t.saved()
}

// saved lists those that are on the disk, also when some cannot be read.
func (t *Trainer) saved() ([]Checkpoint, error) {
	j := t.session.core.journal
	if j.none() {
		return nil, nil
	}
	return checkpointsIn(j.checkpoints(t.session.name, t.Name()))
}

func checkpointsIn(dir string) (list []Checkpoint, failed error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, wrap(Resource, "", err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), suffix) {
			continue
		}
		c, err := checkpointAt(filepath.Join(dir, e.Name()))
		if err != nil {
			failed = wrap(Resource, "remove that file", err)
			continue
		}
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b Checkpoint) int { return a.Time.Compare(b.Time) })
	return list, failed
}

// meant is the name of the checkpoint that is meant by "best" or "last", where none
// has that name itself: the one with the best number, or the latest.
func (t *Trainer) meant(name string) string {
	list, _ := t.saved()
	if slices.ContainsFunc(list, func(c Checkpoint) bool { return c.Name == name }) {
		return name
	}
	if name == "best" {
		list = ranked(list)
		slices.Reverse(list)
	}
	if name != "best" && name != "last" || len(list) == 0 {
		return name
	}
	return list[len(list)-1].Name
}

// Remove removes a checkpoint that has a name.
func (t *Trainer) Remove(name string) error {
	t.flush()
	t.session.files.RLock()
	defer t.session.files.RUnlock()
	path, err := t.place(name, "")
	if err != nil {
		return err
	}
	t.kept.writing.Lock()
	defer t.kept.writing.Unlock()
	t.keeper.disown(name)
	switch err := os.Remove(path); {
	case errors.Is(err, os.ErrNotExist):
		return t.missing(name)
	case err != nil:
		return wrap(Resource, "", err)
	}
	return nil
}

// missing is the error of a name that no checkpoint has.
func (t *Trainer) missing(name string) *Error {
	list, _ := t.saved()
	names := map[string]bool{}
	for _, c := range list {
		names[c.Name] = true
	}
	return errorf(Unknown, known("the checkpoints of this trainer are", names, "make one with t.Checkpoint"), "there is no checkpoint %q", name)
}

// Load makes the trainer what a checkpoint is, of a name or at a path. Of those with
// names "best" is the one with the best number, and "last" the latest, unless one is
// called so.
func (t *Trainer) Load(name, path string) error {
	if path == "" {
		t.flush()
	}
	t.session.files.RLock()
	defer t.session.files.RUnlock()
	if path == "" {
		name = t.meant(name)
	}
	path, err := t.place(name, path)
	if err != nil {
		return err
	}
	f, err := checkpoint.Read(path, 4*t.session.core.Limit())
	if errors.Is(err, os.ErrNotExist) && name != "" {
		return t.missing(name)
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
