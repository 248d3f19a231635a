package asm

var supported = []Variant{Go, AVX2, AVX512}[:detect()+1]

// detect reads what the processor offers and the operating system preserves.
func detect() Variant {
	const (
		fma, xsave, avx = 1 << 12, 1 << 27, 1 << 28          // leaf 1, c
		f16c            = 1 << 29                            // leaf 1, c
		avx2, bmi2      = 1 << 5, 1 << 8                     // leaf 7, b
		f, dq, bw, vl   = 1 << 16, 1 << 17, 1 << 30, 1 << 31 // leaf 7, b
		ymm, zmm        = 0x6, 0xe6                          // saved registers
	)
	top, _, _, _ := cpuid(0, 0)
	if top < 7 {
		return Go
	}
	_, _, c, _ := cpuid(1, 0)
	_, b, _, _ := cpuid(7, 0)
	has := func(word, bits uint32) bool { return word&bits == bits }
	if !has(c, fma|xsave|avx|f16c) || !has(b, avx2|bmi2) || !has(xgetbv(), ymm) {
		return Go
	}
	if has(b, f|dq|bw|vl) && has(xgetbv(), zmm) {
		return AVX512
	}
	return AVX2
}

// Multiply computes a tile of the given number of rows.
func (v Variant) Multiply(rows int, t *Tile) {
	wide := t.Cols > tiles[v].narrow.cols
	switch {
	case v == AVX512 && wide:
		tile512wide(rows, t)
	case v == AVX512:
		tile512narrow(rows, t)
	case v == AVX2 && wide:
		tile256wide(rows, t)
	case v == AVX2:
		tile256narrow(rows, t)
	default:
		multiply(rows, t)
	}
}

// FMA computes nothing, as fast as multiply-adds go, and returns how many
// floating-point operations that took. It measures the peak.
func (v Variant) FMA(n int) (flops int) {
	switch v {
	case AVX512:
		peak512(n)
		return n * 12 * 16 * 2
	case AVX2:
		peak256(n)
		return n * 12 * 8 * 2
	}
	return peak(n)
}

// Pause tells the processor that the caller spins.
func Pause(n int) { pause(n) }

// transpose turns blocks of 8 x 8 around; src has them side by side.
func (v Variant) transpose(dst []float32, rowDst int, src []float32, rowSrc, blocks int) {
	transpose256(&dst[0], 4*rowDst, &src[0], 4*rowSrc, blocks)
}

func (v Variant) panel(dst, src []float32, step, cols, rows int) {
	switch v {
	case AVX512:
		panel512(&dst[0], &src[0], 4*step, rows)
	case AVX2:
		panel256(&dst[0], &src[0], 4*step, rows)
	default:
		panel(dst, src, v.Width(), step, cols, rows)
	}
}

// Max computes the maxima of windows.
func (v Variant) Max(w *Windows) {
	switch {
	case v == AVX512 && w.Channels >= 4:
		max512(w)
	case v == AVX2 && w.Channels%8 == 0:
		max256(w)
	default:
		plainMax(w)
	}
}

// Route adds the gradient of each window's maximum to that of the pixel that is
// the first such.
func (v Variant) Route(w *Windows) {
	switch {
	case v == AVX512 && w.Channels >= 4:
		route512(w)
	case v == AVX2 && w.Channels%8 == 0:
		route256(w)
	default:
		plainRoute(w)
	}
}
