package main

import (
	"fmt"
	"math"
)

// neonFold is a fold as arm64 has it. Its parameters are in R0 and the registers
// behind it.
type neonFold struct {
	parameters string
	emit       func(m *neonMachine)
}

var neonFolds = map[string]neonFold{
	"sum_rows":     {"d x rows n divisor", (*neonMachine).sumRows},
	"max_rows":     {"d x rows n", (*neonMachine).maxRows},
	"sum_columns":  {"d x rows stride n divisor", (*neonMachine).sumColumns},
	"spread_rows":  {"d x rows n", (*neonMachine).spreadRows},
	"softmax_rows": {"d x top sum rows n", (*neonMachine).softmaxRows},
	"argmax_rows":  {"d x rows n", (*neonMachine).argmaxRows},
	"vanish":       {"d x n", (*neonMachine).vanish},
}

// each repeats the body as often as a register says, which is used up.
func (m *neonMachine) each(label, count string, body func()) {
	m.Op("CBZ %s, %s_end", count, label)
	m.Label(label)
	body()
	m.Op("SUBS $1, %s, %[1]s", count)
	m.Op("BNE %s", label)
	m.Label(label + "_end")
}

// stretch repeats the body for each stretch of so many numbers, and leaves in
// count how many are left.
func (m *neonMachine) stretch(label, count string, numbers int, body func()) {
	p := loopBody{vectors: numbers / neonWidth, load: "FMOVQ", often: true}
	if numbers == 1 {
		p = loopBody{vectors: 1, load: "FMOVS"}
	}
	p.steps = m.block(body)
	m.loop(label, count, p)
}

// next loads what x points to, and moves it on.
func (m *neonMachine) next(load, x string) *value {
	bytes := map[string]int{"FMOVQ": 16, "FMOVS": 4}[load]
	return m.load(fmt.Sprintf("%s.P %d(%s), F%%d", load, bytes, x))
}

// repeated loads one number to all places, and moves x on.
func (m *neonMachine) repeated(x string) *value {
	return m.load(fmt.Sprintf("VLD1R.P 4(%s), [V%%d.S4]", x))
}

// put stores a vector, or its first number, and moves d on.
func (m *neonMachine) put(store, d string, y vec) {
	bytes := map[string]int{"FMOVQ": 16, "FMOVS": 4}[store]
	m.store(fmt.Sprintf("%s.P F%%d, %d(%s)", store, bytes, d), y)
}

// everywhere is the first number of a vector in all its places.
func (m *neonMachine) everywhere(a vec) vec {
	return m.step(-1, func(d int, s []int) { m.Op("VDUP V%d.S[0], V%d.S4", s[0], d) }, a)
}

// addDoubles adds a vector to two of f64.
func (m *neonMachine) addDoubles(v vec, low, high *value) {
	m.into(low, "FADDD", low, m.of("FCVTL", v))
	if high != nil {
		m.into(high, "FADDD", high, m.of("FCVTL2", v))
	}
}

// clear makes vectors zero.
func (m *neonMachine) clear(all ...*value) {
	for _, v := range all {
		m.Op("VEOR V%d.B16, V%[1]d.B16, V%[1]d.B16", v.register)
	}
}

// pins returns some pinned values.
func (m *neonMachine) pins(n int) (all []*value) {
	for range n {
		all = append(all, m.pin())
	}
	return all
}

// sumRows sums each row in float64 and divides by the divisor.
func (m *neonMachine) sumRows() {
	d, x, rows, n, left := "R0", "R1", "R2", "R3", "R5"
	divisor, sums := 31, m.pins(4)
	m.each("row", rows, func() {
		m.Op("MOVD %s, %s", n, left)
		m.clear(sums...)
		m.stretch("eight", left, 8, func() {
			m.addDoubles(m.next("FMOVQ", x), sums[0], sums[1])
			m.addDoubles(m.next("FMOVQ", x), sums[2], sums[3])
		})
		m.stretch("four", left, 4, func() { m.addDoubles(m.next("FMOVQ", x), sums[0], sums[1]) })
		m.stretch("one", left, 1, func() { m.addDoubles(m.next("FMOVS", x), sums[2], nil) })
		m.straight(func() {
			low, high := m.of("FADDD", sums[0], sums[1]), m.of("FADDD", sums[2], sums[3])
			total := m.of("FADDPD", m.of("FADDD", low, high))
			y := m.step(-1, func(d int, s []int) {
				m.Op("FDIVD F%d, F%d, F%d", divisor, s[0], d)
				m.Op("FCVTDS F%d, F%[1]d", d)
			}, total)
			m.put("FMOVS", d, y)
		})
	})
}

