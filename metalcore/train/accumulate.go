package train

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/metalnb/metalnb/metalcore/autodiff"
	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/optim"
)

// With Spec.Accumulate a step takes several batches one after the other, its
// parts, and needs the memory of one. The program of a part adds up gradients,
// each times the weight of its rows; that of the update divides by the weight of
// all rows and does what else there is to a step, once: penalties, clipping, the
// optimizer, the averages. So the result is that of one large batch, but that
// batch norm sees the parts.
//
// A step that is not finite shall change nothing, and that is known at its end. So
// the first part keeps what parts change beside the sums, and the update puts it
// back then. Nothing of all that is needed between two steps.
const (
	partly      = "parts/"             // prefix of the names
	namePart    = partly + "done"      // parts of the step under way that are done
	nameLosses  = partly + "loss"      // the sum over their rows
	nameWeight  = partly + "weight"    // of these rows
	nameBad     = partly + "bad"       // how many were not finite, and
	nameUnsound = partly + "unsound"   // how many before the way back, of a step that looks at all
	sumsParts   = partly + "gradient/" // prefix of the sums of gradients
	keptParts   = partly + "before/"   // prefix of what is kept
)

func (s *Spec) checkAccumulate() error {
	if s.Accumulate < 0 {
		return fmt.Errorf("a step of %d batches: Accumulate must be at least 1, such as 4, or 0 for none", s.Accumulate)
	}
	if _, ok := s.Optimizer.(optim.Updater); !ok && s.Accumulate > 1 {
		return fmt.Errorf("%s cannot accumulate the gradients of %d batches: leave Accumulate out, or choose another optimizer", s.Optimizer.Name(), s.Accumulate)
	}
	return nil
}

// parts is the number of batches of a full step.
func (s *Spec) parts() int {
	return max(min(s.Accumulate, (s.Data.Len()+s.part()-1)/s.part()), 1)
}

// part is the number of rows of a full part of a step, of the step itself where it
// has none.
func (s *Spec) part() int { return min(s.Batch, s.Data.Len()) }

// partRows are the rows of each part of a step of so many rows.
func (s *Spec) partRows(rows int) []int {
	var list []int
	for ; rows > 0; rows -= s.part() {
		list = append(list, min(rows, s.part()))
	}
	return list
}

// twin is a state like another one, with a prefix to its name.
func twin(prefix string, v *ir.Value) *ir.Value {
	return ir.State(prefix+v.Name, v.DType, v.Shape, nil)
}

// changed are the updates of what a part changes beside the sums: the model's own
// states and the metrics.
func (b *slopes) changed() []ir.Update { return slices.Concat(b.model.Updates, b.sums) }

// partGraph is a part of a step, of n rows.
func partGraph(s *Spec, n int) (*ir.Graph, error) {
	b, err := gradients(s, n)
	if err != nil {
		return nil, err
	}
	updates := b.changed()
	first := op.Eq(b.count.part, number(0))
	for _, u := range b.changed() {
		before := twin(keptParts, u.State)
		updates = append(updates, ir.Update{State: before, New: op.Select(first, u.State, before)})
	}
	add := func(sum, x *ir.Value) {
		updates = append(updates, ir.Update{State: sum, New: op.Add(op.Select(first, ir.Const(0, sum.DType), sum), x)})
	}
	weight := b.rows.Count()
	for i, p := range b.params {
		add(twin(sumsParts, p), op.Mul(weight, b.grads[i]))
	}
	add(scalar(nameLosses, ir.F32), op.Mul(weight, b.mean))
	add(scalar(nameWeight, ir.F32), weight)
	if s.Hunt {
		w := b.walk(b.model.Updates)
		bad := w.firstBad()
		one := func(unless *ir.Value) *ir.Value { return op.Select(unless, number(0), number(1)) }
		add(scalar(nameBad, ir.I32), one(op.Eq(bad, number(len(w.values)))))
		add(scalar(nameUnsound, ir.I32), one(op.Le(number(w.forward), bad)))
	}
	updates = append(updates, ir.Update{State: b.count.part, New: op.Add(b.count.part, number(1))})
	return ir.NewGraph(fmt.Sprintf("%s: part of a step, %d rows", s.Name, n), nil, updates), nil
}

// summed are loss and gradients of a step whose parts are done, and the states that
// these have changed.
func summed(s *Spec) (b slopes, changed []*ir.Value, err error) {
	if b, err = gradients(s, s.part()); err != nil {
		return b, nil, err
	}
	for _, u := range b.changed() {
		changed = append(changed, u.State)
	}
	weight := scalar(nameWeight, ir.F32)
	penalty := penalized(s, ir.Const(0, ir.F32), b.params)
	b.mean = op.Add(op.Div(scalar(nameLosses, ir.F32), weight), penalty)
	more, err := autodiff.Gradients(penalty, b.params)
	if err != nil {
		return b, nil, err
	}
	for i, p := range b.params {
		b.grads[i] = op.Add(op.Div(twin(sumsParts, p), weight), more[i])
	}
	if s.Hunt {
		b.bad, b.unsound = scalar(nameBad, ir.I32), scalar(nameUnsound, ir.I32)
	}
	return b, changed, nil
}

