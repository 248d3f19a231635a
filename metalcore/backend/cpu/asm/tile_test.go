package asm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
	"unsafe"
)

// TestFields holds the offsets that the generator assumes.
func TestFields(t *testing.T) {
	var x Tile
	offsets := []uintptr{unsafe.Offsetof(x.K), unsafe.Offsetof(x.Segs), unsafe.Offsetof(x.A), unsafe.Offsetof(x.RowA),
		unsafe.Offsetof(x.ThreeA), unsafe.Offsetof(x.StepA), unsafe.Offsetof(x.Offs), unsafe.Offsetof(x.B), unsafe.Offsetof(x.StepB),
		unsafe.Offsetof(x.C), unsafe.Offsetof(x.RowC), unsafe.Offsetof(x.Cols), unsafe.Offsetof(x.Bias), unsafe.Offsetof(x.Add),
		unsafe.Offsetof(x.ReLU)}
	var w Windows
	windows := []uintptr{unsafe.Offsetof(w.Y), unsafe.Offsetof(w.X), unsafe.Offsetof(w.D), unsafe.Offsetof(w.G),
		unsafe.Offsetof(w.Places), unsafe.Offsetof(w.Channels), unsafe.Offsetof(w.Step), unsafe.Offsetof(w.Rows),
		unsafe.Offsetof(w.Cols), unsafe.Offsetof(w.Row), unsafe.Offsetof(w.Col)}
	for _, fields := range [][]uintptr{offsets, windows} {
		for i, at := range fields {
			if at != uintptr(i)*unsafe.Sizeof(x.K) {
				t.Errorf("field %d is at %d", i, at)
			}
		}
	}
}

// TestTiles computes tiles of all sizes by all variants and holds them against
// sums in float64. Around the valid results nothing may change.
func TestTiles(t *testing.T) {
	for _, v := range Supported() {
		t.Run(v.String(), func(t *testing.T) {
			for cols := 1; cols <= v.Width(); cols++ {
				for rows := 1; rows <= v.Rows(cols); rows++ {
					for _, k := range []int{1, 2, 3, 4, 5, 8, 11} {
						checkTile(t, v, rows, cols, k, 1+(rows+k)%3)
					}
				}
			}
		})
	}
}

func checkTile(t *testing.T, v Variant, rows, cols, k, segs int) {
	t.Helper()
	r := rand.New(rand.NewPCG(uint64(rows), uint64(cols)))
	random := func(n int) []float32 {
		s := make([]float32, n)
		for i := range s {
			s[i] = r.Float32() - 0.5
		}
		return s
	}
	// The left operand has its rows in threes, as the taps of a window, or its
	// inner elements or its rows lie side by side.
	ways := [...]struct{ row, three, step int }{{2, 1000, 15}, {50, 150, 1}, {50, 400, 1}, {1, 3, 16}}
	way := ways[(rows+cols+k)%len(ways)]
	row, three, step := way.row, way.three, way.step
	gap := 2*15*k + 100
	a, b := random(5*three+segs*gap+step*k), random(segs*k*(cols+3)+v.Width())
	const guard = 3
	c, bias := random((rows+1)*(cols+guard)), random(cols)
	before := append([]float32(nil), c...)
	offs := make([]int, segs)
	for s := range offs {
		offs[s] = 4 * s * gap
	}
	tile := Tile{K: k, Segs: segs, A: &a[0], RowA: 4 * row, ThreeA: 4 * three, StepA: 4 * step, Offs: &offs[0],
		B: &b[0], StepB: 4 * (cols + 3), C: &c[0], RowC: 4 * (cols + guard), Cols: cols}
	if k%2 == 0 {
		tile.Add = 1
	}
	if k%3 == 0 {
		tile.Bias = &bias[0]
	}
	if k%4 == 1 {
		tile.ReLU = 1
	}
	v.Multiply(rows, &tile)
	for i := range rows + 1 {
		for j := range cols + guard {
			at := i*(cols+guard) + j
			want := float64(before[at])
			if i < rows && j < cols {
				want *= float64(tile.Add)
				for p := range segs * k {
					want += float64(a[p/k*gap+i/3*three+i%3*row+p%k*step]) * float64(b[p*(cols+3)+j])
				}
				if tile.Bias != nil {
					want += float64(bias[j])
				}
				if tile.ReLU != 0 {
					want = max(want, 0)
				}
			}
			if math.Abs(want-float64(c[at])) > 1e-6*float64(segs*k) {
				t.Fatalf("%d x %d, k %d x %d, at %d,%d: %v, want %v", rows, cols, segs, k, i, j, c[at], want)
			}
		}
	}
}

// TestReLUKeepsNaN: a network that diverges must show it.
func TestReLUKeepsNaN(t *testing.T) {
	for _, v := range Supported() {
		one, nan, c, off := float32(1), float32(math.NaN()), float32(0), 0
		v.Multiply(1, &Tile{K: 1, Segs: 1, A: &nan, Offs: &off, B: &one, C: &c, Cols: 1, ReLU: 1})
		if c == c {
			t.Errorf("%s: the ReLU of NaN is %v", v, c)
		}
	}
}

func TestChoose(t *testing.T) {
	for _, v := range Supported() {
		if got, err := Choose(v.String()); got != v || err != nil {
			t.Errorf("Choose(%q) is %v, %v", v, got, err)
		}
	}
	if got, err := Choose(""); got != Best() || err != nil {
		t.Errorf("the default is %v, %v", got, err)
	}
	if _, err := Choose("avx1024"); err == nil {
		t.Error("avx1024 is accepted")
	}
}

// BenchmarkTile reports the speed of single tiles, with operands in the first
// cache, and its ratio to that of nothing but multiply-adds.
func BenchmarkTile(b *testing.B) {
	for _, v := range Supported() {
		for _, cols := range []int{v.Width(), (v.Width() + 1) / 2} {
			rows := v.Rows(cols)
			b.Run(fmt.Sprintf("%s/%dx%d", v, rows, cols), func(b *testing.B) {
				const k, calls = 192, 20
				x, y, c, off := make([]float32, rows*k), make([]float32, (cols+1)*k), make([]float32, rows*cols), 0
				tile := Tile{K: k, Segs: 1, A: &x[0], RowA: 4 * k, ThreeA: 12 * k, StepA: 4, Offs: &off,
					B: &y[0], StepB: 4 * cols, C: &c[0], RowC: 4 * cols, Cols: cols}
				var busy, peak []float64
				for b.Loop() {
					start := time.Now()
					for range calls {
						v.Multiply(rows, &tile)
					}
					middle := time.Now()
					flops := v.FMA(2000)
					peak = append(peak, float64(flops)/time.Since(middle).Seconds())
					busy = append(busy, float64(2*rows*cols*k*calls)/middle.Sub(start).Seconds())
				}
				slices.Sort(busy)
				slices.Sort(peak)
				b.ReportMetric(busy[len(busy)/2]/1e9, "GFLOP/s")
				b.ReportMetric(busy[len(busy)/2]/peak[len(peak)/2], "ofpeak")
			})
		}
	}
}
