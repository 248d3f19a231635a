package runtime

import (
	"sync"
	"time"
)

// queue is what is to be done for trainers, and when.
type queue struct {
	mu   sync.Mutex // guards what follows, never for long
	due  map[*Trainer]time.Time
	wake chan struct{}
}

func newQueue() *queue {
	return &queue{due: map[*Trainer]time.Time{}, wake: make(chan struct{}, 1)}
}

// put has something done for the trainer at that time at the latest.
func (q *queue) put(t *Trainer, at time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if was, ok := q.due[t]; ok && !at.Before(was) {
		return
	}
	q.due[t] = at
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *queue) drop(t *Trainer) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.due, t)
}

// next takes the trainer that is due first off the queue, or says how long there
// is nothing to do.
func (q *queue) next() (first *Trainer, wait time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	wait = time.Hour
	for t, at := range q.due {
		if d := time.Until(at); d < wait {
			first, wait = t, d
		}
	}
	if wait > 0 {
		return nil, wait
	}
	delete(q.due, first)
	return first, 0
}

// run works the queue off, until closing is closed.
func (q *queue) run(closing <-chan struct{}, work func(*Trainer)) {
	for {
		t, wait := q.next()
		if t != nil {
			work(t)
			continue
		}
		select {
		case <-closing:
			return
		case <-q.wake:
		case <-time.After(wait):
		}
	}
}
