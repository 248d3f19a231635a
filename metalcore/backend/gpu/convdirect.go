package gpu

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// fewChannels is the size of groups below which tiles would be mostly empty: each
// result is then summed up by itself. Depthwise convolutions are the most common
// of those.
const fewChannels = 8

// directConv emits a convolution of small groups, or one of its gradients.
func (l *lowerer) directConv(e *ending, s *convolution) {
	switch e.product.Op {
	case "conv2d":
		l.direct(e, s, s.sumForward, s.oh, s.ow, s.o)
	case "conv2d_grad_input":
		l.direct(e, s, s.sumGradInput, s.h, s.w, s.c)
	default:
		s.directGradKernel(e)
	}
}

// direct emits a kernel in which each thread sums up a result, or four channels
// of a depthwise convolution.
func (l *lowerer) direct(e *ending, s *convolution, add func(t *text, width int), h, w, channels int) {
	width := 1
	if s.ins*s.outs == 1 && e.wide {
		width = 4
	}
	params, args := e.buffers()
	l.emit(block{what: "direct_" + e.product.Op, units: s.n * h * w * channels / width, index: e.index, params: params, args: args, body: func(t *text) {
		at := spotAt("i").digits(t, s.index, []string{"n", "y", "x", "c"}, s.n, h, w, channels/width)
		var sums []string
		for j := range width {
			sums = append(sums, fmt.Sprint("sum", j))
			t.line("float sum%d = 0.0f;", j)
		}
		for j, name := range []string{"n", "y", "x", "c"} {
			if at[j] != name {
				t.line("%s %s = %s;", s.index, name, at[j])
			}
		}
		if width > 1 {
			t.line("c *= %du;", width)
		}
		add(t, width)
		e.result(t, times("i", width), sums...)
	}})
}

// sumForward adds up what the window of pixel y, x sees.
func (s *convolution) sumForward(t *text, width int) {
	t.line("for (uint p = 0u; p < %du; p++) {", s.kh)
	t.line("uint r = %s;", minus(plus(times("y", s.down), times("p", s.spreadDown)), s.top))
	t.line("if (r >= %du) continue;", s.h)
	t.line("for (uint q = 0u; q < %du; q++) {", s.kw)
	t.line("uint s = %s;", minus(plus(times("x", s.right), times("q", s.spreadRight)), s.left))
	t.line("if (s >= %du) continue;", s.w)
	t.line("for (uint d = 0u; d < %du; d++) {", s.ins)
	a := plus(s.pixel("n", "r", "s", s.h, s.w, s.c), plus(times(over("c", s.outs), s.ins), "d"))
	b := plus(s.pixel("p", "q", "d", s.kw, s.ins, s.o), "c")
	s.add(t, width, a, b)
}

// sumGradInput adds up what has seen pixel y, x.
func (s *convolution) sumGradInput(t *text, width int) {
	back := func(name, at, place string, pad, spread, stride, size int) {
		t.line("uint %s = %s - %s;", name, plus(at, fmt.Sprintf("%du", pad)), times(place, spread))
		if stride == 1 {
			t.line("if (%s >= %du) continue;", name, size)
			return
		}
		t.line("if (%s %% %du != 0u || %s / %du >= %du) continue;", name, stride, name, stride, size)
		t.line("%s /= %du;", name, stride)
	}
	t.line("for (uint p = 0u; p < %du; p++) {", s.kh)
	back("r", "y", "p", s.top, s.spreadDown, s.down, s.oh)
	t.line("for (uint q = 0u; q < %du; q++) {", s.kw)
	back("s", "x", "q", s.left, s.spreadRight, s.right, s.ow)
	t.line("for (uint d = 0u; d < %du; d++) {", s.outs)
	o := plus(times(over("c", s.ins), s.outs), "d")
	s.add(t, width, plus(s.pixel("n", "r", "s", s.oh, s.ow, s.o), o), plus(s.pixel("p", "q", modulo("c", s.ins), s.kw, s.ins, s.o), o))
}

