//go:build !amd64 && !arm64

package asm

var supported = []Variant{Go}

// Multiply computes a tile of the given number of rows.
func (v Variant) Multiply(rows int, t *Tile) { multiply(rows, t) }

// FMA computes nothing, as fast as multiply-adds go, and returns how many
// floating-point operations that took. It measures the peak.
func (v Variant) FMA(n int) (flops int) { return peak(n) }

// Pause passes a little time while the caller spins.
func Pause(n int) { peak(n) }

// transpose is not called: there is no variant but Go.
func (v Variant) transpose(_ []float32, _ int, _ []float32, _, _ int) {}

func (v Variant) panel(dst, src []float32, step, cols, rows int) {
	panel(dst, src, v.Width(), step, cols, rows)
}

// Max computes the maxima of windows.
func (v Variant) Max(w *Windows) { plainMax(w) }

// Route adds the gradient of each window's maximum to that of the pixel that is
// the first such.
func (v Variant) Route(w *Windows) { plainRoute(w) }
