package cpu

import "github.com/metalnb/metalnb/metalcore/ir"

// Convolutions in groups are no matrix product: each result sees only the few
// channels of its group, in depthwise ones a single channel. These kernels go
// from pixel to pixel and work on all channels of a pixel at a time.

// byGroups chooses between the kernel of a convolution as one matrix product
// and that of one in groups.
func byGroups(whole, grouped maker) maker {
	return func(c *compiler, v *ir.Value) (kernel, error) {
		if v.Int("groups") == 1 {
			return whole(c, v)
		}
		return grouped(c, v)
	}
}

// groups is how the channels of a pixel and of a result are split: into count
// parts of in and out of them.
type groups struct{ count, in, out int }

func newGroups(v *ir.Value, k ir.Shape) groups {
	n := v.Int("groups")
	return groups{count: n, in: k[2], out: k[3] / n}
}

// results is the number of channels of a result.
func (g groups) results() int { return g.count * g.out }

// forward adds to the results y what a pixel x gives them through the tap k
// [in, results].
func (g groups) forward(y, x, k []float32) {
	if g.in == 1 && g.out == 1 {
		y, k = y[:len(x)], k[:len(x)]
		for i, a := range x {
			y[i] += a * k[i]
		}
		return
	}
	n := g.results()
	for p := range g.count {
		to := y[p*g.out : (p+1)*g.out]
		for c, a := range x[p*g.in : (p+1)*g.in] {
			for o, b := range k[c*n+p*g.out:][:g.out] {
				to[o] += a * b
			}
		}
	}
}

// toPixel adds to the gradient of a pixel x what that of a result, y, gives it
// through the tap k.
func (g groups) toPixel(x, y, k []float32) {
	if g.in == 1 && g.out == 1 {
		y, k = y[:len(x)], k[:len(x)]
		for i := range x {
			x[i] += y[i] * k[i]
		}
		return
	}
	n := g.results()
	for p := range g.count {
		from := y[p*g.out : (p+1)*g.out]
		for c := range g.in {
			var sum float32
			for o, b := range k[c*n+p*g.out:][:g.out] {
				sum += from[o] * b
			}
			x[p*g.in+c] += sum
		}
	}
}

// makeGroupedConv2D shares the rows of results among the workers.
func makeGroupedConv2D(c *compiler, v *ir.Value) (kernel, error) {
	k := v.In[1].Shape
	win, g := newWindow(v, v.In[0].Shape, v.Shape, k[0], k[1]), newGroups(v, k)
	dst, src, kern, n, tap := c.id(v), c.id(v.In[0]), c.id(v.In[1]), k[3], g.in*k[3]
	part := func(fr *frame, _, lo, hi int) {
		d, x, k := fr.vals[dst], fr.vals[src], fr.vals[kern]
		clear(d[lo*win.ow*n : hi*win.ow*n])
		s := win.spot(lo * win.ow)
		for at := lo * win.ow * n; at < hi*win.ow*n; at += n {
			for t := range win.kh * win.kw {
				if from := s.pixel(t/win.kw, t%win.kw); from >= 0 {
					g.forward(d[at:at+n], x[from:from+win.c], k[t*tap:(t+1)*tap])
				}
			}
			s.next()
		}
	}
	grain := max(1, cheapGrain/max(1, win.ow*win.kh*win.kw*tap))
	return func(fr *frame) { fr.pool.run(fr, win.n*win.oh, grain, part) }, nil
}

// makeGroupedGradInput shares the images among the workers.
func makeGroupedGradInput(c *compiler, v *ir.Value) (kernel, error) {
	k := v.In[1].Shape
	win, g := newWindow(v, v.Shape, v.In[0].Shape, k[0], k[1]), newGroups(v, k)
	dst, grad, kern, n, tap := c.id(v), c.id(v.In[0]), c.id(v.In[1]), k[3], g.in*k[3]
	image, places := win.h*win.w*win.c, win.oh*win.ow
	part := func(fr *frame, _, lo, hi int) {
		d, y, k := fr.vals[dst], fr.vals[grad], fr.vals[kern]
		clear(d[lo*image : hi*image])
		s := win.spot(lo * places)
		for at := lo * places * n; at < hi*places*n; at += n {
			for t := range win.kh * win.kw {
				if to := s.pixel(t/win.kw, t%win.kw); to >= 0 {
					g.toPixel(d[to:to+win.c], y[at:at+n], k[t*tap:(t+1)*tap])
				}
			}
			s.next()
		}
	}
	grain := max(1, cheapGrain/max(1, places*win.kh*win.kw*tap))
	return func(fr *frame) { fr.pool.run(fr, win.n, grain, part) }, nil
}

// makeGroupedGradKernel shares the taps of the kernel among the workers, each
// of which goes over all places. Every tap is summed image by image.
func makeGroupedGradKernel(c *compiler, v *ir.Value) (kernel, error) {
	k := v.Shape
	win, g := newWindow(v, v.In[0].Shape, v.In[1].Shape, k[0], k[1]), newGroups(v, k)
	dst, src, grad, n, tap := c.id(v), c.id(v.In[0]), c.id(v.In[1]), k[3], g.in*k[3]
	c.need(0, tap)
	part := func(fr *frame, worker, lo, hi int) {
		d, x, y := fr.vals[dst], fr.vals[src], fr.vals[grad]
		sum := fr.local[worker][:tap]
		for t := lo; t < hi; t++ {
			to := d[t*tap : (t+1)*tap]
			clear(to)
			s, at := win.spot(0), 0
			for range win.n {
				clear(sum)
				for range win.oh * win.ow {
					if from := s.pixel(t/win.kw, t%win.kw); from >= 0 {
						g.toKernel(sum, x[from:from+win.c], y[at:at+n])
					}
					s.next()
					at += n
				}
				for i, a := range sum {
					to[i] += a
				}
			}
		}
	}
	grain := max(1, cheapGrain/max(1, win.places()*tap))
	return func(fr *frame) { fr.pool.run(fr, win.kh*win.kw, grain, part) }, nil
}

// toKernel adds to the gradient of a tap k what a pixel x and the gradient of a
// result, y, give it.
func (g groups) toKernel(k, x, y []float32) {
	if g.in == 1 && g.out == 1 {
		y, k = y[:len(x)], k[:len(x)]
		for i, a := range x {
			k[i] += a * y[i]
		}
		return
	}
	n := g.results()
	for p := range g.count {
		from := y[p*g.out : (p+1)*g.out]
		for c, a := range x[p*g.in : (p+1)*g.in] {
			to := k[c*n+p*g.out:][:g.out]
			for o, b := range from {
				to[o] += a * b
			}
		}
	}
}
