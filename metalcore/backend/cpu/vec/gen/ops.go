package main

import "math"

// ops are the elementwise kernels. What is commutative needs only one order of
// vector and number.
func ops() []elementwise {
	unary, both := []uint{0}, []uint{0, 1, 2}
	two := func(f func(e maths, a, b vec) vec) func(e maths, x []vec) vec {
		return func(e maths, x []vec) vec { return f(e, x[0], x[1]) }
	}
	one := func(f func(e maths, a vec) vec) func(e maths, x []vec) vec {
		return func(e maths, x []vec) vec { return f(e, x[0]) }
	}
	return []elementwise{
		{"add.f32", 2, both, 4, two(func(e maths, a, b vec) vec { return e.add(a, b) })},
		{"sub.f32", 2, both, 4, two(func(e maths, a, b vec) vec { return e.sub(a, b) })},
		{"mul.f32", 2, both, 4, two(func(e maths, a, b vec) vec { return e.mul(a, b) })},
		{"div.f32", 2, both, 2, two(func(e maths, a, b vec) vec { return e.div(a, b) })},
		{"fma.f32", 3, []uint{0, 2, 4, 6}, 4, func(e maths, x []vec) vec { return e.fma(x[0], x[1], x[2]) }},
		{"fnma.f32", 3, []uint{0, 2, 4, 6}, 4, func(e maths, x []vec) vec { return e.fnma(x[0], x[1], x[2]) }},
		{"max.f32", 2, both, 4, two(func(e maths, a, b vec) vec { return e.keepNaN(a, e.larger(a, b)) })},
		{"min.f32", 2, both, 4, two(func(e maths, a, b vec) vec { return e.keepNaN(a, e.smaller(a, b)) })},
		{"add.i32", 2, both, 4, two(func(e maths, a, b vec) vec { return e.addi(a, b) })},
		{"sub.i32", 2, both, 4, two(func(e maths, a, b vec) vec { return e.subi(a, b) })},
		{"mul.i32", 2, both, 4, two(func(e maths, a, b vec) vec { return e.muli(a, b) })},
		{"max.i32", 2, both, 4, two(func(e maths, a, b vec) vec { return e.maxi(a, b) })},
		{"min.i32", 2, both, 4, two(func(e maths, a, b vec) vec { return e.mini(a, b) })},
		{"eq.f32", 2, both, 4, two(func(e maths, a, b vec) vec { return e.truth(e.cmp(equal, a, b)) })},
		{"lt.f32", 2, both, 4, two(func(e maths, a, b vec) vec { return e.truth(e.cmp(less, a, b)) })},
		{"le.f32", 2, both, 4, two(func(e maths, a, b vec) vec { return e.truth(e.cmp(lessEqual, a, b)) })},
		{"eq.i32", 2, both, 4, two(func(e maths, a, b vec) vec { return e.truth(e.equali(a, b)) })},
		{"lt.i32", 2, both, 4, two(func(e maths, a, b vec) vec { return e.truth(e.lessi(a, b)) })},
		{"le.i32", 2, both, 4, two(func(e maths, a, b vec) vec { return e.xor(e.truth(e.lessi(b, a)), e.word(1)) })},
		{"select", 3, []uint{0, 2, 4, 6}, 4, func(e maths, x []vec) vec {
			return e.blend(e.equali(x[0], e.zero()), x[2], x[1])
		}},
		{"copy", 1, []uint{1}, 4, func(e maths, x []vec) vec { return x[0] }},

		{"neg.f32", 1, unary, 4, one(func(e maths, a vec) vec { return e.xor(a, e.word(1<<31)) })},
		{"abs.f32", 1, unary, 4, one(func(e maths, a vec) vec { return e.and(a, e.word(math.MaxInt32)) })},
		{"relu.f32", 1, unary, 4, one(func(e maths, a vec) vec { return e.larger(e.zero(), a) })},
		{"sign.f32", 1, unary, 4, one(maths.sign)},
		{"sqrt.f32", 1, unary, 2, one(func(e maths, a vec) vec { return e.sqrt(a) })},
		{"rsqrt.f32", 1, unary, 2, one(func(e maths, a vec) vec { return e.div(e.num(1), e.sqrt(a)) })},
		{"floor.f32", 1, unary, 4, one(func(e maths, a vec) vec { return e.round(a, down) })},
		{"round.f32", 1, unary, 4, one(func(e maths, a vec) vec { return e.round(a, toEven) })},
		{"is_finite.f32", 1, unary, 4, one(func(e maths, a vec) vec {
			return e.truth(e.lessi(e.and(a, e.word(math.MaxInt32)), e.num(math.Inf(1))))
		})},
		{"round_f16", 1, unary, 2, one(maths.roundF16)},
		{"round_bf16", 1, unary, 4, one(maths.roundBF16)},
		{"wrap_u8", 1, unary, 4, one(func(e maths, a vec) vec { return e.and(a, e.word(255)) })},
		{"to_f32", 1, unary, 4, one(func(e maths, a vec) vec { return e.toFloat(a) })},
		{"to_i32", 1, unary, 2, one(maths.saturate)},

		{"exp.f32", 1, unary, 2, one(maths.exp)},
		{"expm1.f32", 1, unary, 2, one(maths.expm1)},
		{"log.f32", 1, unary, 2, one(maths.log)},
		{"log1p.f32", 1, unary, 1, one(maths.log1p)},
		{"tanh.f32", 1, unary, 2, one(maths.tanh)},
		{"sigmoid.f32", 1, unary, 2, one(maths.sigmoid)},
		{"erf.f32", 1, unary, 1, one(maths.erf)},
	}
}

