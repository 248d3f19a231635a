package runtime

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/train"
)

// Trainer is a trainer with a name in a session, which trains in a goroutine
// of its own.
type Trainer struct {
	*train.Trainer
	owner   backend.Owner // of its memory
	session *Session

	change sync.Mutex // held while a training begins, and over what cannot be done beside one

	kept   kept   // by the journal
	keeper keeper // of checkpoints

	uses  int       // that keep it awake; guarded by session.mu, as what follows
	used  time.Time // when the last of them ended
	slept bool      // it is on the disk, and this is what it was

	mu      sync.Mutex  // guards what follows, never for long
	decl    Declaration // the last one
	run     *Run        // the last training, nil before the first
	retired bool        // dropped or replaced
}

// Run is one training, from a Start to its end.
type Run struct {
	Number int // of the trainer's trainings, from 1
	goal   atomic.Int64
	cancel context.CancelFunc
	done   chan struct{}
	err    error // set when done is closed
}

// errStopped is why a training that Stop ended has ended.
var errStopped = errors.New("stopped")

// Goal is the epoch that it trains to.
func (r *Run) Goal() int { return int(r.goal.Load()) }

// Done is closed when the training has ended.
func (r *Run) Done() <-chan struct{} { return r.done }

// Err returns why the training failed, nil when it did not or goes on.
func (r *Run) Err() error {
	if r.running() {
		return nil
	}
	return r.err
}

// Stop ends the training between two steps, and returns when it has ended.
func (r *Run) Stop() {
	r.cancel()
	<-r.done
}

func (r *Run) running() bool {
	select {
	case <-r.done:
		return false
	default:
		return true
	}
}

// Spec is the specification as last declared, with the learning rate of that
// declaration.
func (t *Trainer) Spec() train.Spec {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.decl.Spec
}

// Name is what the trainer is called in its session.
func (t *Trainer) Name() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.decl.Name
}

// declaration is the last one.
func (t *Trainer) declaration() Declaration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.decl
}

// text is that of the last declaration, and data what that names.
func (t *Trainer) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.decl.Text
}

func (t *Trainer) data() []*Upload {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.decl.Data
}

// Session is the session that the trainer belongs to.
func (t *Trainer) Session() *Session { return t.session }

// Run is the training under way or the last one, nil before the first.
func (t *Trainer) Run() *Run {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.run
}

// Running reports whether it trains now.
func (t *Trainer) Running() bool {
	r := t.Run()
	return r != nil && r.running()
}

// Info tells where the trainer stands. Until Run.Done it says that it trains: what
// cannot be done beside a training is refused until then.
func (t *Trainer) Info() train.Info {
	i := t.Trainer.Info()
	if !i.State.Training() && t.Running() {
		i.State = train.Stopping
	}
	i.Note = t.kept.note(i.Note, t.keeper.note())
	return i
}

// redeclare takes over what a new declaration may change live: a learning rate
// that differs from the one last declared, the schedule, the early stop, the validation data,
// the checkpoints to keep.
func (t *Trainer) redeclare(d Declaration) error {
	t.change.Lock()
	defer t.change.Unlock()
	spec := d.Spec
	was := t.Spec()
	if err := d.Keep.check(&spec); err != nil {
		return classify(err)
	}
	if lr := spec.Optimizer.Settings()["lr"]; lr != was.Optimizer.Settings()["lr"] {
		if err := t.SetLR(lr); err != nil {
			return classify(err)
		}
	}
	if err := t.SetSchedule(spec.Schedule, spec.Watch); err != nil {
		return classify(err)
	}
	if e, old := spec.EarlyStop, was.EarlyStop; e != old && (e == nil || old == nil || *e != *old) {
		if err := t.SetEarlyStop(e); err != nil {
			return classify(err)
		}
	}
	if spec.Valid != was.Valid {
		if err := t.SetValid(spec.Valid); err != nil {
			return classify(err)
		}
	}
	if spec.Hunt != was.Hunt {
		if err := t.SetHunt(spec.Hunt); err != nil {
			return classify(err)
		}
	}
	t.mu.Lock()
	t.decl = d
	t.mu.Unlock()
	t.changed()
	return nil
}

// SetLR changes the learning rate.
func (t *Trainer) SetLR(lr float64) error {
	err := t.Trainer.SetLR(lr)
	t.changed()
	return err
}

// Start trains for some epochs more.
func (t *Trainer) Start(epochs int) (*Run, error) { return t.start(epochs, 0) }

// StartSteps trains for some steps more.
func (t *Trainer) StartSteps(steps int64) (*Run, error) { return t.start(0, steps) }

func (t *Trainer) start(epochs int, steps int64) (*Run, error) {
	t.change.Lock()
	defer t.change.Unlock()
	return t.begin(epochs, steps)
}

// More has the training under way go on for some epochs, or else steps, after its
// goal. Without one it is Start.
func (t *Trainer) More(epochs int, steps int64) (*Run, error) {
	t.change.Lock()
	defer t.change.Unlock()
	r := t.Run()
	if goal, err := t.Extend(epochs, steps); err == nil {
		r.goal.Store(int64(goal))
		t.changed()
		return r, nil
	}
	if r != nil {
		<-r.done // it is about to end
	}
	return t.begin(epochs, steps)
}

