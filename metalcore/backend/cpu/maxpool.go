package cpu

import "github.com/metalnb/metalnb/metalcore/ir"

func init() {
	register(map[string]maker{"maxpool2d": makeMaxPool, "maxpool2d_grad": makeMaxPoolGrad})
}

func makeMaxPool(c *compiler, v *ir.Value) (kernel, error) {
	size := v.Ints("window")
	win := newWindow(v, v.In[0].Shape, v.Shape, size[0], size[1])
	dst, src := c.id(v), c.id(v.In[0])
	part := func(fr *frame, _, lo, hi int) {
		for r := lo; r < hi; r++ {
			win.maxRow(fr.vals[dst][r*win.ow*win.c:(r+1)*win.ow*win.c], fr.vals[src], r/win.oh, r%win.oh)
		}
	}
	grain := max(1, cheapGrain/max(1, win.ow*win.c*win.kh*win.kw))
	return func(fr *frame) { fr.pool.run(fr, win.n*win.oh, grain, part) }, nil
}

// maxRow computes row oy of the result for image n.
func (win *window) maxRow(out, x []float32, n, oy int) {
	y0 := oy*win.sh - win.top
	p0, p1 := taps(y0, win.kh, 1, win.h)
	for ox := range win.ow {
		x0 := ox*win.sw - win.left
		q0, q1 := taps(x0, win.kw, 1, win.w)
		d := out[ox*win.c : (ox+1)*win.c]
		first := true
		for p := p0; p < p1; p++ {
			for q := q0; q < q1; q++ {
				at := ((n*win.h+y0+p)*win.w + x0 + q) * win.c
				if in := x[at : at+win.c]; first {
					copy(d, in)
					first = false
				} else {
					keepLarger(d, in)
				}
			}
		}
	}
}

func keepLarger(d, x []float32) {
	x = x[:len(d)]
	for i, a := range d {
		if b := x[i]; b > a || b != b {
			d[i] = b
		}
	}
}

func makeMaxPoolGrad(c *compiler, v *ir.Value) (kernel, error) {
	size := v.Ints("window")
	win := newWindow(v, v.In[0].Shape, v.In[1].Shape, size[0], size[1])
	dst, src, top, grad := c.id(v), c.id(v.In[0]), c.id(v.In[1]), c.id(v.In[2])
	image := win.h * win.w * win.c
	part := func(fr *frame, _, lo, hi int) {
		clear(fr.vals[dst][lo*image : hi*image])
		for n := lo; n < hi; n++ {
			win.route(fr.vals[dst], fr.vals[src], fr.vals[top], fr.vals[grad], n)
		}
	}
	grain := max(1, cheapGrain/(win.oh*win.ow*win.c*win.kh*win.kw))
	return func(fr *frame) { fr.pool.run(fr, win.n, grain, part) }, nil
}

// route adds each gradient of image n to the first element of its window that
// is the largest. Where that is NaN, nothing gets it.
func (win *window) route(d, x, y, g []float32, n int) {
	for oy := range win.oh {
		y0 := oy*win.sh - win.top
		p0, p1 := taps(y0, win.kh, 1, win.h)
		for ox := range win.ow {
			x0 := ox*win.sw - win.left
			q0, q1 := taps(x0, win.kw, 1, win.w)
			from := ((n*win.oh+oy)*win.ow + ox) * win.c
			corner := ((n*win.h+y0+p0)*win.w + x0 + q0) * win.c
			for c, a := range g[from : from+win.c] {
				if at := win.find(x, y[from+c], corner+c, p1-p0, q1-q0); at >= 0 {
					d[at] += a
				}
			}
		}
	}
}

// find returns where the first element equal to top is, among rows x cols of
// one channel from corner on; -1 if there is none.
func (win *window) find(x []float32, top float32, corner, rows, cols int) int {
	for range rows {
		at := corner
		for range cols {
			if x[at] == top {
				return at
			}
			at += win.c
		}
		corner += win.w * win.c
	}
	return -1
}
