package train

import (
	"fmt"
	"slices"

	"github.com/metalnb/metalnb/metalcore/autodiff"
	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/loss"
	"github.com/metalnb/metalnb/metalcore/metric"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/optim"
)

// The names of the inputs and states that training adds to those of the model.
const (
	nameX      = "data/x" // the whole data, on the device
	nameY      = "data/y"
	nameW      = "data/w"
	nameOrder  = "train/order"  // row numbers in the order of the epoch
	nameRates  = "train/rates"  // learning rates of the steps of a slice
	nameTick   = "train/tick"   // steps of the slice that are done
	nameCursor = "train/cursor" // rows of the epoch that are done
	nameStep   = ir.StateStep   // steps taken, for the optimizer and random numbers
	nameHalted = "train/halted" // 1 once a step was not finite
	nameFirst  = "train/first"  // the place of the first value that was not, of a step that looks at all

	sumsEpoch = "epoch/" // prefixes of the sums that metrics are made of
	sumsEval  = "eval/"

	scratchOut     = "out/" // prefixes of what a program leaves for the host
	scratchPredict = "predict/"
)

// maxStep is where the device's step counter stays: a bias correction has long
// become 1, and the counter must not wrap.
const maxStep = 1 << 30

// measured is what the model makes of a batch.
type measured struct {
	model *ir.Graph
	rows  loss.Rows
	sums  []ir.Update // of loss and metrics
}

// forward binds the model to a batch taken from a table of a set's rows on the
// device, at the positions idx, and adds the loss, and the metrics' sums of the
// given prefix.
func forward(s *Spec, set *feed.Set, table int, idx *ir.Value, phase phase, prefix string) (m measured, err error) {
	rows := idx.Shape[0]
	x := op.Gather(dataInput(nameX, set.X.DType, table, set.XShape()), idx)
	if in := s.input().DType; x.DType != in {
		x = op.Cast(x, in)
	}
	var step, share *ir.Value
	if s.Mixup > 0 && phase == training {
		step = scalar(nameStep, ir.I32)
		share = mixShare(s, step)
		x = mixed(x, partners(x), share)
	}
	y := op.Gather(dataInput(nameY, set.Y.DType, table, set.YShape()), idx)
	m.model = bindModel(s, rows, x, step, phase)
	out := m.model.Output(OutputName)
	var weights *ir.Value
	if set.Weighted() {
		weights = op.Gather(dataInput(nameW, ir.F32, table, nil), idx)
	}
	l, err := s.loss()
	if err != nil {
		return m, err
	}
	if share != nil {
		m.rows, err = mixLoss(l, out, y, weights, share)
	} else {
		m.rows, err = l.Build(out, y, weights)
	}
	if err != nil {
		return m, err
	}
	metrics, err := s.metrics(set)
	if err != nil {
		return m, err
	}
	m.sums, err = metrics.Updates(prefix, metric.Batch{Out: out, Y: y, Rows: m.rows})
	return m, err
}

// penalized adds to the mean loss what the size of the parameters that decay
// costs. The loss that is shown is without it.
func penalized(s *Spec, mean *ir.Value, params []*ir.Value) *ir.Value {
	factor := func(x float64, v *ir.Value) *ir.Value { return op.Mul(ir.Const(x, ir.F32), op.Sum(v, false)) }
	for _, p := range params {
		if !p.Bool(ir.AttrDecay) {
			continue
		}
		if s.L1 != 0 {
			mean = op.Add(mean, factor(s.L1, op.Abs(p)))
		}
		if s.L2 != 0 {
			mean = op.Add(mean, factor(s.L2, op.Mul(p, p)))
		}
	}
	return mean
}

func dataInput(name string, dtype ir.DType, table int, row ir.Shape) *ir.Value {
	return ir.Input(name, dtype, append(ir.Shape{table}, row...)...)
}

// phase says what a model is run for.
type phase int

// The phases.
const (
	training phase = iota
	evaluating
)

