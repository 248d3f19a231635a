package runtime

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/checkpoint"
)

// A core that ends writes its trainers down; the next one goes on with them as if
// nothing had been, also with data that nobody gives it again.
func TestTrainersComeBack(t *testing.T) {
	for _, text := range []string{"0.01 iris", "0.01 mine"} {
		dir := t.TempDir()
		s, _, stop := journaled(t, dir, time.Hour)
		upload(t, s)
		tr := keptTrainer(t, s, text, "created")
		finish(t, tr, 3)
		if err := tr.SetLR(0.02); err != nil {
			t.Fatal(err)
		}
		want, history := numbersOf(t, tr), tr.History()
		stop()

		s, log, stop := journaled(t, dir, time.Hour)
		again, err := s.Trainer("a")
		if err != nil {
			t.Fatal(err)
		}
		if i := again.Info(); i.Epoch != 3 || i.LR != 0.02 || numbersOf(t, again) != want || fmt.Sprint(again.History()) != fmt.Sprint(history) {
			t.Errorf("%s: it came back as %+v", text, i)
		}
		says(t, "the note", again.Info().Note, "restored from the journal of ", "(epoch 4, step 0 of ", "nothing was lost")
		says(t, "the log", log.String(), `notebook: trainer "a" restored`)
		if said := again.Tell(); said != again.Info().Note || again.Tell() != "" {
			t.Errorf("a cell hears %q, once", said)
		}
		if text == "0.01 iris" { // the other one's data have not been sent again
			if keptTrainer(t, s, text, "attached") != again {
				t.Error("its declaration is another trainer")
			}
		}
		finish(t, again, 2)
		if note := again.Info().Note; note != "" {
			t.Errorf("when it has moved on: %q", note)
		}
		got := numbersOf(t, again)
		stop()

		s, _, _ = journaled(t, t.TempDir(), time.Hour)
		upload(t, s)
		whole := keptTrainer(t, s, text, "created")
		finish(t, whole, 3)
		if err := whole.SetLR(0.02); err != nil {
			t.Fatal(err)
		}
		finish(t, whole, 2)
		if numbersOf(t, whole) != got {
			t.Errorf("%s: what came back went another way", text)
		}
	}
}

// A training is written down while it runs, so that who kills the core loses a
// moment only.
func TestWrittenWhileTraining(t *testing.T) {
	dir := t.TempDir()
	s, _, _ := journaled(t, dir, 20*time.Millisecond)
	tr := keptTrainer(t, s, "0.001 iris", "created")
	if _, err := tr.Start(1_000_000_000); err != nil {
		t.Fatal(err)
	}
	path := s.core.journal.path("notebook", "a")
	before := int64(0)
	for range 5 {
		var was *saved
		waitFor(t, "a later state", func() bool {
			f, err := checkpoint.Read(path, 0)
			if err != nil {
				return false // between two names
			}
			if was, err = savedOf(f); err != nil {
				t.Fatal(err)
			}
			return was.was.Step > before
		})
		before = was.was.Step
		if was.was.Goal != 1_000_000_000 || was.session != "notebook" || was.name != "a" {
			t.Errorf("%+v", was)
		}
	}
	waitFor(t, "a sign of life", func() bool { step, _ := lastBeat(path); return step > 0 })
	var copied string // what a killed core leaves
	waitFor(t, "a copy of the files", func() bool {
		copied = t.TempDir()
		return os.CopyFS(copied, os.DirFS(dir)) == nil // unless one went meanwhile
	})
	tr.Stop()
	next, _, _ := journaled(t, copied, time.Hour)
	again, err := next.Trainer("a")
	if err != nil {
		t.Fatal(err)
	}
	if i := again.Info(); i.State.Training() || i.Step < before || i.Step > tr.Info().Step {
		t.Errorf("%+v", i)
	}
	says(t, "the note", again.Info().Note, "of training w", "it was training to epoch 1000000000: t.Start(")

	other := t.TempDir()
	if err := os.CopyFS(other, os.DirFS(copied)); err != nil {
		t.Fatal(err)
	}
	next, _, _ = journaled(t, other, time.Hour)
	next.core.journal.Resume = true
	if again, err = next.Trainer("a"); err != nil {
		t.Fatal(err)
	}
	says(t, "what the cell hears", again.Tell(), "it goes on to epoch 1000000000")
	waitFor(t, "training to go on", func() bool {
		return again.Running() && again.Info().Step > before && again.Run().Goal() == 1_000_000_000
	})
}

