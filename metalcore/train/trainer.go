package train

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/optim"
	"github.com/metalnb/metalnb/metalcore/schedule"
)

// Info is what a trainer says of itself.
type Info struct {
	Name          string
	State         State
	Note          string // why it stopped or failed
	Epoch         int    // epochs completed
	Step          int64  // steps taken
	EpochStep     int    // steps taken in the epoch under way
	StepsPerEpoch int
	Goal          int     // the epoch it is training to, when it runs
	Until         int64   // the step it is training to, of TrainSteps
	LR            float64 // of the next step
	Skipped       int64   // of these steps, those that the optimizer did not take, see Spec.Precision
	LossScale     float64 // in mixed_float16
	StepsPerSec   float64 // of the last run
	Params        int     // trainable numbers
	Bytes         int64   // of device memory, the data not counted
	Batch         int
	Parts         int // batches of a step
	Loss          string
	Optimizer     string
	Last          Epoch // the last epoch completed
}

// Trainer trains one model. Its methods may be called from several goroutines.
type Trainer struct {
	turn    turn // held while the device works for this trainer
	machine *machine
	dev     backend.Device
	valid   *feed.Resident // nil without validation
	pace    pace
	seen    progress // what the epoch's sums were after the last slice

	mu          sync.Mutex // guards what follows
	spec        Spec
	params      int
	run         *run // nil when idle
	closed      bool
	state       State
	pause       chan struct{} // closed by Resume, nil unless paused
	note        string
	fault       *DeviceError // that ended the last run; nobody knows what the states are
	epoch       int
	step        int64
	skipped     int64   // of these, by the loss scale
	scale       float64 // of the loss
	epochStep   int
	epochTime   float64
	goal        int
	lr          float64        // the base of the schedule
	lowered     schedule.State // of a schedule that watches a metric
	watched     Watched        // by the early stop
	stepsPerSec float64
	bytes       int64
	history     history
	subscribers []*subscriber
	keeper      func(Moment, func() (*Snapshot, error))
}

// New makes a trainer: it checks the specification, uploads the data unless it
// is on the device already, and gives the parameters their first values.
// Programs are compiled when they are first needed.
func New(dev backend.Device, spec Spec) (*Trainer, error) {
	if err := spec.Check(); err != nil {
		return nil, fmt.Errorf("trainer %q: %w", spec.Name, err)
	}
	t := &Trainer{turn: newTurn(), dev: dev, spec: spec, state: Declared, lr: spec.Optimizer.Settings()["lr"]}
	m, err := newMachine(dev, &spec)
	if err != nil {
		return nil, fmt.Errorf("trainer %q: %w", spec.Name, err)
	}
	if spec.Valid != nil {
		if t.valid, err = m.place(spec.Valid, m.chunk()); err != nil {
			m.free()
			return nil, fmt.Errorf("trainer %q: %w", spec.Name, err)
		}
	}
	t.machine, t.bytes, t.params = m, m.bytes(), countParams(spec.Model)
	return t, nil
}

// Spec returns what the trainer was made of; its Valid is that of SetValid.
func (t *Trainer) Spec() Spec {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.spec
}

// Rename gives the trainer another name.
func (t *Trainer) Rename(name string) error {
	release, err := t.hold(context.Background())
	if err != nil {
		return err
	}
	defer release()
	t.machine.spec.Name = name
	t.mu.Lock()
	defer t.mu.Unlock()
	t.spec.Name = name
	return nil
}

// Info tells where the trainer stands. It does not wait for the device.
func (t *Trainer) Info() Info {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.info()
}

func (t *Trainer) info() Info {
	if t.run != nil && t.run.ctx.Err() != nil {
		t.become(Stopping)
	}
	i := Info{Name: t.spec.Name, State: t.state, Note: t.note,
		Epoch: t.epoch, Step: t.step, EpochStep: t.epochStep, StepsPerEpoch: t.machine.stepsPerEpoch(),
		LR: t.rateAt(t.step), Skipped: t.skipped, LossScale: t.scale, StepsPerSec: t.stepsPerSec, Params: t.params, Bytes: t.bytes,
		Batch: t.spec.Batch, Parts: t.spec.parts(), Loss: t.machine.loss.String(), Optimizer: t.spec.Optimizer.Name()}
	if t.run != nil {
		i.Goal = t.goal
		i.Until = t.run.until
	}
	if n := len(t.history.epochs); n > 0 {
		i.Last = t.history.epochs[n-1]
	}
	return i
}

