package main

import "fmt"

// sumColumns sums n neighbouring columns of rows that are stride numbers apart,
// in float64, and divides by the divisor: so many columns at a time, even and
// odd rows apart.
func (m *neonMachine) sumColumns() {
	d, x, stride, n := "R0", "R1", "R3", "R4"
	m.Op("LSL $2, %s, %[1]s", stride)
	m.Op("VDUP V31.D[0], V31.D2")
	for _, vectors := range []int{3, 1, 0} {
		label, columns := fmt.Sprint("columns", vectors), max(1, vectors*neonWidth)
		m.Label(label)
		m.Op("CMP $%d, %s", columns, n)
		m.Op("BLT %s_end", label)
		m.columns(label, vectors)
		m.Op("ADD $%d, %s, %[2]s", 4*columns, x)
		m.Op("ADD $%d, %s, %[2]s", 4*columns, d)
		m.Op("SUB $%d, %s, %[2]s", columns, n)
		m.Op("B %s", label)
		m.Label(label + "_end")
	}
}

// columns sums some vectors of columns; none stands for a single column.
func (m *neonMachine) columns(label string, vectors int) {
	d, x, rows, stride, at, left := "R0", "R1", "R2", "R3", "R5", "R6"
	pinned, load := m.pinned, "FMOVQ"
	if vectors == 0 {
		vectors, load = 1, "FMOVS"
	}
	even, odd := m.pins(2*vectors), m.pins(2*vectors)
	m.clear(append(even, odd...)...)
	m.Op("MOVD %s, %s", x, at)
	m.Op("MOVD %s, %s", rows, left)
	row := func(sums []*value) {
		m.straight(func() {
			for v := range vectors {
				m.addDoubles(m.load(fmt.Sprintf("%s %d(%s), F%%d", load, 16*v, at)), sums[2*v], sums[2*v+1])
			}
		})
		m.Op("ADD %s, %s, %[2]s", stride, at)
	}
	m.Label(label + "_rows")
	m.Op("SUBS $2, %s, %[1]s", left)
	m.Op("BLT %s_last", label)
	row(even)
	row(odd)
	m.Op("B %s_rows", label)
	m.Label(label + "_last")
	m.Op("TBZ $0, %s, %s_summed", left, label) // -2: none is left, -1: one
	row(even)
	m.Label(label + "_summed")
	divisor := &value{register: 31}
	m.straight(func() {
		for v := range vectors {
			low := m.of("FCVTN", m.of("FDIVD", m.of("FADDD", even[2*v], odd[2*v]), divisor))
			high := m.of("FDIVD", m.of("FADDD", even[2*v+1], odd[2*v+1]), divisor)
			y := m.step(1, func(d int, s []int) { m.Word("FCVTN2", d, s[0]) }, high, low)
			m.store(fmt.Sprintf("%s F%%d, %d(%s)", load, 16*v, d), y)
		}
	})
	m.pinned = pinned
}
