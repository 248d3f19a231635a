package main

import (
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// fold is a function that makes one number of each row or column.
type fold struct {
	name, signature string // as Go sees it
	layout          string // as avo can read it
	emit            func(e *emitter, name string)
}

func folds() []fold {
	return []fold{
		{"sum_rows", "d, x unsafe.Pointer, rows, n int, divisor float64", "d, x *byte, rows, n int, divisor float64", (*emitter).sumRows},
		{"max_rows", "d, x unsafe.Pointer, rows, n int", "d, x *byte, rows, n int", (*emitter).maxRows},
		{"sum_columns", "d, x unsafe.Pointer, rows, stride, n int, divisor float64", "d, x *byte, rows, stride, n int, divisor float64", (*emitter).sumColumns},
		{"spread_rows", "d, x unsafe.Pointer, rows, n int", "d, x *byte, rows, n int", (*emitter).spreadRows},
		{"softmax_rows", "d, x, top, sum unsafe.Pointer, rows, n int", "d, x, top, sum *byte, rows, n int", (*emitter).softmaxRows},
		{"argmax_rows", "d, x unsafe.Pointer, rows, n int", "d, x *byte, rows, n int", (*emitter).argmaxRows},
		{"vanish", "d, x unsafe.Pointer, n int", "d, x *byte, n int", (*emitter).vanish},
	}
}

func (e *emitter) fold(f fold) string {
	name := symbol(f.name, "", e.isa)
	e.Function(name)
	e.Attributes(attr.NOSPLIT)
	e.SignatureExpr("func(" + f.layout + ")")
	f.emit(e, name)
	e.VZEROUPPER()
	e.RET()
	return name
}

func (e *emitter) param(name string) reg.Register { return e.Load(e.Param(name), e.GP64()) }

// each repeats the body n times; n is used up.
func (e *emitter) each(label string, n reg.Register, body func()) {
	e.TESTQ(n, n)
	e.JZ(LabelRef(label + "_end"))
	e.Label(label)
	body()
	e.DECQ(n)
	e.JNZ(LabelRef(label))
	e.Label(label + "_end")
}

// stretch calls body for each stretch of so many numbers, at moving on, and
// leaves in n how many are left.
func (e *emitter) stretch(label string, at, n reg.Register, numbers int, body func()) {
	e.Label(label)
	e.CMPQ(n, U32(numbers))
	e.JLT(LabelRef(label + "_end"))
	body()
	e.ADDQ(U32(4*numbers), at)
	e.SUBQ(U32(numbers), n)
	e.JMP(LabelRef(label))
	e.Label(label + "_end")
}

// ifAny does the body where n is not 0.
func (e *emitter) ifAny(label string, n reg.Register, body func()) {
	e.TESTQ(n, n)
	e.JZ(LabelRef(label))
	body()
	e.Label(label)
}

// half is a register for as many f32 as a vector has f64.
func (e *emitter) half() reg.VecVirtual {
	if e.wide {
		return e.YMM()
	}
	return e.XMM()
}

func (e *emitter) clear() reg.VecVirtual {
	r := e.vec()
	e.VMOVUPS(e.word(0), r)
	return r
}

// addDoubles adds the next numbers to a vector of f64.
func (e *emitter) addDoubles(from Op, sum reg.VecVirtual) {
	d := e.vec()
	e.VCVTPS2PD(from, d)
	e.VADDPD(d, sum, sum)
}

// totalDoubles is the sum of all places of a vector of f64, in its first one.
func (e *emitter) totalDoubles(v reg.VecVirtual) reg.VecVirtual {
	y := v.AsY()
	if e.wide {
		high := e.YMM()
		e.VEXTRACTF64X4(U8(1), v, high)
		e.VADDPD(high, y, y)
	}
	high := e.XMM()
	e.VEXTRACTF128(U8(1), y, high)
	x := e.XMM()
	e.VADDPD(high, v.AsX(), x)
	swapped := e.XMM()
	e.VPERMILPD(U8(1), x, swapped)
	e.VADDPD(swapped, x, x)
	return x
}

// sumRows sums each row in float64 and divides by the divisor.
func (e *emitter) sumRows(name string) {
	d, x, rows, n := e.param("d"), e.param("x"), e.param("rows"), e.param("n")
	divisor := e.XMM()
	e.Load(e.Param("divisor"), divisor)
	e.each(name+"_row", rows, func() {
		left := e.GP64()
		e.MOVQ(n, left)
		var sums [4]reg.VecVirtual
		for i := range sums {
			sums[i] = e.clear()
		}
		each := e.width() / 2
		e.stretch(name+"_by4", x, left, 4*each, func() {
			for i, s := range sums {
				e.addDoubles(Mem{Base: x, Disp: 4 * i * each}, s)
			}
		})
		e.stretch(name+"_by1", x, left, each, func() { e.addDoubles(Mem{Base: x}, sums[0]) })
		e.ifAny(name+"_whole", left, func() {
			m := e.tail(left)
			part := e.half()
			if e.wide {
				e.VMOVUPS_Z(Mem{Base: x}, m, part)
			} else {
				e.VMASKMOVPS(Mem{Base: x}, m.(reg.VecVirtual).AsX(), part)
			}
			e.addDoubles(part, sums[1])
			e.LEAQ(Mem{Base: x, Index: left, Scale: 4}, x)
		})
		e.VADDPD(sums[1], sums[0], sums[0])
		e.VADDPD(sums[3], sums[2], sums[2])
		e.VADDPD(sums[2], sums[0], sums[0])
		total := e.totalDoubles(sums[0])
		e.VDIVSD(divisor, total, total)
		e.VCVTSD2SS(total, total, total)
		e.VMOVSS(total, Mem{Base: d})
		e.ADDQ(U32(4), d)
	})
}

// turned has the places of a vector in another order: halves swapped, then
// quarters, down to neighbours.
func (e *emitter) turned(v vec, how int) reg.VecVirtual {
	d := e.vec()
	switch {
	case how >= 2: // within 128 bits
		e.VPERMILPS(U8([]uint8{0x4e, 0xb1}[how-2]), v, d)
	case e.wide:
		e.VSHUFF32X4(U8([]uint8{0x4e, 0xb1}[how]), v, e.reg(v), d)
	default:
		e.VPERM2F128(U8(1), v, e.reg(v), d)
	}
	return d
}

// across folds all places of a vector; the result is in all of them.
func (e *emitter) across(v vec, f func(a, b vec) vec) vec {
	first := 1
	if e.wide {
		first = 0
	}
	for how := first; how < 4; how++ {
		v = f(v, e.turned(v, how))
	}
	return v
}

// largerOrNaN is NaN where a or b is.
func (e *emitter) largerOrNaN(a, b vec) vec { return e.keepNaN(a, e.larger(a, b)) }

func (e *emitter) addVec(a, b vec) vec { return e.add(a, b) }

// set writes to a register that lives on.
func (e *emitter) set(d reg.VecVirtual, x vec) { e.VMOVUPS(x, d) }

// rowMax moves x on to the end of the row of n numbers.
func (e *emitter) rowMax(name string, x, n reg.Register) vec {
	left := e.GP64()
	e.MOVQ(n, left)
	top := e.vec()
	e.set(top, e.num(math.Inf(-1)))
	e.stretch(name+"_max", x, left, e.width(), func() {
		v := e.vec()
		e.VMOVUPS(Mem{Base: x}, v)
		e.set(top, e.largerOrNaN(top, v))
	})
	e.ifAny(name+"_maxed", left, func() {
		m := e.tail(left)
		v := e.blend(m, e.loadMasked(Mem{Base: x}, m), e.num(math.Inf(-1)))
		e.set(top, e.largerOrNaN(top, v))
		e.LEAQ(Mem{Base: x, Index: left, Scale: 4}, x)
	})
	return e.across(top, e.largerOrNaN)
}

func (e *emitter) maxRows(name string) {
	d, x, rows, n := e.param("d"), e.param("x"), e.param("rows"), e.param("n")
	e.each(name+"_row", rows, func() {
		top := e.rowMax(name, x, n).(reg.VecVirtual)
		e.VMOVSS(top.AsX(), Mem{Base: d})
		e.ADDQ(U32(4), d)
	})
}
