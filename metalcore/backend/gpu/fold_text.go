package gpu

import "fmt"

// alone writes the fold of result i by one thread.
func (k *foldKernel) alone(t *text) {
	t.line("%s o = i;", k.index)
	k.locate(t)
	k.accumulate(t, "0u", fmt.Sprintf("%du", k.folded.n), 1)
	t.line("y0[o] = %s;", k.end("a"))
}

// bySIMD writes the fold of rows, of which each is a SIMD group's.
func (k *foldKernel) bySIMD(t *text) {
	t.line("%s o = (%s)group.x * %du + simd;", k.index, k.index, k.wide)
	t.line("if (o < %du) {", k.kept.n)
	k.locate(t)
	k.accumulate(t, "lane", fmt.Sprintf("%du", k.folded.n), 32)
	t.line("a = %s(a);", k.simd)
	t.line("if (lane == 0u) y0[o] = %s;", k.end("a"))
	t.line("}")
}

// byGroup writes the fold of rows, or of parts of them, of which each is a
// threadgroup's.
func (k *foldKernel) byGroup(t *text) {
	t.line("%s o = group.x;", k.index)
	k.locate(t)
	first, limit := k.bounds(t, "local")
	k.accumulate(t, first, limit, k.depth)
	t.line("a = %s(a);", k.simd)
	t.line("if (lane == 0u) part[simd] = a;")
	t.line("barrier();")
	t.line("if (local == 0u) {")
	t.line("for (uint s = 1u; s < %du; s++) a = %s;", k.depth/32, k.joined("a", "part[s]"))
	t.line("y0[%s] = %s;", plus(times("o", k.parts), k.part()), k.end("a"))
	t.line("}")
}

// byColumns writes the fold of columns side by side: each thread takes every
// depth-th element of its column, and what the threads of a column have is
// joined two by two.
func (k *foldKernel) byColumns(t *text) {
	t.line("uint slice = local / %du;", k.wide)
	t.line("%s o = (%s)group.x * %du + local %% %du;", k.index, k.index, k.wide, k.wide)
	k.locate(t)
	first, limit := k.bounds(t, "slice")
	k.accumulate(t, fmt.Sprintf("o < %du ? %s : %s", k.kept.n, first, limit), limit, k.depth)
	t.line("part[local] = a;")
	t.line("for (uint s = %du; s > 0u; s /= 2u) {", k.depth/2)
	t.line("barrier();")
	t.line("if (slice < s) part[local] = %s;", k.joined("part[local]", fmt.Sprintf("part[%s]", plus("local", times("s", k.wide)))))
	t.line("}")
	t.line("if (local < %du && o < %du) y0[%s] = %s;", k.wide, k.kept.n, plus("o", k.partTimes()), k.end("part[local]"))
}

// locate declares where the elements of result o begin.
func (k *foldKernel) locate(t *text) {
	k.kept.coordinates(t, k.index, "o", "c", [][]int{k.at})
	t.line("%s base = %s;", k.index, offset(k.at, "c"))
}

// bounds declares the bounds of the threadgroup's part of the elements, and
// returns the thread's first one and the limit.
func (k *foldKernel) bounds(t *text, thread string) (first, limit string) {
	if k.parts == 1 {
		return thread, fmt.Sprintf("%du", k.folded.n)
	}
	size := ceil(k.folded.n, k.parts*k.depth) * k.depth
	t.line("%s from = (%s)group.y * %du, limit = from + %du;", k.index, k.index, size, size)
	t.line("if (limit > %du) limit = %du;", k.folded.n, k.folded.n)
	return "from + " + thread, "limit"
}

// part is the number of the part, and partTimes where its results begin.
func (k *foldKernel) part() string {
	if k.parts == 1 {
		return "0u"
	}
	return "group.y"
}

func (k *foldKernel) partTimes() string {
	if k.parts == 1 {
		return "0u"
	}
	return times(paren(k.index)+"group.y", k.kept.n)
}

func (k *foldKernel) joined(a, b string) string { return fmt.Sprintf(k.join, a, b) }

// accumulate declares a, of the elements from the first one on, a step apart.
// Long chains are split, so that an element does not wait for the last one.
func (k *foldKernel) accumulate(t *text, first, limit string, step int) {
	acc := valueType(k.acc)
	t.line("%s e = %s;", k.index, first)
	t.line("%s a = %s;", acc, k.none)
	split := ceil(ceil(k.folded.n, k.parts), step) >= 2*chainsTogether
	if split {
		for c := 1; c < chainsTogether; c++ {
			t.line("%s a%d = a;", acc, c)
		}
		t.line("for (; e + %du < %s; e += %du) {", (chainsTogether-1)*step, limit, chainsTogether*step)
		t.line("a = %s;", k.joined("a", k.element("e")))
		for c := 1; c < chainsTogether; c++ {
			a := fmt.Sprint("a", c)
			t.line("%s = %s;", a, k.joined(a, k.element(fmt.Sprintf("(e + %du)", c*step))))
		}
		t.line("}")
	}
	t.line("for (; e < %s; e += %du) a = %s;", limit, step, k.joined("a", k.element("e")))
	if split {
		t.line("a = %s;", k.joined("a", "a1"))
		t.line("a2 = %s;", k.joined("a2", "a3"))
		t.line("a = %s;", k.joined("a", "a2"))
	}
}

// element is element e of result o as an accumulator.
func (k *foldKernel) element(e string) string {
	at, rest := "base", e
	for i, step := range k.steps {
		c := rest
		if i < len(k.steps)-1 {
			c = fmt.Sprintf("%s %% %du", rest, k.folded.dims[i])
			rest = fmt.Sprintf("%s / %du", rest, k.folded.dims[i])
		}
		if step > 0 {
			at = plus(at, times(c, step))
		}
	}
	return k.take(loaded(k.x.param.DType, fmt.Sprintf("x0[%s]", at)), e)
}
