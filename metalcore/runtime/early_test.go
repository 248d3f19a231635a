package runtime

import (
	"fmt"
	"testing"
	"time"
)

// A core dies between the best epoch and the early stop. What the next one makes of
// the journal, and a fork of it, end as if nothing had been.
func TestEarlyStopOverRestarts(t *testing.T) {
	s, _, _ := journaled(t, t.TempDir(), time.Hour)
	whole := keptTrainer(t, s, "0.01 iris early", "created")
	finish(t, whole, 100)
	want, end := numbersOf(t, whole), whole.Info()
	says(t, "the note", end.Note, "loss has not improved for 3 epochs; best ", "; weights are those of epoch ")
	if end.Epoch >= 100 || end.State != "finished" {
		t.Fatalf("it did not end early: %+v", end)
	}

	dir := t.TempDir()
	s, _, stop := journaled(t, dir, time.Hour)
	tr := keptTrainer(t, s, "0.01 iris early", "created")
	run, err := tr.StartSteps(end.Step - 5) // in the last epoch
	if err != nil {
		t.Fatal(err)
	}
	<-run.Done()
	stop()
	s, _, stop = journaled(t, dir, time.Hour)
	again, err := s.Trainer("a")
	if err != nil {
		t.Fatal(err)
	}
	fork, err := s.Fork(s, "a", "b")
	if err != nil {
		t.Fatal(err)
	}
	for _, tr := range []*Trainer{again, fork} {
		finish(t, tr, 100)
		if i := tr.Info(); numbersOf(t, tr) != want || i.Epoch != end.Epoch || i.Note != end.Note || fmt.Sprint(i.Last.Train) != fmt.Sprint(end.Last.Train) {
			t.Errorf("%s ends as %+v, want %+v", tr.Name(), i, end)
		}
	}
	stop()
	s, _, _ = journaled(t, dir, time.Hour)
	if back, err := s.Trainer("a"); err != nil || numbersOf(t, back) != want {
		t.Errorf("after its end it comes back otherwise: %v", err)
	} else {
		says(t, "the note", back.Info().Note, end.Note, "restored from the journal")
	}
}

// A new declaration changes an early stop while it trains.
func TestEarlyStopIsRedeclared(t *testing.T) {
	s, _, _ := journaled(t, t.TempDir(), time.Hour)
	tr := keptTrainer(t, s, "0.01 iris", "created")
	run, err := tr.Start(1_000_000_000)
	if err != nil {
		t.Fatal(err)
	}
	if keptTrainer(t, s, "0.01 iris early", "changed") != tr {
		t.Error("it is another trainer")
	}
	<-run.Done() // it ends by itself
	says(t, "the note", tr.Info().Note, "loss has not improved for 3 epochs")
	d, err := declaration("a", "0.01 iris early", s.Find)
	if err != nil {
		t.Fatal(err)
	}
	d.EarlyStop.Watch = "auc"
	_, _, err = s.Declare(d, false)
	fails(t, err, BadRequest, `the early stop watches "auc", which is not measured`)
}
