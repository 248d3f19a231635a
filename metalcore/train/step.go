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
// given prefix. Of the number draw, of a model that is trained, its random numbers
// are made.
func forward(s *Spec, set *feed.Set, table int, idx, draw *ir.Value, phase phase, prefix string) (m measured, err error) {
	rows := idx.Shape[0]
	x := op.Gather(dataInput(nameX, set.X.DType, table, set.XShape()), idx)
	if in := s.input().DType; x.DType != in {
		x = op.Cast(x, in)
	}
	var share *ir.Value
	if s.Mixup > 0 && phase == training {
		share = mixShare(s, draw)
		x = mixed(x, partners(x), share)
	}
	y := op.Gather(dataInput(nameY, set.Y.DType, table, set.YShape()), idx)
	m.model = bindModel(s, rows, x, draw, phase)
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
// input, as it is in the given phase. The trainer's seed is a constant in it, and
// draw takes the place of the number of steps taken. Only training updates the
// model's states.
func bindModel(s *Spec, n int, x, draw *ir.Value, phase phase) *ir.Graph {
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
		case v.Op == ir.OpState && v.Name == ir.StateStep && draw != nil:
			return draw
		}
		return v
	})
}

// seedOf is the trainer's seed, 64 bits in 32.
func seedOf(s *Spec) *ir.Value { return number(int(int32(s.Seed ^ s.Seed>>32*0x9E3779B9))) }

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
	bad, unsound  *ir.Value // parts that were, of a step that looks at all; nil without parts
}

// gradients computes them for the n rows that are next in the epoch. Of the part of
// a step they are without the penalties.
func gradients(s *Spec, n int) (out slopes, err error) {
	out.count = s.counters()
	order := ir.Input(nameOrder, ir.I32, s.Data.Len())
	idx := op.Gather(order, op.Add(out.count.row, ir.Iota(n)))
	if out.measured, err = forward(s, s.Data, feed.TableRows(s.Data, s.Window), idx, out.count.draw, training, sumsEpoch); err != nil {
		return out, err
	}
	out.params = out.model.Params()
	if out.mean = out.rows.Mean(); s.parts() == 1 {
		out.mean = penalized(s, out.mean, out.params)
	}
	out.scaler = s.scaler()
	grads, err := autodiff.Gradients(out.scaler.up(out.mean), out.params)
	out.grads = out.scaler.down(grads)
	return out, err
}

// stepGraph is the training step for a batch of n rows; of one that searches
// along lines it is a single evaluation, of one of several parts a part.
func stepGraph(s *Spec, n int) (*ir.Graph, error) {
	if o, ok := s.Optimizer.(*optim.LBFGS); ok {
		return lineGraph(s, o, n)
	}
	if s.parts() > 1 {
		return partGraph(s, n)
	}
	return trainGraph(s, s.Optimizer.(optim.Updater), n)
}

// counters count what is done: rows of the epoch, steps, steps of the slice, parts
// of the step under way. Made of them are the row of the epoch to go on with, and a
// number that no other batch has, for random numbers.
type counters struct{ cursor, step, tick, part, row, draw *ir.Value }

func (s *Spec) counters() counters {
	c := counters{cursor: scalar(nameCursor, ir.I32), step: scalar(nameStep, ir.I32), tick: scalar(nameTick, ir.I32)}
	if c.row, c.draw = c.cursor, c.step; s.parts() > 1 {
		c.part = scalar(namePart, ir.I32)
		c.row = op.Add(c.cursor, op.Mul(c.part, number(s.part())))
		c.draw = op.Add(op.Mul(c.step, number(s.parts())), c.part)
	}
	return c
}

// number is that of the step under way, from 1.
func (c counters) number() *ir.Value { return op.Min(op.Add(c.step, number(1)), number(maxStep)) }

// after is how a step changes them that ends before the given row.
func (c counters) after(row *ir.Value) []ir.Update {
	return []ir.Update{
		{State: c.cursor, New: row},
		{State: c.step, New: c.number()},
		{State: c.tick, New: op.Add(c.tick, number(1))}}
}

// trainGraph is the training step for a batch of n rows.
func trainGraph(s *Spec, o optim.Updater, n int) (*ir.Graph, error) {
	m, err := gradients(s, n)
	if err != nil {
		return nil, err
	}
	own := s.averaged(m.updates(o))
	ok, good, guard := m.guard(s.Hunt, slices.Concat(own, m.model.Updates))
	others := slices.Concat(m.model.Updates, m.sums, m.count.after(op.Add(m.count.row, number(n))), m.scaler.after(good))
	updates := slices.Concat(taken(good, own), taken(ok, others), guard)
	return ir.NewGraph(fmt.Sprintf("%s: step of %d rows", s.Name, n), nil, updates), nil
}

// taken are updates that change nothing unless the condition holds.
func taken(condition *ir.Value, updates []ir.Update) []ir.Update {
	out := make([]ir.Update, len(updates))
	for i, u := range updates {
		out[i] = ir.Update{State: u.State, New: op.Select(condition, u.New, u.State)}
	}
	return out
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
	if b.bad != nil {
		good, sound = op.Min(good, op.Eq(b.bad, number(0))), op.Min(sound, op.Eq(b.unsound, number(0)))
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
	m, err := forward(s, set.Set, set.Rows(), op.Add(cursor, ir.Iota(n)), nil, evaluating, sumsEval)
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
