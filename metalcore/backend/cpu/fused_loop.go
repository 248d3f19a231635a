package cpu

import (
	"fmt"
	"slices"
	"strings"
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/backend/cpu/vec"
	"github.com/metalnb/metalnb/metalcore/ir"
)

// loopPiece is how many elements of a loop a worker takes at least.
const loopPiece = 4096

// looped computes a step whose whole text is one loop in package vec: each
// element is read once, all ops stay in registers, and the results are written
// once. Operands that are one number come apart from those that are vectors.
type looped struct {
	run     vec.Loop
	vectors []int // numbers of the operands' values, then of the results'
	numbers []int
	n       int

	table []unsafe.Pointer // of a step that is not shared
	nums  []float32
}

// loop makes the kernel of a step as one loop, if there is one of its text.
func (f *fuser) loop() kernel {
	l := &looped{n: f.space.n}
	l.run = vec.FindLoop(f.c.pool.variant, f.text(l))
	if l.run == nil {
		return nil
	}
	for _, n := range f.nodes {
		if f.writes(n.v) {
			l.vectors = append(l.vectors, f.c.id(n.v))
		}
	}
	f.c.pointers = max(f.c.pointers, len(l.vectors))
	f.c.need(0, len(l.numbers))
	if l.n <= 2*loopPiece {
		l.table, l.nums = make([]unsafe.Pointer, len(l.vectors)), make([]float32, len(l.numbers))
		f.c.binds = append(f.c.binds, func(fr *frame) { l.point(fr, l.table, 0) })
		return func(fr *frame) {
			l.load(fr, l.nums)
			l.run(unsafe.SliceData(l.table), unsafe.SliceData(l.nums), l.n)
		}
	}
	part := l.part
	return func(fr *frame) { fr.pool.run(fr, ceilDiv(l.n, loopPiece), 2, part) }
}

// part computes the pieces lo to hi.
func (l *looped) part(fr *frame, worker, lo, hi int) {
	table, nums := fr.table[worker][:len(l.vectors)], fr.local[worker][:len(l.numbers)]
	l.point(fr, table, lo*loopPiece)
	l.load(fr, nums)
	l.run(unsafe.SliceData(table), unsafe.SliceData(nums), min(hi*loopPiece, l.n)-lo*loopPiece)
}

func (l *looped) point(fr *frame, table []unsafe.Pointer, at int) {
	for i, id := range l.vectors {
		table[i] = unsafe.Pointer(&fr.vals[id][at])
	}
}

func (l *looped) load(fr *frame, nums []float32) {
	for i, id := range l.numbers {
		nums[i] = fr.vals[id][0]
	}
}

// text writes the step down as package vec knows its loops, and collects the
// operands in the order of their names. It is empty for a step that reads
// anything but whole vectors and numbers, or other types than of 32 bits.
func (f *fuser) text(l *looped) string {
	for i := range f.operands {
		if o := &f.operands[i]; o.form != dense && o.form != single || o.dtype.Size() != 4 {
			return ""
		}
	}
	for i := range f.nodes {
		if n := &f.nodes[i]; n.after != "" || f.writes(n.v) && n.v.DType.Size() != 4 {
			return ""
		}
	}
	var text, results strings.Builder
	operands, made := map[int]string{}, map[*ir.Value]string{}
	for i := range f.nodes {
		n := &f.nodes[i]
		text.WriteString(n.name)
		for k, in := range n.in {
			name := made[in]
			if n.from[k] >= 0 {
				name = l.operand(&f.operands[n.from[k]], n.from[k], operands)
			}
			text.WriteString(" " + name)
		}
		text.WriteString("; ")
		made[n.v] = fmt.Sprint("t", i)
		if f.writes(n.v) {
			results.WriteString(" " + made[n.v])
		}
	}
	return text.String() + "=" + results.String()
}

// operand is the name of an operand: v0, v1 and so on for vectors, n0, n1 for
// numbers, in the order in which they are met.
func (l *looped) operand(o *operand, at int, names map[int]string) string {
	if names[at] == "" {
		list, kind := &l.vectors, "v"
		if o.form == single {
			list, kind = &l.numbers, "n"
		}
		names[at] = fmt.Sprint(kind, len(*list))
		*list = append(*list, o.id)
	}
	return names[at]
}

// writes reports whether the value goes to memory.
func (f *fuser) writes(v *ir.Value) bool { return slices.Contains(f.step.Writes, v) }
