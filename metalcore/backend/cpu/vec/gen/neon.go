package main

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/backend/cpu/neon"
)

// neonMachine is the machine of arm64. What it writes collects in steps, which
// get their registers when the block ends; see neon_block.go.
type neonMachine struct {
	*neon.Writer
	maths
	steps  []step
	pinned int // registers, from the last one down, that the function keeps
	words  []uint32
	places map[uint32]int // of the words in their table
}

const (
	neonISA   = "neon"
	neonWidth = 4
	wordTable = "neonWords"
	wordBase  = "R20" // where the constants lie
)

func newNEON() *neonMachine {
	m := &neonMachine{Writer: neon.NewWriter(), places: map[uint32]int{}}
	m.maths = maths{m}
	return m
}

// value is a vector while a block is written.
type value struct {
	register int // that it lives in for the whole function; -1: none
	constant bool
	bits     uint32 // of a constant
	not      bool   // of a mask: it says the opposite
}

// Asm makes a value an operand, as those of avo are.
func (v *value) Asm() string { return fmt.Sprintf("%+v", *v) }

func values(x []vec) []*value {
	out := make([]*value, len(x))
	for i, v := range x {
		out[i] = v.(*value)
	}
	return out
}

// pin returns a value that has a register of its own to the end of the function.
func (m *neonMachine) pin() *value {
	m.pinned++
	return &value{register: 32 - m.pinned}
}

func (m *neonMachine) word(bits uint32) vec { return &value{register: -1, constant: true, bits: bits} }
func (m *neonMachine) zero() vec            { return m.word(0) }

// of adds an instruction that Go's assembler lacks.
func (m *neonMachine) of(name string, x ...vec) vec {
	return m.step(-1, func(d int, s []int) { m.Word(name, append([]int{d}, s...)...) }, x...)
}

// go2 and go3 add instructions of Go's assembler, which has the last operand
// first.
func (m *neonMachine) go2(name, arrangement string, a, b vec) vec {
	return m.step(-1, func(d int, s []int) {
		m.Op("%s V%d.%[5]s, V%[3]d.%[5]s, V%[4]d.%[5]s", name, s[1], s[0], d, arrangement)
	}, a, b)
}

// go3 writes its result over the last operand.
func (m *neonMachine) go3(name, arrangement string, a, b, over vec) vec {
	return m.step(2, func(d int, s []int) {
		m.Op("%s V%d.%[5]s, V%[3]d.%[5]s, V%[4]d.%[5]s", name, s[1], s[0], d, arrangement)
	}, a, b, over)
}

func (m *neonMachine) add(a, b vec) vec  { return m.of("FADD", a, b) }
func (m *neonMachine) sub(a, b vec) vec  { return m.of("FSUB", a, b) }
func (m *neonMachine) mul(a, b vec) vec  { return m.of("FMUL", a, b) }
func (m *neonMachine) div(a, b vec) vec  { return m.of("FDIV", a, b) }
func (m *neonMachine) muli(a, b vec) vec { return m.of("MUL", a, b) }
func (m *neonMachine) maxi(a, b vec) vec { return m.of("SMAX", a, b) }
func (m *neonMachine) mini(a, b vec) vec { return m.of("SMIN", a, b) }
func (m *neonMachine) sqrt(a vec) vec    { return m.of("FSQRT", a) }
func (m *neonMachine) toInt(a vec) vec   { return m.of("FCVTZS", a) }
func (m *neonMachine) toFloat(a vec) vec { return m.of("SCVTF", a) }

func (m *neonMachine) addi(a, b vec) vec { return m.go2("VADD", "S4", a, b) }
func (m *neonMachine) subi(a, b vec) vec { return m.go2("VSUB", "S4", a, b) }
func (m *neonMachine) and(a, b vec) vec  { return m.go2("VAND", "B16", a, b) }
func (m *neonMachine) or(a, b vec) vec   { return m.go2("VORR", "B16", a, b) }
func (m *neonMachine) xor(a, b vec) vec  { return m.go2("VEOR", "B16", a, b) }

func (m *neonMachine) fma(a, b, c vec) vec  { return m.go3("VFMLA", "S4", a, b, c) }
func (m *neonMachine) fnma(a, b, c vec) vec { return m.go3("VFMLS", "S4", a, b, c) }

func (m *neonMachine) larger(a, b vec) vec  { return m.blend(m.cmp(less, b, a), a, b) }
func (m *neonMachine) smaller(a, b vec) vec { return m.blend(m.cmp(less, a, b), a, b) }

func (m *neonMachine) scale(y, n vec) vec { return m.scaleTwice(y, n) }

func (m *neonMachine) round(a vec, how uint8) vec {
	if how == down {
		return m.of("FRINTM", a)
	}
	return m.of("FRINTN", a)
}

func (m *neonMachine) shiftLeft(a vec, n uint8) vec {
	return m.step(-1, func(d int, s []int) { m.Op("VSHL $%d, V%d.S4, V%d.S4", n, s[0], d) }, a)
}

func (m *neonMachine) shiftRight(a vec, n uint8) vec {
	return m.step(-1, func(d int, s []int) { m.Word("SSHR", d, s[0], int(n)) }, a)
}

func (m *neonMachine) cmp(how uint8, a, b vec) mask {
	switch how {
	case equal:
		return m.of("FCMEQ", a, b)
	case less:
		return m.of("FCMGT", b, a)
	case lessEqual:
		return m.of("FCMGE", b, a)
	case unordered: // where not both are equal to themselves
		y := m.of("FCMEQ", a, a)
		if a != b {
			y = m.and(y, m.of("FCMEQ", b, b))
		}
		y.(*value).not = true
		return y
	}
	panic(fmt.Sprint("no comparison ", how))
}

func (m *neonMachine) equali(a, b vec) mask { return m.go2("VCMEQ", "S4", a, b) }
func (m *neonMachine) lessi(a, b vec) mask  { return m.of("CMGT", b, a) }

func (m *neonMachine) blend(k mask, yes, no vec) vec {
	if k.(*value).not {
		yes, no = no, yes
	}
	return m.go3("VBSL", "B16", yes, no, k)
}

func (m *neonMachine) truth(k mask) vec {
	y := m.step(-1, func(d int, s []int) { m.Op("VUSHR $31, V%d.S4, V%d.S4", s[0], d) }, k)
	if k.(*value).not {
		return m.xor(y, m.word(1))
	}
	return y
}
