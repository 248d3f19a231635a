package gpu

import (
	"fmt"
	"strings"
)

// gradInput is a product of the result's gradient with the kernel: a row for each
// pixel of the images, which gathers what it was multiplied with.
//
// Windows begin at every stride-th pixel, so that which places of the kernel have
// seen a pixel depends on where it lies between two of those, its phase. The
// pixels of a phase are a product of their own; all have one form.
func (s *convolution) gradInput(e *ending) *contraction {
	v := e.product
	ys, xs := newPhases(s.down, s.spreadDown, s.kh, s.top), newPhases(s.right, s.spreadRight, s.kw, s.left)
	s.phases = s.down * s.right
	h, w := upTo(s.h, s.down), upTo(s.w, s.right)
	c := &contraction{ending: e, m: s.n * h * w, n: s.ins, k: ys.most * xs.most * s.outs, batch: s.groups * s.phases}
	ys.name, xs.name = modulo(over("z", s.right), s.down), modulo("z", s.right)
	kernel := func(t *text, k spot) (p, q, o, there string) {
		at := k.digits(t, "uint", []string{"p", "q", "o"}, ys.most, xs.most, s.outs)
		p, q = ys.kernel(t, "kp", at[0]), xs.kernel(t, "kq", at[1])
		return p, q, at[2], both(ys.within(p), xs.within(q))
	}
	c.a = matrix{name: "a", dtype: v.DType, inner: true, wide: s.outs%4 == 0, at: func(t *text, own, k spot) (string, string) {
		at := own.digits(t, "uint", []string{"n", "i", "j"}, s.n, h, w)
		p, q, o, there := kernel(t, k)
		t.line("uint y = %s, x = %s;", ys.result(at[1], p), xs.result(at[2], q))
		there = both(there, fmt.Sprintf("y < %du && x < %du", s.oh, s.ow))
		return plus(plus(s.pixel(at[0], "y", "x", s.oh, s.ow, s.o), s.group(s.outs)), o), there
	}}
	c.b = matrix{name: "b", dtype: v.DType, inner: true, wide: s.outs%4 == 0, at: func(t *text, own, k spot) (string, string) {
		p, q, o, there := kernel(t, k)
		return plus(plus(s.pixel(p, q, own.String(), s.kw, s.ins, s.o), s.group(s.outs)), o), there
	}}
	c.row = func(t *text, m string) (string, string) {
		at := spotAt(m).digits(t, "uint", []string{"image", "above", "before"}, s.n, h, w)
		y, x := plus(times(at[1], s.down), ys.name), plus(times(at[2], s.right), xs.name)
		there := ""
		if s.h%s.down != 0 {
			there = fmt.Sprintf("%s < %du", y, s.h)
		}
		if s.w%s.right != 0 {
			there = both(there, fmt.Sprintf("%s < %du", x, s.w))
		}
		return plus(s.pixel(at[0], y, x, s.h, s.w, s.c), s.group(s.ins)), there
	}
	return c
}

// both is the condition that two others hold, of which none may be one.
func both(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + " && " + b
}

// phases are those along an axis.
type phases struct {
	name           string // of a pixel's
	stride, spread int
	size, pad      int   // the kernel's
	first          []int // place of the kernel that sees the pixels of each phase
	step           int   // to the next one
	most           int   // of them
}

func newPhases(stride, spread, size, pad int) *phases {
	p := &phases{stride: stride, spread: spread, size: size, pad: pad, step: 1}
	for p.step*spread%stride != 0 {
		p.step++
	}
	p.most = upTo(size, p.step)
	for phase := range stride {
		first := 0
		for first < p.step && (phase+pad-first*spread)%stride != 0 {
			first++
		}
		if first == p.step { // none sees it
			first = size
		}
		p.first = append(p.first, first)
	}
	return p
}

// kernel is the place of the kernel that is number at of a pixel's.
func (p *phases) kernel(t *text, name, at string) string {
	last := p.first[p.stride-1]
	first := fmt.Sprintf("%du", last)
	var choice strings.Builder
	for phase, f := range p.first {
		if f != last {
			fmt.Fprintf(&choice, "%s == %du ? %du : ", p.name, phase, f)
		}
	}
	if choice.Len() > 0 {
		first = paren(choice.String() + first)
	}
	x := plus(times(at, p.step), first)
	if x == at {
		return at
	}
	t.line("uint %s = %s;", name, x)
	return name
}

// within is the condition that the kernel has a place.
func (p *phases) within(place string) string {
	for _, f := range p.first {
		if f+(p.most-1)*p.step >= p.size {
			return fmt.Sprintf("%s < %du", place, p.size)
		}
	}
	return ""
}

// result is the place of the result that saw pixel i of the phase with a place of
// the kernel; what lies before all of them is, as an uint, far behind.
func (p *phases) result(i, place string) string {
	x := plus(plus(times(i, p.stride), p.name), fmt.Sprintf("%du", p.pad))
	return over(x+" - "+times(factor(place), p.spread), p.stride)
}
