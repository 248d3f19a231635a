package cpu

import (
	"github.com/metalnb/metalnb/metalcore/backend/cpu/asm"
	"github.com/metalnb/metalnb/metalcore/ir"
)

func init() {
	register(map[string]maker{"maxpool2d": makeMaxPool, "maxpool2d_grad": makeMaxPoolGrad})
}

func makeMaxPool(c *compiler, v *ir.Value) (kernel, error) {
	size := v.Ints("window")
	win := newWindow(v, v.In[0].Shape, v.Shape, size[0], size[1])
	dst, src, variant := c.id(v), c.id(v.In[0]), c.pool.variant
	part := func(fr *frame, _, lo, hi int) {
		for r := lo; r < hi; r++ {
			for ox := 0; ox < win.ow; {
				w, result, pixel := win.piece(r, ox)
				w.Y, w.X = &fr.vals[dst][result], &fr.vals[src][pixel]
				variant.Max(&w)
				ox += w.Places
			}
		}
	}
	grain := max(1, cheapGrain/max(1, win.ow*win.c*win.kh*win.kw))
	return func(fr *frame) { fr.pool.run(fr, win.n*win.oh, grain, part) }, nil
}

func makeMaxPoolGrad(c *compiler, v *ir.Value) (kernel, error) {
	size := v.Ints("window")
	win := newWindow(v, v.In[0].Shape, v.In[1].Shape, size[0], size[1])
	dst, src, top, grad, variant := c.id(v), c.id(v.In[0]), c.id(v.In[1]), c.id(v.In[2]), c.pool.variant
	image := win.h * win.w * win.c
	part := func(fr *frame, _, lo, hi int) {
		clear(fr.vals[dst][lo*image : hi*image])
		for r := lo * win.oh; r < hi*win.oh; r++ {
			for ox := 0; ox < win.ow; {
				w, result, pixel := win.piece(r, ox)
				w.Y, w.G = &fr.vals[top][result], &fr.vals[grad][result]
				w.X, w.D = &fr.vals[src][pixel], &fr.vals[dst][pixel]
				variant.Route(&w)
				ox += w.Places
			}
		}
	}
	grain := max(1, cheapGrain/(win.oh*win.ow*win.c*win.kh*win.kw))
	return func(fr *frame) { fr.pool.run(fr, win.n, grain, part) }, nil
}

// piece is the windows from number ox on in row r of all images: as many as lie
// inside of the image, or one that reaches into the pad. It says where their
// results and their pixels begin.
func (win *window) piece(r, ox int) (w asm.Windows, result, pixel int) {
	y0, x0 := r%win.oh*win.sh-win.top, ox*win.sw-win.left
	p0, p1 := taps(y0, win.kh, 1, win.h)
	q0, q1 := taps(x0, win.kw, 1, win.w)
	w = asm.Windows{Places: 1, Channels: win.c, Step: 4 * win.sw * win.c, Rows: p1 - p0, Cols: q1 - q0,
		Row: 4 * win.w * win.c, Col: 4 * win.c}
	if w.Cols == win.kw {
		w.Places = min(1+(win.w-win.kw-x0)/win.sw, win.ow-ox)
	}
	return w, (r*win.ow + ox) * win.c, ((r/win.oh*win.h+y0+p0)*win.w + x0 + q0) * win.c
}