// keepNaN is a where a is NaN, else m: so that larger and smaller lose none.
func (e maths) keepNaN(a, m vec) vec { return e.blend(e.cmp(unordered, a, a), a, m) }

func (e maths) sign(a vec) vec {
	up := e.blend(e.cmp(less, e.zero(), a), e.num(1), e.zero())
	return e.blend(e.cmp(less, a, e.zero()), e.num(-1), up)
}

// saturate is a as an integer: the nearest one if it is out of range, 0 for NaN.
func (e maths) saturate(a vec) vec {
	high := e.cmp(lessEqual, e.num(1<<31), a)
	y := e.blend(high, e.word(math.MaxInt32), e.toInt(a)) // too low gives the lowest
	return e.blend(e.cmp(unordered, a, a), e.zero(), y)
}

// roundF16 is the nearest number of binary16, as f32. Below 2^-14, where those lie
// 2^-24 apart, so do the numbers of f32 between 0.5 and 1.
func (e maths) roundF16(a vec) vec {
	sign, size := e.and(a, e.word(1<<31)), e.and(a, e.word(math.MaxInt32))
	odd := e.and(e.shiftRight(size, 13), e.word(1))
	y := e.and(e.addi(size, e.addi(odd, e.word(0xfff))), e.word(^uint32(0x1fff)))
	y = e.blend(e.lessi(y, e.word(0x47800000)), y, e.num(math.Inf(1))) // 65536
	y = e.blend(e.lessi(size, e.word(0x38800000)), e.sub(e.add(size, e.num(0.5)), e.num(0.5)), y)
	nan := e.or(e.and(size, e.word(^uint32(0x1fff))), e.word(0x7fc00000))
	return e.or(e.blend(e.cmp(unordered, a, a), nan, y), sign)
}

// roundBF16 is the nearest number of bfloat16, as f32.
func (e maths) roundBF16(a vec) vec {
	odd := e.and(e.shiftRight(a, 16), e.word(1))
	upper := e.word(0xffff0000)
	y := e.and(e.addi(a, e.addi(odd, e.word(0x7fff))), upper)
	nan := e.or(e.and(a, upper), e.word(0x00400000))
	return e.blend(e.cmp(unordered, a, a), nan, y)
}
