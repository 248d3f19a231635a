package runtime

import (
	"context"
	"errors"
	"sync"

	"github.com/metalnb/metalnb/metalcore/train"
)

// Trainer is a trainer with a name in a session, which trains in a goroutine
// of its own.
type Trainer struct {
	*train.Trainer
	name    string
	session *Session

	mu   sync.Mutex
	spec train.Spec // as last declared
	run  *run       // the last training, nil before the first
	runs int
}

// run is one training.
type run struct {
	cancel context.CancelFunc
	done   chan struct{}
	err    error // set when done is closed
}

// errStopped is why a training that Stop ended has ended.
var errStopped = errors.New("stopped")

// Spec is the specification as last declared, with the learning rate of that
// declaration.
func (t *Trainer) Spec() train.Spec {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.spec
}

// Session is the session that the trainer belongs to.
func (t *Trainer) Session() *Session { return t.session }

// Runs counts the trainings begun.
func (t *Trainer) Runs() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.runs
}

// redeclare takes over what a new declaration may change live: a learning rate
// that differs from the one last declared, and the validation data.
func (t *Trainer) redeclare(spec train.Spec) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if lr := spec.Optimizer.Settings()["lr"]; lr != t.spec.Optimizer.Settings()["lr"] {
		if err := t.SetLR(lr); err != nil {
			return classify(err)
		}
	}
	if spec.Valid != t.spec.Valid {
		if err := t.SetValid(spec.Valid); err != nil {
			return classify(err)
		}
	}
	t.spec = spec
	return nil
}

// Start trains for some epochs more.
func (t *Trainer) Start(epochs int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running() {
		return t.busy("begin another training")
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	r := &run{cancel: func() { cancel(errStopped) }, done: make(chan struct{})}
	t.run, t.runs = r, t.runs+1
	go func() {
		defer close(r.done)
		err := t.Trainer.Train(ctx, epochs)
		if err != nil && !errors.Is(err, errStopped) && !errors.Is(err, context.Canceled) {
			r.err = classify(err)
		}
	}()
	return nil
}

// Running reports whether it trains now.
func (t *Trainer) Running() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.running()
}

func (t *Trainer) running() bool {
	if t.run == nil {
		return false
	}
	select {
	case <-t.run.done:
		return false
	default:
		return true
	}
}

// closed is the channel of a training that never was.
var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// Done is closed when the training under way has ended; at once when there is
// none.
func (t *Trainer) Done() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.run == nil {
		return closed
	}
	return t.run.done
}

// Err returns why the last training failed, nil when it did not.
func (t *Trainer) Err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.run == nil || t.running() {
		return nil
	}
	return t.run.err
}

// Stop ends training between two steps, and returns when it has ended.
func (t *Trainer) Stop() {
	t.mu.Lock()
	r := t.run
	t.mu.Unlock()
	if r != nil {
		r.cancel()
		<-r.done
	}
}

// Reset makes new weights, forgets all training and returns to the learning
// rate as declared.
func (t *Trainer) Reset() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running() {
		return t.busy("be reset")
	}
	t.run = nil
	err := t.Trainer.Reset()
	if err == nil {
		err = t.SetLR(t.spec.Optimizer.Settings()["lr"])
	}
	if err != nil {
		return classify(err)
	}
	return nil
}

func (t *Trainer) busy(what string) *Error {
	return errorf(Busy, "wait for it with t.Wait(), or end it with t.Stop()", "trainer %q is training and cannot %s", t.name, what)
}
