package nb

import (
	"math"
	"math/bits"
)

// The core computes linear algebra outside of graphs, so that there is no op to
// differentiate. Its gradients come from series around the numbers that it
// found: they change nothing in the value and are exact up to the derivative
// that can be asked for, which is t.order(). Without Grad they have no terms.

// inverse continues y, the inverse of t, by Newton's method (Schulz 1933): each
// step doubles the order.
func (t *Tensor) inverse(y *Tensor) *Tensor {
	for range bits.Len(uint(t.order())) {
		twice := Eye(t.v.Shape[len(t.v.Shape)-1]).Mul(2)
		y = y.MatMul(twice.Sub(t.MatMul(y)))
	}
	return y
}

// nearest continues x, which solves t x = b, when t and b were made of others:
// x + t^-1 (b - t x).
func (t *Tensor) nearest(b, x *Tensor, of ...*Tensor) *Tensor {
	order := 0
	for _, o := range of {
		order = max(order, o.order())
	}
	if order == 0 {
		return x
	}
	inverse := t.inverse(t.StopGradient().Inv())
	if len(b.v.Shape) > 1 {
		return x.Add(inverse.MatMul(b.Sub(t.MatMul(x))))
	}
	x = x.ExpandDims(-1)
	return x.Add(inverse.MatMul(b.ExpandDims(-1).Sub(t.MatMul(x)))).Squeeze(-1)
}

// logDetChange is log|det t| less its value now: with e = t0^-1 t - 1, which is
// 0 now, it is the trace of e - e^2/2 + e^3/3 - ...
func (t *Tensor) logDetChange() *Tensor {
	e := t.StopGradient().Inv().MatMul(t).Sub(Eye(t.v.Shape[len(t.v.Shape)-1]))
	e = Zeros().changing(e)
	sum, power := e.Trace(), e
	for k := 2; k <= t.order(); k++ {
		power = power.MatMul(e)
		sum = sum.Add(power.Trace().Div(math.Pow(-1, float64(k-1)) * float64(k)))
	}
	return sum
}

// factor continues l, the Cholesky factor of t, as l (1 + n): with
// e = l^-1 t l^-T - 1 it is n = half(e - n n^T), where half takes the triangle
// below the diagonal and half of that.
func (t *Tensor) factor(l *Tensor) *Tensor {
	if t.order() == 0 {
		return l
	}
	back := l.Inv()
	e := back.MatMul(t).MatMul(back.SwapAxes(-1, -2))
	e = Zeros().changing(e)
	half := func(x *Tensor) *Tensor { return x.Tril(0).Add(x.Tril(-1)).Div(2) }
	n := half(e)
	for range t.order() - 1 {
		n = half(e.Sub(n.MatMul(n.SwapAxes(-1, -2))))
	}
	return l.Add(l.MatMul(n))
}

// orthonormal continues t = q r: r is the Cholesky factor of t^T t, turned.
func (t *Tensor) orthonormal(q, r *Tensor) (*Tensor, *Tensor) {
	if t.order() == 0 {
		return q, r
	}
	if n := len(t.v.Shape); t.v.Shape[n-2] < t.v.Shape[n-1] {
		argument("give it at least as many rows as columns", "qr of %s has no gradient", t.v.Type())
	}
	r = t.SwapAxes(-1, -2).MatMul(t).factor(r.SwapAxes(-1, -2)).SwapAxes(-1, -2)
	return q.changing(t.MatMul(r.Inv())), r
}

// singular continues t = u diag(s) v^T, with at least as many rows as columns: v
// and s^2 are vectors and values of t^T t, and t v = u diag(s).
func (t *Tensor) singular(u, s, v *Tensor) (*Tensor, *Tensor, *Tensor) {
	if t.order() == 0 {
		return u, s, v
	}
	w, v := t.SwapAxes(-1, -2).MatMul(t).perturbed(s.Square(), v)
	s = s.changing(w.Sqrt())
	return u.changing(t.MatMul(v).Div(s.ExpandDims(-2))), s, v
}

// changing has the value of t and the derivatives of x, which is t but for
// rounding.
func (t *Tensor) changing(x *Tensor) *Tensor { return t.Add(x.Sub(x.StopGradient())) }

// perturbed continues eigenvalues w and vectors v. In their basis t is diag(w) +
// e; the vectors there are 1 + c with zeros on the diagonal of c, and from
// (diag(w) + e)(1 + c) = (1 + c) diag(w') follow w' and c, one order more with
// each round.
func (t *Tensor) perturbed(w, v *Tensor) (*Tensor, *Tensor) {
	order := t.order()
	if order == 0 {
		return w, v
	}
	e := v.SwapAxes(-1, -2).MatMul(t).MatMul(v)
	e = Zeros().changing(e)
	one := Eye(t.v.Shape[len(t.v.Shape)-1])
	gap := w.ExpandDims(-2).Sub(w.ExpandDims(-1)) // w[column] - w[row]
	// Of equal eigenvalues it is too large for any gradient, and harmless in the value.
	inverse := one.Gt(0).Where(0, gap.Pow(-1)).Clip(-math.MaxFloat32, math.MaxFloat32)
	c, change := one.Mul(0), w.Mul(0)
	for range order {
		moved := e.MatMul(one.Add(c))
		change = moved.Diagonal()
		c = moved.Sub(c.Mul(change.ExpandDims(-2))).Mul(inverse)
	}
	basis := one.Add(c)
	length := basis.Square().Sum(-2).Sqrt()
	return w.Add(change), v.MatMul(basis.Div(length.ExpandDims(-2)))
}

// exponential is Taylor's series of t/2^s, which is small, squared s times.
func (t *Tensor) exponential() *Tensor {
	const terms = 12 // the next is below 2^-28 of a norm below 1/2
	size := t.Abs().Sum(-1).Max().Item()
	s := 0
	if size > 0.5 {
		s = int(math.Ceil(math.Log2(size))) + 1
	}
	one := Eye(t.v.Shape[len(t.v.Shape)-1])
	x := t.Mul(math.Ldexp(1, -s))
	sum := one.Add(x.Mul(0))
	for k := terms; k > 0; k-- {
		sum = one.Add(x.MatMul(sum).Div(k))
	}
	for range s {
		sum = sum.MatMul(sum)
	}
	return sum
}
