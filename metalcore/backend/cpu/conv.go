package cpu

import "github.com/metalnb/metalnb/metalcore/ir"

// A convolution is a product with a matrix that nobody stores: it has a row for
// each place of the kernel, and in it the pixels that lie under the kernel
// there. The tiles of the product read them straight from the image, or from a
// copy of some of its rows that has the pad around it.

func init() {
	register(map[string]maker{
		"conv2d":             byGroups(makeConv2D, makeGroupedConv2D),
		"conv2d_grad_kernel": byGroups(makeConv2DGradKernel, makeGroupedGradKernel),
		"conv2d_grad_input":  byGroups(makeConv2DGradInput, makeGroupedGradInput),
	})
}

// pointwise tells whether every pixel meets a kernel of one pixel: a plain
// product of pixels and kernel.
func (win *window) pointwise() bool {
	return win.kh == 1 && win.kw == 1 && win.sh == 1 && win.sw == 1 && win.oh == win.h && win.ow == win.w &&
		win.top == 0 && win.left == 0
}

func makeConv2D(c *compiler, v *ir.Value) (kernel, error) { return newConv2D(c, v, epilogue{})(c), nil }

// newConv2D: y [places, o] = pixels [places, kh*kw*c] k [kh*kw*c, o], and what
// comes after it.
func newConv2D(c *compiler, v *ir.Value, after epilogue) func(*compiler) kernel {
	k := v.In[1].Shape
	x, kern, dst, out := c.id(v.In[0]), c.id(v.In[1]), c.id(v), k[3]
	win := newWindow(v, v.In[0].Shape, v.Shape, k[0], k[1])
	if win.pointwise() {
		p := &product{batch: 1, m: win.n * win.h * win.w, n: out, k: win.c, dst: dst, after: after,
			a: matrices{id: x, line: win.c, inner: 1}, b: matrices{id: kern, line: 1, inner: out}}
		return p.kernel
	}
	s := &sliding{images: win.n, h: win.h, w: win.w, depth: win.c, out: out, src: x, dst: dst, image: win.oh * win.ow * out,
		kern: kern, line: 1, inner: out, after: after}
	ph := phase{rows: win.oh, cols: win.ow, y: -win.top, x: -win.left, stepY: win.sh, stepX: win.sw,
		toRow: win.ow * out, toCol: out}
	for p := range win.kh {
		for q := range win.kw {
			ph.taps = append(ph.taps, tap{y: p * win.dh, x: q * win.dw, kern: (p*win.kw + q) * win.c * out})
		}
	}
	s.phases = []phase{ph}
	return s.kernel
}

func makeConv2DGradInput(c *compiler, v *ir.Value) (kernel, error) {
	return newConv2DGradInput(c, v, epilogue{}), nil
}

// newConv2DGradInput: the gradient of a pixel is the sum over the places whose
// kernel covers it. Pixels whose row and column leave the same remainders by the
// stride are covered alike: they are a phase, and each phase is a convolution
// of g, of stride one, with the turned kernel's taps that meet it.
func newConv2DGradInput(c *compiler, v *ir.Value, after epilogue) kernel {
	k := v.In[1].Shape
	win := newWindow(v, v.Shape, v.In[0].Shape, k[0], k[1])
	g, kern, dst, out := c.id(v.In[0]), c.id(v.In[1]), c.id(v), k[3]
	if win.pointwise() {
		p := &product{batch: 1, m: win.n * win.h * win.w, n: win.c, k: out, dst: dst, after: after,
			a: matrices{id: g, line: out, inner: 1}, b: matrices{id: kern, line: out, inner: 1}}
		return p.kernel(c)
	}
	s := &sliding{images: win.n, h: win.oh, w: win.ow, depth: out, out: win.c, src: g, dst: dst, image: win.h * win.w * win.c,
		kern: kern, line: out, inner: 1, turned: true, after: after}
	for y := range min(win.sh, win.h) {
		for x := range min(win.sw, win.w) {
			s.phases = append(s.phases, win.phase(y, x, out))
		}
	}
	return s.kernel(c)
}

// phase is the one of the pixels y+i*sh, x+j*sw.
func (win *window) phase(y, x, out int) phase {
	ph := phase{rows: ceilDiv(win.h-y, win.sh), cols: ceilDiv(win.w-x, win.sw), stepY: 1, stepX: 1,
		to: (y*win.w + x) * win.c, toRow: win.sh * win.w * win.c, toCol: win.sw * win.c}
	for p := win.kh - 1; p >= 0; p-- {
		for q := win.kw - 1; q >= 0; q-- {
			dy, dx := y+win.top-p*win.dh, x+win.left-q*win.dw
			if dy%win.sh == 0 && dx%win.sw == 0 {
				ph.taps = append(ph.taps, tap{y: dy / win.sh, x: dx / win.sw, kern: (p*win.kw + q) * win.c * out})
			}
		}
	}
	if len(ph.taps) > 0 { // the first tap is the least
		ph.y, ph.x = ph.taps[0].y, ph.taps[0].x
	}
	for i := range ph.taps {
		ph.taps[i].y -= ph.y
		ph.taps[i].x -= ph.x
	}
	return ph
}