// bindModel copies the model for a batch of n rows with x in place of its
// input, as it is in the given phase. The trainer's seed is a constant in it
// and the number of steps taken the trainer's own counter, see ownStep: step, if
// x has been made with it. Only training updates the model's states.
func bindModel(s *Spec, n int, x, step *ir.Value, phase phase) *ir.Graph {
	g := s.Model.Bind(n)
	if phase != training {
		g.Updates = nil
	}
	g = compile.Reorder(op.Resolve(g, phase == training))
	if low := s.low(); low != 0 {
		g = compile.Autocast(g, low)
	}
	return g.Rewrite(func(v *ir.Value) *ir.Value {
		switch {
		case v.Op == ir.OpInput:
			return x
		case s.EMA > 0 && phase != training && v.Op == ir.OpState && v.Bool(ir.AttrTrain):
			return average(v)
		case v.Op == ir.OpState && v.Name == ir.StateSeed:
			return seedOf(s)
		case v.Op == ir.OpState && v.Name == ir.StateStep && step != nil:
			return step
		}
		return v
	})
}

// seedOf is the trainer's seed, 64 bits in 32.
func seedOf(s *Spec) *ir.Value { return number(int(int32(s.Seed ^ s.Seed>>32*0x9E3779B9))) }

// ownStep is the trainer's counter of steps: the state that the model reads, if
// it does.
func ownStep(model *ir.Graph) *ir.Value {
	for _, v := range model.Leaves(ir.OpState) {
		if v.Name == ir.StateStep {
			return v
		}
	}
	return scalar(nameStep, ir.I32)
}

// ownStates are the states of a model but for those that the trainer gives it.
func ownStates(model *ir.Graph) []*ir.Value {
	return slices.DeleteFunc(model.Leaves(ir.OpState), func(v *ir.Value) bool {
		return v.Name == ir.StateStep || v.Name == ir.StateSeed
	})
}

func scalar(name string, dtype ir.DType) *ir.Value {
	return ir.State(name, dtype, ir.Shape{}, nil)
}

func number(n int) *ir.Value { return ir.Const(float64(n), ir.I32) }

// slopes are a batch's loss and what it says about the parameters.
type slopes struct {
	measured
	count         counters
	scaler        *scaler
	mean          *ir.Value // the loss with the penalties
	params, grads []*ir.Value
}

// gradients computes them for a batch of n rows at the epoch's cursor.
func gradients(s *Spec, n int) (out slopes, err error) {
	cursor := scalar(nameCursor, ir.I32)
	order := ir.Input(nameOrder, ir.I32, s.Data.Len())
	idx := op.Gather(order, op.Add(cursor, ir.Iota(n)))
	if out.measured, err = forward(s, s.Data, feed.TableRows(s.Data, s.Window), idx, training, sumsEpoch); err != nil {
		return out, err
	}
	out.count = counters{cursor, ownStep(out.model), scalar(nameTick, ir.I32)}
	out.params = out.model.Params()
	out.mean = penalized(s, out.rows.Mean(), out.params)
	out.scaler = s.scaler()
	grads, err := autodiff.Gradients(out.scaler.up(out.mean), out.params)
	out.grads = out.scaler.down(grads)
	return out, err
}

// stepGraph is the training step for a batch of n rows; of one that searches
// along lines it is a single evaluation.
func stepGraph(s *Spec, n int) (*ir.Graph, error) {
	if o, ok := s.Optimizer.(*optim.LBFGS); ok {
		return lineGraph(s, o, n)
	}
	return trainGraph(s, s.Optimizer.(optim.Updater), n)
}

// counters count what is done: rows of the epoch, steps, steps of the slice.
type counters struct{ cursor, step, tick *ir.Value }

// number is that of the step under way, from 1.
func (c counters) number() *ir.Value { return op.Min(op.Add(c.step, number(1)), number(maxStep)) }

// after is how a step of n rows changes them.
func (c counters) after(n int) []ir.Update {
	return []ir.Update{
		{State: c.cursor, New: op.Add(c.cursor, number(n))},
		{State: c.step, New: c.number()},
		{State: c.tick, New: op.Add(c.tick, number(1))}}
}

