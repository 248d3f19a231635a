package train

import "errors"

// ErrIdle is the error of what needs a training under way.
var ErrIdle = errors.New("the trainer is not training")

// No training is longer than that, so that sums and products of these numbers fit.
const (
	mostEpochs = 1 << 30
	mostSteps  = 1 << 60
)

// goalOf is the epoch in which a training of so many epochs, or steps, would end. The
// caller holds t.mu.
func (t *Trainer) goalOf(epochs int, steps int64) int {
	each := int64(t.machine.stepsPerEpoch())
	if steps > 0 {
		return t.epoch + int((int64(t.epochStep)+steps+each-1)/each)
	}
	if int64(t.epochStep) == each {
		epochs++ // only the validation of that epoch was left
	}
	return t.epoch + epochs
}

// Extend has the training under way go on for so many epochs, or else steps, after
// its goal, and returns the epoch in which it ends then. One that counts steps takes
// those of the epochs. It is ErrIdle when none is under way, or it is about to end.
func (t *Trainer) Extend(epochs int, steps int64) (goal int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.run
	if r == nil || r.over || r.ctx.Err() != nil {
		return 0, ErrIdle
	}
	epochs, steps = min(epochs, mostEpochs), min(steps, mostSteps)
	if r.until == 0 && steps == 0 {
		t.goal = min(t.goal+epochs, t.epoch+mostEpochs)
	} else {
		r.until = t.step + min(t.stepsLeft(r)+steps+int64(epochs*t.machine.stepsPerEpoch()), mostSteps)
		t.goal = t.goalOf(0, r.until-t.step)
	}
	return t.goal, nil
}

// stepsLeft is the number of steps to the goal of a run. The caller holds t.mu.
func (t *Trainer) stepsLeft(r *run) int64 {
	if r.until > 0 {
		return r.until - t.step
	}
	return int64((t.goal-t.epoch)*t.machine.stepsPerEpoch() - t.epochStep)
}

// atMost is a number of steps that does not lead beyond the goal.
func (t *Trainer) atMost(r *run, steps int) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return int(min(int64(steps), t.stepsLeft(r)))
}

// reached reports whether a run is at its goal, which moves no more if that is the
// end.
func (t *Trainer) reached(r *run, end bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	reached := t.epoch >= t.goal
	if r.until > 0 {
		reached = t.step >= r.until
	}
	r.over = end && reached
	return reached
}
