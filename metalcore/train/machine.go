package train

import (
	"context"
	"fmt"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/loss"
	"github.com/metalnb/metalnb/metalcore/metric"
	"github.com/metalnb/metalnb/metalcore/optim"
)

// machine is the part of a trainer that lies on the device: its memory and the
// compiled programs. It knows nothing of goals, history or goroutines; its
// caller sees to it that one call is made at a time.
type machine struct {
	spec    *Spec
	mem     *memory
	data    *feed.Resident
	windows windows
	loss    *loss.Loss
	metrics *metric.Set // of the training data
	steady  float64     // the rate that all places hold, 0 when they differ
	first   []string    // the states that there are before the first step

	full, last stepper // of batch() and of the remaining rows, nil until they are needed
	evals      map[evalKey]*program
	predicts   map[predictKey]*program
}

// stepper takes training steps.
type stepper interface {
	run(ctx context.Context, steps int) error // see program.run; a step is whole
	use(tables map[string]backend.Buffer)
	size() int64 // bytes of device memory
	free()
}

// newMachine uploads the data and the first weights.
func newMachine(dev backend.Device, s *Spec) (*machine, error) {
	if s.Window == 0 {
		s.Window = feed.WindowRows(s.Data, s.batch(), dev.Info().Memory)
	}
	for _, n := range []int{s.part(), s.Data.Len() % s.part()} {
		if n == 0 {
			continue
		}
		if _, err := build(func() (*ir.Graph, error) { return stepGraph(s, n) }); err != nil {
			return nil, err
		}
	}
	loss, err := s.loss()
	if err != nil {
		return nil, err
	}
	metrics, err := s.metrics(s.Data)
	if err != nil {
		return nil, err
	}
	data, err := feed.Place(dev, s.Data, s.Window)
	if err != nil {
		return nil, err
	}
	m := &machine{spec: s, mem: newMemory(dev), data: data, loss: loss, metrics: metrics,
		evals: map[evalKey]*program{}, predicts: map[predictKey]*program{}}
	if err := m.reset(); err != nil {
		m.free()
		return nil, err
	}
	m.first = m.mem.states()
	return m, nil
}

// reset gives all parameters their first values and clears all else.
func (m *machine) reset() error {
	own := []*ir.Value{ir.Input(nameRates, ir.F32, maxRates), ir.Input(nameOrder, ir.I32, m.spec.Data.Len())}
	for _, name := range []string{nameTick, nameCursor, nameStep, nameHalted} {
		own = append(own, scalar(name, ir.I32))
	}
	for _, v := range own {
		if err := m.mem.needValue(v); err != nil {
			return err
		}
	}
	m.steady = 0
	m.dropBest()
	for name := range m.mem.bufs {
		if err := m.mem.zero(name); err != nil {
			return err
		}
	}
	if err := m.resetScale(); err != nil {
		return err
	}
	for name, list := range m.constants() {
		if err := m.mem.needValue(ir.Input(name, ir.F32, len(list))); err != nil {
			return err
		}
		if err := m.mem.put(name, feed.FromF32(list, len(list)).Data); err != nil {
			return err
		}
	}
	for _, v := range ownStates(m.spec.Model) {
		if err := m.mem.needValue(v); err != nil {
			return err
		}
		first := initial(v, m.spec.Seed).Data
		if err := m.mem.put(v.Name, first); err != nil {
			return err
		}
		if m.spec.EMA == 0 || !v.Bool(ir.AttrTrain) {
			continue
		}
		if err := m.mem.needValue(average(v)); err != nil {
			return err
		}
		if err := m.mem.put(averages+v.Name, first); err != nil {
			return err
		}
	}
	return nil
}

// stepsPerEpoch counts the last partial batch as a step.
func (m *machine) stepsPerEpoch() int {
	b := m.spec.batch()
	return (m.spec.Data.Len() + b - 1) / b
}

// beginEpoch gets ready for the first step of the epoch, counted from 0.
func (m *machine) beginEpoch(epoch int) error {
	if err := m.putOrder(epoch); err != nil {
		return err
	}
	return m.mem.zero(append(m.mem.named(sumsEpoch), nameCursor)...)
}

