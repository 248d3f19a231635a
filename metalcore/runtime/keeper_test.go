package runtime

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What cannot be written is a loss, of trainers and of their checkpoints.
func TestLossesOfAFullDisk(t *testing.T) {
	s, _, _ := journaled(t, t.TempDir(), time.Hour)
	tr := keptTrainer(t, s, "0.01 iris keep", "created")
	finish(t, tr, 1)
	s.core.WriteDown()
	if list := s.core.Losses(); len(list) != 0 {
		t.Errorf("what is written would be lost: %q", list)
	}
	for path, change := range map[string]func() error{
		s.core.journal.checkpoints("notebook", "a"):        func() error { finish(t, tr, 1); return nil },
		filepath.Dir(s.core.journal.path("notebook", "a")): func() error { return tr.SetLR(0.02) },
	} {
		if err := errors.Join(os.Rename(path, path+"-away"), os.WriteFile(path, nil, 0o600), change()); err != nil {
			t.Fatal(err)
		}
		s.core.WriteDown()
		if list := s.core.Losses(); len(list) != 1 || !strings.HasPrefix(list[0], `trainer "a" (`) {
			t.Errorf("with a file at %s, %q would be lost", path, list)
		}
		if err := errors.Join(os.Remove(path), os.Rename(path+"-away", path)); err != nil {
			t.Fatal(err)
		}
		s.core.WriteDown()
		if list := s.core.Losses(); len(list) != 0 {
			t.Errorf("%q would be lost", list)
		}
	}
}

// Copies that wait for the disk count as the trainer's, and no more are made when
// they have the memory that one may take.
func TestKeptInMemory(t *testing.T) {
	s, _, _ := journaled(t, t.TempDir(), 0)
	tr := keepsAll(t, s, "0.01 iris")
	s.files.Lock() // so that none is written
	locked := true
	defer func() {
		if locked {
			s.files.Unlock()
		}
	}()
	finish(t, tr, 10)
	waiting, sum := tr.keeper.waiting(), int64(0)
	for _, was := range waiting {
		sum += was.Bytes()
	}
	if got := hostOf(s.core, "trainer", "a"); len(waiting) != 10 || got < sum {
		t.Errorf("%d copies of %d bytes wait, and %d are counted", len(waiting), sum, got)
	}
	s.core.Bound(MemoryOptions{Limit: 4 * (sum - 1)})
	finish(t, tr, 1)
	says(t, "the note", tr.Info().Note, "checkpoint epoch-11 is not made: those that wait for the disk take")
	s.files.Unlock()
	locked = false
	if got := names(t, tr); !strings.HasSuffix(got, "epoch-9 epoch-10") || tr.Info().Note != "" {
		t.Errorf("there are %s, and the note is %q", got, tr.Info().Note)
	}
}

// A trainer does not sleep while one of its session is renamed, which may wait for
// who wants the memory.
func TestNobodySleepsInARenaming(t *testing.T) {
	s, _, _ := journaled(t, t.TempDir(), time.Hour)
	tr := keptTrainer(t, s, "0.01 iris keep", "created")
	finish(t, tr, 1)
	s.files.Lock()
	slept := tr.sleep()
	s.files.Unlock()
	if slept || !tr.sleep() {
		t.Errorf("it slept within a renaming: %v; or not after it", slept)
	}
}

// A core without the folder, because another one has it, removes and moves nothing
// there.
func TestKeptOfAnotherCore(t *testing.T) {
	dir := t.TempDir()
	s, _, _ := journaled(t, dir, time.Hour)
	tr := keptTrainer(t, s, "0.01 iris keep", "created")
	finish(t, tr, 2)
	want := names(t, tr)
	other, _, _ := journaled(t, dir, time.Hour)
	for _, name := range []string{"a", "b"} {
		mine := keptTrainer(t, other, "0.01 iris keep", "created")
		if name != "a" {
			var err error
			if mine, err = other.Rename("a", name); err != nil {
				t.Fatal(err)
			}
		}
		if list, err := mine.Checkpoints(); len(list) != 0 || err != nil {
			t.Errorf("it has %+v, %v", list, err)
		}
		if err := other.Drop(name); err != nil {
			t.Fatal(err)
		}
		if got := names(t, tr); got != want {
			t.Errorf("there were %s, and are %q", want, got)
		}
	}
}
