package gpu

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/ir"
)

func init() { register(map[string]lowering{"cumsum": (*lowerer).cumSum}) }

// fewLines are too few for a thread each, if they are of more than fewElements.
const fewLines = 4096

// scan writes the text of sums along lines of n elements, a step apart.
type scan struct {
	fold
	dtype          ir.DType
	lines, n, step int
	reverse        bool
	index          string
	threads        int // for a line
}

// cumSum emits prefix sums: by SIMD groups or threadgroups where elements of a
// line are neighbours or lines are few, by a thread each otherwise.
func (l *lowerer) cumSum(v *ir.Value) error {
	n := v.Shape[v.Int("axis")]
	s := &scan{fold: newFold("reduce_sum", v.DType), dtype: v.DType, n: n, lines: v.Shape.Elems() / n,
		step: v.Shape[v.Int("axis")+1:].Elems(), reverse: v.Bool("reverse"), index: indexType(v)}
	args := []Arg{l.read(v.In[0]), l.write(v)}
	params := []Param{{Name: "x0", DType: v.DType}, {Name: "y0", DType: v.DType}}
	if n <= fewElements || s.step > 1 && s.lines >= fewLines {
		l.emit(block{what: v.Op, units: s.lines, index: s.index, args: args, params: params, body: s.alone})
		return nil
	}
	t := newText()
	k := Kernel{Params: params, Threads: groupThreads}
	groups := s.lines
	s.threads = groupThreads
	if n <= someElements {
		s.threads, k.Threads, groups = 32, 32*rowsTogether, ceil(s.lines, rowsTogether)
		s.bySIMD(t)
	} else {
		k.Shared = []Shared{{"part", valueType(s.acc), groupThreads / 32}}
		s.byGroup(t)
	}
	k.Body = t.String()
	l.call(v.Op, k, [3]int{groups, 1, 1}, args...)
	return nil
}

// start declares where the line's first element lies.
func (s *scan) start(t *text, line string) {
	first := times(line, s.n)
	if s.step > 1 {
		first = fmt.Sprintf("%s / %du * %du + %s %% %du", line, s.step, s.n*s.step, line, s.step)
	}
	t.line("%s start = %s;", s.index, first)
}

// at is where element e of the line lies.
func (s *scan) at(e string) string {
	if s.reverse {
		e = fmt.Sprintf("(%du - %s)", s.n-1, e)
	}
	return "start + " + times(e, s.step)
}

func (s *scan) add(a, b string) string { return fmt.Sprintf(s.join, a, b) }

// alone writes the sums of line i by one thread.
func (s *scan) alone(t *text) {
	s.start(t, "i")
	t.line("%s a = %s;", valueType(s.acc), s.none)
	t.line("for (%s e = 0u; e < %du; e++) {", s.index, s.n)
	t.line("%s at = %s;", s.index, s.at("e"))
	t.line("a = %s;", s.add("a", loaded(s.dtype, "x0[at]")))
	t.line("y0[at] = %s;", s.end("a"))
	t.line("}")
}

// bySIMD writes the sums of lines, of which each is a SIMD group's.
func (s *scan) bySIMD(t *text) {
	t.line("%s line = (%s)group.x * %du + simd;", s.index, s.index, rowsTogether)
	t.line("if (line < %du) {", s.lines)
	s.start(t, "line")
	s.pieces(t, "lane", func() {
		t.line("%s base = carry;", valueType(s.acc))
		t.line("carry = %s;", s.add("carry", "shuffle(sum, 31u)"))
	})
	t.line("}")
}

// byGroup writes the sums of lines, of which each is a threadgroup's.
func (s *scan) byGroup(t *text) {
	t.line("%s line = group.x;", s.index)
	s.start(t, "line")
	s.pieces(t, "local", func() {
		t.line("barrier();")
		t.line("if (lane == 31u) part[simd] = sum;")
		t.line("barrier();")
		t.line("%s base = carry;", valueType(s.acc))
		t.line("for (uint s = 0u; s < %du; s++) {", s.threads/32)
		t.line("if (s == simd) base = carry;")
		t.line("carry = %s;", s.add("carry", "part[s]"))
		t.line("}")
	})
}

// scanEach is how many neighbours a thread takes at a time.
const scanEach = 4

// pieces writes a loop over pieces of a line, of scanEach elements a thread.
// carried declares base, the sum of what comes before the SIMD group, and moves
// carry, that of what comes before the piece, on.
func (s *scan) pieces(t *text, thread string, carried func()) {
	acc := valueType(s.acc)
	t.line("%s carry = %s;", acc, s.none)
	t.line("for (%s first = 0u; first < %du; first += %du) {", s.index, s.n, s.threads*scanEach)
	t.line("%s e = first + %s * %du;", s.index, thread, scanEach)
	for k := range scanEach {
		e := plus("e", fmt.Sprintf("%du", k))
		x := fmt.Sprintf("(%s < %du ? %s : %s)", e, s.n, loaded(s.dtype, fmt.Sprintf("x0[%s]", s.at(paren(e)))), s.none)
		if k > 0 {
			x = s.add(fmt.Sprint("a_", k-1), x)
		}
		t.line("%s a_%d = %s;", acc, k, x)
	}
	t.line("%s sum = simd_prefix(a_%d, lane), before = shuffle_up(sum, 1u);", acc, scanEach-1)
	carried()
	t.line("if (lane > 0u) base = %s;", s.add("base", "before"))
	for k := range scanEach {
		e := plus("e", fmt.Sprintf("%du", k))
		t.line("if (%s < %du) y0[%s] = %s;", e, s.n, s.at(paren(e)), s.end(s.add("base", fmt.Sprint("a_", k))))
	}
	t.line("}")
}
