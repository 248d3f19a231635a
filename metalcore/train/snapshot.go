package train

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/optim"
	"github.com/metalnb/metalnb/metalcore/schedule"
)

// Snapshot is all that a trainer is between two steps, on the host. A trainer of
// the same specification that restores it goes on from there, bit for bit as the
// one that it was taken of. Nobody changes it once it is taken.
type Snapshot struct {
	Time      time.Time
	Epoch     int     // completed
	Step      int64   // taken
	EpochStep int     // taken in the epoch under way
	EpochTime float64 // seconds spent on them
	Goal      int     // the epoch it was training to, 0 when it was not
	Until     int64   // the step, of TrainSteps
	Paused    bool    // that training was
	LR        float64 // the base of the schedule
	Lowered   schedule.State
	Watched   Watched
	Note      string  // of a training that has finished
	Loss      float64 // summed over the rows of the epoch under way
	Weight    float64 // of these rows
	Epochs    []Epoch
	Course    []Stretch // of the training loss
	Stride    int64     // steps that a stretch covers at least
	States    []Parameter
}

// scratch says of a buffer's name that nothing in it is needed for the next step,
// or that it is made of what else there is.
func scratch(name string) bool {
	for _, prefix := range []string{sumsEval, partly, scratchOut, scratchPredict} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return name == nameRates || name == nameTick || name == nameOrder || name == nameHalted
}

// rest is the state of a trainer that is what the snapshot is.
func (s *Snapshot) rest() State {
	switch {
	case s.Step == 0:
		return Declared
	case s.Goal > 0 || s.EpochStep > 0:
		return Stopped
	}
	return Finished
}

// Bytes is the size of the states.
func (s *Snapshot) Bytes() (sum int64) {
	for _, p := range s.States {
		sum += int64(len(p.Value.Data))
	}
	return sum
}

// Snapshot copies all that the trainer is. A training under way waits for that
// between two slices of steps.
func (t *Trainer) Snapshot(ctx context.Context) (*Snapshot, error) {
	release, err := t.hold(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	if err := t.failure(); err != nil {
		return nil, err
	}
	return t.snapshot()
}

// snapshot is Snapshot for who holds the device's side.
func (t *Trainer) snapshot() (*Snapshot, error) {
	states, err := t.machine.mem.download()
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s := &Snapshot{
		Time: time.Now(), Epoch: t.epoch, Step: t.step, EpochStep: t.epochStep, EpochTime: t.epochTime,
		LR: t.lr, Lowered: t.lowered, Watched: t.watched, Loss: t.seen.loss, Weight: t.seen.weight,
		Epochs: slices.Clip(t.history.epochs), Course: slices.Clone(t.history.points), Stride: t.history.stride,
		States: states,
	}
	switch {
	case t.run != nil:
		s.Goal, s.Until, s.Paused = t.goal, t.run.until, t.pause != nil
	case t.state == Finished:
		s.Note = t.note
	}
	return s, nil
}

// failure is that of the device in the last run.
func (t *Trainer) failure() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fault != nil {
		return t.fault
	}
	return nil
}

// states lists the names of what is not scratch.
func (m *memory) states() []string {
	var names []string
	for name := range m.bufs {
		if !scratch(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// download copies the states to the host.
func (m *memory) download() ([]Parameter, error) {
	var list []Parameter
	for _, name := range m.states() {
		v := m.values[name]
		a := feed.Array{DType: v.DType, Shape: v.Shape, Data: make([]byte, v.Bytes())}
		if err := m.bufs[name].Download(0, a.Data); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		list = append(list, Parameter{name, a})
	}
	return list, nil
}

// Restore makes the trainer what the snapshot is, which was taken of one of the
// same specification. A snapshot that does not fit changes nothing. It is refused
// with ErrBusy while the trainer trains.
func (t *Trainer) Restore(s *Snapshot) error {
	release, err := t.atRest()
	if err != nil {
		return err
	}
	defer release()
	if err := t.machine.fits(s); err != nil {
		return err
	}
	if err := t.machine.restore(s); err != nil {
		t.become(Failed)
		t.note = err.Error()
		return err
	}
	skipped, scale, err := t.machine.scaling()
	if err != nil {
		return err
	}
	t.seen = progress{loss: s.Loss, weight: s.Weight}
	t.become(s.rest())
	t.note, t.fault = s.Note, nil
	t.epoch, t.step, t.epochStep, t.epochTime, t.goal, t.stepsPerSec = s.Epoch, s.Step, s.EpochStep, s.EpochTime, 0, 0
	t.skipped, t.scale = int64(skipped), scale
	t.lr, t.lowered, t.watched = s.LR, s.Lowered, s.Watched
	t.history = history{epochs: slices.Clip(s.Epochs), points: slices.Clone(s.Course), stride: s.Stride}
	return nil
}

// fits reports what of a snapshot cannot be a state of this trainer.
func (m *machine) fits(s *Snapshot) error {
	if s.Epoch < 0 || s.Step < 0 || s.EpochStep < 0 || s.EpochStep > m.stepsPerEpoch() {
		return fmt.Errorf("step %d of %d of epoch %d, %d in all: a trainer cannot stand there", s.EpochStep, m.stepsPerEpoch(), s.Epoch+1, s.Step)
	}
	if err := optim.CheckLR(s.LR); err != nil {
		return err
	}
	given := map[string]feed.Array{}
	for _, p := range s.States {
		if err := p.Value.Check(); err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
		of, isBest := strings.CutPrefix(p.Name, nameBest)
		v := m.mem.values[of]
		if scratch(p.Name) || isBest && v == nil || v != nil && (p.Value.DType != v.DType || !p.Value.Shape.Equal(v.Shape)) {
			return fmt.Errorf("%s is %v, which is no state of this trainer", p.Name, p.Value)
		}
		given[p.Name] = p.Value
	}
	for _, name := range m.first {
		if _, ok := given[name]; !ok {
			return fmt.Errorf("%s is missing", name)
		}
	}
	rows := min(s.EpochStep*m.spec.batch(), m.spec.Data.Len())
	step, cursor := given[nameStep].I32s()[0], given[nameCursor].I32s()[0]
	if int64(step) != min(s.Step, maxStep) || s.EpochStep > 0 && int(cursor) != rows {
		return fmt.Errorf("the counters say step %d and row %d of the epoch, the position %d and %d", step, cursor, s.Step, rows)
	}
	return nil
}

// restore puts the states of a snapshot back. Those that it does not have are
// such as no step has needed yet: zeros.
func (m *machine) restore(s *Snapshot) error {
	given := map[string]bool{}
	m.dropBest()
	for _, p := range s.States {
		given[p.Name] = true
		if err := m.mem.needValue(ir.State(p.Name, p.Value.DType, p.Value.Shape, nil)); err != nil {
			return err
		}
		if err := m.mem.put(p.Name, p.Value.Data); err != nil {
			return err
		}
	}
	for name := range m.mem.bufs {
		if !given[name] {
			if err := m.mem.zero(name); err != nil {
				return err
			}
		}
	}
	m.steady = 0
	return m.putOrder(s.Epoch)
}
