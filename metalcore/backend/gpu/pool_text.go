package gpu

import "fmt"

// largest writes the largest pixel of a window.
func (p *pooling) largest(t *text) {
	p.locate(t, p.y, "oh", "ow")
	p.declare(t, "float", "top", "-F_INF")
	p.overWindow(t)
	p.load(t, "x", "x0", p.place(p.x, "r", "q"))
	p.each(func(lane string) { t.line("top%s = f_larger(top%s, x%s);", lane, lane, lane) })
	t.line("}")
	t.line("}")
	p.store(t, "top")
}

// mean writes the mean of a window.
func (p *pooling) mean(t *text) {
	p.locate(t, p.y, "oh", "ow")
	p.declare(t, "float", "sum", "0.0f")
	p.overWindow(t)
	p.load(t, "x", "x0", p.place(p.x, "r", "q"))
	p.each(func(lane string) { t.line("sum%s += x%s;", lane, lane) })
	t.line("}")
	t.line("}")
	p.each(func(lane string) { t.line("sum%s /= %s;", lane, p.count()) })
	p.store(t, "sum")
}

// count is the number of pixels that the mean of a window is over.
func (p *pooling) count() string {
	if p.v.Bool("count_include_pad") {
		return fmt.Sprintf("%d.0f", p.window[0]*p.window[1])
	}
	return "(float)((r1 - r0) * (q1 - q0))"
}

// meanGrad writes the sum of what a pixel gets of each window that it lies in.
func (p *pooling) meanGrad(t *text) {
	p.locate(t, p.x, "h", "w")
	p.declare(t, "float", "sum", "0.0f")
	p.overWindows(t)
	if !p.v.Bool("count_include_pad") {
		p.bounds(t)
	}
	p.load(t, "g", "x0", p.place(p.y, "oh", "ow"))
	p.each(func(lane string) { t.line("sum%s += g%s / %s;", lane, lane, p.count()) })
	t.line("}")
	t.line("}")
	p.store(t, "sum")
}

// largestGrad writes the sum of what a pixel gets of each window in which it is
// the first one that equals the largest.
func (p *pooling) largestGrad(t *text) {
	p.locate(t, p.x, "h", "w")
	p.load(t, "x", "x0", p.place(p.x, "h", "w"))
	p.declare(t, "float", "sum", "0.0f")
	p.overWindows(t)
	p.load(t, "y", "x1", p.place(p.y, "oh", "ow"))
	p.each(func(lane string) { t.line("bool first%s = x%s == y%s;", lane, lane, lane) })
	any := "first_0"
	if p.lanes == 4 {
		any = "first_0 || first_1 || first_2 || first_3"
	}
	t.line("if (%s) {", any)
	p.bounds(t)
	loop(t, "r", "r0", "h + 1")
	t.line("int end = r < h ? q1 : w;")
	loop(t, "q", "q0", "end")
	p.load(t, "a", "x0", p.place(p.x, "r", "q"))
	p.each(func(lane string) { t.line("first%s = first%s && a%s != y%s;", lane, lane, lane, lane) })
	t.line("}")
	t.line("}")
	p.load(t, "g", "x2", p.place(p.y, "oh", "ow"))
	p.each(func(lane string) { t.line("if (first%s) sum%s += g%s;", lane, lane, lane) })
	t.line("}")
	t.line("}")
	t.line("}")
	p.store(t, "sum")
}
