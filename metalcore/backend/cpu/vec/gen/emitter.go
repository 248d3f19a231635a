package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// vec is a vector register, or a constant in memory.
type vec = Op

// mask says yes or no for each number of a vector: a mask register for
// AVX-512, a vector of ones and zeros for AVX2.
type mask = Op

// emitter is the machine of AVX2 or AVX-512. It writes functions in terms that
// are common to both.
type emitter struct {
	*build.Context
	maths
	isa    string
	wide   bool
	consts map[uint32]Mem
	tails  Mem // masks for the rest of a vector, AVX2
}

func newEmitter(wide bool) *emitter {
	e := &emitter{Context: build.NewContext(), isa: "avx2", wide: wide, consts: map[uint32]Mem{}}
	e.maths = maths{e}
	if wide {
		e.isa = "avx512"
		return e
	}
	e.tails = e.global("tails")
	for i := range 16 {
		bits := uint32(0)
		if i < 8 {
			bits = math.MaxUint32
		}
		e.AppendDatum(U32(bits))
	}
	return e
}

// global begins a constant.
func (e *emitter) global(name string) Mem {
	m := e.StaticGlobal(name)
	e.DataAttributes(attr.RODATA | attr.NOPTR)
	return m
}

// width is how many numbers a vector has.
func (e *emitter) width() int {
	if e.wide {
		return 16
	}
	return 8
}

func (e *emitter) vec() reg.VecVirtual {
	if e.wide {
		return e.ZMM()
	}
	return e.YMM()
}

// word is a constant vector of the same 32 bits.
func (e *emitter) word(bits uint32) vec {
	m, ok := e.consts[bits]
	if !ok {
		m = e.global(fmt.Sprintf("w%08x", bits))
		for range e.width() {
			e.AppendDatum(U32(bits))
		}
		e.consts[bits] = m
	}
	return m
}

// reg loads a constant; a register stays as it is.
func (e *emitter) reg(x vec) reg.VecVirtual {
	if r, ok := x.(reg.VecVirtual); ok {
		return r
	}
	r := e.vec()
	e.VMOVUPS(x, r)
	return r
}

// op2 is an instruction that makes d of a and b, in that order.
func (e *emitter) op2(f func(...Op), a, b vec) reg.VecVirtual {
	d := e.vec()
	f(b, e.reg(a), d)
	return d
}

func (e *emitter) add(a, b vec) vec { return e.op2(e.VADDPS, a, b) }
func (e *emitter) sub(a, b vec) vec { return e.op2(e.VSUBPS, a, b) }
func (e *emitter) mul(a, b vec) vec { return e.op2(e.VMULPS, a, b) }
func (e *emitter) div(a, b vec) vec { return e.op2(e.VDIVPS, a, b) }
func (e *emitter) and(a, b vec) vec { return e.op2(e.VANDPS, a, b) }
func (e *emitter) or(a, b vec) vec  { return e.op2(e.VORPS, a, b) }
func (e *emitter) xor(a, b vec) vec { return e.op2(e.VXORPS, a, b) }

// What ends in i is of integers.
func (e *emitter) addi(a, b vec) vec { return e.op2(e.VPADDD, a, b) }
func (e *emitter) subi(a, b vec) vec { return e.op2(e.VPSUBD, a, b) }

func (e *emitter) muli(a, b vec) vec { return e.op2(e.VPMULLD, a, b) }
func (e *emitter) maxi(a, b vec) vec { return e.op2(e.VPMAXSD, a, b) }
func (e *emitter) mini(a, b vec) vec { return e.op2(e.VPMINSD, a, b) }

// larger is a > b ? a : b, and smaller a < b ? a : b: of a NaN and a number
// they give b.
func (e *emitter) larger(a, b vec) vec  { return e.op2(e.VMAXPS, a, b) }
func (e *emitter) smaller(a, b vec) vec { return e.op2(e.VMINPS, a, b) }

// fma is a*b + c, fnma -a*b + c, rounded once.
func (e *emitter) fma(a, b, c vec) vec {
	d := e.vec()
	e.VMOVUPS(a, d)
	e.VFMADD213PS(c, e.reg(b), d)
	return d
}

func (e *emitter) fnma(a, b, c vec) vec {
	d := e.vec()
	e.VMOVUPS(a, d)
	e.VFNMADD213PS(c, e.reg(b), d)
	return d
}

func (e *emitter) sqrt(a vec) vec {
	d := e.vec()
	e.VSQRTPS(a, d)
	return d
}

func (e *emitter) round(a vec, how uint8) vec {
	d := e.vec()
	if e.wide {
		e.VRNDSCALEPS(U8(how), a, d)
	} else {
		e.VROUNDPS(U8(how), a, d)
	}
	return d
}

// scale is y 2^n, by two powers of which each is a number of f32.
func (e *emitter) scale(y, n vec) vec {
	if e.wide {
		return e.op2(e.VSCALEFPS, y, n)
	}
	return e.scaleTwice(y, n)
}

// toInt is of numbers within the range of i32.
func (e *emitter) toInt(a vec) vec {
	d := e.vec()
	e.VCVTTPS2DQ(a, d)
	return d
}

func (e *emitter) toFloat(a vec) vec {
	d := e.vec()
	e.VCVTDQ2PS(a, d)
	return d
}

func (e *emitter) shiftLeft(a vec, n uint8) vec {
	d := e.vec()
	e.VPSLLD(U8(n), e.reg(a), d)
	return d
}

// shiftRight keeps the sign.
func (e *emitter) shiftRight(a vec, n uint8) vec {
	d := e.vec()
	e.VPSRAD(U8(n), e.reg(a), d)
	return d
}

func (e *emitter) cmp(how uint8, a, b vec) mask {
	m := e.newMask()
	e.VCMPPS(U8(how), b, e.reg(a), m)
	return m
}

func (e *emitter) newMask() mask {
	if e.wide {
		return e.K()
	}
	return e.YMM()
}

// equali and lessi compare integers.
func (e *emitter) equali(a, b vec) mask {
	m := e.newMask()
	e.VPCMPEQD(b, e.reg(a), m)
	return m
}

func (e *emitter) lessi(a, b vec) mask {
	m := e.newMask()
	e.VPCMPGTD(a, e.reg(b), m)
	return m
}

// blend takes yes where the mask says so, else no.
func (e *emitter) blend(m mask, yes, no vec) vec {
	d := e.vec()
	if e.wide {
		e.VMOVUPS(no, d)
		e.VMOVUPS(yes, m, d)
	} else {
		e.VBLENDVPS(m, yes, e.reg(no), d)
	}
	return d
}

// truth is the integer 1 where the mask says yes, else 0.
func (e *emitter) truth(m mask) vec {
	if !e.wide {
		return e.and(m, e.word(1))
	}
	d := e.vec()
	e.VMOVDQU32_Z(e.word(1), m, d)
	return d
}

func (e *emitter) zero() vec { return e.reg(e.word(0)) }
