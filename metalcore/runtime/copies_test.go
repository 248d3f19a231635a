package runtime

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A fork goes on from the moment at which it was made, while the trainer that it
// was made of trains on.
func TestForks(t *testing.T) {
	dir := t.TempDir()
	s, _, stop := journaled(t, dir, time.Hour)
	upload(t, s)
	tr := keptTrainer(t, s, "0.01 mine", "created")
	if _, err := tr.Start(1_000_000_000); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "some steps", func() bool { return tr.Info().Step > 20 })
	fork, err := s.Fork(s, "a", "b")
	if err != nil {
		t.Fatal(err)
	}
	if !tr.Running() || fork.Running() || fork.Info().Step < 20 || fork.Info().Name != "b" || fork.Spec().Data != tr.Spec().Data {
		t.Errorf("the fork is %+v", fork.Info())
	}
	if again, err := s.Fork(s, "a", "b"); err != nil || again != fork {
		t.Errorf("the same fork again: %v", err)
	}
	tr.Stop()
	finish(t, fork, 1)
	want := numbersOf(t, fork)
	stop()

	s, _, _ = journaled(t, t.TempDir(), time.Hour)
	upload(t, s)
	whole := keptTrainer(t, s, "0.01 mine", "created")
	finish(t, whole, fork.Info().Epoch)
	if numbersOf(t, whole) != want {
		t.Error("the fork went another way")
	}

	s, _, _ = journaled(t, dir, time.Hour)
	if back, err := s.Trainer("b"); err != nil || numbersOf(t, back) != want {
		t.Errorf("the fork from the journal: %v", err)
	}
	for _, bad := range []struct {
		name, as string
		code     Code
		text     string
	}{{"c", "d", Unknown, "there is no trainer"}, {"a", "", BadRequest, "a trainer needs a name"}} {
		_, err := s.Fork(s, bad.name, bad.as)
		fails(t, err, bad.code, bad.text)
	}
	d, err := declaration("e", "0.01 iris", s.Find)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Declare(d, false); err != nil {
		t.Fatal(err)
	}
	_, err = s.Fork(s, "a", "e")
	fails(t, err, Changed, `trainer "e" is there already, with a different data`)
}

