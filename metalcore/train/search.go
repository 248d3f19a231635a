package train

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/optim"
)

// A step of L-BFGS evaluates loss and gradient several times on one batch, and
// what comes next depends on the numbers. So it is no single program: the host
// reads a few numbers after each evaluation and hands over the next one, while
// vectors stay on the device. Between two steps all that it remembers lies
// there, too. The parameters stay where they are while points along a direction
// are tried.
const (
	nameT        = "search/t"        // how far along the direction
	nameGradient = "search/gradient" // of the last evaluation
)

// search takes the steps of L-BFGS for a batch of n rows.
type search struct {
	m                                   *machine
	lbfgs                               *optim.LBFGS
	begin, evaluate, direct, move, done *program

	evaluations int // so far
}

func newSearch(m *machine, lbfgs *optim.LBFGS, n int) (*search, error) {
	s := &search{m: m, lbfgs: lbfgs}
	given := m.dataTables()
	for _, p := range []struct {
		to   **program
		make func() (*ir.Graph, error)
	}{
		{&s.begin, func() (*ir.Graph, error) { return beginGraph(m.spec, n) }},
		{&s.evaluate, func() (*ir.Graph, error) { return lineGraph(m.spec, lbfgs, n) }},
		{&s.direct, func() (*ir.Graph, error) { return directGraph(m.spec, lbfgs), nil }},
		{&s.move, func() (*ir.Graph, error) { return moveGraph(m.spec, lbfgs), nil }},
		{&s.done, func() (*ir.Graph, error) { return doneGraph(m.spec, n), nil }},
	} {
		var err error
		if *p.to, err = m.mem.compile(given, p.make); err != nil {
			s.free()
			return nil, err
		}
	}
	return s, nil
}

func (s *search) programs() []*program {
	return []*program{s.begin, s.evaluate, s.direct, s.move, s.done}
}

func (s *search) use(tables map[string]backend.Buffer) {
	for _, p := range s.programs() {
		p.use(tables)
	}
}

func (s *search) free() {
	for _, p := range s.programs() {
		p.free()
	}
}

func (s *search) size() (sum int64) {
	for _, p := range s.programs() {
		sum += p.bytes
	}
	return sum
}

// run takes steps until one begins with a loss or gradient that is not finite. A
// step that has begun is not given up.
func (s *search) run(ctx context.Context, steps int) error {
	for i := range steps {
		found, err := s.numbers(ctx, s.begin) // whether it is finite, loss, steepest slope
		if err != nil || found[0] == 0 {
			return err
		}
		lr, err := s.m.mem.f32(nameRates, i)
		if err != nil {
			return err
		}
		more, err := s.lbfgs.Search(s, lr, found[1], found[2])
		s.evaluations += 1 + more
		if err != nil {
			return err
		}
		if err := s.done.run(context.Background(), 1); err != nil {
			return err
		}
	}
	return nil
}

// numbers runs a program once and reads what it found.
func (s *search) numbers(ctx context.Context, p *program) ([]float64, error) {
	if err := p.run(ctx, 1); err != nil {
		return nil, err
	}
	data := make([]byte, p.bind.Outputs[0].Len())
	if err := p.bind.Outputs[0].Download(0, data); err != nil {
		return nil, err
	}
	list := make([]float64, len(data)/4)
	for i := range list {
		list[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:])))
	}
	return list, nil
}

func (s *search) at(t float64) error {
	return s.m.mem.put(nameT, binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(t))))
}

// Direct is part of optim.Problem, like Evaluate and Move.
func (s *search) Direct() (optim.Direction, error) {
	found, err := s.numbers(context.Background(), s.direct)
	if err != nil {
		return optim.Direction{}, err
	}
	return optim.Direction{Slope: found[0], Length: found[1], Sum: found[2], Count: int(found[3])}, nil
}

func (s *search) Evaluate(t float64) (p optim.Point, steepest float64, err error) {
	if err := s.at(t); err != nil {
		return p, 0, err
	}
	found, err := s.numbers(context.Background(), s.evaluate)
	if err != nil {
		return p, 0, err
	}
	return optim.Point{T: t, Loss: found[0], Slope: found[2]}, found[1], nil
}

func (s *search) Move(t float64) error {
	if err := s.at(t); err != nil {
		return err
	}
	return s.move.run(context.Background(), 1)
}

