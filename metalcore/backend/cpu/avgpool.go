package cpu

import "github.com/metalnb/metalnb/metalcore/ir"

func init() {
	register(map[string]maker{"avgpool2d": makeAvgPool, "avgpool2d_grad": makeAvgPoolGrad})
}

// makeAvgPool shares the rows of results among the workers.
func makeAvgPool(c *compiler, v *ir.Value) (kernel, error) {
	size, all := v.Ints("window"), v.Bool("count_include_pad")
	win := newWindow(v, v.In[0].Shape, v.Shape, size[0], size[1])
	dst, src := c.id(v), c.id(v.In[0])
	part := func(fr *frame, _, lo, hi int) {
		d, x := fr.vals[dst], fr.vals[src]
		for r := lo; r < hi; r++ {
			for ox := range win.ow {
				mean := d[(r*win.ow+ox)*win.c : (r*win.ow+ox+1)*win.c]
				clear(mean)
				win.pixels(r/win.oh, r%win.oh, ox, func(at int) {
					for i, a := range x[at : at+win.c] {
						mean[i] += a
					}
				})
				scale := win.share(r%win.oh, ox, all)
				for i := range mean {
					mean[i] *= scale
				}
			}
		}
	}
	grain := max(1, cheapGrain/max(1, win.ow*win.c*win.kh*win.kw))
	return func(fr *frame) { fr.pool.run(fr, win.n*win.oh, grain, part) }, nil
}

// makeAvgPoolGrad shares the images among the workers.
func makeAvgPoolGrad(c *compiler, v *ir.Value) (kernel, error) {
	size, all := v.Ints("window"), v.Bool("count_include_pad")
	win := newWindow(v, v.Shape, v.In[0].Shape, size[0], size[1])
	dst, grad := c.id(v), c.id(v.In[0])
	image, places := win.h*win.w*win.c, win.oh*win.ow
	part := func(fr *frame, _, lo, hi int) {
		d := fr.vals[dst]
		clear(d[lo*image : hi*image])
		for p := lo * places; p < hi*places; p++ {
			oy, ox := p%places/win.ow, p%win.ow
			g, scale := fr.vals[grad][p*win.c:(p+1)*win.c], win.share(oy, ox, all)
			win.pixels(p/places, oy, ox, func(at int) {
				for i := range g {
					d[at+i] += scale * g[i]
				}
			})
		}
	}
	grain := max(1, cheapGrain/max(1, places*win.c*win.kh*win.kw))
	return func(fr *frame) { fr.pool.run(fr, win.n, grain, part) }, nil
}

// pixels calls f with the offset of each pixel of image n under the window at
// row oy and column ox.
func (win *window) pixels(n, oy, ox int, f func(at int)) {
	y, x := oy*win.sh-win.top, ox*win.sw-win.left
	p0, p1 := taps(y, win.kh, 1, win.h)
	q0, q1 := taps(x, win.kw, 1, win.w)
	for p := p0; p < p1; p++ {
		for q := q0; q < q1; q++ {
			f(((n*win.h+y+p)*win.w + x + q) * win.c)
		}
	}
}

// share is one over the number of pixels that a mean is over: all places of
// the window, or those on the image.
func (win *window) share(oy, ox int, all bool) float32 {
	if all {
		return 1 / float32(win.kh*win.kw)
	}
	p0, p1 := taps(oy*win.sh-win.top, win.kh, 1, win.h)
	q0, q1 := taps(ox*win.sw-win.left, win.kw, 1, win.w)
	return 1 / float32((p1-p0)*(q1-q0))
}
