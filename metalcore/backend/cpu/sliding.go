package cpu

import "github.com/metalnb/metalnb/metalcore/backend/cpu/asm"

// bandElems bounds the rows of an image that are worked on at a time, so that
// they stay in a core's cache.
const bandElems = 1 << 15

// sliding is a convolution: for each place, and each column of the result, the
// sum over taps and depth of a pixel times an element of the kernel. A phase is
// a regular grid of places.
type sliding struct {
	images, h, w, depth int  // the source
	out                 int  // columns of the result
	src, dst, kern      int  // numbers of the values
	image               int  // elements of an image of the result
	line, inner         int  // in the kernel: from column to column, and along the depth
	turned              bool // the taps are not in the kernel's order
	phases              []phase
	after               epilogue

	variant asm.Variant
	panels  int
	packed  bool // else the kernel is read where it lies
	bands   []band
}

// phase is a grid of places. Place (i,j) sees the pixels y+i*stepY+tap.y,
// x+j*stepX+tap.x, and its result is at to+i*toRow+j*toCol of its image.
type phase struct {
	rows, cols       int
	y, x             int // may lie in the pad
	stepY, stepX     int
	to, toRow, toCol int
	taps             []tap

	ph, pw int   // pixels that the grid sees
	padded bool  // some of them are pad
	run    int   // consecutive elements of a segment
	offs   []int // where the segments begin, in bytes
	kernAt int   // where the packed kernel begins
}

// tap is a pixel under the kernel, and where its part of the kernel begins.
type tap struct{ y, x, kern int }

// band is some rows of a phase.
type band struct{ phase, row, end int }

func (s *sliding) kernel(c *compiler) kernel {
	s.variant = c.pool.variant
	s.panels = ceilDiv(s.out, s.variant.Width())
	s.packed = s.turned || s.panels > 1
	size, work, room := 0, 0, 0
	for i := range s.phases {
		ph := &s.phases[i]
		s.lay(ph)
		ph.kernAt = size
		size += len(ph.taps) * s.depth * s.panels * s.variant.Width()
		work += ph.rows * ph.cols * len(ph.taps) * s.depth * s.out
		room = max(room, s.cut(i))
	}
	grain := max(1, blockGrain*len(s.bands)/max(1, work))
	part := func(fr *frame, worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			s.band(fr, worker, i/len(s.bands), s.bands[i%len(s.bands)])
		}
	}
	if !s.packed {
		c.need(0, room)
		return func(fr *frame) { fr.pool.run(fr, s.images*len(s.bands), grain, part) }
	}
	c.need(size, room)
	pack := func(fr *frame, _, lo, hi int) {
		for i := lo; i < hi; i++ {
			s.pack(fr, &s.phases[i/s.panels], i%s.panels*s.variant.Width())
		}
	}
	grainPack := max(1, panelGrain*len(s.phases)*s.panels/max(1, size))
	return func(fr *frame) {
		fr.pool.run(fr, len(s.phases)*s.panels, grainPack, pack)
		fr.pool.run(fr, s.images*len(s.bands), grain, part)
	}
}

// lay computes what a phase sees of the source, and the segments in it: taps
// side by side are one segment.
func (s *sliding) lay(ph *phase) {
	if len(ph.taps)*s.depth == 0 {
		return
	}
	last := ph.taps[len(ph.taps)-1]
	ph.ph, ph.pw = (ph.rows-1)*ph.stepY+last.y+1, (ph.cols-1)*ph.stepX+last.x+1
	ph.padded = ph.y < 0 || ph.x < 0 || ph.y+ph.ph > s.h || ph.x+ph.pw > s.w
	wide := s.w
	if ph.padded {
		wide = ph.pw
	}
	together := 1
	for together < len(ph.taps) && ph.taps[together].y == 0 && ph.taps[together].x == together {
		together++
	}
	ph.run = together * s.depth
	for i := 0; i < len(ph.taps); i += together {
		ph.offs = append(ph.offs, 4*(ph.taps[i].y*wide+ph.taps[i].x)*s.depth)
	}
}

// cut divides phase i into bands and returns the room that the copy of one takes.
func (s *sliding) cut(i int) int {
	ph := &s.phases[i]
	row := max(1, ph.pw*s.depth*ph.stepY+ph.cols*s.out)
	bands := max(ceilDiv(ph.rows*row, bandElems), ceilDiv(wantBlocks, max(1, s.images*len(s.phases))))
	bands = max(1, min(bands, ph.rows))
	room := 0
	for b := range bands {
		at, end := b*ph.rows/bands, (b+1)*ph.rows/bands
		s.bands = append(s.bands, band{i, at, end})
		if ph.padded {
			room = max(room, ph.seen(end-at)*ph.pw*s.depth)
		}
	}
	return room
}

