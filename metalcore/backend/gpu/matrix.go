package gpu

import (
	"fmt"
	"strings"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// matrix is an operand of a product.
type matrix struct {
	name  string
	dtype ir.DType
	inner bool // elements that lie side by side follow each other along k, else along m or n
	wide  bool // four of them can be read at once
	// at writes the text that finds an element, by its place along m or n and along
	// k: where that lies, and the condition under which there is one.
	at func(t *text, own, k spot) (at, when string)
}

// spot is a place along an axis that is cut into tiles.
type spot struct {
	tile string // where the tile begins
	in   string // from there on
	size int    // of a tile; 0: there is none
}

// spotAt is a place in a text that knows of no tiles.
func spotAt(x string) spot { return spot{tile: "0u", in: x} }

func (s spot) String() string { return plus(s.tile, s.in) }

// digits declares the coordinates of a place along the axes that one is made of,
// the last one innermost.
func (s spot) digits(t *text, index string, names []string, sizes ...int) []string {
	out := make([]string, len(names))
	last := len(names) - 1
	rest, below := s.String(), 1
	if s.size > 0 && sizes[last]%s.size == 0 { // only the last one differs within a tile
		t.line("%s %s = %s;", index, names[last], plus(modulo(s.tile, sizes[last]), s.in))
		out[last], rest, below = names[last], s.tile, sizes[last]
		last--
	}
	for i := last; i >= 0; i-- {
		x := over(rest, below)
		if i > 0 {
			x = modulo(x, sizes[i])
		}
		below *= sizes[i]
		if x == "0u" {
			out[i] = x
			continue
		}
		t.line("%s %s = %s;", index, names[i], x)
		out[i] = names[i]
	}
	return out
}

// over and modulo leave out what changes nothing.
func over(x string, n int) string {
	if n == 1 || x == "0u" {
		return x
	}
	return fmt.Sprintf("%s / %du", factor(x), n)
}

func modulo(x string, n int) string {
	if n == 1 || x == "0u" {
		return "0u"
	}
	return fmt.Sprintf("%s %% %du", factor(x), n)
}

// factor is a sum or difference in parentheses.
func factor(x string) string {
	if strings.Contains(x, " + ") || strings.Contains(x, " - ") {
		return paren(x)
	}
	return x
}

// operands calls f for each operand, with the name of its tile, where that begins
// along m or n, the size of that axis and of a tile.
func (c *contraction) operands(f func(s *matrix, tile, first string, size, part int)) {
	f(&c.a, "as", "m0", c.m, c.tile.m)
	f(&c.b, "bs", "n0", c.n, c.tile.n)
}

// straight reports whether a line of an operand's tile is one along k, else it is
// one along m or n. Matrices are turned as they are loaded, so that a tile may
// lie as its operand does.
func (c *contraction) straight(s *matrix) bool { return c.tile.matrices && s.inner }

// element is the type of tiles.
func (c *contraction) element() string {
	if c.tile.matrices && c.product.DType == ir.F16 {
		return "half"
	}
	return "float"
}

// line is the length of a tile's line, with what keeps the same elements of all
// lines from meeting in one bank of the memory.
func (c *contraction) line(s *matrix, part int) int {
	n := part
	if c.straight(s) {
		n = c.tile.k
	}
	return n + 16/sizes[c.element()]
}

// shared are the tiles, and rows of results for each SIMD group.
func (c *contraction) shared() []Shared {
	var out []Shared
	c.operands(func(s *matrix, tile, _ string, _, part int) {
		lines := c.tile.k
		if c.straight(s) {
			lines = part
		}
		out = append(out, Shared{tile, c.element(), lines * c.line(s, part)})
	})
	if c.tile.matrices {
		out = append(out, Shared{"strip", "float", c.tile.threads() / 32 * 8 * c.tile.cols()})
	}
	return out
}

// load is how the threads share out the elements of an operand's tile.
type load struct {
	width  int // elements at a time
	across int // times that along what lies side by side
	units  int // of the tile
	rounds int // of all threads
}

func (c *contraction) load(s *matrix, part int) load {
	l := load{width: 1, across: part}
	if s.wide {
		l.width = 4
	}
	if s.inner {
		l.across = c.tile.k
	}
	l.across /= l.width
	l.units = part * c.tile.k / l.width
	l.rounds = upTo(l.units, c.tile.threads())
	return l
}

// begin starts the loop over what a thread loads.
func (l load) begin(t *text, threads int) {
	t.unroll("s", l.rounds)
	t.line("uint u = s * %du + local;", threads)
	t.line("uint line = u / %du, in = %s;", l.across, times(fmt.Sprintf("u %% %du", l.across), l.width))
}

// declare names the registers in which what is read waits for its place in the
// tiles.
func (c *contraction) declare(t *text) {
	c.operands(func(s *matrix, _, _ string, _, part int) {
		l := c.load(s, part)
		vector := ""
		if l.width > 1 {
			vector = "4"
		}
		t.line("%s%s %s_next[%d];", memoryType(s.dtype), vector, s.name, l.rounds)
	})
}

// fetch reads the tiles that begin at a place along k.
func (c *contraction) fetch(t *text, k0 string) {
	c.operands(func(s *matrix, _, first string, size, part int) {
		l := c.load(s, part)
		l.begin(t, c.tile.threads())
		own, k := spot{first, "line", part}, spot{k0, "in", c.tile.k}
		if !s.inner {
			own.in, k.in = k.in, own.in
		}
		var when []string
		if l.units%c.tile.threads() != 0 {
			when = append(when, fmt.Sprintf("u < %du", l.units))
		}
		if size%part != 0 {
			when = append(when, fmt.Sprintf("%s < %du", own, size))
		}
		if c.k%c.tile.k != 0 {
			when = append(when, fmt.Sprintf("%s < %du", k, c.k))
		}
		at, there := s.at(t, own, k)
		if there != "" {
			when = append(when, there)
		}
		memory, zero := memoryType(s.dtype), stored(s.dtype, "0.0f")
		x := fmt.Sprintf("%s[%s]", s.name, at)
		if l.width > 1 {
			x = fmt.Sprintf("*(device const %s4*)(%s + %s)", memory, s.name, at)
			zero = fmt.Sprintf("make_%s4(%s, %s, %s, %s)", memory, zero, zero, zero, zero)
		}
		if len(when) > 0 {
			t.line("%s_next[s] = %s;", s.name, zero)
			t.line("if (%s) %s_next[s] = %s;", strings.Join(when, " && "), s.name, x)
		} else {
			t.line("%s_next[s] = %s;", s.name, x)
		}
		t.line("}")
	})
}

// put copies what was read to the tiles.
func (c *contraction) put(t *text) {
	c.operands(func(s *matrix, tile, _ string, _, part int) {
		l := c.load(s, part)
		l.begin(t, c.tile.threads())
		if l.units%c.tile.threads() != 0 {
			t.line("if (u < %du) {", l.units)
			defer t.line("}")
		}
		defer t.line("}")
		line := c.line(s, part)
		x := s.name + "_next[s]"
		if l.width == 1 {
			at := fmt.Sprintf("line * %du + in", line)
			if s.inner && !c.straight(s) {
				at = fmt.Sprintf("in * %du + line", line)
			}
			t.line("%s[%s] = %s;", tile, at, c.converted(s, x))
			return
		}
		var each []string
		for _, m := range []string{"x", "y", "z", "w"} {
			each = append(each, c.converted(s, x+"."+m))
		}
		if s.inner && !c.straight(s) {
			for j, y := range each {
				t.line("%s[(in + %du) * %du + line] = %s;", tile, j, line, y)
			}
			return
		}
		if memoryType(s.dtype) != c.element() {
			x = fmt.Sprintf("make_%s4(%s)", c.element(), strings.Join(each, ", "))
		}
		t.line("*(threadgroup %s4*)(%s + line * %du + in) = %s;", c.element(), tile, line, x)
	})
}

// converted is an element of an operand as one of a tile.
func (c *contraction) converted(s *matrix, x string) string {
	if memoryType(s.dtype) == c.element() {
		return x
	}
	return loaded(s.dtype, x)
}
