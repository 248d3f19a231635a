package gpu

import (
	"fmt"
	"strings"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// contraction is a product of matrices as a kernel computes it: for each z,
// c[m,n] = sum over k of a[m,k] b[k,n]. A convolution is one of matrices that
// nobody writes down: the kernel finds their elements in the images.
//
// Each threadgroup computes a tile of c. It goes along k, copies tiles of a and
// b to its shared memory, with zeros around them, and multiplies those.
type contraction struct {
	*ending
	m, n, k int
	batch   int // of z
	a, b    matrix
	// row writes the text that finds where row m of the results begins: at which
	// element, and the condition under which there is such a row.
	row func(t *text, m string) (start, when string)

	tile  tiling
	parts int // that k is cut into
	each  int // elements of k in a part
}

// contract emits the product of a step that ends as given.
func (l *lowerer) contract(e *ending) error {
	if err := e.check(); err != nil {
		return err
	}
	switch v := e.product; {
	case v.In[0].Shape.Elems() == 0 || v.In[1].Shape.Elems() == 0:
		e.zeros()
	case v.Op == "matmul":
		l.matmul(e)
	default:
		l.conv(e)
	}
	return nil
}

// rowsOf says that the results lie as those of a matrix of so many columns, and
// one matrix behind the other.
func (c *contraction) rowsOf(columns int) {
	c.row = func(t *text, m string) (string, string) {
		start := times(as(c.index, m), columns)
		if c.batch > 1 {
			start = plus(times(as(c.index, "z"), c.m*columns), start)
		}
		return start, ""
	}
}

// emit adds the calls of a product.
func (c *contraction) emit() {
	l := c.l
	c.chooseTile()
	c.chooseParts()
	params, args := c.buffers()
	what := "product_" + c.product.Op
	if c.parts > 1 {
		what = "parts_of_" + c.product.Op
		sums := l.temporary(int64(c.parts) * int64(c.product.Shape.Elems()) * 4)
		params, args = append(params[:operandBuffers], Param{Name: "part", DType: ir.F32}), append(args[:operandBuffers], sums)
		defer c.together(sums, c.parts)
	}
	k := Kernel{Params: params, Threads: c.tile.threads(), Shared: c.shared(), Body: c.body()}
	l.call(what, k, [3]int{c.tiles() * c.batch * c.parts, 1, 1}, args...)
}

// Fewer threadgroups than enough leave a large GPU idle; a sum of less than twice
// leastPart products is not worth to be cut.
const (
	enough    = 128
	leastPart = 128
)

// chooseParts cuts long sums of few results.
func (c *contraction) chooseParts() {
	c.parts, c.each = 1, c.k
	if most := min(enough/(c.tiles()*c.batch), c.k/leastPart); most > 1 {
		c.each = upTo(upTo(c.k, most), c.tile.k) * c.tile.k
		c.parts = upTo(c.k, c.each)
	}
}

// tiles is how many there are for each z.
func (c *contraction) tiles() int { return upTo(c.m, c.tile.m) * upTo(c.n, c.tile.n) }

// upTo is how many things of a size cover n.
func upTo(n, size int) int { return (n + size - 1) / size }

// body writes the kernel's text. Threads that multiply by themselves read the
// next tiles while they work on these.
func (c *contraction) body() string {
	t := newText()
	c.place(t)
	first, end := "0u", fmt.Sprintf("%du", c.k)
	if c.parts > 1 {
		first, end = "first", "end"
		t.line("uint first = slice * %du, end = slice == %du ? %du : first + %du;", c.each, c.parts-1, c.k, c.each)
	}
	c.begin(t)
	c.declare(t)
	if !c.tile.matrices {
		c.fetch(t, first)
	}
	t.line("for (uint k0 = %s; k0 < %s; k0 += %du) {", first, end, c.tile.k)
	if c.tile.matrices {
		c.fetch(t, "k0")
	}
	c.put(t)
	t.line("barrier();")
	if !c.tile.matrices {
		t.line("uint next = k0 + %du;", c.tile.k)
		t.line("if (next < %s) {", end)
		c.fetch(t, "next")
		t.line("}")
	}
	c.multiply(t)
	t.line("barrier();")
	t.line("}")
	c.results(t)
	return t.String()
}

// band is how many tiles, one above the other, are computed before the ones to
// their right: of what they read, some is still in the cache.
const band = 4

// place declares the tile, part and product that a threadgroup works on.
func (c *contraction) place(t *text) {
	across, tiles, at := upTo(c.n, c.tile.n), c.tiles(), "group.x"
	if c.parts*c.batch > 1 {
		at = modulo(at, tiles)
	}
	m, n := over(at, across), modulo("group.x", across)
	if upTo(c.m, c.tile.m)%band == 0 && across > 1 {
		m = plus(times(over(at, across*band), band), modulo("group.x", band))
		n = modulo(over("group.x", band), across)
	}
	t.line("uint m0 = %s, n0 = %s;", times(factor(m), c.tile.m), times(n, c.tile.n))
	slice := over("group.x", tiles)
	if c.batch > 1 {
		t.line("uint z = %s;", over("group.x", tiles*c.parts))
		slice = modulo(slice, c.parts)
	}
	if c.parts > 1 {
		t.line("uint slice = %s;", slice)
	}
}

// give writes the text that hands over what was summed up for a place of c, or
// for four side by side.
func (c *contraction) give(t *text, sums ...string) {
	var when []string
	if c.m%c.tile.m != 0 {
		when = append(when, fmt.Sprintf("row < %du", c.m))
	}
	if c.n%c.tile.n != 0 {
		when = append(when, fmt.Sprintf("col < %du", c.n))
	}
	start, there := c.row(t, "row")
	if there != "" {
		when = append(when, there)
	}
	if len(when) > 0 {
		t.line("if (%s) {", strings.Join(when, " && "))
		defer t.line("}")
	}
	at := plus(start, "col")
	if c.parts == 1 {
		c.result(t, at, sums...)
		return
	}
	at = plus(times("slice", c.product.Shape.Elems()), at)
	if len(sums) == 1 {
		t.line("part[%s] = %s;", at, sums[0])
		return
	}
	t.line("*(device float4*)(part + %s) = make_float4(%s);", at, strings.Join(sums, ", "))
}
