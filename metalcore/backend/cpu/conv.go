package cpu

import "github.com/metalnb/metalnb/metalcore/ir"

// A convolution is a product with a matrix that nobody stores: it has a row for
// each place of the kernel, and in it the kh*kw*c pixels that lie under the
// kernel there. The packers write the parts of it that a block needs.

func init() {
	register(map[string]maker{
		"conv2d":             byGroups(makeConv2D, makeGroupedConv2D),
		"conv2d_grad_kernel": byGroups(makeConv2DGradKernel, makeGroupedGradKernel),
		"conv2d_grad_input":  byGroups(makeConv2DGradInput, makeGroupedGradInput),
	})
}

// makeConv2D: y [places, o] = pixels [places, kh*kw*c] k [kh*kw*c, o].
func makeConv2D(c *compiler, v *ir.Value) (kernel, error) {
	k := v.In[1].Shape
	win := newWindow(v, v.In[0].Shape, v.Shape, k[0], k[1])
	p := &product{dst: c.id(v), batch: 1, m: win.places(), n: k[3], k: win.patch(),
		packA: win.packPlaces(c.id(v.In[0]))}
	p.packB = matrixPacker(c.id(v.In[1]), p.n, p.k, 0, tileN, true)
	return p.kernel(c), nil
}

// makeConv2DGradKernel: gk [kh*kw*c, o] = pixels^T g [places, o].
func makeConv2DGradKernel(c *compiler, v *ir.Value) (kernel, error) {
	k := v.Shape
	win := newWindow(v, v.In[0].Shape, v.In[1].Shape, k[0], k[1])
	p := &product{dst: c.id(v), batch: 1, m: win.patch(), n: k[3], k: win.places(),
		packA: win.packPixels(c.id(v.In[0]))}
	p.packB = matrixPacker(c.id(v.In[1]), p.n, p.k, 0, tileN, true)
	return p.kernel(c), nil
}

func (win *window) places() int { return win.n * win.oh * win.ow }
func (win *window) patch() int  { return win.kh * win.kw * win.c }

// spot is a place of the kernel: the image, and the row and column of the
// kernel's first pixel, which may lie in the pad.
type spot struct {
	win         *window
	image, y, x int
}

func (win *window) spot(place int) spot {
	row := place / win.ow
	return spot{win: win, image: row / win.oh,
		y: row%win.oh*win.sh - win.top, x: place%win.ow*win.sw - win.left}
}

// next moves to the following place.
func (s *spot) next() {
	win := s.win
	s.x += win.sw
	if s.x+win.left < win.ow*win.sw {
		return
	}
	s.x = -win.left
	s.y += win.sh
	if s.y+win.top < win.oh*win.sh {
		return
	}
	s.y = -win.top
	s.image++
}

// pixel is the offset in the images of row p, column q of the kernel, -1 where
// that is pad.
func (s *spot) pixel(p, q int) int {
	win := s.win
	y, x := s.y+p*win.dh, s.x+q*win.dw
	if y < 0 || y >= win.h || x < 0 || x >= win.w {
		return -1
	}
	return ((s.image*win.h+y)*win.w + x) * win.c
}

// packPlaces packs the pixels under the kernel at some places.
func (win window) packPlaces(id int) packer {
	return func(fr *frame, dst []float32, _, place, rows, k, depth int) {
		clear(dst)
		s := win.spot(place)
		for r := range rows {
			win.packPlace(dst[r:], fr.vals[id], &s, k, depth)
			s.next()
		}
	}
}

// packPlace packs the elements k to k+depth of the patch at one place, each a
// tile's width after the last.
func (win *window) packPlace(dst, x []float32, s *spot, k, depth int) {
	tap, c := k/win.c, k%win.c
	p, q := tap/win.kw, tap%win.kw
	for to := 0; depth > 0; c = 0 {
		n := min(win.c-c, depth)
		if from := s.pixel(p, q); from >= 0 {
			for i, e := range x[from+c : from+c+n] {
				dst[to+i*tileM] = e
			}
		}
		to += n * tileM
		depth -= n
		if q++; q == win.kw {
			p, q = p+1, 0
		}
	}
}

