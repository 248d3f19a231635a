package cpu

// The sizes of a product's blocks: a tile of tileM x tileN results is summed in
// registers over blockK elements; blockM rows of the left operand are packed at
// a time, small enough for a core's own cache.
const (
	tileM  = 4
	tileN  = 2
	blockM = 64
	blockK = 256
)

// packer writes the part of an operand that begins at row (or column) i and
// inner index k, of size rows x depth, into dst: inner index by inner index,
// each with the tile's rows side by side, zeros where the tile is not full.
type packer func(fr *frame, dst []float32, batch, i, rows, k, depth int)

// product is c = a b for a batch of matrices, whatever a and b are stored as:
// the packers know. Every result is summed over k in the same order, whoever
// computes it.
type product struct {
	batch, m, n, k int
	oneB           bool // b is the same for the whole batch
	packA, packB   packer
	dst            int // number of the result, dense [batch,m,n]
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }

// kernel returns the product as an instruction and reserves its scratch: all
// of b packed, and a block of a for each worker.
func (p *product) kernel(c *compiler) kernel {
	wideB := roundUp(p.n, tileN)
	batchB := p.batch
	if p.oneB {
		batchB = 1
	}
	c.need(batchB*p.k*wideB, blockM*blockK)
	panels, blocks := wideB/tileN, (p.m+blockM-1)/blockM
	pack := func(fr *frame, _, lo, hi int) {
		for i := lo; i < hi; i++ {
			p.packPanel(fr, i/panels, i%panels)
		}
	}
	multiply := func(fr *frame, worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			p.rows(fr, worker, i/blocks, i%blocks*blockM)
		}
	}
	grainPack := max(1, cheapGrain/(tileN*max(p.k, 1)))
	grain := max(1, cheapGrain/(blockM*max(p.k*p.n, 1)))
	return func(fr *frame) {
		fr.pool.run(fr, batchB*panels, grainPack, pack)
		fr.pool.run(fr, p.batch*blocks, grain, multiply)
	}
}

// packed is where the panel of b that begins at column j lies in the block of
// the inner index that begins at k.
func (p *product) packed(batch, j, k, depth int) int {
	if p.oneB {
		batch = 0
	}
	wide := roundUp(p.n, tileN)
	return (batch*p.k+k)*wide + j*depth
}

func (p *product) packPanel(fr *frame, batch, panel int) {
	j := panel * tileN
	for k := 0; k < p.k; k += blockK {
		depth := min(blockK, p.k-k)
		at := p.packed(batch, j, k, depth)
		p.packB(fr, fr.shared[at:at+depth*tileN], batch, j, min(tileN, p.n-j), k, depth)
	}
}

// rows computes up to blockM rows of the result, from row i0 on.
func (p *product) rows(fr *frame, worker, batch, i0 int) {
	m := min(blockM, p.m-i0)
	c := fr.vals[p.dst][(batch*p.m+i0)*p.n:][:m*p.n]
	if p.k == 0 {
		clear(c)
		return
	}
	for k := 0; k < p.k; k += blockK {
		depth := min(blockK, p.k-k)
		a := fr.local[worker][:roundUp(m, tileM)*depth]
		for i := 0; i < m; i += tileM {
			p.packA(fr, a[i*depth:(i+tileM)*depth], batch, i0+i, min(tileM, m-i), k, depth)
		}
		for j := 0; j < p.n; j += tileN {
			at := p.packed(batch, j, k, depth)
			b := fr.shared[at : at+depth*tileN]
			for i := 0; i < m; i += tileM {
				t := tile(a[i*depth:(i+tileM)*depth], b)
				t.store(c[i*p.n+j:], p.n, min(tileM, m-i), min(tileN, p.n-j), k > 0)
			}
		}
	}
}

// results are the numbers of a tile, row by row.
type results [tileM * tileN]float32

// tile multiplies a packed panel of a with one of b.
func tile(a, b []float32) results {
	var c00, c01, c10, c11, c20, c21, c30, c31 float32
	for len(a) >= tileM && len(b) >= tileN {
		b0, b1 := b[0], b[1]
		x := a[0]
		c00 += x * b0
		c01 += x * b1
		x = a[1]
		c10 += x * b0
		c11 += x * b1
		x = a[2]
		c20 += x * b0
		c21 += x * b1
		x = a[3]
		c30 += x * b0
		c31 += x * b1
		a, b = a[tileM:], b[tileN:]
	}
	return results{c00, c01, c10, c11, c20, c21, c30, c31}
}

// store writes the valid part of a tile, or adds it to what earlier blocks of
// the inner index gave.
func (t *results) store(c []float32, stride, rows, cols int, add bool) {
	for i := range rows {
		row := c[i*stride : i*stride+cols]
		for j := range row {
			if add {
				row[j] += t[i*tileN+j]
			} else {
				row[j] = t[i*tileN+j]
			}
		}
	}
}

// packRows packs rows of a matrix of the given row length that begins at
// offset: element (i,k) is at i*stride+k. Width is the tile's.
func packRows(dst, x []float32, stride, width, rows, depth int) {
	if rows < width {
		clear(dst)
	}
	for r := range rows {
		at := r
		for _, e := range x[r*stride : r*stride+depth] {
			dst[at] = e
			at += width
		}
	}
}

// packColumns packs columns: element (i,k) is at k*stride+i.
func packColumns(dst, x []float32, stride, width, cols, depth int) {
	if cols < width {
		clear(dst)
	}
	for k := range depth {
		to := dst[k*width : k*width+cols]
		for i, e := range x[k*stride : k*stride+cols] { // too few for copy
			to[i] = e
		}
	}
}
