package runtime

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/checkpoint"
	"github.com/metalnb/metalnb/metalcore/train"
)

// A training that was paused when the core died is paused in the next one, also in
// the one after that, and goes on to the same end when it is resumed.
func TestPausedOverRestarts(t *testing.T) {
	s, _, _ := journaled(t, t.TempDir(), time.Hour)
	whole := keptTrainer(t, s, "0.01 iris", "created")
	finish(t, whole, 2000)
	want := numbersOf(t, whole)

	dir := t.TempDir()
	s, _, _ = journaled(t, dir, time.Hour)
	tr := keptTrainer(t, s, "0.01 iris", "created")
	if _, err := tr.Start(2000); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "some steps", func() bool { return tr.Info().Step > 0 })
	if err := tr.Pause(context.Background()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		path, at := s.core.journal.path("notebook", "a"), tr.Info()
		if at.State != train.Paused || at.Goal != 2000 {
			t.Fatalf("it is not paused: %+v", at)
		}
		var copied string // what a killed core leaves
		waitFor(t, "the pause to be written down", func() bool {
			copied = t.TempDir()
			if os.CopyFS(copied, os.DirFS(dir)) != nil {
				return false // a file went meanwhile
			}
			f, err := checkpoint.Read(path, 0)
			if err != nil {
				return false
			}
			was, err := savedOf(f)
			return err == nil && was.was.Paused && was.was.Step == at.Step
		})
		dir = copied
		s, _, _ = journaled(t, dir, time.Hour)
		s.core.journal.Resume = true
		var err error
		if tr, err = s.Trainer("a"); err != nil {
			t.Fatal(err)
		}
		says(t, "what the cell hears", tr.Tell(), "its training to epoch 2000 is paused, as it was: t.Resume() lets it go on")
		waitFor(t, "the pause", func() bool { return tr.Info().State == train.Paused })
		if i := tr.Info(); i.Step != at.Step {
			t.Errorf("it was paused at step %d and is at %d", at.Step, i.Step)
		}
		tr.changed() // the next core finds it written by this one
	}
	if err := tr.Resume(); err != nil {
		t.Fatal(err)
	}
	<-tr.Run().Done()
	if i := tr.Info(); i.Epoch != 2000 || i.State != train.Finished || numbersOf(t, tr) != want {
		t.Errorf("it has become another one, %+v", i)
	}
}