func TestDamagedJournals(t *testing.T) {
	dir := t.TempDir()
	s, _, stop := journaled(t, dir, time.Hour)
	tr := keptTrainer(t, s, "0.01 iris", "created")
	path := s.core.journal.path("notebook", "a")
	finish(t, tr, 1)
	waitFor(t, "the first file", func() bool { _, err := os.Stat(path); return err == nil })
	finish(t, tr, 1)
	stop()
	spoil := func(path string, by func([]byte) []byte) {
		t.Helper()
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, by(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	spoil(path, func(b []byte) []byte { return b[:len(b)-3] })
	s, log, stop := journaled(t, dir, time.Hour)
	tr = keptTrainer(t, s, "0.01 iris", "attached")
	if i := tr.Info(); i.Epoch != 1 {
		t.Errorf("the file before the damaged one: %+v", i)
	}
	says(t, "the note", tr.Info().Note, "what was written after that is damaged, and lies in "+path+".damaged")
	says(t, "the log", log.String(), "the file is damaged: ")
	finish(t, tr, 1)
	stop()

	spoil(path, func(b []byte) []byte { b[len(b)-1] ^= 8; return b })
	spoil(checkpoint.Before(path), func([]byte) []byte { return nil })
	s, _, _ = journaled(t, dir, time.Hour)
	if _, err := s.Trainer("b"); err == nil {
		t.Error("a trainer that never was")
	}
	tr = keptTrainer(t, s, "0.01 iris", "created")
	if i := tr.Info(); i.Step != 0 {
		t.Errorf("%+v", i)
	}
	says(t, "what the cell hears", tr.Tell(), "begins anew, because what was written down of it is damaged")
	says(t, "the note", tr.Info().Note, "begins anew")
}

// What was declared otherwise since, and data that are gone, are errors that
// leave the files alone.
func TestWhatCannotBeRestored(t *testing.T) {
	dir := t.TempDir()
	s, _, stop := journaled(t, dir, time.Hour)
	upload(t, s)
	finish(t, keptTrainer(t, s, "0.01 mine", "created"), 1)
	stop()
	if err := os.RemoveAll(filepath.Join(dir, dataDir)); err != nil {
		t.Fatal(err)
	}
	s, _, stop = journaled(t, dir, time.Hour)
	for range 2 {
		_, err := s.Trainer("a")
		fails(t, err, Resource, `trainer "a" is written down in `, `the data "mine"`, "Replace: true")
	}
	upload(t, s)
	tr, err := s.Trainer("a")
	if err != nil || tr.Info().Epoch != 1 {
		t.Fatalf("with the same data again: %v", err)
	}
	stop()

	s, _, _ = journaled(t, dir, time.Hour)
	d, err := declaration("a", "0.01 iris", s.Find)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = s.Declare(d, false)
	fails(t, err, Changed, "different data")
	if outcome, tr, err := s.Declare(d, true); err != nil || outcome != "replaced" || tr.Info().Step != 0 {
		t.Errorf("%s, %v", outcome, err)
	}
}

func TestDroppedTrainersStayAway(t *testing.T) {
	dir := t.TempDir()
	s, _, stop := journaled(t, dir, time.Hour)
	for _, name := range []string{"a", "b"} {
		d, err := declaration(name, "0.01 iris", s.Find)
		if err != nil {
			t.Fatal(err)
		}
		_, tr, err := s.Declare(d, false)
		if err != nil {
			t.Fatal(err)
		}
		finish(t, tr, 1)
	}
	if losses := s.core.Losses(); len(losses) != 0 {
		t.Errorf("%v would be lost", losses)
	}
	if err := s.Drop("a"); err != nil {
		t.Fatal(err)
	}
	stop()
	s, _, _ = journaled(t, dir, time.Hour)
	if err := s.Drop("b"); err != nil { // that sleeps
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b"} {
		_, err := s.Trainer(name)
		fails(t, err, Unknown, "there is no trainer")
		fails(t, s.Drop(name), Unknown, "there is no trainer")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "notebook*", "*")); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

// A directory that cannot be written to costs no training, and is told of.
func TestNowhereToWrite(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s, log, _ := journaled(t, filepath.Join(file, "journal"), time.Hour)
	tr := keptTrainer(t, s, "0.01 iris", "created")
	finish(t, tr, 1)
	says(t, "the note", tr.Info().Note, "trainers are not written down: ", "file")
	says(t, "the log", log.String(), "not written down")
	says(t, "the status", s.core.Journal(), "off: trainers are not written down")
	if losses := s.core.Losses(); len(losses) != 1 {
		t.Errorf("%v would be lost", losses)
	}

	s, log, _ = journaled(t, dir, 10*time.Millisecond)
	if other, _, _ := journaled(t, dir, time.Hour); !strings.Contains(other.core.Journal(), "another core writes in "+dir) {
		t.Errorf("a second core in one directory: %s", other.core.Journal())
	}
	tr = keptTrainer(t, s, "0.01 iris", "created")
	blocked := filepath.Dir(s.core.journal.path("notebook", "a"))
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := tr.Start(1_000_000_000); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the note", func() bool { return strings.Contains(tr.Info().Note, "not written down: ") })
	at := tr.Info().Step
	waitFor(t, "training to go on", func() bool { return tr.Info().Step > at })
	if err := os.Remove(blocked); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the note to go", func() bool { return tr.Info().Note == "" })
	tr.Stop()
	if n := strings.Count(log.String(), "is not written down"); n != 1 {
		t.Errorf("the log says it %d times:\n%s", n, log)
	}
	says(t, "the log", log.String(), "is written down again")
}

func TestOldFilesAreRemoved(t *testing.T) {
	dir := t.TempDir()
	s, _, stop := journaled(t, dir, time.Hour)
	upload(t, s)
	finish(t, keptTrainer(t, s, "0.01 mine", "created"), 1)
	stop()
	files := func() (n int) {
		list, err := filepath.Glob(filepath.Join(dir, "*", "*"+suffix+"*"))
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	path := s.core.journal.path("notebook", "a")
	clean := func(opts JournalOptions) int {
		opts.Dir, opts.Log = dir, (&logged{}).Printf
		(&Journal{JournalOptions: opts}).clean()
		return files()
	}
	had := files()
	if n := clean(JournalOptions{Age: time.Hour, Bytes: 1 << 30}); n != had || had < 2 {
		t.Fatalf("of %d files %d are left", had, n)
	}
	date := func(by time.Duration, paths ...string) {
		for _, p := range paths {
			if err := os.Chtimes(p, time.Now().Add(by), time.Now().Add(by)); err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
		}
	}
	data, err := filepath.Glob(filepath.Join(dir, dataDir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	trainer := []string{path, checkpoint.Before(path)}
	for what, by := range map[string]time.Duration{"after a long absence": -2 * time.Hour, "of a clock that was ahead": 2 * time.Hour} {
		date(by, append(data, trainer...)...)
		if n := clean(JournalOptions{Age: time.Hour}); n != had {
			t.Errorf("%s: of %d files %d are left", what, had, n)
		}
	}
	date(0, data...)
	date(2*time.Hour, trainer...)
	if n := clean(JournalOptions{Age: time.Hour}); n != had {
		t.Errorf("with a trainer from the future, of %d files %d are left", had, n)
	}
	date(-2*time.Hour, trainer...)
	if n := clean(JournalOptions{Age: time.Hour}); n != 0 {
		t.Errorf("%d files are left, and no trainer needs the data", n)
	}
}
