package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// conversion is between elements of fewer bits in memory and vectors of 32 bits.
// It is for a whole number of steps; Go does the rest.
type conversion struct {
	name     string
	from, to int // bytes of an element
	emit     func(e *emitter, from, to Mem)
}

// convertStep is how many elements a conversion takes at a time.
const convertStep = 16

func conversions() []conversion {
	return []conversion{
		{"load_f16", 2, 4, func(e *emitter, from, to Mem) {
			r := e.vec()
			e.VCVTPH2PS(from, r)
			e.VMOVUPS(r, to)
		}},
		{"load_bf16", 2, 4, func(e *emitter, from, to Mem) {
			r := e.vec()
			e.VPMOVZXWD(from, r)
			e.VPSLLD(U8(16), r, r)
			e.VMOVUPS(r, to)
		}},
		{"load_u8", 1, 4, func(e *emitter, from, to Mem) {
			r := e.vec()
			e.VPMOVZXBD(from, r)
			e.VMOVUPS(r, to)
		}},
		{"store_f16", 4, 2, func(e *emitter, from, to Mem) {
			r := e.vec()
			e.VMOVUPS(from, r)
			e.VCVTPS2PH(U8(0), r, to)
		}},
		{"store_bf16", 4, 2, func(e *emitter, from, to Mem) {
			r := e.vec()
			e.VMOVUPS(from, r)
			r = e.reg(e.roundBF16(r))
			e.VPSRLD(U8(16), r, r)
			e.narrow(r, 2, to)
		}},
		{"store_u8", 4, 1, func(e *emitter, from, to Mem) {
			r := e.vec()
			e.VMOVUPS(from, r)
			e.narrow(r, 1, to)
		}},
	}
}

// narrow writes the lower bytes of whole numbers, which need no more.
func (e *emitter) narrow(r reg.VecVirtual, bytes int, to Mem) {
	switch {
	case e.wide && bytes == 2:
		e.VPMOVDW(r, to)
		return
	case e.wide:
		e.VPMOVDB(r, to)
		return
	}
	e.VPACKUSDW(r, r, r) // both halves twice
	e.VPERMQ(U8(0x08), r, r)
	low := r.(reg.Vec).AsX()
	if bytes == 2 {
		e.VMOVUPS(low, to)
		return
	}
	e.VPACKUSWB(low, low, low)
	e.VMOVQ(low, to)
}

// converter writes the function of a conversion.
func (e *emitter) converter(c conversion) string {
	name := symbol(c.name, "", e.isa)
	e.Function(name)
	e.Attributes(attr.NOSPLIT)
	e.SignatureExpr("func(d, a, b, c *byte, n int)")
	d, a := e.Load(e.Param("d"), e.GP64()), e.Load(e.Param("a"), e.GP64())
	n := e.Load(e.Param("n"), e.GP64())
	e.Label(name + "_loop")
	e.CMPQ(n, U32(convertStep))
	e.JLT(LabelRef(name + "_end"))
	for at := 0; at < convertStep; at += e.width() {
		c.emit(e, Mem{Base: a, Disp: at * c.from}, Mem{Base: d, Disp: at * c.to})
	}
	e.ADDQ(U32(convertStep*c.from), a)
	e.ADDQ(U32(convertStep*c.to), d)
	e.SUBQ(U32(convertStep), n)
	e.JMP(LabelRef(name + "_loop"))
	e.Label(name + "_end")
	e.VZEROUPPER()
	e.RET()
	return name
}

// conversionRow is the line of a conversion in the table.
func conversionRow(c conversion, name string) string {
	return fmt.Sprintf("\t{%q, 0}: byStep(%q, %d, %d, %s),\n", c.name, c.name, c.from, c.to, name)
}
