package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// elementwise is an op of a table of kernels: emit makes a vector of results
// from one vector of each operand.
type elementwise struct {
	name     string
	operands int
	variants []uint // of which operands are one number
	unroll   int
	emit     func(e maths, x []vec) vec
}

// suffixes tell which operands are one number.
var suffixes = [...]string{"", "1", "2", "12", "3", "13", "23", "123"}

var params = []string{"a", "b", "c"}

// place is where an operand comes from: memory, or a register that holds one
// number in all its places.
type place struct {
	base   reg.Register
	number reg.VecVirtual
}

// kernel writes the function of an op: a loop over some vectors at a time, one
// over single vectors, and the rest under a mask.
func (e *emitter) kernel(o elementwise, numbers uint) string {
	name := symbol(o.name, suffixes[numbers], e.isa)
	e.Function(name)
	e.Attributes(attr.NOSPLIT)
	e.SignatureExpr("func(d, a, b, c *byte, n int)") // avo does not know unsafe.Pointer
	d := e.Load(e.Param("d"), e.GP64())
	from := make([]place, o.operands)
	for i := range from {
		base := e.Load(e.Param(params[i]), e.GP64())
		from[i].base = base
		if numbers>>i&1 == 1 {
			from[i].number = e.vec()
			e.VBROADCASTSS(Mem{Base: base}, from[i].number)
		}
	}
	n := e.Load(e.Param("n"), e.GP64())
	for _, unroll := range []int{o.unroll, 1} {
		e.loop(name, unroll, o, d, from, n)
		if o.unroll == 1 {
			break
		}
	}
	e.rest(name, o, d, from, n)
	e.VZEROUPPER()
	e.RET()
	return name
}

// loop handles unroll vectors at a time.
func (e *emitter) loop(name string, unroll int, o elementwise, d reg.Register, from []place, n reg.Register) {
	label := name + "_by" + string(rune('0'+unroll))
	step := unroll * e.width()
	e.Label(label)
	e.CMPQ(n, U32(step))
	e.JLT(LabelRef(label + "_end"))
	for u := range unroll {
		at := 4 * u * e.width()
		x := make([]vec, len(from))
		for i, p := range from {
			if x[i] = p.number; p.number == nil {
				r := e.vec()
				e.VMOVUPS(Mem{Base: p.base, Disp: at}, r)
				x[i] = r
			}
		}
		e.VMOVUPS(o.emit(e.maths, x), Mem{Base: d, Disp: at})
	}
	e.ADDQ(U32(4*step), d)
	for _, p := range from {
		if p.number == nil {
			e.ADDQ(U32(4*step), p.base)
		}
	}
	e.SUBQ(U32(step), n)
	e.JMP(LabelRef(label))
	e.Label(label + "_end")
}

// rest handles what is less than a vector.
func (e *emitter) rest(name string, o elementwise, d reg.Register, from []place, n reg.Register) {
	end := name + "_done"
	e.TESTQ(n, n)
	e.JZ(LabelRef(end))
	m := e.tail(n)
	x := make([]vec, len(from))
	for i, p := range from {
		if x[i] = p.number; p.number == nil {
			x[i] = e.loadMasked(Mem{Base: p.base}, m)
		}
	}
	e.storeMasked(o.emit(e.maths, x), m, Mem{Base: d})
	e.Label(end)
}

// tail is the mask of the first n numbers of a vector.
func (e *emitter) tail(n reg.Register) mask {
	if e.wide {
		ones := e.GP64()
		e.MOVQ(I64(-1), ones)
		e.SHLXQ(n, ones, ones)
		e.NOTQ(ones)
		k := e.K()
		e.KMOVW(ones.As32(), k)
		return k
	}
	at, base := e.GP64(), e.GP64()
	e.MOVQ(U64(8), at)
	e.SUBQ(n, at)
	e.LEAQ(e.tails, base)
	m := e.YMM()
	e.VMOVUPS(Mem{Base: base, Index: at, Scale: 4}, m)
	return m
}

// loadMasked gives 0 where the mask says no.
func (e *emitter) loadMasked(from Mem, m mask) reg.VecVirtual {
	r := e.vec()
	if e.wide {
		e.VMOVUPS_Z(from, m, r)
	} else {
		e.VMASKMOVPS(from, m, r)
	}
	return r
}

// storeMasked writes what the mask says.
func (e *emitter) storeMasked(y vec, m mask, to Mem) {
	if e.wide {
		e.VMOVUPS(y, m, to)
	} else {
		e.VMASKMOVPS(y, m, to)
	}
}