// flat puts values one after the other.
func flat(values []*ir.Value) *ir.Value {
	parts := make([]*ir.Value, len(values))
	for i, v := range values {
		parts[i] = op.Reshape(v, ir.Shape{v.Shape.Elems()})
	}
	return op.Concat(0, parts...)
}

// shifts are the parts of a direction that go with the parameters, times t.
func shifts(direction, t *ir.Value, params []*ir.Value) map[string]*ir.Value {
	out, at := map[string]*ir.Value{}, 0
	for _, p := range params {
		part := op.SliceAxis(direction, 0, at, at+p.Shape.Elems())
		out[p.Name] = op.Mul(t, op.Reshape(part, p.Shape))
		at += p.Shape.Elems()
	}
	return out
}

// found are the numbers that the host reads.
func found(by string, numbers ...*ir.Value) []ir.Output {
	return []ir.Output{{Name: "search/" + by, Value: flat(numbers)}}
}

func gradientState(params []*ir.Value) *ir.Value {
	n := 0
	for _, p := range params {
		n += p.Shape.Elems()
	}
	return ir.State(nameGradient, ir.F32, ir.Shape{n}, nil)
}

// beginGraph evaluates where the parameters are, and measures the step.
func beginGraph(s *Spec, n int) (*ir.Graph, error) {
	b, err := gradients(s, n)
	if err != nil {
		return nil, err
	}
	gradient := flat(b.grads)
	ok, _, guard := b.guard(s.Hunt, b.model.Updates)
	updates := slices.Concat(taken(ok, slices.Concat(b.model.Updates, b.sums)), guard,
		[]ir.Update{{State: gradientState(b.params), New: gradient}})
	return ir.NewGraph(fmt.Sprintf("%s: step of %d rows", s.Name, n),
		found("begin", op.Cast(ok, ir.F32), b.mean, op.MaxOver(op.Abs(gradient), false)), updates), nil
}

// lineGraph evaluates at a point along the direction.
func lineGraph(s *Spec, o *optim.LBFGS, n int) (*ir.Graph, error) {
	b, err := gradients(s, n)
	if err != nil {
		return nil, err
	}
	state := gradientState(b.params)
	direction := o.Memory(state.Shape[0]).Direction
	shift := shifts(direction, ir.Input(nameT, ir.F32), b.params)
	g := ir.NewGraph("", []ir.Output{{Name: "loss", Value: b.mean}, {Name: "gradient", Value: flat(b.grads)}}, nil)
	g = g.Rewrite(func(v *ir.Value) *ir.Value {
		if v.Op == ir.OpState && shift[v.Name] != nil {
			return op.Add(v, shift[v.Name])
		}
		return v
	})
	loss, gradient := g.Output("loss"), g.Output("gradient")
	slope := op.Sum(op.Mul(gradient, direction), false)
	return ir.NewGraph(fmt.Sprintf("%s: evaluation of %d rows along a line", s.Name, n),
		found("line", loss, op.MaxOver(op.Abs(gradient), false), slope), []ir.Update{{State: state, New: gradient}}), nil
}

// directGraph computes a direction from the last gradient.
func directGraph(s *Spec, o *optim.LBFGS) *ir.Graph {
	gradient := gradientState(s.Model.Params())
	memory := o.Memory(gradient.Shape[0])
	updates, slope, length, sum := o.Direct(memory, gradient)
	count := op.Cast(op.Add(memory.Count, number(1)), ir.F32)
	return ir.NewGraph(s.Name+": direction", found("direction", slope, length, sum, count), updates)
}

// moveGraph moves the parameters along the direction.
func moveGraph(s *Spec, o *optim.LBFGS) *ir.Graph {
	params := s.Model.Params()
	memory := o.Memory(gradientState(params).Shape[0])
	t := ir.Input(nameT, ir.F32)
	updates := []ir.Update{{State: memory.Step, New: t}}
	shift := shifts(memory.Direction, t, params)
	for _, p := range params {
		updates = append(updates, ir.Update{State: p, New: op.Add(p, shift[p.Name])})
	}
	return ir.NewGraph(s.Name+": move", nil, updates)
}

// doneGraph goes on to the next batch.
func doneGraph(s *Spec, n int) *ir.Graph {
	count := s.counters()
	return ir.NewGraph(s.Name+": next batch", nil, count.after(op.Add(count.row, number(n))))
}
