package runtime

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/feed"
)

// small makes a core with a journal and that much memory for everything.
func small(t *testing.T, limit int64) (c *Core, s *Session, inner *cpu.Device, log *logged) {
	t.Helper()
	inner, log = cpu.New(1), &logged{}
	c = New(inner)
	c.Bound(MemoryOptions{Limit: limit, Log: log.Printf})
	c.Keep(JournalOptions{Dir: t.TempDir(), Every: time.Hour, Declaration: declaration, Log: log.Printf})
	s, _ = c.Join("notebook")
	upload(t, s)
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if n := inner.LiveBytes(); n != 0 {
			t.Errorf("%d bytes are left on the device", n)
		}
	})
	return c, s, inner, log
}

// inUse is what counts below the limit.
func inUse(c *Core) int64 {
	u := c.memory().Usage()
	return u.Live + u.Host
}

func declareText(t *testing.T, s *Session, name, text, want string) *Trainer {
	t.Helper()
	d, err := declaration(name, text, s.Find)
	if err != nil {
		t.Fatal(err)
	}
	outcome, tr, err := s.Declare(d, false)
	if err != nil || outcome != want {
		t.Fatalf("%s: %q, %v; want %q", name, outcome, err, want)
	}
	return tr
}

// use does something with a trainer that it keeps awake.
func use(t *testing.T, s *Session, name string, do func(*Trainer)) {
	t.Helper()
	tr, release, err := s.Use(name)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	do(tr)
}

// notebooks trains some trainers in turn and returns all their numbers.
func notebooks(t *testing.T, s *Session, trainers int) (all []string) {
	t.Helper()
	name := func(i int) string { return fmt.Sprint("t", i) }
	text := func(i int) string { return fmt.Sprintf("0.0%d %s", 1+i, []string{"iris", "mine"}[i%2]) }
	for i := range trainers {
		declareText(t, s, name(i), text(i), "created")
	}
	for round := range 3 {
		for i := range trainers {
			if round == 1 {
				declareText(t, s, name(i), text(i), "attached")
			}
			use(t, s, name(i), func(tr *Trainer) {
				finish(t, tr, 1)
				y, err := tr.Predict(feed.FromF32([]float32{5, 3, 1, 0.2}, 1, 4), false)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, string(y.Data), numbersOf(t, tr), fmt.Sprint(tr.Info().Step, tr.Run().Number))
				for _, e := range tr.History() {
					all = append(all, fmt.Sprint(e.N, e.Steps, e.LR, e.Train))
				}
			})
		}
	}
	return all
}

// In memory for two or three trainers, a dozen train in turn as if they had all
// there is, bit for bit.
func TestTrainersSleep(t *testing.T) {
	c, s, _, _ := small(t, 1<<30)
	want := notebooks(t, s, 12)
	if n := len(s.Asleep()); n != 0 {
		t.Errorf("%d sleep with all the memory that they want", n)
	}
	c, s, inner, log := small(t, inUse(c)/4)
	got := notebooks(t, s, 12)
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("result %d of %d differs:\n%s\n%s", i, len(want), got[i], want[i])
		}
	}
	u := c.memory().Usage()
	if u.Live+u.Host+u.Cached > u.Limit || u.Peak > u.Limit || inner.LiveBytes() != u.Live+u.Cached {
		t.Errorf("%d bytes are in use and %d cached, the peak was %d, and the limit is %d", u.Live, u.Cached, u.Peak, u.Limit)
	}
	asleep := s.Asleep()
	if len(asleep) < 6 || len(asleep)+len(s.Trainers()) != 12 {
		t.Errorf("%d sleep, %d are awake", len(asleep), len(s.Trainers()))
	}
	says(t, "the log", log.String(), `trainer "t0" of notebook sleeps`, "are wanted by trainer", "it slept since")
	use(t, s, asleep[0], func(tr *Trainer) {
		says(t, "the trainer", tr.Info().Note, "it slept since", "because memory was wanted", "nothing was lost")
		says(t, "what a cell is told", tr.Tell(), "it slept since")
	})
	if err := s.Drop(s.Asleep()[0]); err != nil {
		t.Error(err)
	}
	if n := len(s.Asleep()) + len(s.Trainers()); n != 11 {
		t.Errorf("%d trainers are left", n)
	}
}

