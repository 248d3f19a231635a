package train

import (
	"slices"
	"time"
)

// EventKind says what an event tells of.
type EventKind int

// The kinds of events.
const (
	Progress EventKind = iota + 1 // some steps, at most ten times a second
	EpochEnd                      // an epoch is complete, its validation included
	Ended                         // training has ended, for whatever reason
	Changed                       // another State
)

// Event tells of a trainer's progress.
type Event struct {
	Kind EventKind
	Info Info
}

// progressEvery is the least time between two Progress events.
const progressEvery = 100 * time.Millisecond

// subscriber is a function that hears events.
type subscriber struct{ hear func(Event) }

// Subscribe has f called at each event until cancel is called. f runs on the
// training goroutine: it must be quick, and may call what does not wait for the
// device, as Info, History, Points, SetLR and Resume; at the end of an epoch also
// Pause.
func (t *Trainer) Subscribe(f func(Event)) (cancel func()) {
	s := &subscriber{f}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.subscribers = append(t.subscribers, s)
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.subscribers = slices.DeleteFunc(slices.Clone(t.subscribers), func(x *subscriber) bool { return x == s })
	}
}

func (t *Trainer) tell(kind EventKind) {
	t.mu.Lock()
	e, list := Event{kind, t.info()}, t.subscribers
	t.mu.Unlock()
	for _, s := range list {
		s.hear(e)
	}
}