// updateGraph ends a step whose parts are done. Only the last one of an epoch may
// have been smaller than the others.
func updateGraph(s *Spec, o optim.Updater) (*ir.Graph, error) {
	b, changed, err := summed(s)
	if err != nil {
		return nil, err
	}
	own := s.averaged(b.updates(o))
	ok, good, guard := b.guard(s.Hunt, own)
	others := slices.Concat(b.count.after(op.Min(b.count.row, number(s.Data.Len()))), b.scaler.after(good))
	updates := slices.Concat(taken(good, own), taken(ok, others), guard, []ir.Update{{State: b.count.part, New: number(0)}})
	for _, state := range changed {
		updates = append(updates, ir.Update{State: state, New: op.Select(ok, state, twin(keptParts, state))})
	}
	return ir.NewGraph(s.Name+": update", nil, updates), nil
}

// accumulation takes steps in parts.
type accumulation struct {
	m      *machine
	rows   []int // of the parts
	parts  []*program
	update *program
	own    []*program // what goes with it; the rest is another one's
}

// newAccumulation compiles what steps of so many rows need that those of another
// number do not have already.
func newAccumulation(m *machine, rows int) (a *accumulation, err error) {
	a = &accumulation{m: m, rows: m.spec.partRows(rows)}
	known := map[int]*program{}
	for _, s := range []stepper{m.full, m.last} {
		if other, ok := s.(*accumulation); ok {
			a.update = other.update
			for i, n := range other.rows {
				known[n] = other.parts[i]
			}
		}
	}
	compile := func(make func() (*ir.Graph, error)) (*program, error) {
		p, err := m.mem.compile(m.dataTables(), make)
		if err == nil {
			a.own = append(a.own, p)
		}
		return p, err
	}
	if a.update == nil {
		a.update, err = compile(func() (*ir.Graph, error) { return updateGraph(m.spec, m.spec.Optimizer.(optim.Updater)) })
	}
	for _, n := range a.rows {
		if known[n] == nil && err == nil {
			known[n], err = compile(func() (*ir.Graph, error) { return partGraph(m.spec, n) })
		}
		a.parts = append(a.parts, known[n])
	}
	if err != nil {
		a.free()
		return nil, err
	}
	return a, nil
}

func (a *accumulation) run(ctx context.Context, steps int) error {
	var runs []backend.Run
	places := 1
	for i, p := range append(slices.Clip(a.parts), a.update) {
		if i > 0 && p == a.parts[i-1] {
			runs[len(runs)-1].Steps++
			continue
		}
		runs = append(runs, backend.Run{Executable: p.exec, Bindings: p.bind, Steps: 1})
		places = max(places, backend.PlacesOf(p.exec))
	}
	share := a.m.mem.share
	if share.Take(ctx, places) != nil {
		return stopped(ctx)
	}
	defer share.Give()
	if err := backend.Repeat(runs, steps).Wait(); err != nil {
		return &DeviceError{err}
	}
	return nil
}

func (a *accumulation) use(tables map[string]backend.Buffer) {
	for _, p := range a.parts {
		p.use(tables)
	}
}

func (a *accumulation) size() (sum int64) {
	for _, p := range a.own {
		sum += p.bytes
	}
	return sum
}

func (a *accumulation) free() {
	for _, p := range a.own {
		p.free()
	}
}

// hunt takes a step that is not finite once more, and says what made the first
// number in it that is not. The update puts all back, as the step is halted.
func (a *accumulation) hunt(ctx context.Context) (found string, err error) {
	defer func() { err = errors.Join(err, a.update.run(context.WithoutCancel(ctx), 1)) }()
	m := a.m
	for i, n := range a.rows {
		found, err = m.look(ctx, false, func() (walk, error) {
			b, err := gradients(m.spec, n)
			if err != nil {
				return walk{}, err
			}
			return b.walk(b.model.Updates), nil
		})
		if err != nil {
			return "", err
		}
		if found != "" {
			return fmt.Sprintf("%s, in part %d of %d of the step", found, i+1, len(a.parts)), nil
		}
		if err := a.parts[i].run(ctx, 1); err != nil {
			return "", err
		}
	}
	return m.look(ctx, false, func() (walk, error) {
		b, _, err := summed(m.spec)
		if err != nil {
			return walk{}, err
		}
		return b.walk(b.updates(m.spec.Optimizer.(optim.Updater))), nil
	})
}
