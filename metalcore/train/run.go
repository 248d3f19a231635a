package train

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// run is one call of Train.
type run struct {
	ctx     context.Context
	until   int64 // the step that it ends with, 0 when it ends with an epoch; guarded by Trainer.mu
	over    bool  // it is at its goal for good; guarded by Trainer.mu
	stop    context.CancelCauseFunc
	done    chan struct{}
	steps   int64
	seconds float64   // spent on steps
	told    time.Time // of the last Progress
	note    string    // what there is to say at its end
}

// Train trains until so many epochs more are complete; the rest of an epoch
// that was stopped counts as the first. When ctx ends, training stops between
// two steps with a *StoppedError, and goes on from there with the next call.
// The error is a *DivergedError when the loss was no longer finite. One Train
// runs at a time; others get ErrBusy.
func (t *Trainer) Train(ctx context.Context, epochs int) error {
	if epochs < 1 {
		return fmt.Errorf("cannot train %d epochs: give a number of at least 1", epochs)
	}
	run, err := t.Begin(ctx, epochs, 0)
	if err != nil {
		return err
	}
	return run()
}

// TrainSteps is Train for a number of steps; the epochs that they complete are
// measured as ever.
func (t *Trainer) TrainSteps(ctx context.Context, steps int64) error {
	if steps < 1 {
		return fmt.Errorf("cannot train %d steps: give a number of at least 1", steps)
	}
	run, err := t.Begin(ctx, 0, steps)
	if err != nil {
		return err
	}
	return run()
}

// Begin begins a training of so many epochs, or else steps. The caller has the
// function do the rest, at once; until then the training can be paused, extended and
// stopped as ever.
func (t *Trainer) Begin(ctx context.Context, epochs int, steps int64) (run func() error, err error) {
	r, err := t.begin(ctx, epochs, steps)
	if err != nil {
		return nil, err
	}
	return func() error {
		err := t.guarded(r)
		t.end(r, err)
		return err
	}, nil
}

// guarded turns a panic, which is a fault of ours, into an error, so that it
// ends the training and not the program.
func (t *Trainer) guarded(r *run) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("internal error while training: %v\n%s", p, debug.Stack())
		}
	}()
	return t.train(r)
}

func (t *Trainer) begin(ctx context.Context, epochs int, steps int64) (*run, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, ErrClosed
	}
	if t.run != nil {
		return nil, ErrBusy
	}
	if t.fault != nil {
		return nil, t.fault
	}
	epochs, steps = min(epochs, mostEpochs), min(steps, mostSteps)
	r := &run{done: make(chan struct{})}
	r.ctx, r.stop = context.WithCancelCause(ctx)
	if steps > 0 {
		r.until = t.step + steps
	}
	t.run, t.goal, t.note = r, t.goalOf(epochs, steps), ""
	t.become(Running)
	return r, nil
}

// end records why a run is over and tells the subscribers.
func (t *Trainer) end(r *run, err error) {
	t.machine.drain()
	t.machine.mem.share.Leave()
	t.mu.Lock()
	state := Finished
	t.note = r.note
	var stop *StoppedError
	switch {
	case errors.As(err, &stop):
		state, t.note = Stopped, err.Error()
	case err != nil:
		state, t.note = Failed, err.Error()
	}
	t.become(state)
	t.run, t.pause = nil, nil
	t.mu.Unlock()
	r.stop(nil)
	t.tell(Ended)
	close(r.done)
}

func (t *Trainer) train(r *run) error {
	if err := t.prepare(r); err != nil {
		return err
	}
	for !t.reached(r, true) {
		if err := t.trainEpoch(r); err != nil {
			return err
		}
		if t.epochStep < t.machine.stepsPerEpoch() {
			continue // it is at its goal, unless that has moved
		}
		if err := t.finishEpoch(r); err != nil {
			return err
		}
		t.tell(EpochEnd)
	}
	return nil
}

// prepare lifts the halt of a run that diverged.
func (t *Trainer) prepare(r *run) error {
	release, err := t.holdFor(r)
	if err != nil {
		return err
	}
	defer release()
	return t.machine.mem.putI32(nameHalted, 0)
}

// trainEpoch takes the steps that the epoch under way still lacks, or the run.
func (t *Trainer) trainEpoch(r *run) error {
	for first := true; t.epochStep < t.machine.stepsPerEpoch() && !t.reached(r, false); first = false {
		if err := t.slice(r, first && t.epochStep == 0); err != nil {
			return err
		}
		if time.Since(r.told) >= progressEvery {
			r.told = time.Now()
			t.tell(Progress)
		}
	}
	return nil
}

