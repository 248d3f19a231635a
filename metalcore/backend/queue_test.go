package backend

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// user takes turns of one length until the context ends, with a pause after each.
func user(ctx context.Context, s *Share, places int, turn, rest time.Duration) {
	for s.Take(ctx, places) == nil {
		time.Sleep(turn)
		s.Give()
		time.Sleep(rest)
	}
}

// within runs users for so long, in a bubble of time of its own.
func within(d time.Duration, users ...func(ctx context.Context)) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	var all sync.WaitGroup
	for _, u := range users {
		all.Go(func() { u(ctx) })
	}
	all.Wait()
}

// All get the same time, whatever a turn of theirs costs, and together all of it.
func TestQueueIsFairInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewQueue(1)
		turns := []time.Duration{100 * time.Microsecond, 30 * time.Millisecond, time.Second}
		var users []func(context.Context)
		var shares []*Share
		for _, turn := range turns {
			s := q.Join()
			shares = append(shares, s)
			users = append(users, func(ctx context.Context) { user(ctx, s, 1, turn, 10*time.Microsecond) })
		}
		within(time.Minute, users...)
		for i, s := range shares {
			// The smallest is waited for, ten microseconds of each hundred, which count as nobody's.
			if got := s.Spent(); got < 18*time.Second || got > 22*time.Second {
				t.Errorf("turns of %v had the device for %v of a minute", turns[i], got)
			}
		}
	})
}

// Whoever does not want the device leaves it to the others, and saves nothing up;
// when he comes, he waits for the turn under way and no more.
func TestQueueOfOneWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewQueue(1)
		busy, other, seldom := q.Join(), q.Join(), q.Join()
		longest := time.Duration(0)
		within(time.Minute,
			func(ctx context.Context) { user(ctx, busy, 1, 30*time.Millisecond, 0) },
			func(ctx context.Context) { user(ctx, other, 1, 30*time.Millisecond, 0) },
			func(ctx context.Context) {
				for {
					time.Sleep(777 * time.Millisecond) // for its data
					asked := time.Now()
					if seldom.Take(ctx, 1) != nil {
						return
					}
					longest = max(longest, time.Since(asked))
					time.Sleep(10 * time.Millisecond)
					seldom.Give()
				}
			})
		if longest > 30*time.Millisecond {
			t.Errorf("he waited for %v", longest)
		}
		if sum := busy.Spent() + other.Spent() + seldom.Spent(); sum < 59*time.Second {
			t.Errorf("the device worked for %v of a minute", sum)
		}
		if d := busy.Spent() - other.Spent(); d.Abs() > 60*time.Millisecond {
			t.Errorf("the others had %v and %v", busy.Spent(), other.Spent())
		}
	})
}

// Runs of one place go on side by side; one that needs all places is not
// overtaken for ever.
func TestQueueOfPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewQueue(4)
		small := []*Share{q.Join(), q.Join(), q.Join()}
		var users []func(context.Context)
		for _, s := range small {
			users = append(users, func(ctx context.Context) { user(ctx, s, 1, 20*time.Millisecond, 0) })
		}
		within(time.Minute, users...)
		for _, s := range small {
			if s.Spent() < 59*time.Second {
				t.Errorf("one of three on four places had %v of a minute", s.Spent())
			}
		}
		wide := q.Join()
		within(time.Minute, append(users, func(ctx context.Context) { user(ctx, wide, 100, 50*time.Millisecond, 0) })...)
		if got := wide.Spent(); got < 28*time.Second || got > 32*time.Second {
			t.Errorf("one that takes all places had %v of a minute", got)
		}
		for _, s := range small {
			if got := s.Spent() - 59*time.Second; got < 25*time.Second {
				t.Errorf("one of three beside it had %v of a minute", got)
			}
		}
	})
}

// Who gives up leaves no trace, whether his turn has come or not.
func TestQueueGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewQueue(2)
		a, b, c := q.Join(), q.Join(), q.Join()
		if err := a.Take(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		wide, narrow := make(chan error), make(chan error)
		go func() { wide <- b.Take(ctx, 2) }()
		synctest.Wait()
		go func() { narrow <- c.Take(t.Context(), 1) }()
		synctest.Wait() // it does not overtake
		cancel()
		if err := <-wide; !errors.Is(err, context.Canceled) {
			t.Errorf("who gave up got %v", err)
		}
		if err := <-narrow; err != nil {
			t.Error(err)
		}
		if err := b.Take(ctx, 1); !errors.Is(err, context.Canceled) {
			t.Errorf("with a context that has ended: %v", err)
		}
		a.Give()
		c.Give()
		if q.free != 2 || len(q.waiting) != 0 || b.Spent() != 0 {
			t.Errorf("left are %d places, %d wait, and who gave up had %v", q.free, len(q.waiting), b.Spent())
		}
	})
}

// Contexts that end at any moment take no place with them.
func TestQueueGivesUpAtAnyMoment(t *testing.T) {
	q := NewQueue(3)
	var all sync.WaitGroup
	for i := range 8 {
		s := q.Join()
		all.Go(func() {
			for k := range 300 {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(k%30)*time.Microsecond)
				if s.Take(ctx, 1+i%4) == nil {
					s.Give()
				}
				cancel()
			}
			s.Leave()
		})
	}
	all.Wait()
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.free != 3 || len(q.waiting) != 0 || q.expected != nil {
		t.Errorf("%d of 3 places are free, %d wait", q.free, len(q.waiting))
	}
}

// The device is kept for a moment for the one who is next, which he pays for, and
// not at all when he has said that he goes.
func TestQueueDoesNotWaitLong(t *testing.T) {
	for _, leaves := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			q := NewQueue(1)
			long, short := q.Join(), q.Join()
			if err := long.Take(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			go func() {
				short.Take(t.Context(), 1)
				time.Sleep(time.Millisecond)
				short.Give() // and does not come again
				if leaves {
					short.Leave()
				}
			}()
			synctest.Wait()
			long.Give()
			start := time.Now()
			if err := long.Take(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			want := time.Millisecond
			if !leaves {
				want += patience
			}
			if took := time.Since(start); took != want || short.used != want {
				t.Errorf("its turn came after %v, want %v; the other one has used %v", took, want, short.used)
			}
			long.Give()
		})
	}
}

func TestQueueAllocatesNothing(t *testing.T) {
	s := NewQueue(1).Join()
	turn := func() {
		s.Take(t.Context(), 1)
		s.Give()
	}
	if n := testing.AllocsPerRun(100, turn); n != 0 {
		t.Errorf("a turn allocates %v times", n)
	}
}

func BenchmarkQueueAlone(b *testing.B) {
	s := NewQueue(1).Join()
	for b.Loop() {
		s.Take(b.Context(), 1)
		s.Give()
	}
}
