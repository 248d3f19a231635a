package cpu

import (
	"github.com/metalnb/metalnb/metalcore/backend/cpu/asm"
)

// How a product is cut up. A tile of results stays in registers while the inner
// index runs; a panel of b, as wide as a tile, serves all the tiles of a block
// of rows, and the rows of a serve one panel after the other: the panel shall
// stay in the first cache of a core, the rows in the second.
const (
	depthBlock  = 384     // inner elements of a pass; half as many more are not worth a second one
	blockElems  = 1 << 17 // of the rows of a
	wantBlocks  = 8       // blocks that keep the workers busy
	leastTiles  = 4       // tiles one above the other that are worth a block of their own
	packedTiles = 6       // b is packed when more tiles than these read it
	blockGrain  = 1 << 18
	panelGrain  = 1 << 13
)

// matrices is an operand of a product as memory holds it: element (line,
// inner) of a matrix of the batch is at batch*step + line*line + inner*inner.
// Lines are the rows of the left operand and the columns of the right one.
type matrices struct{ id, step, line, inner int }

// epilogue is what happens to results while they are still in registers or in
// the cache: results = relu(results + bias), then finish.
type epilogue struct {
	bias *int // number of a vector with one element for each column
	relu bool
	// finish, if there is one, gets each finished block of the result's rows; rest
	// makes a kernel that does the same for all of them, where blocks are not whole
	// rows or there is only one.
	finish func(fr *frame, worker int, b block)
	rest   func() kernel
}

// block is a part of a result: rows and columns of matrix batch.
type block struct{ batch, row, rows, col, cols int }

// product is c = a b for a batch of matrices. Every result is summed over k in
// the same order, whoever computes it and however the product is cut up.
type product struct {
	batch, m, n, k int
	oneB           bool // b is the same for the whole batch
	a, b           matrices
	dst            int // number of the result, dense [batch,m,n]
	after          epilogue

	variant      asm.Variant
	width        int  // columns of a panel
	depth        int  // inner elements of a pass
	packA, packB bool // else the operand is read where it lies
	rowBlocks    int  // blocks of a matrix, one above the other
	colBlocks    int  // and side by side
	panels       int
	tall         int // rows of the tallest block
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }
func ceilDiv(n, by int) int { return (n + by - 1) / by }

// kernel returns the product as an instruction and reserves its scratch.
func (p *product) kernel(c *compiler) kernel {
	p.schedule(c)
	if p.k == 0 {
		return p.empty
	}
	if k := p.byLibrary(c); k != nil {
		return k
	}
	if p.after.rest != nil && (p.colBlocks > 1 || p.small()) {
		p.after.finish = nil
		return after(p.multiplier(c), p.after.rest())
	}
	return p.multiplier(c)
}

// after runs one kernel after another.
func after(first, second kernel) kernel {
	return func(fr *frame) {
		first(fr)
		second(fr)
	}
}

// multiplier is the kernel of a product that is cut up.
func (p *product) multiplier(c *compiler) kernel {
	local := 0
	if p.packB {
		local = p.depth * p.width
	}
	if p.packA {
		local += p.packedA()
	}
	c.need(0, local)
	if p.small() {
		count := ceilDiv(p.m, p.variant.Rows(p.n))
		s := &tiles{product: p, rows: make([]int, count), all: make([]asm.Tile, count)}
		c.binds = append(c.binds, s.prepare)
		return s.multiply
	}
	items := p.rowBlocks * p.colBlocks
	multiply := func(fr *frame, worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			p.block(fr, worker, i/items, i%items/p.colBlocks, i%p.colBlocks)
		}
	}
	grain := max(1, blockGrain*items/max(1, p.m*p.n*p.k))
	return func(fr *frame) { fr.pool.run(fr, p.batch*items, grain, multiply) }
}

// schedule decides how the product is cut up. Nothing of it changes a result.
func (p *product) schedule(c *compiler) {
	p.variant = c.pool.variant
	p.width = p.variant.Width()
	p.panels = ceilDiv(p.n, p.width)
	p.depth = max(1, p.k)
	if p.k > depthBlock*3/2 {
		p.depth = ceilDiv(p.k, ceilDiv(p.k, depthBlock))
	}
	p.rowBlocks, p.colBlocks = max(1, ceilDiv(p.m*p.depth, blockElems)), 1
	tiles := ceilDiv(p.m, p.variant.Rows(min(p.n, p.width)))
	if c.pool.threads > 1 {
		p.colBlocks = max(1, min(p.panels, ceilDiv(wantBlocks, max(1, p.rowBlocks*p.batch))))
		more := ceilDiv(wantBlocks, max(1, p.batch*p.colBlocks))
		p.rowBlocks = max(p.rowBlocks, min(more, tiles/leastTiles))
	}
	tiles = ceilDiv(tiles, p.rowBlocks)
	p.tall = ceilDiv(p.m, p.rowBlocks)
	p.packB = p.b.line != 1 || tiles > packedTiles && p.panels > 1 || tiles > 1 && p.b.inner*4%2048 == 0
	// A line of a that is a power of two bytes long has few places in a cache.
	p.packA = p.panels/p.colBlocks >= 4 && p.depth >= 64 && 4*(p.a.line+p.a.inner-1)%1024 == 0
}

