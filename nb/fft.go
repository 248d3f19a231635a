package nb

import "math"

// Discrete Fourier transforms along the last axis, as in NumPy: complex numbers
// are two tensors of one shape, of real and of imaginary parts. The core computes
// them in float64, by gonum's fast transforms. In a model, and where Grad
// differentiates, they are products with a matrix of sines and cosines, of at
// most 4096 numbers. Lengths with large prime factors take longer.

// FFT is y[k] = sum over j of x[j] e^(-2 pi i j k / n); im is nil for real
// numbers.
func FFT(re, im *Tensor) (*Tensor, *Tensor) {
	im = imaginary(re, im)
	if n, ok := symbolic("fft", re, im); ok {
		c, s := circle(n, n)
		return re.MatMul(c).Add(im.MatMul(s)), im.MatMul(c).Sub(re.MatMul(s))
	}
	out := inCore("fft", 0, re, im)
	return out[0], out[1]
}

// IFFT goes back: with the other sign, divided by n.
func IFFT(re, im *Tensor) (*Tensor, *Tensor) {
	im = imaginary(re, im)
	if n, ok := symbolic("ifft", re, im); ok {
		c, s := circle(n, n)
		return re.MatMul(c).Sub(im.MatMul(s)).Div(n), im.MatMul(c).Add(re.MatMul(s)).Div(n)
	}
	out := inCore("ifft", 0, re, im)
	return out[0], out[1]
}

// RFFT is the first n/2+1 numbers of FFT of real numbers; the others mirror
// them.
func (t *Tensor) RFFT() (re, im *Tensor) {
	if n, ok := symbolic("rfft", t); ok {
		c, s := circle(n, n/2+1)
		return t.MatMul(c), t.MatMul(s).Neg()
	}
	out := inCore("rfft", 0, t)
	return out[0], out[1]
}

// IRFFT makes the n real numbers whose RFFT has n/2+1 numbers re and im.
func IRFFT(re, im *Tensor, n int) *Tensor {
	im = imaginary(re, im)
	half, ok := symbolic("irfft", re, im)
	if n < 1 || half != n/2+1 {
		argument("give n/2+1 numbers for n real ones", "irfft: %d complex numbers do not make %d real ones", half, n)
	}
	if !ok {
		return inCore("irfft", n, re, im)[0]
	}
	c, s := circle(half, n)
	k := Arange(half)
	twice := k.Eq(0).Or(k.Mul(2).Eq(n)).Where(1.0, 2.0).ExpandDims(-1) // but for those that mirror themselves
	return re.MatMul(c.Mul(twice)).Sub(im.MatMul(s.Mul(twice))).Div(n)
}

// FFT2 is FFT along the last two axes, and IFFT2 goes back.
func FFT2(re, im *Tensor) (*Tensor, *Tensor) { return alongBoth(FFT, re, im) }

// IFFT2 is IFFT along the last two axes.
func IFFT2(re, im *Tensor) (*Tensor, *Tensor) { return alongBoth(IFFT, re, im) }

func alongBoth(f func(re, im *Tensor) (*Tensor, *Tensor), re, im *Tensor) (*Tensor, *Tensor) {
	re, im = f(re, im)
	re, im = f(re.SwapAxes(-1, -2), im.SwapAxes(-1, -2))
	return re.SwapAxes(-1, -2), im.SwapAxes(-1, -2)
}

// imaginary is the imaginary part, zeros where there is none.
func imaginary(re, im *Tensor) *Tensor {
	if im == nil {
		return re.Mul(0)
	}
	if !im.v.Shape.Equal(re.v.Shape) {
		argument("give both one shape", "real parts %s and imaginary parts %s do not fit", re.v.Type(), im.v.Type())
	}
	return im
}

// symbolic returns the size of the last axis, and whether a transform has to be
// one that can be differentiated.
func symbolic(name string, parts ...*Tensor) (n int, ok bool) {
	for _, t := range parts {
		n = t.v.Shape[t.axis(name, -1)]
		ok = ok || t.order() > 0 || t.v.Shape.HasBatch()
	}
	if n < 1 {
		argument("give it at least one", "%s: there are no numbers along the last axis of %s", name, parts[0].v.Type())
	}
	if ok && n > 4096 {
		argument("transform parts of it", "%s of %d numbers has no gradient; up to 4096 have one", name, n)
	}
	return n, ok
}

// circle is cos and sin of 2 pi j k / n... of rows by columns; the larger of
// both is the number of steps around.
func circle(rows, cols int) (cos, sin *Tensor) {
	n := max(rows, cols)
	turn := Arange(rows).ExpandDims(-1).Mul(Arange(cols)).Mod(n).Float().Mul(2 * math.Pi / float64(n))
	return turn.Cos(), turn.Sin()
}
