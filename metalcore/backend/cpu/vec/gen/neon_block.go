package main

import (
	"slices"
	"sort"
)

// step is an instruction of a block: straight code without labels and jumps.
type step struct {
	dst  *value // nil: none
	src  []*value
	over int // the operand that the result takes the place of; -1: none
	emit func(d int, s []int)
}

// step appends an instruction and returns its result.
func (m *neonMachine) step(over int, emit func(d int, s []int), x ...vec) vec {
	d := &value{register: -1}
	m.steps = append(m.steps, step{d, values(x), over, emit})
	return d
}

// set copies a vector to one that is pinned.
func (m *neonMachine) set(d *value, x vec) {
	m.steps = append(m.steps, step{d, values([]vec{x}), -1, func(d int, s []int) { m.move(d, s[0]) }})
}

// into is of with a result that is pinned.
func (m *neonMachine) into(d *value, name string, x ...vec) {
	m.of(name, x...)
	m.steps[len(m.steps)-1].dst = d
}

func (m *neonMachine) move(d, s int) {
	if d != s {
		m.Op("VMOV V%d.B16, V%d.B16", s, d)
	}
}

// load makes a vector of what an instruction with its register at the end loads.
func (m *neonMachine) load(instruction string) *value {
	return m.step(-1, func(d int, _ []int) { m.Op(instruction, d) }).(*value)
}

// store writes a vector by an instruction that has its register first.
func (m *neonMachine) store(instruction string, y vec) {
	m.steps = append(m.steps, step{nil, values([]vec{y}), -1, func(_ int, s []int) { m.Op(instruction, s[0]) }})
}

// block takes what body writes.
func (m *neonMachine) block(body func()) []step {
	body()
	steps := m.steps
	m.steps = nil
	return steps
}

// straight writes a block that is no loop.
func (m *neonMachine) straight(body func()) { m.write(m.block(body), nil) }

// constants lists the words that steps use, the most used ones first.
func constants(steps []step) (list []uint32) {
	uses := map[uint32]int{}
	for _, s := range steps {
		for _, v := range s.src {
			if v.constant {
				if uses[v.bits]++; uses[v.bits] == 1 {
					list = append(list, v.bits)
				}
			}
		}
	}
	sort.SliceStable(list, func(i, k int) bool { return uses[list[i]] > uses[list[k]] })
	return list
}

// hoist loads as many constants as there are registers for while steps run
// again and again, and says where they are.
func (m *neonMachine) hoist(steps []step) map[uint32]int {
	all := constants(steps)
	for n := len(all); ; n-- {
		held := map[uint32]int{}
		for i, bits := range all[:n] {
			held[bits] = 31 - m.pinned - i
		}
		if n == 0 || m.assign(steps, held) != nil {
			for _, bits := range all[:n] {
				m.loadWord(bits, held[bits])
			}
			return held
		}
	}
}

// write gives steps their registers and writes them.
func (m *neonMachine) write(steps []step, held map[uint32]int) {
	emits := m.assign(steps, held)
	if emits == nil && len(steps) > 0 {
		panic("the registers do not suffice")
	}
	for _, e := range emits {
		e()
	}
}

func (m *neonMachine) loadWord(bits uint32, register int) {
	at, ok := m.places[bits]
	if !ok {
		at = 4 * len(m.words)
		m.places[bits] = at
		m.words = append(m.words, bits, bits, bits, bits)
	}
	m.Op("FMOVQ %d(%s), F%d", at, wordBase, register)
}

// assignment is the state of giving registers to the steps of a block.
type assignment struct {
	m     *neonMachine
	held  map[uint32]int // registers of constants
	free  []int
	where map[*value]int
	last  map[*value]int // the last step that reads a value
	emits []func()
	short bool // there were not enough registers
}

// assign gives registers to the steps: those that are neither pinned nor held
// by a constant. It returns what writes them, nil if the registers do not
// suffice.
func (m *neonMachine) assign(steps []step, held map[uint32]int) []func() {
	a := &assignment{m: m, held: held, where: map[*value]int{}, last: map[*value]int{}}
	for r := 31 - m.pinned - len(held); r >= 0; r-- {
		a.free = append(a.free, r)
	}
	for i, s := range steps {
		for _, v := range s.src {
			a.last[v] = i
		}
	}
	for i, s := range steps {
		if a.step(i, s); a.short {
			return nil
		}
	}
	return a.emits
}

func (a *assignment) take() int {
	if a.short = a.short || len(a.free) == 0; a.short {
		return 0
	}
	r := a.free[len(a.free)-1]
	a.free = a.free[:len(a.free)-1]
	return r
}

func (a *assignment) step(i int, s step) {
	regs := make([]int, len(s.src))
	var done []int // registers that are free after the step
	for k, v := range s.src {
		if k == s.over {
			continue
		}
		regs[k] = a.source(v, &done)
		if a.dies(v, i) && !slices.Contains(s.src[:k], v) && (s.over < 0 || s.src[s.over] != v) {
			done = append(done, regs[k])
		}
	}
	var d int
	switch {
	case s.over >= 0:
		d = a.over(i, s)
		a.free = append(a.free, done...)
	default:
		a.free = append(a.free, done...)
		if s.dst != nil {
			if d = s.dst.register; d < 0 {
				d = a.take()
			}
		}
	}
	a.emits = append(a.emits, func() { s.emit(d, regs) })
	if s.dst != nil && s.dst.register < 0 {
		a.where[s.dst] = d
		if _, read := a.last[s.dst]; !read {
			a.free = append(a.free, d)
		}
	}
}

// dies tells whether step i is the last one that needs the register of a value.
func (a *assignment) dies(v *value, i int) bool {
	return a.last[v] == i && !v.constant && v.register < 0
}

// source is the register of an operand. A constant that no register holds is
// loaded.
func (a *assignment) source(v *value, done *[]int) int {
	if !v.constant {
		return a.home(v)
	}
	if r, ok := a.held[v.bits]; ok {
		return r
	}
	r := a.take()
	*done = append(*done, r)
	a.emits = append(a.emits, func() { a.m.loadWord(v.bits, r) })
	return r
}

func (a *assignment) home(v *value) int {
	if v.register >= 0 {
		return v.register
	}
	r, ok := a.where[v]
	if !ok {
		panic("a value is used outside of its block")
	}
	return r
}

// over is the register of a result that takes the place of an operand: its own
// if that ends here, else a copy.
func (a *assignment) over(i int, s step) int {
	v := s.src[s.over]
	others := slices.Delete(slices.Clone(s.src), s.over, s.over+1)
	if a.dies(v, i) && !slices.Contains(others, v) {
		return a.home(v)
	}
	d := a.take()
	if _, held := a.held[v.bits]; v.constant && !held {
		a.emits = append(a.emits, func() { a.m.loadWord(v.bits, d) })
		return d
	}
	from := a.source(v, nil)
	a.emits = append(a.emits, func() { a.m.move(d, from) })
	if a.dies(v, i) { // it is also another operand
		a.free = append(a.free, from)
	}
	return d
}
