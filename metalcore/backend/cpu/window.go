package cpu

import "github.com/metalnb/metalnb/metalcore/ir"

// window is how a window or a kernel slides over images [N,H,W,C].
type window struct {
	n, h, w, c int // the images
	oh, ow     int // its places
	kh, kw     int // its size
	sh, sw     int // from place to place
	dh, dw     int // from one of its own rows or columns to the next
	top, left  int // pad
}

// newWindow reads the attributes of a pooling or convolution op.
func newWindow(v *ir.Value, x, y ir.Shape, kh, kw int) window {
	s, p := v.Ints("stride"), v.Ints("pad")
	win := window{n: x[0], h: x[1], w: x[2], c: x[3], oh: y[1], ow: y[2], kh: kh, kw: kw,
		sh: s[0], sw: s[1], dh: 1, dw: 1, top: p[0], left: p[2]}
	if d := v.Ints("dilation"); d != nil {
		win.dh, win.dw = d[0], d[1]
	}
	return win
}

// taps returns which of a window's size k, dilated, falls on 0..limit-1 when
// the window begins at start.
func taps(start, k, dilation, limit int) (lo, hi int) {
	if start < 0 {
		lo = (-start + dilation - 1) / dilation
	}
	hi = k
	if last := start + (k-1)*dilation; last >= limit {
		hi = 0
		if start < limit {
			hi = (limit-1-start)/dilation + 1
		}
	}
	return lo, max(lo, hi)
}

func (win *window) places() int { return win.n * win.oh * win.ow }

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