// slice hands some steps to the device and takes down what they did.
func (t *Trainer) slice(r *run, begin bool) error {
	if err := t.await(r); err != nil {
		return err
	}
	release, err := t.holdFor(r)
	if err != nil {
		return err
	}
	defer release()
	m := t.machine
	if begin {
		if err := m.beginEpoch(t.epoch); err != nil {
			return err
		}
		t.seen = progress{}
	}
	if !m.ready(t.epochStep) {
		t.pass(Compiling)
	}
	program, most, err := m.prepare(t.epochStep)
	if err != nil {
		return err
	}
	t.pass(Running)
	n, err := t.rates(t.pace.next(t.atMost(r, most), m.stepsPerEpoch()))
	if err != nil {
		return err
	}
	start, spent, before := time.Now(), m.mem.share.Spent(), t.step
	failed := program.run(r.ctx, n)
	if t.fail(failed) {
		return failed
	}
	p, err := m.progress()
	if err == nil {
		t.account(r, p, time.Since(start), m.mem.share.Spent()-spent)
	}
	if err = errors.Join(failed, err); err != nil {
		return t.stopError(r, err)
	}
	if p.halted {
		first, err := m.hunt(r.ctx, t.epochStep)
		if t.fail(err) {
			return err
		}
		if err != nil {
			first = "" // what there is to say can be said without it
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		return &DivergedError{Step: t.step + 1, Epoch: t.epoch + 1, LR: t.rateAt(t.step), First: first, Precision: m.spec.Precision, Hunted: m.spec.Hunt}
	}
	t.offer(Moment{Before: before, Step: t.step})
	return nil
}

// fail takes down that the device failed, if it did, before anybody else can look
// at what it has left.
func (t *Trainer) fail(err error) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fault, _ = errors.AsType[*DeviceError](err)
	return t.fault != nil
}

// account adds a slice to the counters and to the history; of the time that it
// took, it had the device for a part.
func (t *Trainer) account(r *run, p progress, took, device time.Duration) {
	steps := t.machine.steps(p.rows) - t.epochStep
	if steps > 0 {
		t.pace.took(steps, device)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	r.steps += int64(steps)
	r.seconds += took.Seconds()
	if r.seconds > 0 {
		t.stepsPerSec = float64(r.steps) / r.seconds
	}
	t.epochTime += took.Seconds()
	t.epochStep += steps
	t.step += int64(steps)
	if steps > 0 {
		t.history.add(t.step, int64(steps), p.loss-t.seen.loss, p.weight-t.seen.weight)
	}
	t.seen = p
	t.skipped, t.scale = int64(p.skipped), p.scale
}

// finishEpoch measures the validation data and records the epoch.
func (t *Trainer) finishEpoch(r *run) error {
	release, err := t.holdFor(r)
	if err != nil {
		return err
	}
	defer release()
	means, err := t.machine.metrics.Values(sumsEpoch, t.machine.mem.numbers)
	if err != nil {
		return err
	}
	var valid []Metric
	if t.valid != nil {
		valid, err = t.machine.measure(r.ctx, t.valid)
		if err != nil {
			return t.stopError(r, err)
		}
	}
	t.mu.Lock()
	e := &Epoch{N: t.epoch + 1, Steps: t.epochStep, Seconds: t.epochTime, LR: t.rateAt(t.step - 1), Train: means, Valid: valid}
	t.mu.Unlock()
	seen, stop, err := t.watch(e)
	if err != nil {
		return err
	}
	t.record(e, seen)
	t.offer(Moment{Before: t.step, Step: t.step, Ended: e})
	return t.conclude(r, e, stop)
}

// record takes down an epoch that has ended, and what the early stop makes of it.
func (t *Trainer) record(e *Epoch, seen Watched) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.epoch++
	t.history.epochs = append(t.history.epochs, *e)
	t.observe(e)
	t.watched = seen
	t.epochStep, t.epochTime = 0, 0
}

// holdFor takes the device's side for a run, unless the run is to stop. While
// training is paused it waits.
func (t *Trainer) holdFor(r *run) (release func(), err error) {
	for {
		if err := stopped(r.ctx); err != nil {
			return nil, t.stopError(r, err)
		}
		release, err = t.hold(r.ctx)
		pause := t.paused()
		if err != nil || pause == nil {
			return release, t.stopError(r, err)
		}
		release()
		t.pass(Paused)
		select {
		case <-pause:
		case <-r.ctx.Done():
		}
	}
}

// stopError makes a *StoppedError of the error of a run whose context ended.
func (t *Trainer) stopError(r *run, err error) error {
	if err == nil || r.ctx.Err() == nil || !errors.Is(err, r.ctx.Err()) {
		return err
	}
	return &StoppedError{Step: t.step, Epoch: t.epoch, EpochStep: t.epochStep,
		Steps: t.machine.stepsPerEpoch(), Cause: []error{r.ctx.Err(), context.Cause(r.ctx)}}
}
