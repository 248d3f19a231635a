package nb

import (
	"github.com/metalnb/metalnb/metalcore/autodiff"
	"github.com/metalnb/metalnb/metalcore/ir"
)

// Grad returns the function that computes the gradient of f: of a tensor, how
// the one number that f makes of it changes with each of its elements. It is
// again a function of tensors, so that Grad of it is the second derivative.
//
//	slope := nb.Grad(func(x *nb.Tensor) *nb.Tensor { return x.Mul(x).Sum() })
//	slope(nb.Array([]float64{1, 2, 3})) // [2. 4. 6.]
//
// f may look at numbers, as with Item, and use if; what it makes of them counts
// as constant. Other tensors that f uses count as constant, too.
func Grad(f func(x *Tensor) *Tensor) func(x *Tensor) *Tensor {
	g := ValueAndGrad(func(xs ...*Tensor) *Tensor { return f(xs[0]) })
	return func(x *Tensor) *Tensor {
		_, grads := g(x)
		return grads[0]
	}
}

// ValueAndGrad returns the function that computes f and its gradients for each
// of its arguments. Eval computes several of them together.
//
//	loss, grads := nb.ValueAndGrad(mse)(weights, bias)
func ValueAndGrad(f func(xs ...*Tensor) *Tensor) func(xs ...*Tensor) (value *Tensor, grads []*Tensor) {
	return func(xs ...*Tensor) (*Tensor, []*Tensor) {
		args, wrt := make([]*Tensor, len(xs)), make([]*ir.Value, len(xs))
		at := map[*ir.Value]*ir.Value{}
		for i, x := range xs {
			if floating(x.v) != x.v {
				argument("convert it with Float()", "the gradient for argument %d, which is %s: integers have none", i, x.v.Type())
			}
			wrt[i] = ir.Input("argument", x.v.DType, x.v.Shape...)
			args[i] = &Tensor{v: wrt[i], arg: x, share: x.share}
			at[wrt[i]] = x.v
		}
		y := f(args...)
		if y == nil || len(y.v.Shape) != 0 || floating(y.v) != y.v {
			what := "nothing"
			if y != nil {
				what = y.v.Type()
			}
			argument("reduce it first, with Sum or Mean, to one float", "the gradient of a function that makes %s", what)
		}
		grads, err := autodiff.Gradients(y.v, wrt)
		if err != nil {
			argument("leave that operation out of the function", "%v", err)
		}
		from := append(constants(y, args), xs...)
		out := make([]*Tensor, len(xs))
		for i, g := range grads {
			out[i] = apply("grad", from, func() *ir.Value { return replace(g, at) })
		}
		return apply("grad", from, func() *ir.Value { return replace(y.v, at) }), out
	}
}

// constants are the tensors that t, or what it is computed from, takes beside
// the arguments.
func constants(t *Tensor, args []*Tensor) (out []*Tensor) {
	depends, seen := map[*Tensor]bool{}, map[*Tensor]bool{}
	for _, a := range args {
		depends[a], seen[a] = true, true
	}
	var walk func(t *Tensor)
	walk = func(t *Tensor) {
		if seen[t] {
			return
		}
		seen[t] = true
		for _, f := range t.from {
			walk(f)
			depends[t] = depends[t] || depends[f]
		}
		if !depends[t] {
			return
		}
		for _, f := range t.from {
			if !depends[f] {
				out = append(out, f)
			}
		}
	}
	walk(t)
	if !depends[t] {
		out = append(out, t)
	}
	return out
}
