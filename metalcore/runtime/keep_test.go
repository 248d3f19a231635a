package runtime

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/train"
)

func TestWhichCheckpointsStay(t *testing.T) {
	epochs := func(label string, values ...float64) (list []Checkpoint) {
		for i, x := range values {
			list = append(list, Checkpoint{Name: fmt.Sprintf("epoch-%d", i+1), Epoch: i + 1, Metric: label, Value: x})
		}
		return list
	}
	steps := []Checkpoint{{Name: "step-10"}, {Name: "step-20"}, {Name: "step-30"}}
	loss, nan := epochs("loss", 3, 1, 2, 1, 5, 4), math.NaN()
	for _, c := range []struct {
		keep Keep
		list []Checkpoint
		want string
	}{
		{Keep{Last: 2}, loss, "epoch-5 epoch-6"},
		{Keep{Best: 2}, loss, "epoch-2 epoch-4"}, // of equals the first
		{Keep{Best: 1}, loss, "epoch-2"},
		{Keep{Last: 1, Best: 2}, loss, "epoch-2 epoch-4 epoch-6"},
		{Keep{Every: 2, Last: 2}, loss, "epoch-4 epoch-6"},
		{Keep{Best: 2}, epochs("validation accuracy", 0.1, 0.5, nan, 0.4), "epoch-2 epoch-4"},
		{Keep{Best: 2}, epochs("loss", nan), ""},
		{Keep{Best: 2}, append(epochs("accuracy", 0.9, 0.8), Checkpoint{Name: "epoch-3", Metric: "loss", Value: 7}), "epoch-2 epoch-3"},
		{Keep{Steps: 10, Last: 2, Best: 1}, slices.Concat(loss, steps), "epoch-2 step-20 step-30"},
		{Keep{Last: 2}, slices.Concat(loss, steps), "epoch-5 epoch-6"},
	} {
		var names []string
		for name := range c.keep.stay(c.list) {
			names = append(names, name)
		}
		slices.Sort(names)
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("%+v: %q stay, want %q", c.keep, got, c.want)
		}
	}
}

// names are those of a trainer's checkpoints, in the order of time.
func names(t *testing.T, tr *Trainer) string {
	t.Helper()
	list, err := tr.Checkpoints()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range list {
		names = append(names, c.Name)
	}
	return strings.Join(names, " ")
}

// A training keeps the latest checkpoints and the best one, over restarts of the
// core, each exactly what the trainer was; of what the user has made it removes
// nothing.
func TestKept(t *testing.T) {
	dir := t.TempDir()
	s, _, stop := journaled(t, dir, time.Hour)
	tr := keptTrainer(t, s, "0.01 iris keep", "created")
	at := []string{numbersOf(t, tr)}
	for range 3 {
		finish(t, tr, 1)
		at = append(at, numbersOf(t, tr))
	}
	if _, err := tr.Save("mine", ""); err != nil {
		t.Fatal(err)
	}
	if got := names(t, tr); got != "epoch-2 epoch-3 mine" {
		t.Errorf("there are %s", got)
	}
	stop()

	s, _, stop = journaled(t, dir, time.Hour)
	tr, err := s.Trainer("a")
	if err != nil {
		t.Fatal(err)
	}
	finish(t, tr, 2)
	if got := names(t, tr); got != "mine epoch-4 epoch-5" {
		t.Errorf("after a restart there are %s", got)
	}
	list, _ := tr.Checkpoints()
	if c := list[1]; !c.Kept || c.Metric != "loss" || c.Value != tr.History()[3].Train[0].Value || c.Epoch != 4 || c.Step != 32 || c.Bytes == 0 || list[0].Kept {
		t.Errorf("it is %+v", c)
	}
	last := numbersOf(t, tr)
	if err := tr.SetLR(10); err != nil { // it becomes worse from here on
		t.Fatal(err)
	}
	finish(t, tr, 3)
	if got := names(t, tr); got != "mine epoch-5 epoch-7 epoch-8" {
		t.Errorf("there are %s", got)
	}
	if err := tr.Load("best", ""); err != nil || tr.Info().Epoch != 5 || numbersOf(t, tr) != last {
		t.Errorf("the best: %v, %+v", err, tr.Info())
	}
	if err := tr.Load("last", ""); err != nil || tr.Info().Epoch != 8 {
		t.Errorf("the latest: %v, %+v", err, tr.Info())
	}
	if err := tr.Load("mine", ""); err != nil || numbersOf(t, tr) != at[3] {
		t.Errorf("the user's: %v", err)
	}
	finish(t, tr, 2) // by the epochs 4 and 5 again
	if got := names(t, tr); got != "mine epoch-5 epoch-4 epoch-5-2" {
		t.Errorf("a second time there are %s", got)
	}
	if err := tr.Load("epoch-5-2", ""); err != nil || numbersOf(t, tr) != last {
		t.Errorf("by the same way it did not come to the same: %v", err)
	}
	if _, err := tr.Save("best", ""); err != nil {
		t.Fatal(err)
	}
	finish(t, tr, 1)
	if err := tr.Load("best", ""); err != nil || tr.Info().Epoch != 5 {
		t.Errorf("the user's own best: %v, %+v", err, tr.Info())
	}
	if err := s.Drop("a"); err != nil {
		t.Fatal(err)
	}
	tr = keptTrainer(t, s, "0.01 iris keep", "created")
	if got := names(t, tr); got != "mine best" {
		t.Errorf("when the trainer was dropped, there are %s", got)
	}
	stop()
}

