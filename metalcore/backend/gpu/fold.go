package gpu

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// fold is how elements become one: each as an accumulator, and these are joined.
// In what order depends on the shape only, so a result is the same each time;
// and it makes many short chains, so that sums of floats lose little.
type fold struct {
	what string                   // in names of kernels
	acc  ir.DType                 // of accumulators: F32, I32 or I64
	none string                   // the accumulator of no elements
	join string                   // of two accumulators, a format
	simd string                   // the function that joins those of a SIMD group
	take func(x, e string) string // the accumulator of element x, the e-th of result o
	end  func(a string) string    // the result of an accumulator, as it lies in memory
}

// foldSpace is what a fold walks over: axes that are kept, one result for each
// of their elements, and axes that are folded.
type foldSpace struct {
	kept, folded space
	at, steps    []int // distances between elements of the operand along them
	index        string
}

func newFoldSpace(x *ir.Value, axes []int) foldSpace {
	var shapes [2]ir.Shape
	var all [2][]int
	for i, step := range strides(x.Shape, x.Shape) {
		side := 0
		if slices.Contains(axes, i) {
			side = 1
		}
		shapes[side], all[side] = append(shapes[side], x.Shape[i]), append(all[side], step)
	}
	s := foldSpace{index: indexType(x)}
	var joined [2][][]int
	s.kept, joined[0] = newSpace(shapes[0], all[:1])
	s.folded, joined[1] = newSpace(shapes[1], all[1:])
	s.at, s.steps = joined[0][0], joined[1][0]
	return s
}

// way is how a fold is spread over threads: depth of them work on one result,
// and each threadgroup on some results side by side.
type way struct {
	wide, depth int
	columns     bool // neighbours in memory belong to different results
	parts       int  // threadgroups that share a result
}

// Folds of a few elements are one thread's work, those of some hundred that of a
// SIMD group. fullGroups threadgroups keep a GPU busy; a thread should have
// fairChain elements before a result is shared by several threadgroups, and at
// most longChain.
const (
	fewElements    = 8
	someElements   = 512
	manyResults    = 1 << 15
	fullGroups     = 512
	fairChain      = 64
	longChain      = 256
	chainsTogether = 4
)

func (s *foldSpace) way() way {
	n, each := s.kept.n, s.folded.n
	columns := each > 1 && s.steps[0] != 1
	w := way{wide: groupThreads, depth: 1, parts: 1, columns: columns}
	switch {
	case each <= fewElements || columns && each <= longChain && n >= manyResults:
		return w
	case columns:
		w.wide = min(32, 1<<bits.Len(uint(s.kept.dims[0]-1)))
	case each <= someElements:
		w.wide, w.depth = rowsTogether, 32
		return w
	default:
		w.wide = 1
	}
	w.depth = groupThreads / w.wide
	w.parts = s.share(w)
	return w
}

// share is how many threadgroups share a result: no more than another one can
// fold at once, unless chains get too long.
func (s *foldSpace) share(w way) int {
	fair := s.folded.n / (w.depth * fairChain)
	wanted := min(fullGroups/ceil(s.kept.n, w.wide), w.depth*fairChain)
	return max(1, min(fair, max(wanted, ceil(s.folded.n, w.depth*longChain))))
}

func ceil(a, b int) int { return (a + b - 1) / b }

// fold emits the calls of a fold of x. What else its elements are made of comes
// behind.
func (l *lowerer) fold(f fold, s foldSpace, x, y binding, more ...binding) {
	w := s.way()
	k := foldKernel{fold: f, foldSpace: s, way: w, x: x, y: y, more: more}
	if w.parts == 1 {
		k.emit(l)
		return
	}
	n := s.kept.n
	part := l.temporary(int64(n*w.parts) * int64(f.acc.Size()))
	k.y = binding{part, Param{DType: f.acc}}
	k.end = func(a string) string { return a }
	k.emit(l)

	f.take = func(x, _ string) string { return x }
	rest := foldSpace{kept: space{[]int{n}, n}, folded: space{[]int{w.parts}, w.parts}, at: []int{w.parts}, steps: []int{1}, index: s.index}
	if w.columns {
		rest.at, rest.steps = []int{1}, []int{n}
	}
	l.fold(f, rest, binding{part.asRead(), Param{DType: f.acc}}, y)
}

// foldKernel writes the text of one call.
type foldKernel struct {
	fold
	foldSpace
	way
	x, y binding
	more []binding
}

func (k *foldKernel) emit(l *lowerer) {
	var args []Arg
	var params []Param
	for i, b := range append([]binding{k.x}, k.more...) {
		b.param.Name = fmt.Sprint("x", i)
		args, params = append(args, b.arg), append(params, b.param)
	}
	k.y.param.Name, k.y.param.Write = "y0", true
	args, params = append(args, k.y.arg), append(params, k.y.param)
	if k.depth == 1 {
		l.emit(block{what: k.what, units: k.kept.n, index: k.index, args: args, params: params, body: k.alone})
		return
	}
	t := newText()
	kernel := Kernel{Params: params, Threads: k.wide * k.depth}
	acc := valueType(k.acc)
	switch {
	case k.columns:
		kernel.Shared = []Shared{{"part", acc, kernel.Threads}}
		k.byColumns(t)
	case k.depth == 32:
		k.bySIMD(t)
	default:
		kernel.Shared = []Shared{{"part", acc, kernel.Threads / 32}}
		k.byGroup(t)
	}
	kernel.Body = t.String()
	l.call(k.what, kernel, [3]int{ceil(k.kept.n, k.wide), k.parts, 1}, args...)
}
