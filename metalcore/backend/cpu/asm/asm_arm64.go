package asm

// supported are the variants that this processor can run. All of arm64 has NEON.
var supported = []Variant{Go, NEON}

// Multiply computes a tile of the given number of rows.
func (v Variant) Multiply(rows int, t *Tile) {
	switch narrow := tiles[NEON].narrow.cols; {
	case v != NEON:
		multiply(rows, t)
	case t.Cols == tiles[NEON].wide.cols:
		tileNEONwide(rows, t)
	case t.Cols == narrow:
		tileNEONnarrow(rows, t)
	default:
		part(rows, t, t.Cols > narrow)
	}
}

// part computes a tile that does not fill its registers: what it reads and
// writes of results and bias is copied from and to a block that does.
func part(rows int, t *Tile, wide bool) {
	var block [6 * 16]float32 // or 12 * 8
	var bias [16]float32
	full, size := *t, tiles[NEON].narrow
	if wide {
		size = tiles[NEON].wide
	}
	full.C, full.RowC, full.Cols = &block[0], 4*size.cols, size.cols
	if t.Add != 0 {
		copyRowsNEON(full.C, full.RowC, t.C, t.RowC, t.Cols, rows)
	}
	if t.Bias != nil {
		copyRowsNEON(&bias[0], 0, t.Bias, 0, t.Cols, 1)
		full.Bias = &bias[0]
	}
	if wide {
		tileNEONwide(rows, &full)
	} else {
		tileNEONnarrow(rows, &full)
	}
	copyRowsNEON(t.C, t.RowC, full.C, full.RowC, t.Cols, rows)
}

// FMA computes nothing, as fast as multiply-adds go, and returns how many
// floating-point operations that took. It measures the peak.
func (v Variant) FMA(n int) (flops int) {
	if v != NEON {
		return peak(n)
	}
	peakNEON(n)
	return n * 24 * 4 * 2
}

// Pause passes a little time while the caller spins.
func Pause(n int) { peak(n) }

// transpose turns blocks of 8 x 8 around; src has them side by side.
func (v Variant) transpose(dst []float32, rowDst int, src []float32, rowSrc, blocks int) {
	transposeNEON(&dst[0], 4*rowDst, &src[0], 4*rowSrc, blocks)
}

func (v Variant) panel(dst, src []float32, step, cols, rows int) {
	if v != NEON {
		panel(dst, src, v.Width(), step, cols, rows)
		return
	}
	copyRowsNEON(&dst[0], 4*v.Width(), &src[0], 4*step, cols, rows)
}

// Max computes the maxima of windows.
func (v Variant) Max(w *Windows) {
	if v == NEON {
		maxNEON(w)
	} else {
		plainMax(w)
	}
}

// Route adds the gradient of each window's maximum to that of the pixel that is
// the first such.
func (v Variant) Route(w *Windows) {
	if v == NEON {
		routeNEON(w)
	} else {
		plainRoute(w)
	}
}