// putOrder says where the rows of the epoch, counted from 0, lie.
func (m *machine) putOrder(epoch int) error {
	order := m.tableOrder(epoch)
	return m.mem.put(nameOrder, feed.FromI32(order, len(order)).Data)
}

// ready reports whether the program of the given step of the epoch is compiled.
func (m *machine) ready(epochStep int) bool {
	if epochStep >= m.spec.Data.Len()/m.spec.batch() {
		return m.last != nil
	}
	return m.full != nil
}

// prepare compiles the program that takes the next step from the given one of
// the epoch on, and tells how many steps it can take in a row.
func (m *machine) prepare(epochStep int) (p stepper, most int, err error) {
	b := m.spec.batch()
	full, rest := m.spec.Data.Len()/b, m.spec.Data.Len()%b
	slot, rows := &m.full, b
	most = min(full, m.span(epochStep).end) - epochStep
	if epochStep >= full {
		slot, rows, most = &m.last, rest, 1
	}
	if *slot == nil {
		if p, err = m.stepper(rows); err != nil {
			return nil, 0, err
		}
		*slot = p
	}
	(*slot).use(m.dataTables())
	return *slot, most, nil
}

// stepper compiles what takes steps of so many rows.
func (m *machine) stepper(rows int) (stepper, error) {
	if o, ok := m.spec.Optimizer.(*optim.LBFGS); ok {
		return newSearch(m, o, rows)
	}
	if m.spec.parts() > 1 {
		return newAccumulation(m, rows)
	}
	return m.mem.compile(m.dataTables(), func() (*ir.Graph, error) { return stepGraph(m.spec, rows) })
}

// progress is what the device says after a slice of steps.
type progress struct {
	rows         int // of the epoch, done
	halted       bool
	loss, weight float64 // sums over these rows
	skipped      int     // steps of all that the optimizer did not take
	scale        float64 // of the loss, 0 when it is not scaled
}

func (m *machine) progress() (p progress, err error) {
	if p.rows, err = m.mem.i32(nameCursor); err != nil {
		return p, err
	}
	halted, err := m.mem.i32(nameHalted)
	if err != nil {
		return p, err
	}
	p.halted = halted != 0
	if p.skipped, p.scale, err = m.scaling(); err != nil {
		return p, err
	}
	p.loss, p.weight, err = m.metrics.Loss(sumsEpoch, m.mem.numbers)
	return p, err
}

// steps is the number of steps that have done the given rows of an epoch.
func (m *machine) steps(rows int) int { return (rows + m.spec.batch() - 1) / m.spec.batch() }

// bytes is the device memory of parameters, optimizer and programs; the data,
// which trainers share, is not counted.
func (m *machine) bytes() int64 {
	sum := m.mem.bytes
	for _, p := range []stepper{m.full, m.last} {
		if p != nil {
			sum += p.size()
		}
	}
	for _, p := range m.evals {
		sum += p.bytes
	}
	for _, p := range m.predicts {
		sum += p.bytes
	}
	return sum
}

// setHunt has the steps compiled anew when they are next needed.
func (m *machine) setHunt(hunt bool) {
	m.freeSteps()
	m.spec.Hunt = hunt
}

func (m *machine) freeSteps() {
	for _, p := range []stepper{m.full, m.last} {
		if p != nil {
			p.free()
		}
	}
	m.full, m.last = nil, nil
}

// freeUses frees the programs of evaluations and predictions.
func (m *machine) freeUses() {
	for _, p := range m.evals {
		p.free()
	}
	for _, p := range m.predicts {
		p.free()
	}
	clear(m.evals)
	clear(m.predicts)
}

func (m *machine) free() {
	m.freeSteps()
	m.freeUses()
	m.mem.free()
	m.data.Release()
}

// weights downloads a state of the model.
func (m *machine) weights(v *ir.Value) (feed.Array, error) {
	a := feed.Array{DType: v.DType, Shape: v.Shape, Data: make([]byte, v.Bytes())}
	if err := m.mem.bufs[v.Name].Download(0, a.Data); err != nil {
		return a, fmt.Errorf("%s: %w", v.Name, err)
	}
	return a, nil
}