// begin begins a training. The caller holds t.change.
func (t *Trainer) begin(epochs int, steps int64) (*Run, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	number := 1
	switch {
	case t.retired:
		return nil, classify(train.ErrClosed)
	case t.run != nil && t.run.running():
		busy := t.busy("begin another training")
		busy.Remedy = "have it train longer with t.More(1), " + busy.Remedy
		return nil, busy
	case t.run != nil:
		number = t.run.Number + 1
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	fit, err := t.Begin(ctx, epochs, steps)
	if err != nil {
		cancel(nil)
		return nil, classify(err)
	}
	r := &Run{Number: number, cancel: func() { cancel(errStopped) }, done: make(chan struct{})}
	r.goal.Store(int64(t.Trainer.Info().Goal))
	t.run = r
	t.kept.say("")
	t.session.core.journal.begin(t)
	go func() {
		defer close(r.done)
		defer cancel(nil)
		t.guard()
		err := fit()
		if fault, ok := errors.AsType[*train.DeviceError](err); ok {
			err = t.recover(fault)
		}
		if err != nil && !errors.Is(err, errStopped) {
			r.err = classify(err)
		}
	}()
	return r, nil
}

// guard sees to it that there is a state to go back to, before a training.
func (t *Trainer) guard() {
	last, i := t.kept.snapshot(), t.Trainer.Info()
	if i.Step == 0 || last != nil && last.Step == i.Step {
		return
	}
	if was, err := t.Snapshot(context.Background()); err == nil {
		t.kept.setSnapshot(was, was.Time)
	}
}

// recover puts a trainer whose device failed in the middle of a step back to the
// last state that is known, and tells.
func (t *Trainer) recover(fault *train.DeviceError) error {
	was, at, err := t.kept.snapshot(), t.Trainer.Info().Step, error(nil)
	if was != nil {
		err = t.Trainer.Restore(was)
	} else {
		err = t.Trainer.Reset()
	}
	if err != nil {
		return wrap(Resource, "end the core with `metalnb stop --force`; the next cell that uses the trainer has it as it was last written down",
			fmt.Errorf("%w, and the trainer cannot be put back: %w", fault, err))
	}
	i := t.Trainer.Info()
	said := fmt.Sprintf("%v near step %d; the trainer is back at step %d (epoch %d, step %d of %d)", fault, at+1, i.Step, i.Epoch+1, i.EpochStep, i.StepsPerEpoch)
	t.kept.say(said)
	t.changed()
	return errorf(Resource, "t.Fit goes on from there", "%s", said)
}

// Pause holds the training up between two steps, until Resume. It returns when it
// is held up, or has ended.
func (t *Trainer) Pause(ctx context.Context) error {
	t.change.Lock()
	defer t.change.Unlock()
	if !t.Running() {
		return t.idle("paused")
	}
	defer t.changed()
	return t.Trainer.Pause(ctx)
}

// PauseAway is Pause because nobody is there: the next cell that attaches is told.
func (t *Trainer) PauseAway(ctx context.Context) error {
	if err := t.Pause(ctx); err != nil {
		return err
	}
	t.kept.tell("its training is paused since the notebook's kernel ended; t.Resume() lets it go on")
	return nil
}

// Resume lets a paused training go on.
func (t *Trainer) Resume() error {
	if !t.Running() {
		return t.idle("resumed")
	}
	t.kept.say("")
	t.Trainer.Resume()
	t.changed()
	return nil
}

func (t *Trainer) idle(what string) *Error {
	i := t.Info()
	return errorf(BadRequest, "t.Start trains in the background", "trainer %q is %s and cannot be %s", i.Name, i.State, what)
}

// Stop ends training between two steps, and returns when it has ended.
func (t *Trainer) Stop() {
	if r := t.Run(); r != nil {
		r.Stop()
	}
}

// Reset makes new weights, forgets all training and returns to the learning
// rate as declared.
func (t *Trainer) Reset() error {
	t.change.Lock()
	defer t.change.Unlock()
	if t.Running() {
		return t.busy("be reset")
	}
	err := t.Trainer.Reset()
	if err == nil {
		err = t.SetLR(t.Spec().Optimizer.Settings()["lr"])
	}
	if err != nil {
		return classify(err)
	}
	t.kept.setSnapshot(nil, time.Now())
	t.kept.say("")
	t.changed()
	return nil
}

// retire has the trainer begin no training any more, unless it is training.
func (t *Trainer) retire(what string) error {
	t.change.Lock()
	defer t.change.Unlock()
	if t.Running() {
		return t.busy(what)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.retired = true
	return nil
}

// end stops the trainer for good.
func (t *Trainer) end() {
	t.change.Lock()
	t.mu.Lock()
	t.retired = true
	t.mu.Unlock()
	t.change.Unlock()
	t.Stop()
	t.session.files.RLock()
	t.session.core.journal.finish(t)
	t.session.files.RUnlock()
	t.Close()
}

// writeDown writes a trainer down that does not train.
func (t *Trainer) writeDown() {
	t.session.files.RLock()
	defer t.session.files.RUnlock()
	if !t.change.TryLock() {
		return
	}
	defer t.change.Unlock()
	if !t.Running() {
		t.session.core.journal.finish(t)
	}
}

func (t *Trainer) busy(what string) *Error {
	i := t.Trainer.Info()
	if i.State == train.Paused {
		return errorf(Busy, "let it go on with t.Resume(), or end it with t.Stop()", "the training of trainer %q is paused, and it cannot %s", i.Name, what)
	}
	return errorf(Busy, "wait for it with t.Wait(), or end it with t.Stop()", "trainer %q is training and cannot %s", i.Name, what)
}
