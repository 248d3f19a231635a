package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/metalnb/metalnb/metalcore/checkpoint"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/train"
)

// JournalOptions say where and how often trainers are written down.
type JournalOptions struct {
	Dir   string
	Every time.Duration // how long a training may go unwritten; only checkpoints are written when 0
	// Declaration makes a declaration of its text again; find has its data.
	Declaration func(name, text string, find func(Ref) (*feed.Set, *Upload, error)) (Declaration, error)
	Age         time.Duration // files so much older than the latest are removed; 0 for never
	Bytes       int64         // that all files may take when the core begins, or the oldest are removed; 0 for any number
	Resume      bool          // have trainers that come back go on, where they were training, or wait, where they were paused
	Log         func(format string, args ...any)
}

// Journal writes down every trainer that has moved: in the middle of a training
// every so often, at the ends of epochs and trainings, after each change, and
// when the core ends. It works in a goroutine of its own; a training waits for
// the copy of its states only.
type Journal struct {
	JournalOptions
	dead string   // why nothing can be written
	lock *os.File // keeps other cores out

	saving atomic.Int32 // files at the moment

	states  *queue // trainers to write down
	keeps   *queue // trainers with checkpoints to write
	closing chan struct{}
	workers sync.WaitGroup
	beats   chan *Trainer // whose training goes on
}

// Keep begins a journal. When that is not possible, the core goes on without
// one, and trainers say so.
func (c *Core) Keep(opts JournalOptions) {
	j := &Journal{JournalOptions: opts, states: newQueue(), keeps: newQueue(),
		closing: make(chan struct{}), beats: make(chan *Trainer, 16)}
	c.journal = j
	if err := j.open(); err != nil {
		j.dead = fmt.Sprintf("trainers are not written down: %v", err)
		j.Log("journal: %s", j.dead)
	}
	if j.dead != "" {
		return
	}
	j.workers.Go(func() { j.keeps.run(j.closing, j.writeKept) })
	if j.off() {
		return
	}
	j.clean()
	j.workers.Go(func() { j.states.run(j.closing, j.writeOn) })
	j.workers.Go(j.beat)
}

// none reports whether there is no folder that is this core's.
func (j *Journal) none() bool { return j == nil || j.dead != "" }

// off reports whether no trainer is written down unasked.
func (j *Journal) off() bool { return j.none() || j.Every <= 0 }

// open makes the directory and takes its lock.
func (j *Journal) open() (err error) {
	if err := os.MkdirAll(filepath.Join(j.Dir, dataDir), 0o700); err != nil {
		return err
	}
	j.lock, err = os.OpenFile(filepath.Join(j.Dir, "lock"), os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(j.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		j.lock.Close()
		return fmt.Errorf("another core writes in %s: %w", j.Dir, err)
	}
	return nil
}

// close ends the journal, after all trainers have finished.
func (j *Journal) close() {
	if j.none() {
		return
	}
	close(j.closing)
	j.workers.Wait()
	j.lock.Close()
}

// Journal tells where trainers are written down, or why not.
func (c *Core) Journal() string {
	switch j := c.journal; {
	case j != nil && j.dead != "":
		return "off: " + j.dead
	case j.off():
		return "off"
	default:
		return fmt.Sprintf("every %v in %s", j.Every, j.Dir)
	}
}

// Saving reports whether something is being written down.
func (c *Core) Saving() bool { return c.journal != nil && c.journal.saving.Load() > 0 }

// keep has the journal follow a trainer.
func (j *Journal) keep(t *Trainer) {
	if t.decl.Text == "" || j == nil {
		return
	}
	if j.dead == "" {
		t.Keeper(t.offer)
	}
	if j.off() {
		t.kept.follow("", j.dead)
		return
	}
	t.kept.follow(j.path(t.session.name, t.Name()), "")
	t.Subscribe(func(e train.Event) {
		switch e.Kind {
		case train.Ended:
			t.changed()
		case train.EpochEnd:
			j.want(t, j.soon(t, epochPause))
		}
		if t.kept.beat(e.Info.Step) {
			select {
			case j.beats <- t:
			default: // the disk is slow
			}
		}
	})
}

// epochPause is the least time between two writings at ends of epochs.
const epochPause = time.Second

// want has the trainer written at that time at the latest.
func (j *Journal) want(t *Trainer, at time.Time) {
	if j.off() || !t.kept.move() {
		return
	}
	j.states.put(t, at)
}

// begin has the trainer, which begins to train, written in time.
func (j *Journal) begin(t *Trainer) {
	if j != nil {
		j.want(t, time.Now().Add(j.Every))
	}
}

// changed has the trainer written soon.
func (t *Trainer) changed() {
	if j := t.session.core.journal; !j.off() {
		j.want(t, j.soon(t, 0))
	}
}

// soon is when a trainer may be written again, after so long at least, and before
// it must be.
func (j *Journal) soon(t *Trainer, least time.Duration) time.Time {
	at, latest := t.kept.pause(least), time.Now().Add(j.Every)
	if at.After(latest) {
		return latest
	}
	return at
}

// beat writes down how far trainings are. The files are apart from those of the
// trainers, and nobody waits for them.
func (j *Journal) beat() {
	for {
		select {
		case <-j.closing:
			return
		case t := <-j.beats:
			t.kept.writeBeat()
		}
	}
}

// writeOn writes a trainer down, and has that done again while it trains.
func (j *Journal) writeOn(t *Trainer) {
	j.write(t)
	if t.Running() {
		j.want(t, t.kept.interval(j.Every))
	}
}

// finish writes a trainer down that moves no more, also one that never did, or whose
// file somebody has removed, and its checkpoints. The caller holds session.files.
func (j *Journal) finish(t *Trainer) {
	if j.none() {
		return
	}
	j.keeps.drop(t)
	j.writeWaiting(t)
	if j.off() {
		return
	}
	if t.kept.snapshot() == nil || !j.has(t.session.name, t.Name()) {
		t.kept.move()
	}
	j.states.drop(t)
	j.write(t)
}

// write writes a trainer down, unless it has not moved since the last time.
func (j *Journal) write(t *Trainer) {
	k := &t.kept
	k.writing.Lock()
	defer k.writing.Unlock()
	path, ok := k.begin()
	if !ok {
		return
	}
	j.saving.Add(1)
	defer j.saving.Add(-1)
	start := time.Now()
	was, err := t.Snapshot(context.Background())
	if err == nil {
		k.setSnapshot(was, was.Time)
		err = j.save(path, t, was)
	} else if _, failed := errors.AsType[*train.DeviceError](err); failed || errors.Is(err, train.ErrClosed) {
		return // it is put back, or goes
	}
	switch change := k.end(start, err); {
	case change && err != nil:
		j.Log("journal: trainer %q of %s is not written down: %v", t.Name(), t.session.name, err)
	case change:
		j.Log("journal: trainer %q of %s is written down again", t.Name(), t.session.name)
	}
	if err != nil {
		j.want(t, time.Now().Add(j.Every))
	}
}

// save writes a snapshot of a trainer, and before it the data that it needs.
func (j *Journal) save(path string, t *Trainer, was *train.Snapshot) error {
	s := &saved{session: t.session.name, name: t.Name(), text: t.text(), data: map[string]string{}, was: was}
	for _, u := range t.data() {
		if err := j.saveData(u); err != nil {
			return err
		}
		s.data[u.set.Name] = u.sum()
	}
	f, err := s.file()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return checkpoint.Write(path, f)
}
