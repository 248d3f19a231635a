package runtime

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/metalnb/metalnb/metalcore/checkpoint"
	"github.com/metalnb/metalnb/metalcore/train"
)

// kept is what the journal knows of a trainer.
type kept struct {
	writing sync.Mutex // held while its file changes

	mu     sync.Mutex // guards what follows, never for long
	path   string     // of its file, empty when it is not written
	moved  bool       // since the last snapshot
	last   *train.Snapshot
	at     time.Time     // since when that is what to go back to
	ended  time.Time     // of the last writing
	took   time.Duration // by it
	said   string        // how it came back, until it trains again
	told   bool          // that a cell heard
	failed string        // why it is not written
	step   int64         // of a training
	beaten time.Time     // of the last beat that was due
}

// follow begins to keep a trainer in a file, or says why not.
func (k *kept) follow(path, failed string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.path, k.failed = path, failed
}

// move notes that the trainer is not what is written. It returns false for one
// that is not kept.
func (k *kept) move() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.moved = true
	return k.path != ""
}

// dutyShare is how much longer the journal rests than it writes.
const dutyShare = 50

// safe reports whether the trainer is written, or will be when the core ends.
func (k *kept) safe() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.path != "" && k.failed == ""
}

// snapshot is the last one, nil before the first.
func (k *kept) snapshot() *train.Snapshot {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.last
}

// setSnapshot says what to go back to since a time, unless there is something
// later: a long writing may end after that.
func (k *kept) setSnapshot(was *train.Snapshot, at time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !at.Before(k.at) {
		k.last, k.at = was, at
	}
}

// pause is when the trainer may be written again, after so long at least. Long
// writings come seldom.
func (k *kept) pause(least time.Duration) time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.ended.Add(max(least, dutyShare*k.took))
}

// interval is when it must be written again, so that it is on the disk in time.
func (k *kept) interval(every time.Duration) time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	from := k.at
	if k.last == nil {
		from = time.Now()
	}
	return from.Add(every - min(k.took, every/2))
}

// begin tells where to write, and whether to.
func (k *kept) begin() (path string, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	ok = k.moved && k.path != ""
	k.moved = false
	return k.path, ok
}

// end takes down how a writing went. It returns true when that has changed.
func (k *kept) end(start time.Time, err error) (change bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	failed := ""
	if err != nil {
		failed, k.moved = "not written down: "+err.Error(), true
	}
	change = (k.failed == "") != (failed == "")
	k.failed, k.ended = failed, time.Now()
	k.took = k.ended.Sub(start)
	return change
}

// note adds to what a trainer says of itself.
func (k *kept) note(note, more string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	parts := slices.DeleteFunc([]string{note, k.said, k.failed, more}, func(s string) bool { return s == "" })
	return strings.Join(parts, "; ")
}

// say sets how the trainer came back; nothing when it has moved on.
func (k *kept) say(text string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.said = text
}

// tell is say, and the next cell that attaches is told.
func (k *kept) tell(text string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.said, k.told = text, false
}

// Tell tells the cell that attaches to the trainer what it should know: once,
// how it came back from the journal.
func (t *Trainer) Tell() string {
	k := &t.kept
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.told {
		return ""
	}
	k.told = true
	return k.said
}

// beatEvery is the least time between two beats.
const beatEvery = time.Second

// beat notes how far the training is, and tells whether that should be written.
func (k *kept) beat(step int64) (due bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	k.step, due = step, k.path != "" && now.Sub(k.beaten) >= beatEvery
	if due {
		k.beaten = now
	}
	return due
}

// writeBeat writes down how far the training was at the last beat, so that one can
// say what was lost. It does not wait for the trainer's file, which may be what
// holds the disk up.
func (k *kept) writeBeat() {
	k.mu.Lock()
	path, text := k.path, fmt.Sprintf("%d %d", k.step, k.beaten.UnixNano())
	k.mu.Unlock()
	if path == "" {
		return
	}
	os.WriteFile(beatOf(path), []byte(text), 0o600) // for a message only
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.path != path { // it was dropped or renamed meanwhile
		os.Remove(beatOf(path))
	}
}

// beatSuffix ends the names of the files of beats.
const beatSuffix = ".at"

func beatOf(path string) string { return path + beatSuffix }

// lastBeat is what the last beat said.
func lastBeat(path string) (step int64, at time.Time) {
	text, err := os.ReadFile(beatOf(path))
	var nanos int64
	if err != nil {
		return 0, at
	}
	if n, _ := fmt.Sscan(string(text), &step, &nanos); n != 2 {
		return 0, at
	}
	return step, time.Unix(0, nanos)
}

// forget removes what is written of a trainer, which is not written again.
func (t *Trainer) forget() {
	k := &t.kept
	k.writing.Lock()
	defer k.writing.Unlock()
	k.mu.Lock()
	path := k.path
	k.path = ""
	k.mu.Unlock()
	t.keeper.disown("")
	if j := t.session.core.journal; !j.none() {
		forgetKept(j.checkpoints(t.session.name, t.Name()))
	}
	if path != "" {
		forget(path)
	}
}

// forget removes what is written at a path, and what was kept of that trainer.
func forget(path string) {
	checkpoint.Remove(path)
	os.Remove(beatOf(path))
	forgetKept(strings.TrimSuffix(path, suffix) + checkpointDir)
}
