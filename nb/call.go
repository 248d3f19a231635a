package nb

import (
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// inCore has the core compute a function of linear algebra, or a Fourier
// transform, now.
func inCore(name string, n int, in ...*Tensor) []*Tensor {
	req := &wire.Call{Func: name, N: n}
	var todo []*Tensor
	for _, t := range in {
		if t.v.Shape.HasBatch() {
			argument("compute it of arrays, outside of models", "%s: a model's value %s has no numbers", name, t.v.Type())
		}
		if t.kept == "" {
			todo = append(todo, t)
		}
	}
	Eval(todo...)
	for _, t := range in {
		operand := wire.Operand{Stored: t.kept}
		if t.kept == "" {
			operand.X = *t.data
			must(exportTensor(&operand.X))
		}
		req.Inputs = append(req.Inputs, operand)
	}
	list := mustCall[wire.Tensors](req).List
	out := make([]*Tensor, len(list))
	for i := range list {
		must(importTensor(&list[i]))
		out[i] = concrete(&list[i])
	}
	return out
}

// order is how often t may be differentiated: how many functions that Grad
// differentiates, each within the next, it depends on the arguments of.
func (t *Tensor) order() int {
	seen := map[*Tensor]int{}
	var walk func(t *Tensor) int
	walk = func(t *Tensor) int {
		if n, ok := seen[t]; ok {
			return n
		}
		n := 0
		if t.arg != nil {
			n = 1 + walk(t.arg)
		}
		if t.v.Op != "stop_gradient" {
			for _, f := range t.from {
				n = max(n, walk(f))
			}
		}
		seen[t] = n
		return n
	}
	return walk(t)
}

// constant raises an error when a function that has no gradient is computed of
// the argument of one that Grad differentiates.
func (t *Tensor) constant(name string) {
	if t.order() > 0 {
		argument("leave it out of the function, or say by StopGradient() that it counts as constant", "%s has no gradient", name)
	}
}

// StopGradient is t, and counts as constant in gradients.
func (t *Tensor) StopGradient() *Tensor { return t.unary("stop_gradient", op.StopGradient) }