// seen is how many rows of the source so many rows of places see.
func (ph *phase) seen(rows int) int { return (rows-1)*ph.stepY + ph.ph - (ph.rows-1)*ph.stepY }

// pack writes the panel of the kernel that begins at column j, tap by tap.
func (s *sliding) pack(fr *frame, ph *phase, j int) {
	width := s.variant.Width()
	at, size := ph.kernAt+j*len(ph.taps)*s.depth, s.depth*width
	for _, t := range ph.taps {
		src := fr.vals[s.kern][t.kern+j*s.line:]
		s.variant.Pack(fr.shared[at:at+size], src, s.line, s.inner, min(width, s.out-j), s.depth)
		at += size
	}
}

// band computes some rows of a phase of an image.
func (s *sliding) band(fr *frame, worker, image int, b band) {
	ph := &s.phases[b.phase]
	dst := fr.vals[s.dst][image*s.image:][:s.image]
	if len(ph.offs) == 0 {
		s.clear(dst, ph, b)
		return
	}
	src := fr.vals[s.src][image*s.h*s.w*s.depth:][:s.h*s.w*s.depth]
	wide := s.w
	if ph.padded {
		pixels := box{ph.y + b.row*ph.stepY, ph.x, ph.seen(b.end - b.row), ph.pw}
		src = pixels.copy(fr.local[worker], src, s.h, s.w, s.depth)
		wide = ph.pw
	} else {
		src = src[((ph.y+b.row*ph.stepY)*s.w+ph.x)*s.depth:]
	}
	width, stepA := s.variant.Width(), ph.stepX*s.depth
	t := asm.Tile{K: ph.run, Segs: len(ph.offs), RowA: 4 * stepA, ThreeA: 12 * stepA, StepA: 4, Offs: &ph.offs[0], RowC: 4 * ph.toCol}
	if s.after.relu {
		t.ReLU = 1
	}
	for j := 0; j < s.out; j += width {
		t.Cols = min(width, s.out-j)
		t.B, t.StepB = &fr.vals[s.kern][j], 4*s.inner
		if s.packed {
			t.B, t.StepB = &fr.shared[ph.kernAt+j*len(ph.taps)*s.depth], 4*width
		}
		if s.after.bias != nil {
			t.Bias = &fr.vals[*s.after.bias][j]
		}
		rows := s.variant.Rows(t.Cols)
		count := ceilDiv(ph.cols, rows)
		for y := b.row; y < b.end; y++ {
			from, to := (y-b.row)*ph.stepY*wide*s.depth, ph.to+y*ph.toRow+j
			for i, x := 0, 0; i < count; i++ {
				next := (i + 1) * ph.cols / count
				t.A, t.C = &src[from+x*stepA], &dst[to+x*ph.toCol]
				s.variant.Multiply(next-x, &t)
				x = next
			}
		}
	}
	if s.after.finish != nil { // the rows of places follow each other
		row := (image*ph.rows + b.row) * ph.cols
		s.after.finish(fr, worker, block{row: row, rows: (b.end - b.row) * ph.cols, cols: s.out})
	}
}

// clear writes the sums of no taps.
func (s *sliding) clear(dst []float32, ph *phase, b band) {
	for y := b.row; y < b.end; y++ {
		for x := range ph.cols {
			at := ph.to + y*ph.toRow + x*ph.toCol
			clear(dst[at : at+s.out])
		}
	}
}

// box is a part of an image, which may reach outside of it.
type box struct{ y, x, rows, cols int }

// copy writes the pixels of the box, with zeros outside of the image [h,w,depth].
func (b box) copy(dst, image []float32, h, w, depth int) []float32 {
	dst = dst[:b.rows*b.cols*depth]
	left := min(max(-b.x, 0), b.cols)
	right := max(min(w-b.x, b.cols), left)
	row := b.cols * depth
	for i := range b.rows {
		d := dst[i*row : (i+1)*row]
		y := b.y + i
		if y < 0 || y >= h || left == right {
			clear(d)
			continue
		}
		from := (y*w + b.x + left) * depth
		clear(d[:left*depth])
		copy(d[left*depth:right*depth], image[from:])
		clear(d[right*depth:])
	}
	return dst
}