// Several goroutines that want more than there is get it in turn, and nothing
// stands still.
func TestSleepUnderUse(t *testing.T) {
	c, s, _, _ := small(t, 1<<30)
	declareText(t, s, "t0", "0.01 iris", "created")
	use(t, s, "t0", func(tr *Trainer) { finish(t, tr, 1) })
	one := inUse(c)
	_, s, _, _ = small(t, 5*one)
	for i := range 8 {
		declareText(t, s, fmt.Sprint("t", i), "0.01 iris", "created")
	}
	var all sync.WaitGroup
	for g := range 2 {
		all.Go(func() {
			for i := range 40 {
				tr, release, err := s.Use(fmt.Sprint("t", (3*g+i*(g+1))%8))
				if err != nil {
					t.Error(err)
					return
				}
				run, err := tr.Start(1)
				if err == nil {
					<-run.Done()
					err = run.Err()
				}
				if e, ok := err.(*Error); err != nil && (!ok || e.Code != Busy) {
					t.Errorf("%v", err)
				}
				release()
			}
		})
	}
	all.Wait()
}

// Who cannot get memory is told who has it, and what to do.
func TestMemoryIsRefused(t *testing.T) {
	c, s, _, _ := small(t, 1<<30)
	tr := declareText(t, s, "t0", "0.01 iris", "created")
	use(t, s, "t0", func(tr *Trainer) { finish(t, tr, 1) })
	live := inUse(c)
	c.Bound(MemoryOptions{Limit: live + 1000})
	run, err := tr.Start(1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	defer run.Stop()
	d, err := declaration("t1", "0.01 mine", s.Find)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = s.Declare(d, false)
	fails(t, err, Resource, `trainer "t0" of notebook (`, "more are needed", `the largest are "t0"`, "t.Stop()", "METALNB_MEMORY=8GB")
	if strings.Contains(err.Error(), "journal") {
		t.Errorf("the journal is on: %v", err)
	}
	run.Stop()
	declareText(t, s, "t1", "0.01 mine", "created")
	if list := s.Asleep(); len(list) != 1 || list[0] != "t0" {
		t.Errorf("%v sleep, want t0", list)
	}
}

// The programs of a trainer's predictions go before the trainer does.
func TestProgramsGoFirst(t *testing.T) {
	c, s, _, _ := small(t, 1<<30)
	declareText(t, s, "t0", "0.01 iris", "created")
	predict := func(tr *Trainer, n int) string {
		y, err := tr.Predict(feed.FromF32(make([]float32, 4*n), n, 4), false)
		if err != nil {
			t.Fatal(err)
		}
		return string(y.Data)
	}
	need := c.memory().Of(declareText(t, s, "t1", "0.01 iris", "created").owner).Bytes
	if err := s.Drop("t1"); err != nil {
		t.Fatal(err)
	}
	use(t, s, "t0", func(tr *Trainer) {
		finish(t, tr, 1)
		before := tr.Info().Bytes
		want := predict(tr, 127)
		c.Trim()
		c.Bound(MemoryOptions{Limit: inUse(c) + need - 1})
		s.unpin(tr) // as if the cell had ended
		declareText(t, s, "t1", "0.01 iris", "created")
		if list := s.Asleep(); len(list) != 0 {
			t.Errorf("%v sleep, and predictions had memory", list)
		}
		if !s.pin(tr) {
			t.Fatal("it sleeps")
		}
		if u := c.memory().Of(tr.owner); u.Programs > 2 || tr.Info().Bytes > before+4096 {
			t.Errorf("%+v is left, and it says that it has %d bytes; before the predictions it had %d", u, tr.Info().Bytes, before)
		}
		c.Bound(MemoryOptions{Limit: 1 << 30})
		if predict(tr, 127) != want {
			t.Error("predictions are others than before")
		}
	})
}

// Without a journal nobody sleeps, and the refusal says that it would help.
func TestNobodySleepsWithoutJournal(t *testing.T) {
	c, s := session(t)
	declare(t, s, iris(t, s, "a", 0.1), false, "created")
	c.Bound(MemoryOptions{Limit: inUse(c) + 10})
	_, _, err := s.Declare(Declaration{Spec: iris(t, s, "b", 0.1)}, false)
	fails(t, err, Resource, "journal", `trainer "a" of notebook`)
	if len(s.Trainers()) != 1 {
		t.Errorf("%d trainers", len(s.Trainers()))
	}
}
