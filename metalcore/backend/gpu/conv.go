package gpu

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// convolution has the sizes of one of the convolution's ops. Images are
// [n,h,w,c], kernels [kh,kw,c/groups,o], and results [n,oh,ow,o].
type convolution struct {
	n, h, w, c, kh, kw, oh, ow, o        int
	down, right, spreadDown, spreadRight int // stride and dilation
	top, left                            int
	padded                               bool // the window may hang over
	groups, ins, outs                    int  // groups of channels, and those of each in images and results
	phases                               int  // of each group, see gradInput
	index                                string
	dtype                                ir.DType
}

func newConvolution(v *ir.Value) *convolution {
	x, k, y := v.In[0].Shape, v.In[1].Shape, v.Shape
	switch v.Op {
	case "conv2d_grad_input":
		x, y = y, x
	case "conv2d_grad_kernel":
		k, y = y, k
	}
	stride, dilation, pad := v.Ints("stride"), v.Ints("dilation"), v.Ints("pad")
	s := &convolution{n: x[0], h: x[1], w: x[2], c: x[3], kh: k[0], kw: k[1], oh: y[1], ow: y[2], o: y[3],
		down: stride[0], right: stride[1], spreadDown: dilation[0], spreadRight: dilation[1], top: pad[0], left: pad[2],
		groups: v.Int("groups"), phases: 1, index: indexType(v, v.In[0], v.In[1]), dtype: v.DType}
	s.padded = pad[0]+pad[1]+pad[2]+pad[3] > 0
	s.ins, s.outs = s.c/s.groups, s.o/s.groups
	return s
}

// conv emits a convolution or one of its gradients.
func (l *lowerer) conv(e *ending) {
	s := newConvolution(e.product)
	switch {
	case s.groups > 1 && min(s.ins, s.outs) < fewChannels:
		l.directConv(e, s)
	case s.pointwise():
		s.asMatrices(e).emit()
	case e.product.Op == "conv2d":
		s.forward(e).emit()
	case e.product.Op == "conv2d_grad_input":
		s.gradInput(e).emit()
	default:
		s.gradKernel(e).emit()
	}
}

// pointwise reports whether each pixel is computed of one pixel.
func (s *convolution) pointwise() bool {
	return s.kh*s.kw == 1 && s.down == 1 && s.right == 1 && !s.padded && s.groups == 1
}

// asMatrices is a pointwise convolution: the pixels are rows of channels.
func (s *convolution) asMatrices(e *ending) *contraction {
	pixels, v := s.n*s.h*s.w, e.product
	c := &contraction{ending: e, batch: 1}
	switch v.Op {
	case "conv2d":
		c.m, c.n, c.k = pixels, s.o, s.c
	case "conv2d_grad_input":
		c.m, c.n, c.k = pixels, s.c, s.o
	default:
		c.m, c.n, c.k = s.c, s.o, pixels
	}
	c.a = matrixOf("a", v.In[0], c.m, c.k, v.Op != "conv2d_grad_kernel", false)
	c.b = matrixOf("b", v.In[1], c.n, c.k, v.Op == "conv2d_grad_input", false)
	c.rowsOf(c.n)
	return c
}

// forward is a product of the images' windows with the kernel: a row for each
// pixel of the result, a column for each of its channels.
func (s *convolution) forward(e *ending) *contraction {
	c := &contraction{ending: e, m: s.n * s.oh * s.ow, n: s.outs, k: s.kh * s.kw * s.ins, batch: s.groups}
	c.a = s.windows("a", e.product.In[0], true)
	c.b = s.channels("b", e.product.In[1])
	c.row = s.rowsOf(c)
	return c
}

// gradKernel is a product of the images' windows, of which each is a column, with
// the pixels of the result's gradient.
func (s *convolution) gradKernel(e *ending) *contraction {
	c := &contraction{ending: e, m: s.kh * s.kw * s.ins, n: s.outs, k: s.n * s.oh * s.ow, batch: s.groups}
	c.a = s.windows("a", e.product.In[0], false)
	c.b = s.channels("b", e.product.In[1])
	c.row = s.rowsOf(c)
	return c
}

// rowsOf says that rows have all channels of a result, and a z some of them.
func (s *convolution) rowsOf(c *contraction) func(t *text, m string) (string, string) {
	return func(t *text, m string) (string, string) {
		return plus(times(as(s.index, m), s.o), s.group(s.outs)), ""
	}
}

// group is where the channels of group z begin.
func (s *convolution) group(size int) string {
	if s.groups == 1 {
		return "0u"
	}
	return times(over("z", s.phases), size)
}

// channels is an operand that is a matrix of s.o columns, of which a group has
// some.
func (s *convolution) channels(name string, v *ir.Value) matrix {
	return matrix{name: name, dtype: v.DType, wide: s.outs%4 == 0, at: func(t *text, own, k spot) (string, string) {
		return plus(plus(times(as(s.index, factor(k.String())), s.o), s.group(s.outs)), own.String()), ""
	}}
}

// windows is an operand whose element for a pixel of the result and a place of
// its window is that of an image; along k go the window's places or the pixels.
func (s *convolution) windows(name string, v *ir.Value, inner bool) matrix {
	return matrix{name: name, dtype: v.DType, inner: inner, wide: s.ins%4 == 0, at: func(t *text, own, k spot) (string, string) {
		pixel, window := own, k
		if !inner {
			pixel, window = k, own
		}
		at := pixel.digits(t, "uint", []string{"n", "i", "j"}, s.n, s.oh, s.ow)
		in := window.digits(t, "uint", []string{"p", "q", "c"}, s.kh, s.kw, s.ins)
		t.line("uint y = %s, x = %s;", minus(plus(times(at[1], s.down), times(in[0], s.spreadDown)), s.top),
			minus(plus(times(at[2], s.right), times(in[1], s.spreadRight)), s.left))
		there := ""
		if s.padded { // what lies before the image is, as an uint, far behind it
			there = fmt.Sprintf("y < %du && x < %du", s.h, s.w)
		}
		return plus(plus(s.pixel(at[0], "y", "x", s.h, s.w, s.c), s.group(s.ins)), in[2]), there
	}}
}

// pixel is where one begins, in images of h x w pixels of c channels.
func (s *convolution) pixel(n, y, x string, h, w, c int) string {
	row := factor(plus(times(as(s.index, n), h), y))
	return times(factor(plus(times(row, w), x)), c)
}

// minus leaves out what changes nothing.
func minus(a string, n int) string {
	if n == 0 {
		return a
	}
	return fmt.Sprintf("%s - %du", a, n)
}