// keepsAll declares a trainer of which a checkpoint of each epoch stays.
func keepsAll(t *testing.T, s *Session, text string) *Trainer {
	t.Helper()
	d, err := declaration("a", text, s.Find)
	if err != nil {
		t.Fatal(err)
	}
	d.Keep = Keep{Last: 1000}
	_, tr, err := s.Declare(d, false)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// Each is the trainer at that moment, also at the end of a training that puts other
// weights back; none needs the journal.
func TestKeptIsExact(t *testing.T) {
	s, _, _ := journaled(t, t.TempDir(), 0)
	tr := keepsAll(t, s, "0.01 iris early")
	finish(t, tr, 100)
	i := tr.Info()
	says(t, "the note", i.Note, "weights are those of epoch")
	list, err := tr.Checkpoints()
	if err != nil || len(list) != i.Epoch {
		t.Fatalf("%d checkpoints of %d epochs, %v", len(list), i.Epoch, err)
	}
	d := tr.declaration()
	d.Name, d.EarlyStop = "whole", nil
	_, whole, err := s.Declare(d, false)
	if err != nil {
		t.Fatal(err)
	}
	for n, c := range list {
		finish(t, whole, 1)
		if err := tr.Load(c.Name, ""); err != nil || c.Epoch != n+1 || numbersOf(t, tr) != numbersOf(t, whole) {
			t.Errorf("%s is not what the trainer was: %v", c.Name, err)
		}
	}
	finish(t, tr, 100) // from the last on, it ends as the first time
	if j := tr.Info(); j.Epoch != i.Epoch+1 || !strings.Contains(j.Note, "has not improved for 4 epochs") {
		t.Errorf("from its last checkpoint on: %+v", j)
	}
}

func TestKeptEverySteps(t *testing.T) {
	s, _, _ := journaled(t, t.TempDir(), time.Hour)
	tr := keptTrainer(t, s, "0.01 iris", "created")
	run, err := tr.StartSteps(3)
	if err != nil {
		t.Fatal(err)
	}
	<-run.Done()
	d := tr.declaration()
	d.Keep = Keep{Steps: 5, Last: 1000}
	if outcome, _, err := s.Declare(d, false); outcome != "changed" || err != nil {
		t.Fatalf("%s, %v", outcome, err)
	}
	if run, err = tr.StartSteps(400); err != nil {
		t.Fatal(err)
	}
	<-run.Done()
	list, err := tr.Checkpoints()
	if err != nil || len(list) == 0 {
		t.Fatal(err)
	}
	for i, c := range list {
		if c.Name != fmt.Sprintf("step-%d", c.Step) || c.Metric != "" || i > 0 && c.Step/5 == list[i-1].Step/5 {
			t.Errorf("after %+v comes %+v", list[max(i-1, 0)], c)
		}
	}
	if err := tr.Load("best", ""); err == nil {
		t.Error("there is a best one without a number")
	}
	d.Keep = Keep{Last: 1, Watch: "auc"}
	_, _, err = s.Declare(d, false)
	fails(t, err, BadRequest, `Keep watches "auc", which is not measured: there are loss, accuracy`)
	d.Keep, d.Name = Keep{Last: -1}, "b"
	_, _, err = s.Declare(d, false)
	fails(t, err, BadRequest, "checkpoints that are kept cannot be")
}

// What cannot be written is said, training goes on, nothing older is removed for
// it, and it is written when that is possible again.
func TestKeptNowhere(t *testing.T) {
	s, log, _ := journaled(t, t.TempDir(), time.Hour)
	tr := keptTrainer(t, s, "0.01 iris keep", "created")
	dir := s.core.journal.checkpoints("notebook", "a")
	finish(t, tr, 2)
	if got := names(t, tr); got != "epoch-1 epoch-2" {
		t.Fatalf("there are %s", got)
	}
	away := dir + "-away"
	if err := errors.Join(os.Rename(dir, away), os.WriteFile(dir, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	run, err := tr.Start(4)
	if err != nil {
		t.Fatal(err)
	}
	<-run.Done()
	tr.flush()
	if i := tr.Info(); i.Epoch != 6 {
		t.Errorf("it stands at %+v", i)
	}
	says(t, "the note", tr.Info().Note, "checkpoint epoch-5 is not written: ")
	says(t, "the log", log.String(), `of trainer "a" of notebook is not written`)
	if left, err := filepath.Glob(filepath.Join(away, "epoch-*")); err != nil || len(left) != 2 {
		t.Errorf("%q are left, %v", left, err)
	}
	if tr.sleep() {
		t.Error("a trainer sleeps whose checkpoints are not written")
	}
	if err := errors.Join(os.Remove(dir), os.Rename(away, dir)); err != nil {
		t.Fatal(err)
	}
	if got := names(t, tr); got != "epoch-5 epoch-6" || tr.Info().Note != "" {
		t.Errorf("there are %s, and the note is %q", got, tr.Info().Note)
	}
}

func TestRemovedCheckpoints(t *testing.T) {
	s, _, _ := journaled(t, t.TempDir(), time.Hour)
	tr := keptTrainer(t, s, "0.01 iris keep", "created")
	finish(t, tr, 2)
	if _, err := tr.Save("mine", ""); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"mine", "epoch-1"} {
		if err := tr.Remove(name); err != nil {
			t.Error(err)
		}
	}
	fails(t, tr.Remove("mine"), Unknown, `there is no checkpoint "mine"`, "the checkpoints of this trainer are epoch-2")
	fails(t, tr.Remove("best"), Unknown, `there is no checkpoint "best"`)
	fails(t, tr.Remove(""), BadRequest, "a checkpoint needs a name")
	finish(t, tr, 1)
	if got := names(t, tr); got != "epoch-2 epoch-3" {
		t.Errorf("there are %s", got)
	}
	if _, err := s.Rename("a", "b"); err != nil {
		t.Fatal(err)
	}
	finish(t, tr, 1)
	if got := names(t, tr); got != "epoch-3 epoch-4" {
		t.Errorf("by another name it has %s", got)
	}
}

// While training goes on, the disk is written by somebody else, and holds no more
// than are to stay.
func TestKeptWhileTraining(t *testing.T) {
	s, _, stop := journaled(t, t.TempDir(), time.Hour)
	tr := keptTrainer(t, s, "0.001 iris keep", "created")
	if _, err := tr.Start(1_000_000_000); err != nil {
		t.Fatal(err)
	}
	first := ""
	waitFor(t, "other checkpoints", func() bool {
		now := names(t, tr)
		if first == "" {
			first = now
		}
		return now != first
	})
	stop()
	list, err := checkpointsIn(s.core.journal.checkpoints("notebook", "a"))
	if err != nil || len(list) < 2 || len(list) > 3 {
		t.Fatalf("%v are left: %v", list, err)
	}
	if last := list[len(list)-1]; last.Epoch != tr.Info().Epoch {
		t.Errorf("the latest is %+v, the trainer %+v", last, tr.Info())
	}
	var nobody Keep
	if _, ok := nobody.candidate(train.Moment{Before: 1, Step: 2, Ended: &train.Epoch{N: 1}}); ok {
		t.Error("checkpoints are made unasked")
	}
}