// trainGraph is the training step for a batch of n rows.
func trainGraph(s *Spec, o optim.Updater, n int) (*ir.Graph, error) {
	m, err := gradients(s, n)
	if err != nil {
		return nil, err
	}
	updates := append(s.averaged(m.updates(o)), m.model.Updates...)
	ok, good, guard := m.guard(s.Hunt, updates)
	own := len(updates) - len(m.model.Updates) // the optimizer's
	updates = append(updates, m.sums...)
	updates = append(updates, m.count.after(n)...)
	if m.scaler != nil {
		updates = append(updates, m.scaler.after(good)...)
	}
	for i, u := range updates {
		take := ok
		if i < own {
			take = good
		}
		updates[i].New = op.Select(take, u.New, u.State)
	}
	updates = append(updates, guard...)
	return ir.NewGraph(fmt.Sprintf("%s: step of %d rows", s.Name, n), nil, updates), nil
}

// updates are those of the optimizer.
func (b *slopes) updates(o optim.Updater) []ir.Update {
	lr := op.Gather(ir.Input(nameRates, ir.F32, maxRates), b.count.tick)
	return o.Build(b.params, b.grads, lr, op.Cast(b.scaler.taken(b.count.number()), ir.F32))
}

// guard says whether the step may count: ok is true while all is finite, loss and
// gradients, or, for who hunts, every value of the step with these updates. Where
// the loss is scaled, gradients may be as they are while the scale excuses it:
// then good is not true, and the optimizer shall not take the step. It comes with
// what remembers that.
func (b *slopes) guard(hunt bool, updates []ir.Update) (ok, good *ir.Value, remember []ir.Update) {
	good = finite(b.mean, b.grads)
	sound := op.IsFinite(b.mean)
	if hunt {
		w := b.walk(updates)
		first := w.firstBad()
		good, sound = op.Eq(first, number(len(w.values))), op.Le(number(w.forward), first)
		remember = append(remember, ir.Update{State: scalar(nameFirst, ir.I32), New: first})
	}
	halted := scalar(nameHalted, ir.I32)
	good = op.Min(good, op.Eq(halted, number(0)))
	if ok = good; b.scaler != nil {
		ok = op.Max(good, op.Min(op.Min(sound, b.scaler.excuses()), op.Eq(halted, number(0))))
	}
	return ok, good, append(remember, ir.Update{State: halted, New: op.Select(ok, number(0), number(1))})
}

// finite is true when the loss and all gradients are finite. A gradient that is
// not would spoil the weights although the loss still looks well.
func finite(loss *ir.Value, grads []*ir.Value) *ir.Value {
	return op.AllFinite(append([]*ir.Value{loss}, grads...)...)
}

// evalGraph measures the next n rows of a set and changes no parameter.
func evalGraph(s *Spec, set *feed.Resident, n int) (*ir.Graph, error) {
	cursor := scalar(sumsEval+"cursor", ir.I32)
	m, err := forward(s, set.Set, set.Rows(), op.Add(cursor, ir.Iota(n)), evaluating, sumsEval)
	if err != nil {
		return nil, err
	}
	updates := append(m.sums, ir.Update{State: cursor, New: op.Add(cursor, number(n))})
	return ir.NewGraph(fmt.Sprintf("%s: evaluation of %d rows", s.Name, n), nil, updates), nil
}

// predictGraph runs the model on n rows; probabilities makes such of its output.
func predictGraph(s *Spec, n int, probabilities bool) (*ir.Graph, error) {
	l, err := s.loss()
	if err != nil {
		return nil, err
	}
	in := s.input()
	m := bindModel(s, n, ir.Input(InputName, in.DType, in.Shape.Bind(n)...), nil, evaluating)
	y := m.Output(OutputName)
	switch {
	case probabilities && l.Link() == "softmax":
		y = op.Softmax(y, -1)
	case probabilities && l.Link() == "sigmoid":
		y = op.Sigmoid(y)
	}
	return ir.NewGraph(fmt.Sprintf("%s: prediction of %d rows", s.Name, n), []ir.Output{{Name: OutputName, Value: y}}, nil), nil
}

// build runs a function that makes a graph and hands back the error of an op
// in it that does not fit.
func build(make func() (*ir.Graph, error)) (g *ir.Graph, err error) {
	if failed := op.Try(func() { g, err = make() }); failed != nil {
		return nil, failed
	}
	if err != nil {
		return nil, err
	}
	return g, g.Check()
}
