package gpu

import "fmt"

// A product with a vector, or a few of them, reads its matrix once and does
// little with it, so that tiles are of no use. Longer sums than longSum are, if
// there are few, better cut into parts.
const (
	fewRows = 4
	longSum = 4096
)

// few is a product with few rows, or few columns.
type few struct {
	*contraction
	t            *text
	vectors, mat *matrix
	count, rest  int // of vectors, and of the elements of mat along its own axis
	row, col     string
}

// emitFew adds the call of a product of few rows or columns: along k go the lanes
// of a SIMD group if neighbours lie so, else SIMD groups.
func (c *contraction) emitFew() {
	c.tile, c.parts = tiling{m: 1, n: 1, k: 1}, 1
	f := &few{contraction: c, t: newText(), vectors: &c.a, mat: &c.b, count: c.m, rest: c.n, row: "v", col: "own"}
	if c.n < c.m {
		f.vectors, f.mat, f.count, f.rest, f.row, f.col = &c.b, &c.a, c.n, c.m, "own", "v"
	}
	params, args := c.buffers()
	k := Kernel{Params: params, Threads: groupThreads}
	groups := 0
	if f.mat.inner && c.k >= 32 {
		groups = f.lanes()
	} else {
		groups = f.columns(&k)
	}
	k.Body = f.t.String()
	c.l.call("product_few_"+c.product.Op, k, [3]int{groups * c.batch, 1, 1}, args...)
}

// begin declares which element of mat's own axis a thread works on.
func (f *few) begin(own string, across int) (groups int) {
	t := f.t
	groups = upTo(f.rest, across)
	t.line("uint own = %s;", plus(times(modulo("group.x", groups), across), own))
	if f.batch > 1 {
		t.line("uint z = %s;", over("group.x", groups))
	}
	t.line("float sum[%d];", f.count)
	t.unroll("v", f.count)
	t.line("sum[v] = 0.0f;")
	t.line("}")
	return groups
}

// lanes has each SIMD group sum up one element of the own axis.
func (f *few) lanes() (groups int) {
	t, width := f.t, 1
	groups = f.begin("simd", groupThreads/32)
	if f.mat.wide {
		width = 4
	}
	t.line("if (own < %du) {", f.rest)
	t.line("for (uint k = %s; k < %du; k += %du) {", times("lane", width), f.k, 32*width)
	f.read("u", f.mat, "own", width)
	t.unroll("v", f.count)
	f.read("w", f.vectors, "v", width)
	for j := range width {
		t.line("sum[v] = f_fma(u%d, w%d, sum[v]);", j, j)
	}
	t.line("}")
	t.line("}")
	t.line("}")
	t.unroll("v", f.count)
	t.line("float all = simd_sum(sum[v]);")
	t.line("if (lane == v && own < %du) {", f.rest)
	f.finish("all")
	t.line("}")
	t.line("}")
	return groups
}

// columns has each thread sum up one element of the own axis, or the SIMD groups
// a part of k each if that is long.
func (f *few) columns(k *Kernel) (groups int) {
	t, own, step, across := f.t, "local", 1, groupThreads
	first := "0u"
	if f.k >= 64 {
		own, first, step, across = "lane", "simd", groupThreads/32, 32
		k.Shared = []Shared{{"slices", "float", groupThreads * f.count}}
	}
	groups = f.begin(own, across)
	t.line("if (own < %du) {", f.rest)
	t.line("for (uint k = %s; k < %du; k += %du) {", first, f.k, step)
	f.read("u", f.mat, "own", 1)
	t.unroll("v", f.count)
	f.read("w", f.vectors, "v", 1)
	t.line("sum[v] = f_fma(u0, w0, sum[v]);")
	t.line("}")
	t.line("}")
	t.line("}")
	if step == 1 {
		t.unroll("v", f.count)
		t.line("if (own < %du) {", f.rest)
		f.finish("sum[v]")
	} else {
		t.unroll("v", f.count)
		t.line("slices[v * %du + local] = sum[v];", groupThreads)
		t.line("}")
		t.line("barrier();")
		t.line("for (uint v = simd; v < %du; v += %du) {", f.count, step)
		t.line("if (own < %du) {", f.rest)
		t.line("float all = 0.0f;")
		t.line("for (uint s = 0u; s < %du; s++) all += slices[v * %du + s * 32u + lane];", step, groupThreads)
		f.finish("all")
	}
	t.line("}")
	t.line("}")
	return groups
}

// read declares elements k and following of an operand, as numbers.
func (f *few) read(x string, s *matrix, own string, width int) {
	at, _ := s.at(f.t, spotAt(own), spotAt("k"))
	if width == 4 && s.inner && s.wide {
		f.t.line("%s4 %s = *(device const %s4*)(%s + %s);", memoryType(s.dtype), x, memoryType(s.dtype), s.name, at)
		for j, m := range []string{"x", "y", "z", "w"} {
			f.t.line("float %s%d = %s;", x, j, loaded(s.dtype, x+"."+m))
		}
		return
	}
	for j := range width {
		if j > 0 {
			at, _ = s.at(f.t, spotAt(own), spotAt(fmt.Sprintf("k + %du", j)))
		}
		f.t.line("float %s%d = %s;", x, j, loaded(s.dtype, fmt.Sprintf("%s[%s]", s.name, at)))
	}
}

// finish hands over the sum of own with vector v.
func (f *few) finish(sum string) {
	f.t.line("uint row = %s, col = %s;", f.row, f.col)
	f.give(f.t, sum)
}
