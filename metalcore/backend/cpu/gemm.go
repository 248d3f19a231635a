package cpu

import (
	"github.com/metalnb/metalnb/metalcore/backend/cpu/asm"
)

// How a product is cut up. A tile of results stays in registers while the inner
// index runs; a panel of b, as wide as a tile, serves all the tiles of a block
// of rows while it is in a core's cache.
const (
	depthBlock  = 512 // inner elements at a time; half as many more are not worth a second pass
	blockTiles  = 8   // tiles one above the other in a block of rows
	wantBlocks  = 8   // blocks that keep the workers busy
	packedTiles = 6   // b is packed when more tiles than these read it
	panelGrain  = 1 << 13
	blockGrain  = 1 << 16
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
	// finish, if there is one, gets each finished block of the result's rows.
	finish func(fr *frame, worker int, b block)
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

	variant   asm.Variant
	width     int  // columns of a panel
	depth     int  // inner elements of a pass
	packB     bool // else b is read where it lies
	rowBlocks int  // blocks of a matrix, one above the other
	colBlocks int  // and side by side
	panels    int
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }
func ceilDiv(n, by int) int { return (n + by - 1) / by }

// kernel returns the product as an instruction and reserves its scratch.
func (p *product) kernel(c *compiler) kernel {
	p.schedule(c)
	if p.k == 0 {
		return p.empty
	}
	items := p.rowBlocks * p.colBlocks
	multiply := func(fr *frame, worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			p.block(fr, worker, i/items, i%items/p.colBlocks, i%p.colBlocks)
		}
	}
	grain := max(1, blockGrain*items/max(1, p.m*p.n*p.k))
	if !p.packB {
		return func(fr *frame) { fr.pool.run(fr, p.batch*items, grain, multiply) }
	}
	batchB := p.batch
	if p.oneB {
		batchB = 1
	}
	c.need(batchB*p.k*p.panels*p.width, 0)
	pack := func(fr *frame, _, lo, hi int) {
		for i := lo; i < hi; i++ {
			p.packPanel(fr, i/p.panels, i%p.panels*p.width)
		}
	}
	grainPack := max(1, panelGrain/(p.width*p.k))
	return func(fr *frame) {
		fr.pool.run(fr, batchB*p.panels, grainPack, pack)
		fr.pool.run(fr, p.batch*items, grain, multiply)
	}
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
	tiles := ceilDiv(p.m, p.variant.Rows(min(p.n, p.width)))
	p.rowBlocks = max(1, ceilDiv(tiles, blockTiles))
	p.colBlocks = 1
	if c.pool.threads > 1 {
		p.colBlocks = max(1, min(p.panels, ceilDiv(wantBlocks, max(1, p.rowBlocks*p.batch))))
	}
	p.packB = p.b.line != 1 || tiles > packedTiles || tiles > 1 && p.b.inner*4%2048 == 0
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

// packed is where the panel of b that begins at column j lies.
func (p *product) packed(batch, j int) int {
	if p.oneB {
		batch = 0
	}
	return batch*p.k*p.panels*p.width + j*p.k
}

func (p *product) packPanel(fr *frame, batch, j int) {
	at := p.packed(batch, j)
	src := fr.vals[p.b.id][batch*p.b.step+j*p.b.line:]
	p.variant.Pack(fr.shared[at:at+p.k*p.width], p.width, src, p.b.line, p.b.inner, min(p.width, p.n-j), p.k)
}

// noOffset is the one segment of an operand that has no parts.
var noOffset = new(int)

// block computes a block of the result of matrix batch.
func (p *product) block(fr *frame, worker, batch, rowBlock, colBlock int) {
	row, end := rowBlock*p.m/p.rowBlocks, (rowBlock+1)*p.m/p.rowBlocks
	first, last := colBlock*p.panels/p.colBlocks, (colBlock+1)*p.panels/p.colBlocks
	a := fr.vals[p.a.id][batch*p.a.step:]
	c := fr.vals[p.dst][batch*p.m*p.n:]
	t := asm.Tile{Segs: 1, Offs: noOffset, RowA: 4 * p.a.line, ThreeA: 12 * p.a.line, StepA: 4 * p.a.inner, RowC: 4 * p.n}
	for k := 0; k < p.k; k += p.depth {
		t.K = min(p.depth, p.k-k)
		final := k+t.K == p.k
		if final && p.after.relu {
			t.ReLU = 1
		}
		for j := first * p.width; j < min(last*p.width, p.n); j += p.width {
			t.Cols = min(p.width, p.n-j)
			p.rightAt(fr, &t, batch, k, j)
			if final && p.after.bias != nil {
				t.Bias = &fr.vals[*p.after.bias][j]
			}
			rows := p.variant.Rows(t.Cols)
			count := ceilDiv(end-row, rows)
			for i, at := 0, row; i < count; i++ {
				next := row + (i+1)*(end-row)/count
				t.A, t.C = &a[at*p.a.line+k*p.a.inner], &c[at*p.n+j]
				p.variant.Multiply(next-at, &t)
				at = next
			}
		}
		t.Add = 1
	}
	if p.after.finish != nil {
		col := first * p.width
		p.after.finish(fr, worker, block{batch, row, end - row, col, min(last*p.width, p.n) - col})
	}
}

// rightAt sets where the tile finds b from inner index k and column j on.
func (p *product) rightAt(fr *frame, t *asm.Tile, batch, k, j int) {
	if p.packB {
		t.B, t.StepB = &fr.shared[p.packed(batch, j)+k*p.width], 4*p.width
		return
	}
	t.B, t.StepB = &fr.vals[p.b.id][batch*p.b.step+k*p.b.inner+j], 4*p.b.inner
}
