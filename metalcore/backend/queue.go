package backend

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"
)

// Queue is where those who compute on one device wait for their turns: a slice of
// steps, some rows of an evaluation. Who has used the device least is next, of
// those who wait (start-time fair queueing, Goyal, Vin and Cheng 1996), so that
// all get about the same time, whatever a turn of theirs costs. What somebody did
// not use while he had nothing to do is not saved up.
//
// A device has a number of places: the threads of a CPU, else one. A run that
// shares its work among the threads takes them all; small ones, which are one
// thread's work, go on side by side.
type Queue struct {
	places int

	mu       sync.Mutex // guards what follows, and the shares
	free     int        // places
	now      time.Duration
	waiting  []*Share // in the order of asking
	expected *Share   // who is next, and will ask in a moment
	until    time.Time
	timer    *time.Timer
}

// patience is how long a device stays free for the one who is next, and has
// things to do on the host between two turns. It counts as used.
const patience = 2 * time.Millisecond

// NewQueue is the queue of a device with so many places.
func NewQueue(places int) *Queue { return &Queue{places: places, free: places} }

// Queued is a device that has a queue for all who compute on it.
type Queued interface {
	Device
	Queue() *Queue
}

// QueueOf is the device's queue, one of its own for a device without.
func QueueOf(dev Device) *Queue {
	if q, ok := dev.(Queued); ok {
		return q.Queue()
	}
	return NewQueue(max(1, dev.Info().Threads))
}

// Sized is an Executable that knows how many places a run of it takes; it is asked
// between two runs.
type Sized interface {
	Executable
	Places() int
}

// PlacesOf is how many places a run takes: all, of a program that does not know.
func PlacesOf(e Executable) int {
	if s, ok := e.(Sized); ok {
		return s.Places()
	}
	return math.MaxInt
}

// Share is what one user of a device has had of it. He takes one turn at a time.
type Share struct {
	queue *Queue
	turn  chan struct{} // has room for the word that it is his turn

	want, has int // places
	since     time.Time
	used      time.Duration // by which turns are given
	spent     time.Duration // on turns
}

// Join makes a share for one user more.
func (q *Queue) Join() *Share { return &Share{queue: q, turn: make(chan struct{}, 1)} }

// Take waits for the user's turn, on so many places or all that there are. It
// gives up with the context's error.
func (s *Share) Take(ctx context.Context, places int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	q := s.queue
	q.mu.Lock()
	s.want = max(1, min(places, q.places))
	s.used = max(s.used, q.now)
	q.forget(s)
	q.waiting = append(q.waiting, s)
	q.next()
	q.mu.Unlock()
	select {
	case <-s.turn:
		return nil
	case <-ctx.Done():
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if s.has > 0 { // at the last moment
		<-s.turn
		q.free += s.has
		s.has = 0
	} else {
		q.waiting = slices.DeleteFunc(q.waiting, func(x *Share) bool { return x == s })
	}
	q.next()
	return ctx.Err()
}

// Give ends the turn. If the user is next again, the device is kept for him for a
// moment.
func (s *Share) Give() {
	q := s.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	took := time.Since(s.since)
	s.used += took
	s.spent += took
	q.free += s.has
	s.has = 0
	if first := q.first(); first != nil && s.used < first.used && (q.expected == nil || s.used < q.expected.used) {
		q.expect(s)
	}
	q.next()
}

// Leave says that the user does not ask for another turn soon.
func (s *Share) Leave() {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	s.queue.forget(s)
	s.queue.next()
}

// Spent is the time of all turns so far.
func (s *Share) Spent() time.Duration {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	return s.spent
}

// first is who has used least of those that wait, nil when nobody does.
func (q *Queue) first() (first *Share) {
	for _, s := range q.waiting {
		if first == nil || s.used < first.used {
			first = s
		}
	}
	return first
}

// next gives turns as there are places. Nobody overtakes the one who is next,
// because he needs more of them.
func (q *Queue) next() {
	for {
		s := q.first()
		if s == nil || s.want > q.free || q.expected != nil && q.expected.used < s.used {
			return
		}
		q.waiting = slices.DeleteFunc(q.waiting, func(x *Share) bool { return x == s })
		q.free -= s.want
		s.has, s.since = s.want, time.Now()
		q.now = max(q.now, s.used)
		s.turn <- struct{}{}
	}
}

// expect keeps the device for a user, until the timer says that he does not come.
func (q *Queue) expect(s *Share) {
	q.expected, q.until = s, time.Now().Add(patience)
	if q.timer == nil {
		q.timer = time.AfterFunc(patience, q.late)
	} else {
		q.timer.Reset(patience)
	}
}

func (q *Queue) forget(s *Share) {
	if q.expected == s {
		q.expected = nil
		q.timer.Stop()
	}
}

// late lets the others go on.
func (q *Queue) late() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if s := q.expected; s != nil && !time.Now().Before(q.until) {
		s.used += patience
		q.expected = nil
		q.next()
	}
}