// empty writes sums of nothing.
func (p *product) empty(fr *frame) {
	c := fr.vals[p.dst]
	clear(c)
	for i := range c {
		if p.after.bias != nil {
			c[i] = fr.vals[*p.after.bias][i%p.n]
		}
		if p.after.relu {
			c[i] = max(c[i], 0)
		}
	}
	for i := range p.batch {
		if p.after.finish != nil {
			p.after.finish(fr, 0, block{batch: i, rows: p.m, cols: p.n})
		}
	}
}

// noOffset is the one segment of an operand that has no parts.
var noOffset = new(int)

// tile has what all tiles have in common.
func (p *product) tile() asm.Tile { return asm.Tile{Segs: 1, Offs: noOffset, RowC: 4 * p.n} }

// complete lets a tile whose columns begin with j do what comes after the sums.
func (p *product) complete(fr *frame, t *asm.Tile, j int) {
	if p.after.relu {
		t.ReLU = 1
	}
	if p.after.bias != nil {
		t.Bias = &fr.vals[*p.after.bias][j]
	}
}

// block computes a block of the result of matrix batch.
func (p *product) block(fr *frame, worker, batch, rowBlock, colBlock int) {
	row, end := rowBlock*p.m/p.rowBlocks, (rowBlock+1)*p.m/p.rowBlocks
	first, last := colBlock*p.panels/p.colBlocks*p.width, min((colBlock+1)*p.panels/p.colBlocks*p.width, p.n)
	t := p.tile()
	for k := 0; k < p.k; k += p.depth {
		t.K = min(p.depth, p.k-k)
		a := p.left(fr, worker, &t, batch, row, end-row, k)
		final := k+t.K == p.k
		for j := first; j < last; j += p.width {
			t.Cols = min(p.width, p.n-j)
			p.right(fr, worker, &t, batch, k, j)
			if final {
				p.complete(fr, &t, j)
			}
			p.column(fr.vals[p.dst][(batch*p.m+row)*p.n+j:], &t, a, end-row)
		}
		t.Add = 1
	}
	if p.after.finish != nil {
		p.after.finish(fr, worker, block{batch, row, end - row, first, last - first})
	}
}

// column computes the tiles of a panel, one below the other.
func (p *product) column(c []float32, t *asm.Tile, a []float32, rows int) {
	count := ceilDiv(rows, p.variant.Rows(t.Cols))
	at := 0
	for i := range count {
		next := (i + 1) * rows / count
		t.A, t.C = &a[at*t.RowA/4], &c[at*p.n]
		p.variant.Multiply(next-at, t)
		at = next
	}
}

// right sets where the tile finds b from inner index k and column j on.
func (p *product) right(fr *frame, worker int, t *asm.Tile, batch, k, j int) {
	src := fr.vals[p.b.id][batch*p.b.step+k*p.b.inner+j*p.b.line:]
	if !p.packB {
		t.B, t.StepB = &src[0], 4*p.b.inner
		return
	}
	panel := fr.local[worker][:t.K*p.width]
	p.variant.Pack(panel, src, p.b.line, p.b.inner, t.Cols, t.K)
	t.B, t.StepB = &panel[0], 4*p.width
}

// packedA is the room that a packed block of a takes. Its lines begin at
// different places of the cache's sets.
func (p *product) packedA() int {
	return max(p.tall*skewed(p.depth), p.depth*skewed(p.tall))
}

func skewed(n int) int { return roundUp(n, 16) + 16 }

// left sets how the tile steps through a, and returns the block of it that
// begins with a row and an inner index.
func (p *product) left(fr *frame, worker int, t *asm.Tile, batch, row, rows, k int) []float32 {
	a, line, inner := fr.vals[p.a.id][batch*p.a.step+row*p.a.line+k*p.a.inner:], p.a.line, p.a.inner
	if p.packA {
		room := fr.local[worker]
		if p.packB {
			room = room[p.depth*p.width:]
		}
		if inner == 1 {
			line = skewed(t.K)
			a = copyLines(room, line, a, p.a.line, rows, t.K)
		} else {
			inner = skewed(rows)
			a = copyLines(room, inner, a, p.a.inner, t.K, rows)
		}
	}
	t.RowA, t.ThreeA, t.StepA = 4*line, 12*line, 4*inner
	return a
}

// copyLines copies lines of n elements that begin from elements apart, to
// elements apart.
func copyLines(dst []float32, to int, src []float32, from, lines, n int) []float32 {
	for i := range lines {
		copy(dst[i*to:i*to+n], src[i*from:])
	}
	return dst
}
