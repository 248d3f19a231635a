package vec

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend/cpu/asm"
)

var widths = []int{1, 2, 3, 4, 5, 7, 8, 9, 10, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 128, 129, 1000, 1003}

func normal(r *rand.Rand, n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(r.NormFloat64())
	}
	return out
}

// TestSums: every variant sums in float64, so all are within a rounding of the
// exact sum.
func TestSums(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, v := range asm.Supported() {
		for _, n := range widths {
			const rows = 5
			x := normal(r, rows*n)
			byRow, byColumn := make([]float32, rows+1), make([]float32, n+1)
			byRow[rows], byColumn[n] = 42, 42
			SumRows(v, byRow[:rows], x, n, 3)
			SumColumns(v, byColumn[:n], x, rows, n, 3)
			rowSums, columnSums := make([]float64, rows), make([]float64, n)
			for i, e := range x {
				rowSums[i/n] += float64(e)
				columnSums[i%n] += float64(e)
			}
			near(t, v, "row sum", n, byRow, append(rowSums, 3*42))
			near(t, v, "column sum", n, byColumn, append(columnSums, 3*42))
		}
		wide := normal(r, 1000)
		got := make([]float32, 20)
		SumColumns(v, got, wide[3:], 9, 100, 1)
		for j, g := range got {
			sum := 0.0
			for i := range 9 {
				sum += float64(wide[3+100*i+j])
			}
			if math.Abs(float64(g)-sum) > 1e-6 {
				t.Errorf("%v: column %d sums to %v, want %v", v, j, g, sum)
			}
		}
	}
}

func near(t *testing.T, v asm.Variant, what string, n int, got []float32, want []float64) {
	t.Helper()
	for i, w := range want {
		if math.Abs(float64(got[i])-w/3) > 1e-6*math.Max(1, math.Abs(w)) {
			t.Fatalf("%v: %s %d of width %d is %v, want %v", v, what, i, n, got[i], w/3)
		}
	}
}

// TestLargest compares maximum and its place with the loops in Go, with NaN and
// infinities at any place and equal numbers.
func TestLargest(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, v := range asm.Supported() {
		for _, n := range widths {
			const rows = 40
			x := normal(r, rows*n)
			for i := range x {
				if r.IntN(3) == 0 {
					x[i] = []float32{0, 1, 1, -inf, inf, nan, 2, -inf}[r.IntN(8)]
				}
				if i/n%4 == 0 {
					x[i] = []float32{-inf, nan, -inf}[r.IntN(3)]
				}
			}
			got, want := make([]float32, rows), make([]float32, rows)
			MaxRows(v, got, x, n)
			MaxRows(asm.Go, want, x, n)
			where, wantWhere := make([]int32, rows), make([]int32, rows)
			ArgmaxRows(v, where, x, n)
			ArgmaxRows(asm.Go, wantWhere, x, n)
			for i := range rows {
				if ulps(got[i], want[i]) != 0 || where[i] != wantWhere[i] {
					t.Fatalf("%v: row %v: largest %v at %d, want %v at %d", v, x[i*n:(i+1)*n], got[i], where[i], want[i], wantWhere[i])
				}
			}
		}
	}
}

func TestSpreadRows(t *testing.T) {
	x := []float32{1, -2, 3}
	for _, v := range asm.Supported() {
		for _, n := range widths {
			d := make([]float32, 3*n+1)
			SpreadRows(v, d, x, n)
			for i, got := range d {
				want := float32(0)
				if i < 3*n {
					want = x[i/n]
				}
				if got != want {
					t.Fatalf("%v: width %d: element %d is %v, want %v", v, n, i, got, want)
				}
			}
		}
	}
}

func TestSoftmaxRows(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for _, v := range asm.Supported() {
		for _, n := range widths {
			const rows = 3
			x := normal(r, rows*n)
			for i := range x {
				x[i] *= 10
			}
			if n > 2 {
				x[1], x[n] = float32(math.Inf(-1)), float32(math.NaN())
			}
			d, top, sum := make([]float32, rows*n+1), make([]float32, rows), make([]float32, rows)
			e, wantTop, wantSum := make([]float32, rows*n), make([]float32, rows), make([]float32, rows)
			d[rows*n] = 42
			SoftmaxRows(v, d, x, top, sum, n)
			SoftmaxRows(asm.Go, e, x, wantTop, wantSum, n)
			for i := range e {
				if ulps(d[i], e[i]) > 1 {
					t.Fatalf("%v: width %d: element %d is %v, want %v", v, n, i, d[i], e[i])
				}
			}
			for i := range rows {
				if ulps(top[i], wantTop[i]) > 0 || ulps(sum[i], wantSum[i]) > 8 {
					t.Fatalf("%v: width %d: top and sum are %v and %v, want %v and %v", v, n, top[i], sum[i], wantTop[i], wantSum[i])
				}
			}
			if d[rows*n] != 42 {
				t.Fatalf("%v: width %d: the number behind the last row was written", v, n)
			}
		}
	}
}
