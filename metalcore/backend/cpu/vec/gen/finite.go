package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// vanish writes the sum of all numbers times 0: it is 0 where all are finite, and
// NaN where one is not.
func (e *emitter) vanish(name string) {
	d, x, n := e.param("d"), e.param("x"), e.param("n")
	zero := e.clear()
	var sums [4]reg.VecVirtual
	for i := range sums {
		sums[i] = e.clear()
	}
	width := e.width()
	e.stretch(name+"_by4", x, n, 4*width, func() {
		for i, s := range sums {
			e.VFMADD231PS(Mem{Base: x, Disp: 4 * i * width}, zero, s)
		}
	})
	e.stretch(name+"_by1", x, n, width, func() { e.VFMADD231PS(Mem{Base: x}, zero, sums[0]) })
	e.ifAny(name+"_whole", n, func() { e.VFMADD231PS(e.loadMasked(Mem{Base: x}, e.tail(n)), zero, sums[1]) })
	e.VADDPS(sums[1], sums[0], sums[0])
	e.VADDPS(sums[3], sums[2], sums[2])
	e.VADDPS(sums[2], sums[0], sums[0])
	low, high := e.half(), e.half()
	if e.wide {
		e.VEXTRACTF64X4(U8(0), sums[0], low)
		e.VEXTRACTF64X4(U8(1), sums[0], high)
	} else {
		e.VEXTRACTF128(U8(0), sums[0], low)
		e.VEXTRACTF128(U8(1), sums[0], high)
	}
	e.VADDPS(high, low, low)
	wide := e.clear()
	e.addDoubles(low, wide)
	total := e.totalDoubles(wide)
	e.VCVTSD2SS(total, total, total)
	e.VMOVSS(total, Mem{Base: d})
}

// vanish is the same for arm64.
func (m *neonMachine) vanish() {
	d, x, n := "R0", "R1", "R2"
	m.useWords()
	sums := m.pins(4)
	m.clear(sums...)
	add := func(load string, to *value) { m.set(to, m.fma(m.next(load, x), m.zero(), to)) }
	m.stretch("eight", n, 8, func() {
		add("FMOVQ", sums[0])
		add("FMOVQ", sums[1])
	})
	m.stretch("four", n, 4, func() { add("FMOVQ", sums[0]) })
	m.stretch("one", n, 1, func() { add("FMOVS", sums[1]) })
	m.straight(func() {
		m.addDoubles(m.of("FADD", sums[0], sums[1]), sums[2], sums[3])
		total := m.of("FADDPD", m.of("FADDD", sums[2], sums[3]))
		m.put("FMOVS", d, m.step(-1, func(d int, s []int) { m.Op("FCVTDS F%d, F%d", s[0], d) }, total))
	})
}
