package train

import (
	"context"
	"slices"
)

// State is what a trainer is doing.
type State string

// The states of a trainer. The first four are those of one that rests.
const (
	Declared  State = "declared"  // it has taken no step
	Stopped   State = "stopped"   // before its goal, in the middle of an epoch or not
	Finished  State = "finished"  // at its goal
	Failed    State = "failed"    // by an error, which Info.Note tells
	Compiling State = "compiling" // the program of the next steps is made
	Running   State = "running"
	Paused    State = "paused"   // until Resume
	Stopping  State = "stopping" // until the steps that the device has are done
)

var resting = []State{Declared, Stopped, Finished, Failed}

// follows says which states may come after a state. From one rest to another
// Reset and Restore lead.
var follows = map[State][]State{
	Declared:  append(resting, Running),
	Stopped:   append(resting, Running),
	Finished:  append(resting, Running),
	Failed:    append(resting, Running),
	Compiling: {Running, Stopping, Stopped, Failed},
	Running:   {Compiling, Paused, Stopping, Stopped, Finished, Failed},
	Paused:    {Running, Stopping, Stopped, Failed},
	Stopping:  {Stopped, Finished, Failed},
}

// Training reports whether a training is under way, be it paused.
func (s State) Training() bool { return s != "" && !slices.Contains(resting, s) }

// become changes the state where that may be: what is stopping, say, does not
// pause. The caller holds t.mu.
func (t *Trainer) become(s State) (changed bool) {
	if !slices.Contains(follows[t.state], s) || t.state == s {
		return false
	}
	t.state = s
	return true
}

// pass changes the state of a training under way and tells the subscribers.
func (t *Trainer) pass(s State) {
	t.mu.Lock()
	changed := t.run != nil && t.become(s)
	t.mu.Unlock()
	if changed {
		t.tell(Changed)
	}
}

// Pause holds a training up between two steps, until Resume; it stays the same
// training. It returns when the device is done with the steps before. Of a trainer
// that does not train, the next training waits so before its first step.
func (t *Trainer) Pause(ctx context.Context) error {
	t.mu.Lock()
	if t.pause == nil {
		t.pause = make(chan struct{})
	}
	t.mu.Unlock()
	release, err := t.hold(ctx)
	if err != nil {
		return err
	}
	defer release()
	t.pass(Paused)
	return nil
}

// Resume lets a training that is paused go on.
func (t *Trainer) Resume() {
	t.mu.Lock()
	if t.pause != nil {
		close(t.pause)
		t.pause = nil
	}
	t.mu.Unlock()
	t.pass(Running)
}

// paused is closed when a pause ends; nil without one.
func (t *Trainer) paused() chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.pause
}
