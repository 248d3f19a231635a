package cpu

import (
	"github.com/metalnb/metalnb/metalcore/backend/cpu/asm"
	"github.com/metalnb/metalnb/metalcore/ir"
)

// maxPartials and partialElems bound the partial sums that are kept of a
// kernel's gradient.
const (
	maxPartials  = 8
	partialElems = 1 << 18
)

// correlation is the gradient of a kernel: gk [kh*kw*c, o] = pixels^T g
// [places, o]. The images are divided into groups, each of which gives a
// partial sum, so that there is work for all workers; what the groups are
// depends on the shapes only.
type correlation struct {
	win       window
	out       int
	x, g, dst int
	variant   asm.Variant
	pixels    phase // what the places see
	runs      []run
	groups    int
	parts     int // of the runs, side by side in other workers
	bandRows  int
}

// run is some rows of the result whose pixels lie in memory in threes: row i is
// i/3*three + i%3 elements behind at.
type run struct{ row, rows, at, three int }

func makeConv2DGradKernel(c *compiler, v *ir.Value) (kernel, error) {
	k := v.Shape
	r := &correlation{win: newWindow(v, v.In[0].Shape, v.In[1].Shape, k[0], k[1]), out: k[3],
		x: c.id(v.In[0]), g: c.id(v.In[1]), dst: c.id(v), variant: c.pool.variant}
	return r.kernel(c), nil
}

func (r *correlation) kernel(c *compiler) kernel {
	win := &r.win
	r.lay()
	size := win.kh * win.kw * win.c * r.out
	if len(r.pixels.offs)*win.ow*win.n == 0 {
		return func(fr *frame) { clear(fr.vals[r.dst]) }
	}
	r.groups = max(1, min(win.n, maxPartials, partialElems/size))
	r.parts = max(1, min(len(r.runs), wantBlocks/r.groups))
	room := 0
	if r.pixels.padded {
		room = r.pixels.seen(r.bandRows) * r.pixels.pw * win.c
	}
	shared := r.groups * size
	if r.groups == 1 {
		shared = 0
	}
	c.need(shared, room)
	grain := max(1, blockGrain*r.groups*r.parts/max(1, win.n*win.oh*win.ow*size))
	part := func(fr *frame, worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			r.group(fr, worker, i/r.parts, i%r.parts)
		}
	}
	sum := func(fr *frame, _, lo, hi int) {
		d := fr.vals[r.dst]
		copy(d[lo:hi], fr.shared[lo:hi])
		for g := 1; g < r.groups; g++ {
			addTo(d[lo:hi], fr.shared[g*size+lo:g*size+hi])
		}
	}
	return func(fr *frame) {
		fr.pool.run(fr, r.groups*r.parts, grain, part)
		if r.groups > 1 {
			fr.pool.run(fr, size, cheapGrain/r.groups, sum)
		}
	}
}

func addTo(d, x []float32) {
	x = x[:len(d)]
	for i := range d {
		d[i] += x[i]
	}
}

// lay finds the segments, which are rows of places, and the runs of pixels.
func (r *correlation) lay() {
	win := &r.win
	ph := &r.pixels
	*ph = phase{rows: win.oh, cols: win.ow, y: -win.top, x: -win.left, stepY: win.sh, stepX: win.sw}
	ph.ph, ph.pw = (win.oh-1)*win.sh+(win.kh-1)*win.dh+1, (win.ow-1)*win.sw+(win.kw-1)*win.dw+1
	ph.padded = ph.y < 0 || ph.x < 0 || ph.y+ph.ph > win.h || ph.x+ph.pw > win.w
	wide := win.w
	if ph.padded {
		wide = ph.pw
	}
	row := max(1, ph.pw*win.c*win.sh+win.ow*r.out)
	r.bandRows = max(1, min(win.oh, bandElems/row))
	for y := range r.bandRows {
		ph.offs = append(ph.offs, 4*y*win.sh*wide*win.c)
	}
	rows := r.variant.Rows(min(r.out, r.variant.Width()))
	length, taps := win.c, win.kw // one run for each tap
	if win.dw == 1 || win.kw == 1 {
		length, taps = win.kw*win.c, 1
	}
	if length == 3 && taps == 1 { // the rows of the kernel are the threes
		for p := 0; p < win.kh; p += rows / 3 {
			n := min(rows/3, win.kh-p)
			r.runs = append(r.runs, run{3 * p, 3 * n, p * win.dh * wide * win.c, win.dh * wide * win.c})
		}
		return
	}
	for p := range win.kh {
		for q := range taps {
			count := ceilDiv(length, rows)
			for i := range count {
				lo, hi := i*length/count, (i+1)*length/count
				at := (p*win.dh*wide + q*win.dw) * win.c
				r.runs = append(r.runs, run{(p*taps+q)*length + lo, hi - lo, at + lo, 3})
			}
		}
	}
}

// group computes a part of the runs of one partial sum.
func (r *correlation) group(fr *frame, worker, group, part int) {
	win := &r.win
	dst := fr.vals[r.dst]
	if r.groups > 1 {
		size := win.kh * win.kw * win.c * r.out
		dst = fr.shared[group*size:][:size]
	}
	runs := r.runs[part*len(r.runs)/r.parts : (part+1)*len(r.runs)/r.parts]
	t := asm.Tile{K: win.ow, RowA: 4, StepA: 4 * win.sw * win.c, Offs: &r.pixels.offs[0], StepB: 4 * r.out, RowC: 4 * r.out}
	for image := group * win.n / r.groups; image < (group+1)*win.n/r.groups; image++ {
		for y := 0; y < win.oh; y += r.bandRows {
			rows := min(r.bandRows, win.oh-y)
			t.Segs = rows
			src := fr.vals[r.x][image*win.h*win.w*win.c:][:win.h*win.w*win.c]
			if ph := &r.pixels; ph.padded {
				b := box{ph.y + y*win.sh, ph.x, ph.seen(rows), ph.pw}
				src = b.copy(fr.local[worker], src, win.h, win.w, win.c)
			} else {
				src = src[((ph.y+y*win.sh)*win.w+ph.x)*win.c:]
			}
			r.multiply(&t, dst, src, fr.vals[r.g][(image*win.oh+y)*win.ow*r.out:], runs)
			t.Add = 1
		}
	}
}

// multiply adds the products of a band of places.
func (r *correlation) multiply(t *asm.Tile, dst, src, g []float32, runs []run) {
	width := r.variant.Width()
	for j := 0; j < r.out; j += width {
		t.Cols = min(width, r.out-j)
		t.B = &g[j]
		for _, run := range runs {
			t.A, t.C, t.ThreeA = &src[run.at], &dst[run.row*r.out+j], 4*run.three
			r.variant.Multiply(run.rows, t)
		}
	}
}
