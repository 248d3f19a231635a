package cpu

import "github.com/metalnb/metalnb/metalcore/backend/cpu/asm"

// small reports whether the product is one panel of one block, of which all but
// the numbers can be prepared.
func (p *product) small() bool {
	return p.batch*p.rowBlocks*p.colBlocks*p.panels == 1 && p.depth == p.k && !p.packA
}

// tiles are those of a small product.
type tiles struct {
	*product
	rows []int
	all  []asm.Tile
}

// prepare points the tiles at a run's buffers.
func (s *tiles) prepare(fr *frame) {
	p, count := s.product, len(s.all)
	t := p.tile()
	t.K, t.Cols = p.k, p.n
	a := p.left(fr, 0, &t, 0, 0, p.m, 0)
	p.right(fr, 0, &t, 0, 0, 0)
	p.complete(fr, &t, 0)
	for i := range s.all {
		at := i * p.m / count
		t.A, t.C = &a[at*t.RowA/4], &fr.vals[p.dst][at*p.n]
		s.rows[i], s.all[i] = (i+1)*p.m/count-at, t
	}
}

func (s *tiles) multiply(fr *frame) {
	p := s.product
	if p.packB {
		p.right(fr, 0, &s.all[0], 0, 0, 0)
	}
	for i := range s.all {
		p.variant.Multiply(s.rows[i], &s.all[i])
	}
	if p.after.finish != nil {
		p.after.finish(fr, 0, block{rows: p.m, cols: p.n})
	}
}