func TestRename(t *testing.T) {
	dir := t.TempDir()
	s, _, stop := journaled(t, dir, time.Hour)
	tr := keptTrainer(t, s, "0.01 iris", "created")
	finish(t, tr, 1)
	if _, err := tr.Save("early", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := tr.Start(1_000_000_000); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Rename("a", "b"); err != nil || got != tr || tr.Name() != "b" || tr.Info().Name != "b" {
		t.Fatalf("%v, %+v", err, tr.Info())
	}
	at := tr.Info().Step
	waitFor(t, "training to go on", func() bool { return tr.Info().Step > at })
	_, err := s.Trainer("a")
	fails(t, err, Unknown, "the trainers of this notebook are b")
	if _, err := s.Rename("b", "b"); err != nil {
		t.Errorf("to its own name: %v", err)
	}
	keptTrainer(t, s, "0.01 iris", "created") // another "a"
	_, err = s.Rename("b", "a")
	fails(t, err, Changed, `there is a trainer "a" already`)
	_, err = s.Rename("b", "")
	fails(t, err, BadRequest, "needs a name")
	tr.Stop()
	want := numbersOf(t, tr)
	stop()
	s, _, _ = journaled(t, dir, time.Hour)
	back, err := s.Trainer("b")
	if err != nil || back.Info().Name != "b" || numbersOf(t, back) != want {
		t.Fatalf("from the journal: %v", err)
	}
	if list, err := back.Checkpoints(); err != nil || len(list) != 1 || list[0].Name != "early" {
		t.Errorf("its checkpoints are %v, %v", list, err)
	}
	_, err = s.Rename("b", "a") // which sleeps
	fails(t, err, Changed, "already")
	other, err := s.Trainer("a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Save("late", ""); err != nil {
		t.Fatal(err)
	}
	if err := s.Drop("a"); err != nil {
		t.Fatal(err)
	}
	_, err = s.Rename("b", "a") // whose checkpoints stay
	fails(t, err, Changed, `checkpoints of a trainer "a" that was dropped`)
	if err := os.RemoveAll(s.core.journal.checkpoints("notebook", "a")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Rename("b", "a"); err != nil {
		t.Error(err)
	}
	if list, err := back.Checkpoints(); err != nil || len(list) != 1 || list[0].Name != "early" {
		t.Errorf("its checkpoints are %v, %v", list, err)
	}
}

func TestCheckpoints(t *testing.T) {
	s, _, _ := journaled(t, t.TempDir(), 0) // these need no journal
	if text := s.core.Journal(); text != "off" {
		t.Errorf("the journal is %q", text)
	}
	tr := keptTrainer(t, s, "0.01 iris", "created")
	finish(t, tr, 1)
	first, err := tr.Save("first, of all", "")
	if err != nil {
		t.Fatal(err)
	}
	want := numbersOf(t, tr)
	finish(t, tr, 1)
	path := filepath.Join(t.TempDir(), "mine.safetensors")
	if _, err := tr.Save("", path); err != nil {
		t.Fatal(err)
	}
	second := numbersOf(t, tr)
	if err := tr.Load("first, of all", ""); err != nil {
		t.Fatal(err)
	}
	if i := tr.Info(); i.Epoch != 1 || numbersOf(t, tr) != want {
		t.Errorf("restored: %+v", i)
	}
	finish(t, tr, 1)
	if numbersOf(t, tr) != second {
		t.Error("from the checkpoint it went another way")
	}
	if err := tr.Load("", path); err != nil || numbersOf(t, tr) != second {
		t.Errorf("of a path: %v", err)
	}
	if list, err := tr.Checkpoints(); err != nil || len(list) != 1 || list[0] != first || first.Name != "first, of all" || first.Step != 8 {
		t.Errorf("the checkpoints are %+v, %v", list, err)
	}

	_, err = tr.Save("", "mine.safetensors")
	fails(t, err, BadRequest, "no file of a trainer")
	_, err = tr.Save("", "/etc/passwd")
	fails(t, err, BadRequest, "no file of a trainer")
	_, err = tr.Save("", "")
	fails(t, err, BadRequest, "a checkpoint needs a name")
	_, err = tr.Save("", "/nowhere/at/all.safetensors")
	fails(t, err, Resource, "the checkpoint is not written")
	fails(t, tr.Load("second", ""), Unknown, `there is no checkpoint "second"`, "the checkpoints of this trainer are first, of all")
	fails(t, tr.Load("", path+".safetensors"), BadRequest, "no such file")
	upload(t, s)
	d, err := declaration("other", "0.01 mine", s.Find)
	if err != nil {
		t.Fatal(err)
	}
	d.Model = dense(4, 3)
	_, other, err := s.Declare(d, false)
	if err != nil {
		t.Fatal(err)
	}
	fails(t, other.Load("", path), BadRequest, "the checkpoint is of another trainer: ")
	if err := os.WriteFile(path, []byte(strings.Repeat("rubbish", 10)), 0o600); err != nil {
		t.Fatal(err)
	}
	fails(t, tr.Load("", path), BadRequest, "the file is damaged")
	if _, err := tr.Start(1_000_000_000); err != nil {
		t.Fatal(err)
	}
	fails(t, tr.Load("first, of all", ""), Busy, "cannot be restored")
	tr.Stop()
}

// A fork into another session lives without the first one, and comes back there.
func TestForkIntoAnotherSession(t *testing.T) {
	dir := t.TempDir()
	s, _, stop := journaled(t, dir, time.Hour)
	upload(t, s)
	a := keptTrainer(t, s, "0.01 mine", "created")
	finish(t, a, 2)
	other, leave := s.core.Join("other")
	b, err := other.Fork(s, "a", "b")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := other.Fork(s, "a", "b"); err != nil || again != b {
		t.Errorf("a second fork of that name: %v", err)
	}
	if numbersOf(t, a) != numbersOf(t, b) || b.Session() != other || s.find("b") != nil {
		t.Error("it is another one, or elsewhere")
	}
	finish(t, a, 2)
	want := numbersOf(t, a)
	if err := s.Drop("a"); err != nil {
		t.Fatal(err)
	}
	finish(t, b, 1)
	_, err = other.Fork(s, "a", "c")
	fails(t, err, Unknown, `no trainer "a"`)
	leave()
	stop()
	s, _, _ = journaled(t, dir, time.Hour)
	other, leave = s.core.Join("other")
	defer leave()
	if b, err = other.Trainer("b"); err != nil {
		t.Fatal(err)
	}
	finish(t, b, 1)
	if numbersOf(t, b) != want {
		t.Error("it has become another one than the first")
	}
}
