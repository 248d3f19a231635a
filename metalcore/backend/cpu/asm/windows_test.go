package asm

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestWindows holds the pooling of all variants against the plain one, bit by
// bit: overlapping windows, equal pixels, NaN and infinities.
func TestWindows(t *testing.T) {
	special := []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 0, 1}
	for _, v := range Supported() {
		for channels := 1; channels <= 40; channels++ {
			for _, size := range []struct{ rows, cols, step int }{{1, 1, 1}, {2, 2, 2}, {3, 2, 1}, {2, 3, 4}} {
				const width, height, places = 24, 3, 5
				r := rand.New(rand.NewPCG(uint64(channels), 7))
				fill := func(n int) []float32 {
					s := make([]float32, n)
					for i := range s {
						if s[i] = float32(r.IntN(4)); r.IntN(9) == 0 {
							s[i] = special[r.IntN(len(special))]
						}
					}
					return s
				}
				x, g := fill(width*height*channels), fill(places*channels)
				run := func(variant Variant) (y, d []float32) {
					y, d = make([]float32, places*channels+1), make([]float32, len(x))
					w := Windows{Y: &y[0], X: &x[0], D: &d[0], G: &g[0], Places: places, Channels: channels, Step: 4 * size.step * channels,
						Rows: size.rows, Cols: size.cols, Row: 4 * width * channels, Col: 4 * channels}
					variant.Max(&w)
					variant.Route(&w)
					return y, d
				}
				y, d := run(v)
				wantY, wantD := run(Go)
				same := func(a, b float32) bool { return a == b || a != a && b != b }
				if !slices.EqualFunc(y, wantY, same) || !slices.EqualFunc(d, wantD, same) {
					t.Fatalf("%s, %d channels, %+v:\n%v\n%v\nwant\n%v\n%v", v, channels, size, y, d, wantY, wantD)
				}
			}
		}
	}
}
