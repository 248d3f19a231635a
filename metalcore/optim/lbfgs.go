package optim

import (
	"fmt"
	"math"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// LBFGS is the optimizer "lbfgs": Newton's method with an approximation of the
// inverse Hessian that the last changes of the gradient give, and a line search
// (Liu and Nocedal 1989; Nocedal and Wright, Numerical Optimization, algorithm
// 7.5). A step of it is up to "iterations" directions on one batch, each with
// several evaluations of loss and gradient; so it is for full batches. It takes
// the steps and stops where PyTorch's LBFGS with line_search_fn="strong_wolfe"
// does.
//
// What is computed with vectors is made of the engine's ops and runs on the
// device, see Direct; what to do next depends on numbers, see Search.
type LBFGS struct{ optimizer }

// lbfgsKind has no decay and no clipping: the gradient must be that of the loss.
var lbfgsKind = kind{
	settings: []setting{rate(1), whole("iterations", 20, 1, 1e6), whole("evaluations", 0, 0, 1e6), whole("history", 10, 1, 100),
		amount("tolerance_grad", 1e-7), amount("tolerance_change", 1e-9)},
}

func whole(name string, preset, least, most float64) setting {
	return setting{name, preset, func(x float64) bool { return x == math.Floor(x) && x >= least && x <= most },
		fmt.Sprintf("a whole number from %v to %v", least, most)}
}

// Memory is what the optimizer remembers on the device: states, zero at first,
// which vectors of all parameters one after the other go into.
type Memory struct {
	Direction, Gradient *ir.Value // the last direction, and the gradient at its beginning
	Step                *ir.Value // how far it went along the direction
	Count               *ir.Value // directions so far, i32
	steps, changes      *ir.Value // of the last iterations, the latest in the last row; zeros before
	inverse             *ir.Value // of the product of a row of steps and one of changes
	scale               *ir.Value // of the inverse Hessian to begin with
}

// Memory names the states for parameters of n numbers.
func (o *LBFGS) Memory(n int) *Memory {
	state := func(name string, dtype ir.DType, shape ...int) *ir.Value {
		return ir.State(o.name+"/"+name, dtype, shape, ir.Attrs{ir.AttrInit: "zeros"})
	}
	rows := int(o.settings["history"])
	return &Memory{Direction: state("direction", ir.F32, n), Gradient: state("gradient", ir.F32, n), Step: state("step", ir.F32),
		Count: state("count", ir.I32), steps: state("steps", ir.F32, rows, n), changes: state("changes", ir.F32, rows, n),
		inverse: state("inverse", ir.F32, rows), scale: state("scale", ir.F32)}
}

// Direct builds the next direction from the gradient where the last step ended:
// the updates of the memory but for Step, and the values Slope, along the
// direction, Length, of its longest element, and Sum, of the gradient's absolute
// values.
func (o *LBFGS) Direct(m *Memory, gradient *ir.Value) (updates []ir.Update, slope, length, sum *ir.Value) {
	step, change := op.Mul(m.Direction, m.Step), op.Sub(gradient, m.Gradient)
	product := dot(change, step)
	curved := op.Lt(num(1e-10), product) // never at the first direction, whose memory is zeros
	push := func(state, row *ir.Value) *ir.Value {
		rows := state.Shape[0]
		row = op.Reshape(row, append(ir.Shape{1}, state.Shape[1:]...))
		return op.Select(curved, op.Concat(0, op.SliceAxis(state, 0, 1, rows), row), state)
	}
	next := *m
	next.steps, next.changes = push(m.steps, step), push(m.changes, change)
	next.inverse = push(m.inverse, op.Div(num(1), op.Select(curved, product, num(1))))
	begin := op.Select(op.Lt(ir.Const(0, ir.I32), m.Count), m.scale, num(1))
	next.scale = op.Select(curved, op.Div(product, op.Select(curved, dot(change, change), num(1))), begin)
	direction := next.solve(gradient)
	updates = []ir.Update{{State: m.Direction, New: direction}, {State: m.Gradient, New: gradient},
		{State: m.Count, New: op.Add(m.Count, ir.Const(1, ir.I32))}, {State: m.steps, New: next.steps},
		{State: m.changes, New: next.changes}, {State: m.inverse, New: next.inverse}, {State: m.scale, New: next.scale}}
	return updates, dot(gradient, direction), op.MaxOver(op.Abs(direction), false), op.Sum(op.Abs(gradient), false)
}

// solve is minus the approximate inverse Hessian times the gradient, in two
// loops over the history. Rows that are still zeros change nothing.
func (m *Memory) solve(gradient *ir.Value) *ir.Value {
	rows, n := m.steps.Shape[0], m.steps.Shape[1]
	row := func(v *ir.Value, i int) *ir.Value { return op.Reshape(op.SliceAxis(v, 0, i, i+1), ir.Shape{n}) }
	inverse := func(i int) *ir.Value { return op.Reshape(op.SliceAxis(m.inverse, 0, i, i+1), ir.Shape{}) }
	q, share := op.Neg(gradient), make([]*ir.Value, rows)
	for i := rows - 1; i >= 0; i-- {
		share[i] = op.Mul(dot(row(m.steps, i), q), inverse(i))
		q = op.Sub(q, op.Mul(share[i], row(m.changes, i)))
	}
	r := op.Mul(m.scale, q)
	for i := range rows {
		back := op.Mul(dot(row(m.changes, i), r), inverse(i))
		r = op.Add(r, op.Mul(op.Sub(share[i], back), row(m.steps, i)))
	}
	return r
}

func dot(a, b *ir.Value) *ir.Value { return op.Sum(op.Mul(a, b), false) }

// Direction is what Direct computed, and how many directions there were so far,
// this one included.
type Direction struct {
	Slope, Length, Sum float64
	Count              int
}

// Problem is what Search minimises: a device with the parameters and the memory.
type Problem interface {
	// Direct computes a direction from the gradient of the last Evaluate.
	Direct() (Direction, error)
	// Evaluate computes loss, slope and gradient t along the direction, and the
	// gradient's largest element.
	Evaluate(t float64) (p Point, steepest float64, err error)
	// Move moves the parameters by t along the direction.
	Move(t float64) error
}

// Search takes one step with the learning rate lr, from the loss and the
// gradient's largest element where the parameters are, whose gradient was just
// computed. It returns how often it evaluated.
func (o *LBFGS) Search(p Problem, lr, loss, steepest float64) (evaluations int, err error) {
	iterations, most := int(o.settings["iterations"]), int(o.settings["evaluations"])
	if most == 0 {
		most = iterations * 5 / 4
	}
	least := o.settings["tolerance_change"]
	for n, spent := 1, 1; steepest > o.settings["tolerance_grad"]; n++ {
		d, err := p.Direct()
		if err != nil {
			return evaluations, err
		}
		t := lr
		if d.Count == 1 {
			t = min(1, 1/d.Sum) * lr
		}
		if !(d.Slope <= -least) {
			return evaluations, p.Move(0)
		}
		l := &line{start: Point{Loss: loss, Slope: d.Slope}, length: d.Length, least: least, most: most - spent}
		last := 0.0
		l.at = func(t float64) (at Point, err error) {
			at, steepest, err = p.Evaluate(t)
			last = t
			return at, err
		}
		best, err := l.search(t)
		evaluations += l.evaluations
		spent += l.evaluations
		if err == nil && best.T != last { // its gradient is wanted
			_, err = l.at(best.T)
		}
		if err == nil {
			err = p.Move(best.T)
		}
		if err != nil {
			return evaluations, err
		}
		fell := math.Abs(best.Loss - loss)
		if loss = best.Loss; n == iterations || spent >= most || best.T*d.Length <= least || fell < least {
			break
		}
	}
	return evaluations, nil
}
