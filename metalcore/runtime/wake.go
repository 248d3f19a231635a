package runtime

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/metalnb/metalnb/metalcore/checkpoint"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/train"
)

// dataDir is where the users' data lie in a journal, by their content.
const dataDir = "data"

// suffix ends the names of files.
const suffix = ".safetensors"

// slug is a file's name for any name: what people know it by, as far as a file
// can be called so, and what tells it from others.
func slug(name string) string {
	sum := sha256.Sum256([]byte(name))
	plain := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '-'
	}, strings.TrimSuffix(filepath.Base(name), ".ipynb"))
	return plain[:min(len(plain), 40)] + "-" + hex.EncodeToString(sum[:5])
}

// path is where a trainer of a session is written down.
func (j *Journal) path(session, name string) string {
	return filepath.Join(j.Dir, slug(session), slug(name)+suffix)
}

func (j *Journal) dataPath(sum string) string { return filepath.Join(j.Dir, dataDir, sum+suffix) }

// remove removes what is written of a trainer that is not awake.
func (j *Journal) remove(session, name string) bool {
	if j.off() {
		return false
	}
	there := j.has(session, name)
	forget(j.path(session, name))
	return there
}

// has reports whether a trainer is written down.
func (j *Journal) has(session, name string) bool {
	if j.off() {
		return false
	}
	path := j.path(session, name)
	_, err := os.Stat(path)
	_, before := os.Stat(checkpoint.Before(path))
	return err == nil || before == nil
}

// wake restores a trainer from the journal. It returns nil without an error when
// the journal has none of that name; the error wraps checkpoint.ErrDamaged when
// all that it has is damaged.
func (s *Session) wake(name string) (*Trainer, error) {
	j := s.core.journal
	if j.off() {
		return nil, nil
	}
	s.waking.Lock()
	defer s.waking.Unlock()
	if t := s.find(name); t != nil {
		return t, nil
	}
	path := j.path(s.name, name)
	found, note, err := j.read(path, 4*s.core.Limit())
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if errors.Is(err, checkpoint.ErrDamaged) {
		return nil, wrap(Unknown, "", fmt.Errorf("trainer %q begins anew, because what was written down of it is damaged: %w", name, err))
	}
	_, done := s.core.work()
	defer done()
	var t *Trainer
	if err == nil {
		t, err = s.restore(found, name)
	}
	if err != nil {
		return nil, errorf(Resource, "set Replace: true in its nb.Config to begin anew; what is written down is then gone",
			"trainer %q is written down in %s and cannot be restored: %v", name, path, err)
	}
	t.kept.setSnapshot(found.was, time.Now())
	said := cmp.Or(s.awake(t), back(t, found.was, path)) + note
	j.Log("%s: trainer %q %s", s.name, name, said)
	s.put(t)
	if epochs, steps := left(t, found.was); epochs+steps > 0 && j.Resume {
		if found.was.Paused {
			if err := t.Trainer.Pause(context.Background()); err != nil {
				return nil, err
			}
		}
		if _, err := t.start(epochs, int64(steps)); err != nil {
			return nil, err
		}
	}
	t.kept.say(said)
	return t, nil
}

// read reads what is written down of a trainer: the latest that is whole. Of
// what is not, which it puts aside, note tells.
func (j *Journal) read(path string, limit int64) (found *saved, note string, err error) {
	err = os.ErrNotExist
	for _, p := range []string{path, checkpoint.Before(path)} {
		f, failed := checkpoint.Read(p, limit)
		if errors.Is(failed, os.ErrNotExist) {
			continue
		}
		if failed == nil {
			found, failed = savedOf(f)
		}
		if failed == nil {
			return found, note, nil
		}
		err = failed
		if !errors.Is(err, checkpoint.ErrDamaged) {
			return nil, "", err
		}
		j.Log("journal: %v", err)
		os.Rename(p, p+damaged)
		note = "; what was written after that is damaged, and lies in " + p + damaged
	}
	return nil, "", err
}

// damaged ends the names of files that are put aside.
const damaged = ".damaged"

// restore makes a trainer again as it was.
func (s *Session) restore(was *saved, name string) (*Trainer, error) {
	d, err := s.core.journal.Declaration(name, was.text, func(ref Ref) (*feed.Set, *Upload, error) { return s.findSaved(was, ref) })
	if err != nil {
		return nil, err
	}
	t, err := s.create(d)
	if err != nil {
		return nil, err
	}
	if err := t.Restore(was.was); err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

// findSaved is Find for a trainer that is restored: the data are those that it
// was made of, whatever goes by their names today.
func (s *Session) findSaved(was *saved, ref Ref) (*feed.Set, *Upload, error) {
	if !ref.User {
		return s.Find(ref)
	}
	sum := was.data[ref.Source]
	u, _ := s.upload(ref.Source)
	if u != nil && u.sum() == sum {
		if err := s.core.journal.saveData(u); err != nil {
			return nil, nil, err
		}
	} else {
		loaded, err := s.core.journal.loadData(sum, s.core.room())
		if err != nil {
			return nil, nil, fmt.Errorf("the data %q, which a cell can make again as they were: %w", ref.Source, err)
		}
		loaded.set.Session = s.name
		if u == nil {
			s.keep(ref.Source, loaded)
		}
		u = loaded
	}
	set, err := u.parts.part(ref, u.set)
	return set, u, err
}

// back tells how a trainer came back from the journal at that path, where it
// stands, and what of its training was lost.
func back(t *Trainer, was *train.Snapshot, path string) string {
	i := t.Info()
	s := fmt.Sprintf("restored from the journal of %s, after step %d (epoch %d, step %d of %d)", clock(was.Time), i.Step, i.Epoch+1, i.EpochStep, i.StepsPerEpoch)
	step, at := lastBeat(path)
	switch lost := at.Sub(was.Time).Round(time.Second); {
	case step > i.Step && lost > 0:
		s += fmt.Sprintf("; %v of training were lost", lost)
	case was.Goal > 0:
		s += "; a moment of training was lost"
	default:
		s += "; nothing was lost"
	}
	switch epochs, steps := left(t, was); {
	case epochs+steps > 0 && t.session.core.journal.Resume && was.Paused:
		s += fmt.Sprintf("; its training to epoch %d is paused, as it was: t.Resume() lets it go on", was.Goal)
	case epochs+steps > 0 && t.session.core.journal.Resume:
		s += fmt.Sprintf("; it goes on to epoch %d", was.Goal)
	case steps > 0:
		s += fmt.Sprintf("; it was training to step %d: t.StartSteps(%d) goes on", was.Until, steps)
	case epochs > 0:
		s += fmt.Sprintf("; it was training to epoch %d: t.Start(%d) goes on", was.Goal, epochs)
	}
	return s
}

// left is how many epochs, or steps, the training that it was in had to go.
func left(t *Trainer, was *train.Snapshot) (epochs, steps int) {
	if was.Until > 0 {
		return 0, int(was.Until - was.Step)
	}
	epochs = was.Goal - was.Epoch
	if was.EpochStep == t.Info().StepsPerEpoch {
		epochs-- // all that is left of that one is its validation
	}
	return epochs, 0
}

// clock is a time of today, or a day before.
func clock(t time.Time) string {
	t = t.Local()
	if y, m, d := t.Date(); time.Date(y, m, d, 0, 0, 0, 0, time.Local).Before(time.Now().Add(-24 * time.Hour)) {
		return t.Format("2006-01-02 15:04:05")
	}
	return t.Format("15:04:05")
}
