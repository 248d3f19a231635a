package main

import "math"

// ln 2 in two parts: multiples of the first one up to 2^12 are exact.
var (
	ln2High = float64(math.Float32frombits(math.Float32bits(math.Ln2) &^ 0xfff))
	ln2Low  = math.Ln2 - ln2High
)

// poly is c0 x^n + c1 x^(n-1) + ... + cn by Horner's rule.
func (e maths) poly(x vec, c ...float64) vec {
	var y vec = e.num(c[0])
	for _, a := range c[1:] {
		y = e.fma(y, x, e.num(a))
	}
	return y
}

// within is x between low and high; NaN stays.
func (e maths) within(x vec, low, high float64) vec {
	return e.smaller(e.num(high), e.larger(e.num(low), x))
}

// expParts splits e^x into 2^n (1 + s). With r = x - n ln 2, at most ln(2)/2,
// s is e^r - 1 by its Taylor polynomial, whose next term is below 1/10 of a
// unit in the last place.
func (e maths) expParts(x vec) (n, s vec) {
	n = e.round(e.mul(x, e.num(math.Log2E)), toEven)
	r := e.fnma(n, e.num(ln2High), x)
	r = e.fnma(n, e.num(ln2Low), r)
	q := e.poly(r, 1./5040, 1./720, 1./120, 1./24, 1./6, 1./2)
	return n, e.fma(e.mul(r, r), q, r)
}

// power is 2^n for a whole n from -126 to 127.
func (e maths) power(n vec) vec {
	return e.shiftLeft(e.addi(n, e.word(127)), 23)
}

// exp is e^x. Beyond the range that f32 has it is 0 or infinity.
func (e maths) exp(x vec) vec {
	n, s := e.expParts(e.within(x, -104, 89))
	return e.scale(e.add(s, e.num(1)), n)
}

// scaleTwice is y 2^n in two steps, so that each power is a number of f32.
func (e maths) scaleTwice(y, n vec) vec {
	whole := e.toInt(n)
	half := e.shiftRight(whole, 1)
	return e.mul(e.mul(y, e.power(half)), e.power(e.subi(whole, half)))
}

// expm1 is e^x - 1 = 2^n s + (2^n - 1), of which half is computed first, so
// that nothing overflows too early.
func (e maths) expm1(x vec) vec {
	n, s := e.expParts(e.within(x, -20, 89))
	half := e.power(e.subi(e.toInt(n), e.word(1)))
	y := e.fma(half, s, e.sub(half, e.num(0.5)))
	return e.keepZero(x, e.add(y, y))
}

// keepZero is x where that is 0, and so keeps its sign.
func (e maths) keepZero(x, y vec) vec { return e.blend(e.cmp(equal, x, e.zero()), x, y) }

// tanh is m/(m+2) with m = e^2|x| - 1, with the sign of x.
func (e maths) tanh(x vec) vec {
	size := e.smaller(e.num(10), e.and(x, e.word(math.MaxInt32))) // 1 from there on
	n, s := e.expParts(e.add(size, size))
	p := e.power(e.toInt(n))
	m := e.fma(p, s, e.sub(p, e.num(1)))
	return e.or(e.div(m, e.add(m, e.num(2))), e.and(x, e.word(1<<31)))
}

// sigmoid is 1/(1+e^-|x|) for x >= 0 and e^-|x|/(1+e^-|x|) below.
func (e maths) sigmoid(x vec) vec {
	p := e.exp(e.or(x, e.word(1<<31)))
	top := e.blend(e.cmp(less, x, e.zero()), p, e.num(1))
	return e.div(top, e.add(p, e.num(1)))
}

// logOf is the logarithm of u (1 + rest), where u is positive and not subnormal.
// With u = 2^k (1+f), 1+f from 1/sqrt 2 to sqrt 2, and s = f/(2+f), log(1+f) is
// 2 atanh s, of whose series four terms after the first one are enough. It is
// put together so that f, the largest part, is added last.
func (e maths) logOf(u, rest, bias vec) vec {
	k := e.shiftRight(e.subi(u, e.num(math.Sqrt2/2)), 23)
	f := e.sub(e.subi(u, e.shiftLeft(k, 23)), e.num(1))
	s := e.div(f, e.add(f, e.num(2)))
	z := e.mul(s, s)
	series := e.mul(z, e.poly(z, 2./9, 2./7, 2./5, 2./3))
	square := e.mul(e.mul(f, e.num(0.5)), f)
	e2 := e.add(e.toFloat(k), bias)
	low := e.fma(e2, e.num(ln2Low), rest)
	small := e.fma(s, e.add(square, series), low)
	return e.fma(e2, e.num(ln2High), e.add(e.sub(small, square), f))
}

// log is the natural logarithm: -Inf of 0, NaN below.
func (e maths) log(x vec) vec {
	tiny := e.cmp(less, x, e.num(0x1p-126))
	u := e.blend(tiny, e.mul(x, e.num(0x1p25)), x)
	bias := e.blend(tiny, e.num(-25), e.zero())
	return e.logEnds(x, x, e.logOf(u, e.zero(), bias))
}

// log1p is log(1+x). What 1+x loses is added in first order.
func (e maths) log1p(x vec) vec {
	u := e.add(x, e.num(1))
	lost := e.sub(x, e.sub(u, e.num(1)))
	y := e.logOf(u, e.div(lost, u), e.zero())
	return e.keepZero(x, e.logEnds(u, x, y))
}

// logEnds is y but for the ends of the logarithm of u: -Inf at 0, NaN below,
// and x where it is infinite or NaN.
func (e maths) logEnds(u, x, y vec) vec {
	y = e.blend(e.cmp(less, u, e.zero()), e.word(0x7fc00000), y)
	y = e.blend(e.cmp(equal, u, e.zero()), e.num(math.Inf(-1)), y)
	ends := e.blend(e.cmp(equal, x, e.num(math.Inf(1))), x, y)
	return e.blend(e.cmp(unordered, x, x), x, ends)
}

// erf is x P(x²) below 1, and 1 - e^-x² Q(1/(1+|x|/2)) from there on, with the
// sign of x. P and Q are Chebyshev fits, to 1.3e-9 and 7e-9.
func (e maths) erf(x vec) vec {
	size := e.smaller(e.num(4), e.and(x, e.word(math.MaxInt32))) // 1 from there on
	z := e.mul(size, size)
	near := e.mul(size, e.poly(z, 7.875875063e-5, -0.0008016864287, 0.005189087423, -0.02685421201,
		0.1128359472, -0.3761262667, 1.128379166))
	t := e.div(e.num(1), e.fma(size, e.num(0.5), e.num(1)))
	q := e.poly(t, -0.05363042808, -0.05706519996, 0.4034950533, 0.1014954124, 0.3307571337, 0.2736343401, 0.000605118391)
	far := e.fnma(e.exp(e.xor(z, e.word(1<<31))), q, e.num(1))
	y := e.blend(e.cmp(less, size, e.num(1)), near, far)
	y = e.smaller(e.num(1), y)
	return e.or(e.keepNaN(x, y), e.and(x, e.word(1<<31)))
}
