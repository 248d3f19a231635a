package runtime

import (
	"context"
	"testing"

	"github.com/metalnb/metalnb/metalcore/train"
)

// More begins a training, or has the one under way go on, also one that is paused;
// at any moment, and the steps add up.
func TestMore(t *testing.T) {
	_, s := session(t)
	tr := declare(t, s, iris(t, s, "a", 0.01), false, "created")
	first, err := tr.More(2, 0)
	if err != nil {
		t.Fatal(err)
	}
	<-first.Done()
	if i := tr.Info(); i.Epoch != 2 || first.Goal() != 2 {
		t.Fatalf("it began no training: %+v", i)
	}
	run, err := tr.Start(1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Pause(context.Background()); err != nil {
		t.Fatal(err)
	}
	again, err := tr.More(5, 0)
	if i := tr.Info(); err != nil || again != run || run.Goal() != 1_000_007 || i.Goal != 1_000_007 || i.State != train.Paused {
		t.Errorf("a paused training: %v, to epoch %d, %+v", err, run.Goal(), i)
	}
	run.Stop()
	if again, err = tr.More(0, 1); err != nil || again == run {
		t.Fatalf("after a stop: %v", err)
	}
	<-again.Done()

	at, want := tr.Info().Step, int64(0)
	for range 300 {
		if again, err = tr.More(0, 1+want%3); err != nil {
			t.Fatal(err)
		}
		want += 1 + want%3
	}
	<-again.Done()
	if got := tr.Info().Step - at; got != want {
		t.Errorf("it has taken %d steps more, want %d", got, want)
	}
	if err := s.Drop("a"); err != nil {
		t.Fatal(err)
	}
	_, err = tr.More(1, 0)
	fails(t, err, Unknown, "the trainer is closed")
}