func countParams(g *ir.Graph) int {
	n := 0
	for _, p := range g.Params() {
		n += p.Shape.Elems()
	}
	return n
}

// History returns the records of all epochs completed.
func (t *Trainer) History() []Epoch {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.history.epochs)
}

// Points returns the course of the training loss, at most about a thousand
// points.
func (t *Trainer) Points() []Point {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.history.list()
}

// SetLR changes the learning rate from the next slice of steps on; a schedule
// goes on from where it is, with this rate in place of the one it began with.
// It stays until it is changed again, also over Reset.
func (t *Trainer) SetLR(lr float64) error {
	if err := optim.CheckLR(lr); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return ErrClosed
	}
	t.lr = lr
	return nil
}

// SetValid changes the data that is measured after each epoch; nil for none.
func (t *Trainer) SetValid(set *feed.Set) error {
	release, err := t.hold(context.Background())
	if err != nil {
		return err
	}
	defer release()
	var valid *feed.Resident
	if set != nil {
		if err := t.machine.spec.checkData(set); err != nil {
			return fmt.Errorf("validation: %w", err)
		}
		if valid, err = t.machine.place(set, t.machine.chunk()); err != nil {
			return err
		}
	}
	t.dropSet(t.valid)
	t.valid = valid
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forgetBest() // of other data
	t.spec.Valid = set
	return nil
}

// SetHunt changes Spec.Hunt from the next slice of steps on.
func (t *Trainer) SetHunt(hunt bool) error {
	release, err := t.hold(context.Background())
	if err != nil {
		return err
	}
	defer release()
	t.machine.setHunt(hunt)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.spec.Hunt = hunt
	return nil
}

// dropSet gives up one use of a set, and the programs that read it unless it is
// the training data.
func (t *Trainer) dropSet(r *feed.Resident) {
	if r == nil {
		return
	}
	if r != t.machine.data {
		t.machine.forget(r)
	}
	r.Release()
}

// hold takes the device's side of the trainer; release gives it back.
func (t *Trainer) hold(ctx context.Context) (release func(), err error) {
	if err := t.turn.take(ctx); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		t.turn.give()
		return nil, ErrClosed
	}
	return func() {
		bytes := t.machine.bytes()
		t.mu.Lock()
		t.bytes = bytes
		if t.run == nil {
			t.machine.mem.share.Leave()
		}
		t.mu.Unlock()
		t.turn.give()
	}, nil
}

// atRest takes the device's side and t.mu, unless the trainer trains.
func (t *Trainer) atRest() (release func(), err error) {
	give, err := t.hold(context.Background())
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	release = func() {
		t.mu.Unlock()
		give()
	}
	if t.run != nil {
		release()
		return nil, ErrBusy
	}
	return release, nil
}

// Reset forgets all training: the parameters get their first values again. It
// is refused with ErrBusy while the trainer trains.
func (t *Trainer) Reset() error {
	release, err := t.atRest()
	if err != nil {
		return err
	}
	defer release()
	if err := t.machine.reset(); err != nil {
		return err
	}
	t.seen = progress{}
	t.become(Declared)
	t.note, t.fault = "", nil
	t.epoch, t.step, t.epochStep, t.epochTime, t.goal, t.stepsPerSec = 0, 0, 0, 0, 0, 0
	t.skipped, t.scale = 0, 0
	t.history, t.lowered, t.watched = history{}, schedule.State{}, Watched{}
	return nil
}

// Close stops training if it runs, waits for its end and frees everything.
func (t *Trainer) Close() error {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return nil
	}
	t.closed = true
	run := t.run
	t.mu.Unlock()
	if run != nil {
		run.stop(ErrClosed)
		<-run.done
	}
	if err := t.turn.take(context.Background()); err != nil {
		return err
	}
	defer t.turn.give()
	t.dropSet(t.valid)
	t.valid = nil
	t.machine.free()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.bytes = 0
	return nil
}