// add ends the loops over a window: the products of the elements at a and b are
// added, or of four that follow.
func (s *convolution) add(t *text, width int, a, b string) {
	d, m := s.dtype, memoryType(s.dtype)
	if width == 1 {
		t.line("sum0 = f_fma(%s, %s, sum0);", loaded(d, "a["+a+"]"), loaded(d, "b["+b+"]"))
	} else {
		t.line("%s4 u = *(device const %s4*)(a + %s), v = *(device const %s4*)(b + %s);", m, m, a, m, b)
		for j, x := range []string{"x", "y", "z", "w"} {
			t.line("sum%d = f_fma(%s, %s, sum%d);", j, loaded(d, "u."+x), loaded(d, "v."+x), j)
		}
	}
	t.line("}")
	t.line("}")
	t.line("}")
}

// directGradKernel emits a kernel in which the lanes of a SIMD group have an
// element of the kernel each, and SIMD groups and threadgroups share the pixels.
func (s *convolution) directGradKernel(e *ending) {
	const together = groupThreads / 32
	elements, pixels := e.product.Shape.Elems(), s.n*s.oh*s.ow
	groups := upTo(elements, 32)
	parts := max(1, min(enough/groups, pixels/(together*leastPart)))
	each := upTo(pixels, parts)
	parts = upTo(pixels, each)
	params, args := e.buffers()
	if parts > 1 {
		sums := e.l.temporary(int64(parts) * int64(elements) * 4)
		params, args = append(params[:operandBuffers], Param{Name: "part", DType: ir.F32}), append(args[:operandBuffers], sums)
		defer e.together(sums, parts)
	}
	t := newText()
	t.line("uint f = %s;", plus(times(modulo("group.x", groups), 32), "lane"))
	t.line("uint slice = %s;", over("group.x", groups))
	t.line("uint end = slice == %du ? %du : slice * %du + %du;", parts-1, pixels, each, each)
	t.line("float sum = 0.0f;")
	t.line("if (f < %du) {", elements)
	in := spotAt("f").digits(t, "uint", []string{"p", "q", "c", "o"}, s.kh, s.kw, s.ins, s.o)
	t.line("for (uint m = slice * %du + simd; m < end; m += %du) {", each, together)
	at := spotAt("m").digits(t, "uint", []string{"n", "i", "j"}, s.n, s.oh, s.ow)
	t.line("uint y = %s;", minus(plus(times(at[1], s.down), times(in[0], s.spreadDown)), s.top))
	t.line("uint x = %s;", minus(plus(times(at[2], s.right), times(in[1], s.spreadRight)), s.left))
	t.line("if (y >= %du || x >= %du) continue;", s.h, s.w)
	a := plus(s.pixel(at[0], "y", "x", s.h, s.w, s.c), plus(times(over(in[3], s.outs), s.ins), in[2]))
	b := plus(times(as(s.index, "m"), s.o), in[3])
	t.line("sum = f_fma(%s, %s, sum);", loaded(s.dtype, "a["+a+"]"), loaded(s.dtype, "b["+b+"]"))
	t.line("}")
	t.line("}")
	t.line("slices[local] = sum;")
	t.line("barrier();")
	t.line("if (simd == 0u && f < %du) {", elements)
	t.line("for (uint s = 1u; s < %du; s++) sum += slices[s * 32u + lane];", together)
	if parts > 1 {
		t.line("part[%s] = sum;", plus(times("slice", elements), "f"))
	} else {
		e.result(t, "f", "sum")
	}
	t.line("}")
	k := Kernel{Params: params, Threads: groupThreads, Shared: []Shared{{"slices", "float", groupThreads}}, Body: t.String()}
	e.l.call("direct_"+e.product.Op, k, [3]int{groups * parts, 1, 1}, args...)
}
