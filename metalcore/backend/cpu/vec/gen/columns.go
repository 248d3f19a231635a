package main

import (
	"math"

	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// sumColumns sums n neighbouring columns of rows that are stride numbers apart,
// in float64, and divides by the divisor: as many columns at a time as two
// vectors of f64 have, even and odd rows apart.
func (e *emitter) sumColumns(name string) {
	d, x, rows, stride, n := e.param("d"), e.param("x"), e.param("rows"), e.param("stride"), e.param("n")
	divisor := e.vec()
	from := e.XMM()
	e.Load(e.Param("divisor"), from)
	e.VBROADCASTSD(from, divisor)
	e.SHLQ(U8(2), stride)
	e.Label(name + "_columns")
	e.CMPQ(n, U32(e.width()))
	e.JLT(LabelRef(name + "_rest"))
	e.columns(name+"_full", d, x, rows, stride, divisor, nil)
	e.ADDQ(U32(4*e.width()), x)
	e.ADDQ(U32(4*e.width()), d)
	e.SUBQ(U32(e.width()), n)
	e.JMP(LabelRef(name + "_columns"))
	e.Label(name + "_rest")
	e.ifAny(name+"_done", n, func() {
		e.columns(name+"_part", d, x, rows, stride, divisor, e.tail(n))
	})
}

// columns sums as many columns as a vector has f32.
func (e *emitter) columns(name string, d, x, rows, stride reg.Register, divisor reg.VecVirtual, m mask) {
	at, left := e.GP64(), e.GP64()
	e.MOVQ(x, at)
	e.MOVQ(rows, left)
	sums := [4]reg.VecVirtual{e.clear(), e.clear(), e.clear(), e.clear()}
	row := func(low, high reg.VecVirtual) {
		v := e.vec()
		if m == nil {
			e.VMOVUPS(Mem{Base: at}, v)
		} else {
			v = e.loadMasked(Mem{Base: at}, m)
		}
		e.addDoubles(e.lower(v), low)
		e.addDoubles(e.upper(v), high)
		e.ADDQ(stride, at)
	}
	e.Label(name + "_rows")
	e.CMPQ(left, U32(2))
	e.JLT(LabelRef(name + "_last"))
	row(sums[0], sums[1])
	row(sums[2], sums[3])
	e.SUBQ(U32(2), left)
	e.JMP(LabelRef(name + "_rows"))
	e.Label(name + "_last")
	e.ifAny(name+"_summed", left, func() { row(sums[0], sums[1]) })
	e.VADDPD(sums[2], sums[0], sums[0])
	e.VADDPD(sums[3], sums[1], sums[1])
	e.VDIVPD(divisor, sums[0], sums[0])
	e.VDIVPD(divisor, sums[1], sums[1])
	y := e.joined(sums[0], sums[1])
	if m == nil {
		e.VMOVUPS(y, Mem{Base: d})
	} else {
		e.storeMasked(y, m, Mem{Base: d})
	}
}

// lower and upper are the halves of a vector.
func (e *emitter) lower(v reg.VecVirtual) reg.Register {
	if e.wide {
		return v.AsY()
	}
	return v.AsX()
}

func (e *emitter) upper(v reg.VecVirtual) reg.Register {
	d := e.half()
	if e.wide {
		e.VEXTRACTF64X4(U8(1), v, d)
	} else {
		e.VEXTRACTF128(U8(1), v, d)
	}
	return d
}

// joined rounds two vectors of f64 to one of f32.
func (e *emitter) joined(low, high reg.VecVirtual) reg.VecVirtual {
	d := e.vec()
	if e.wide {
		a, b := e.YMM(), e.YMM()
		e.VCVTPD2PS(low, a)
		e.VCVTPD2PS(high, b)
		e.VINSERTF64X4(U8(1), b, a.AsZ(), d)
		return d
	}
	a, b := e.XMM(), e.XMM()
	e.VCVTPD2PSY(low, a)
	e.VCVTPD2PSY(high, b)
	e.VINSERTF128(U8(1), b, a.AsY(), d)
	return d
}

// spreadRows writes rows of n times the same number: those of x, in order.
func (e *emitter) spreadRows(name string) {
	d, x, rows, n := e.param("d"), e.param("x"), e.param("rows"), e.param("n")
	e.each(name+"_row", rows, func() {
		left, v := e.GP64(), e.vec()
		e.MOVQ(n, left)
		e.VBROADCASTSS(Mem{Base: x}, v)
		e.ADDQ(U32(4), x)
		e.stretch(name+"_by1", d, left, e.width(), func() { e.VMOVUPS(v, Mem{Base: d}) })
		e.ifAny(name+"_whole", left, func() {
			m := e.tail(left)
			e.storeMasked(v, m, Mem{Base: d})
			e.LEAQ(Mem{Base: d, Index: left, Scale: 4}, d)
		})
	})
}

// softmaxRows writes e^(x - top) for each row, where top is its largest number,
// and top and the sum of what was written.
func (e *emitter) softmaxRows(name string) {
	d, x, tops, sums := e.param("d"), e.param("x"), e.param("top"), e.param("sum")
	rows, n := e.param("rows"), e.param("n")
	e.each(name+"_row", rows, func() {
		at, left := e.GP64(), e.GP64()
		e.MOVQ(x, at)
		e.MOVQ(n, left)
		top := e.vec()
		e.set(top, e.rowMax(name, x, n))
		sum := e.clear()
		e.stretch(name+"_exp", at, left, e.width(), func() {
			v := e.vec()
			e.VMOVUPS(Mem{Base: at}, v)
			y := e.exp(e.sub(v, top))
			e.set(sum, e.add(sum, y))
			e.VMOVUPS(y, Mem{Base: d})
			e.ADDQ(U32(4*e.width()), d)
		})
		e.ifAny(name+"_summed", left, func() {
			m := e.tail(left)
			y := e.exp(e.sub(e.loadMasked(Mem{Base: at}, m), top))
			y = e.blend(m, y, e.zero())
			e.set(sum, e.add(sum, y))
			e.storeMasked(y, m, Mem{Base: d})
			e.LEAQ(Mem{Base: d, Index: left, Scale: 4}, d)
		})
		total := e.across(sum, e.addVec).(reg.VecVirtual)
		e.VMOVSS(top.AsX(), Mem{Base: tops})
		e.VMOVSS(total.AsX(), Mem{Base: sums})
		e.ADDQ(U32(4), tops)
		e.ADDQ(U32(4), sums)
	})
}

// argmaxRows writes where the first of the largest numbers of each row is; a
// NaN is none, and 0 stands for a row in which nothing is above -Inf.
func (e *emitter) argmaxRows(name string) {
	d, x, rows, n := e.param("d"), e.param("x"), e.param("rows"), e.param("n")
	lanes := e.global("lanes")
	for i := range e.width() {
		e.AppendDatum(U32(uint32(i)))
	}
	step := e.word(uint32(e.width()))
	e.each(name+"_row", rows, func() {
		left := e.GP64()
		e.MOVQ(n, left)
		best, where, here := e.vec(), e.clear(), e.vec()
		e.set(best, e.num(math.Inf(-1)))
		e.set(here, lanes)
		take := func(v vec) {
			m := e.cmp(less, best, v)
			e.set(best, e.blend(m, v, best))
			e.set(where, e.blend(m, here, where))
		}
		e.stretch(name+"_by1", x, left, e.width(), func() {
			v := e.vec()
			e.VMOVUPS(Mem{Base: x}, v)
			take(v)
			e.set(here, e.addi(here, step))
		})
		e.ifAny(name+"_whole", left, func() {
			m := e.tail(left)
			take(e.blend(m, e.loadMasked(Mem{Base: x}, m), e.num(math.Inf(-1))))
			e.LEAQ(Mem{Base: x, Index: left, Scale: 4}, x)
		})
		top := e.across(best, func(a, b vec) vec { return e.larger(a, b) })
		first := e.blend(e.cmp(equal, best, top), where, e.word(math.MaxInt32))
		lowest := e.across(first, func(a, b vec) vec { return e.op2(e.VPMINSD, a, b) })
		e.VMOVSS(lowest.(reg.VecVirtual).AsX(), Mem{Base: d})
		e.ADDQ(U32(4), d)
	})
}