// rowMax leaves the largest number of a row of n in all places of top, and moves
// x on.
func (m *neonMachine) rowMax(x, n, left string, top *value) {
	m.straight(func() { m.set(top, m.num(math.Inf(-1))) })
	m.Op("MOVD %s, %s", n, left)
	m.stretch("max", left, 4, func() { m.into(top, "FMAX", top, m.next("FMOVQ", x)) })
	m.stretch("maxOne", left, 1, func() { m.into(top, "FMAX", top, m.repeated(x)) })
	m.straight(func() { m.set(top, m.everywhere(m.of("FMAXV", top))) })
}

func (m *neonMachine) maxRows() {
	top := m.pin()
	m.useWords()
	m.each("row", "R2", func() {
		m.rowMax("R1", "R3", "R5", top)
		m.straight(func() { m.put("FMOVS", "R0", top) })
	})
}

// spreadRows writes rows of n times the same number: those of x, in order.
func (m *neonMachine) spreadRows() {
	y := m.pin()
	m.each("row", "R2", func() {
		m.Op("MOVD R3, R5")
		m.straight(func() { m.set(y, m.repeated("R1")) })
		m.stretch("four", "R5", 4, func() { m.put("FMOVQ", "R0", y) })
		m.stretch("one", "R5", 1, func() { m.put("FMOVS", "R0", y) })
	})
}

// softmaxRows writes e^(x - top) for each row, where top is its largest number,
// and top and the sum of what was written.
func (m *neonMachine) softmaxRows() {
	d, x, tops, sums, rows, n, at, left := "R0", "R1", "R2", "R3", "R4", "R5", "R6", "R7"
	top, sum := m.pin(), m.pin()
	m.useWords()
	m.each("row", rows, func() {
		m.Op("MOVD %s, %s", x, at)
		m.rowMax(x, n, left, top)
		m.clear(sum)
		m.Op("MOVD %s, %s", n, left)
		m.stretch("exp", left, 4, func() {
			y := m.exp(m.sub(m.next("FMOVQ", at), top))
			m.into(sum, "FADD", sum, y)
			m.put("FMOVQ", d, y)
		})
		m.stretch("expOne", left, 1, func() {
			y := m.exp(m.sub(m.next("FMOVS", at), top))
			first := m.step(-1, func(d int, s []int) { m.Op("FMOVS F%d, F%d", s[0], d) }, y) // the others become 0
			m.into(sum, "FADD", sum, first)
			m.put("FMOVS", d, y)
		})
		m.straight(func() {
			pairs := m.of("FADDP", sum, sum)
			m.put("FMOVS", tops, top)
			m.put("FMOVS", sums, m.of("FADDP", pairs, pairs))
		})
	})
}

// argmaxRows writes where the first of the largest numbers of each row is; a
// NaN is none, and 0 stands for a row in which nothing is above -Inf.
func (m *neonMachine) argmaxRows() {
	d, x, rows, n, left := "R0", "R1", "R2", "R3", "R5"
	best, where, here := m.pin(), m.pin(), m.pin()
	m.useWords()
	m.Op("MOVD $neonLanes<>(SB), R6")
	take := func(v, step vec) {
		k := m.cmp(less, best, v)
		m.set(where, m.blend(k, here, where))
		m.set(best, m.blend(m.cmp(less, best, v), v, best))
		m.set(here, m.addi(here, step))
	}
	m.each("row", rows, func() {
		m.Op("MOVD %s, %s", n, left)
		m.straight(func() { m.set(best, m.num(math.Inf(-1))) })
		m.clear(where)
		m.Op("FMOVQ (R6), F%d", here.register)
		m.stretch("four", left, 4, func() { take(m.next("FMOVQ", x), m.word(4)) })
		m.straight(func() { m.set(here, m.everywhere(here)) })
		m.stretch("one", left, 1, func() { take(m.repeated(x), m.word(1)) })
		m.straight(func() {
			top := m.everywhere(m.of("FMAXV", best))
			first := m.blend(m.cmp(equal, best, top), where, m.word(math.MaxInt32))
			m.put("FMOVS", d, m.of("SMINV", first))
		})
	})
}