// packPixels packs the transposed matrix: some elements of the patch, over a
// stretch of places.
func (win window) packPixels(id int) packer {
	return func(fr *frame, dst []float32, _, at, rows, place, depth int) {
		clear(dst)
		x := fr.vals[id]
		for r := 0; r < rows; {
			tap, c := (at+r)/win.c, (at+r)%win.c
			n := min(win.c-c, rows-r)
			s := win.spot(place)
			for i := range depth {
				if from := s.pixel(tap/win.kw, tap%win.kw); from >= 0 {
					to := dst[i*tileM+r : i*tileM+r+n]
					for j, e := range x[from+c : from+c+n] {
						to[j] = e
					}
				}
				s.next()
			}
			r += n
		}
	}
}

// bandElems bounds the patches that the gradient of an input has at a time.
const bandElems = 1 << 16

// makeConv2DGradInput computes, a band of places at a time, the gradient of
// the pixels under the kernel, g [places, o] k^T [o, kh*kw*c], and adds it to
// the images. Images are shared among the workers.
func makeConv2DGradInput(c *compiler, v *ir.Value) (kernel, error) {
	k := v.In[1].Shape
	win := newWindow(v, v.Shape, v.In[0].Shape, k[0], k[1])
	out, patch := k[3], win.patch()
	band := min(win.oh*win.ow, max(tileM, bandElems/patch/tileM*tileM))
	wide := roundUp(patch, tileN)
	bandSize := roundUp(band, tileM) * patch
	c.need(out*wide, bandSize+tileM*out)
	g, dst, kern := c.id(v.In[0]), c.id(v), c.id(v.In[1])
	packB := matrixPacker(kern, patch, out, 0, tileN, false)
	image := win.h * win.w * win.c
	part := func(fr *frame, worker, lo, hi int) {
		local := fr.local[worker]
		for n := lo; n < hi; n++ {
			d := fr.vals[dst][n*image : (n+1)*image]
			clear(d)
			for p := 0; p < win.oh*win.ow; p += band {
				rows := min(band, win.oh*win.ow-p)
				from := fr.vals[g][(n*win.oh*win.ow+p)*out:]
				multiplyBand(local[:rows*patch], from, fr.shared, local[bandSize:bandSize+tileM*out], rows, patch, out)
				win.addPatches(d, local[:rows*patch], p)
			}
		}
	}
	grain := max(1, cheapGrain/max(1, win.oh*win.ow*patch*out))
	return func(fr *frame) {
		for j := 0; j < patch; j += tileN {
			packB(fr, fr.shared[j*out:(j+tileN)*out], 0, j, min(tileN, patch-j), 0, out)
		}
		fr.pool.run(fr, win.n, grain, part)
	}, nil
}

// multiplyBand is c [rows,n] = a [rows,k] b, with b packed in panels, and room
// for one packed panel of a.
func multiplyBand(c, a, b, room []float32, rows, n, k int) {
	for i := 0; i < rows; i += tileM {
		r := min(tileM, rows-i)
		packRows(room, a[i*k:], k, tileM, r, k)
		for j := 0; j < n; j += tileN {
			t := tile(room, b[j*k:(j+tileN)*k])
			t.store(c[i*n+j:], n, r, min(tileN, n-j), false)
		}
	}
}

// addPatches adds the gradients under the kernel at consecutive places of one
// image d to it.
func (win *window) addPatches(d, patches []float32, place int) {
	s := win.spot(place)
	for at := 0; at < len(patches); s.next() {
		for p := range win.kh {
			for q := range win.kw {
				if to := s.pixel(p, q); to >= 0 {
					sum := d[to : to+win.c]
					for i, e := range patches[at : at+win.c] {
						sum[i] += e
					}
				}
				at += win.c
			}
		}
	}
}
