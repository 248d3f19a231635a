package linalg_test

import (
	"fmt"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/linalg"
)

func array(shape []int, x ...float64) linalg.Array { return linalg.Array{Shape: shape, Data: x} }

func random(seed uint64, shape ...int) linalg.Array {
	r, n := rand.New(rand.NewPCG(seed, 1)), 1
	for _, d := range shape {
		n *= d
	}
	out := linalg.Array{Shape: shape, Data: make([]float64, n)}
	for i := range out.Data {
		out.Data[i] = r.NormFloat64()
	}
	return out
}

func call(t *testing.T, name string, n int, in ...linalg.Array) []linalg.Array {
	t.Helper()
	out, err := linalg.Call(name, n, in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// times is the product of two matrices.
func times(a, b linalg.Array) linalg.Array {
	m, k, n := a.Shape[0], a.Shape[1], b.Shape[1]
	out := linalg.Array{Shape: []int{m, n}, Data: make([]float64, m*n)}
	for i := range m {
		for j := range n {
			for l := range k {
				out.Data[i*n+j] += a.Data[i*k+l] * b.Data[l*n+j]
			}
		}
	}
	return out
}

func turned(a linalg.Array) linalg.Array {
	m, n := a.Shape[0], a.Shape[1]
	out := linalg.Array{Shape: []int{n, m}, Data: make([]float64, m*n)}
	for i := range m {
		for j := range n {
			out.Data[j*m+i] = a.Data[i*n+j]
		}
	}
	return out
}

func eye(n int) linalg.Array {
	out := linalg.Array{Shape: []int{n, n}, Data: make([]float64, n*n)}
	for i := range n {
		out.Data[i*n+i] = 1
	}
	return out
}

func same(t *testing.T, what string, got, want linalg.Array) {
	t.Helper()
	if !slices.Equal(got.Shape, want.Shape) {
		t.Fatalf("%s has shape %v, want %v", what, got.Shape, want.Shape)
	}
	for i, w := range want.Data {
		if !(math.Abs(got.Data[i]-w) <= 1e-9*(1+math.Abs(w))) {
			t.Fatalf("%s: number %d is %v, want %v", what, i, got.Data[i], w)
		}
	}
}

// Factors are what they promise, and multiplied they are the matrix again.
func TestFactors(t *testing.T) {
	for _, size := range [][]int{{1, 1}, {7, 7}, {50, 20}, {20, 50}, {300, 3}, {130, 129}} {
		a := random(1, size...)
		k := min(size[0], size[1])
		qr := call(t, "qr", 0, a)
		same(t, "q r", times(qr[0], qr[1]), a)
		same(t, "q^T q", times(turned(qr[0]), qr[0]), eye(k))
		for i := range k {
			for j := range i {
				if qr[1].Data[i*size[1]+j] != 0 {
					t.Fatalf("%v: r is no triangle", size)
				}
			}
		}
		svd := call(t, "svd", 0, a)
		scaled := linalg.Array{Shape: svd[2].Shape, Data: slices.Clone(svd[2].Data)}
		for i := range scaled.Data {
			scaled.Data[i] *= svd[1].Data[i/size[1]]
		}
		same(t, "u s vt", times(svd[0], scaled), a)
		same(t, "vt v", times(svd[2], turned(svd[2])), eye(k))
		if !slices.IsSortedFunc(svd[1].Data, func(a, b float64) int { return -compare(a, b) }) {
			t.Errorf("singular values %v", svd[1].Data)
		}
		inverse := call(t, "pinv", 0, a)[0]
		same(t, "a a+ a", times(times(a, inverse), a), a)
	}
	a := random(2, 40, 40)
	s := times(a, turned(a))
	l := call(t, "cholesky", 0, s)[0]
	same(t, "l l^T", times(l, turned(l)), s)
	eigh := call(t, "eigh", 0, s)
	w := eye(40)
	for i, x := range eigh[0].Data {
		w.Data[i*41] = x
	}
	same(t, "v w v^T", times(times(eigh[1], w), turned(eigh[1])), s)
	eig := call(t, "eig", 0, a)
	left, right := times(a, eig[2]), linalg.Array{Shape: []int{40, 40}, Data: make([]float64, 1600)}
	for i := range right.Data {
		right.Data[i] = eig[0].Data[i%40]*eig[2].Data[i] - eig[1].Data[i%40]*eig[3].Data[i]
	}
	same(t, "a v", left, right)
}

func compare(a, b float64) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}

// Lengths of all kinds, against the sum that defines the transform.
func TestFourier(t *testing.T) {
	for _, n := range []int{1, 2, 3, 16, 30, 97, 128, 211} {
		re, im := random(3, 2, n), random(4, 2, n)
		out := call(t, "fft", 0, re, im)
		for row := range 2 {
			for k := range n {
				var want complex128
				for j := range n {
					want += complex(re.Data[row*n+j], im.Data[row*n+j]) * cmplx.Rect(1, -2*math.Pi*float64(j*k%n)/float64(n))
				}
				if got := complex(out[0].Data[row*n+k], out[1].Data[row*n+k]); cmplx.Abs(got-want) > 1e-9*float64(n) {
					t.Fatalf("%d numbers: %d is %v, want %v", n, k, got, want)
				}
			}
		}
		back := call(t, "ifft", 0, out...)
		same(t, "real parts", back[0], re)
		same(t, "imaginary parts", back[1], im)
		same(t, "real numbers", call(t, "irfft", n, call(t, "rfft", 0, re)...)[0], re)
	}
	for _, x := range call(t, "fft", 0, array([]int{3}, 1, math.NaN(), 2), array([]int{3}, 0, 0, 0))[0].Data {
		if !math.IsNaN(x) {
			t.Errorf("NaN became %v", x)
		}
	}
}

// Nothing is something, too.
func TestEmpty(t *testing.T) {
	for name, shape := range map[string][]int{"det": {3}, "inv": {3, 0, 0}, "cholesky": {3, 0, 0}, "pinv": {3, 0, 0}, "expm": {3, 0, 0}, "matrix_rank": {3}} {
		out := call(t, name, 0, array([]int{3, 0, 0}))[0]
		if !slices.Equal(out.Shape, shape) {
			t.Errorf("%s has shape %v", name, out.Shape)
		}
	}
	if d := call(t, "det", 0, array([]int{3, 0, 0}))[0].Data; !slices.Equal(d, []float64{1, 1, 1}) {
		t.Errorf("determinants %v", d)
	}
	for _, name := range []string{"qr", "svd", "eigh", "eig", "slogdet"} {
		call(t, name, 0, array([]int{0, 3, 3}))
		call(t, name, 0, array([]int{0, 0}))
	}
	call(t, "solve", 0, array([]int{0, 0}), array([]int{0, 2}))
	call(t, "lstsq", 0, array([]int{0, 2}), array([]int{0}))
}

func TestErrors(t *testing.T) {
	one := array([]int{1, 1}, 1)
	for want, f := range map[string]func() ([]linalg.Array, error){
		`no function "eval"`:              func() ([]linalg.Array, error) { return linalg.Call("eval", 0, nil) },
		"inv: 2 arrays, it takes 1":       func() ([]linalg.Array, error) { return linalg.Call("inv", 0, []linalg.Array{one, one}) },
		"inv: [3] is the shape of no":     single("inv", array([]int{3}, 1, 2, 3)),
		"2 rows and 1 columns is not squ": single("det", array([]int{2, 1}, 1, 2)),
		"inv: the matrix is singular":     single("inv", array([]int{2, 2}, 1, 2, 2, 4)),
		"matrix 1 of 2 is singular":       single("inv", array([]int{2, 1, 1}, 1, 0)),
		"nothing is left (condition":      single("inv", array([]int{3, 3}, 1, 2, 3, 4, 5, 6, 7, 8, 9)),
		"the matrix is not positive def":  single("cholesky", array([]int{2, 2}, 1, 2, 2, 1)),
		"svd: operand 1 holds NaN":        single("svd", array([]int{1, 1}, math.NaN())),
		"eigh: operand 1 holds +Inf":      single("eigh", array([]int{1, 1}, math.Inf(1))),
		"no numbers along the last axis":  single("rfft", array([]int{2, 0})),
		"1 complex numbers do not make 5": func() ([]linalg.Array, error) {
			return linalg.Call("irfft", 5, []linalg.Array{array([]int{1}, 1), array([]int{1}, 1)})
		},
		"parts [1 1] and imaginary parts": func() ([]linalg.Array, error) {
			return linalg.Call("fft", 0, []linalg.Array{one, array([]int{1}, 1)})
		},
		"matrices [1 1] and right sides [2 1] do not fit": func() ([]linalg.Array, error) {
			return linalg.Call("solve", 0, []linalg.Array{one, array([]int{2, 1}, 1, 2)})
		},
		"too many numbers": func() ([]linalg.Array, error) {
			return linalg.Call("lstsq", 0, []linalg.Array{random(1, 1, 20_000), random(1, 1, 20_000)})
		},
	} {
		out, err := f()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, error %v, want one with %q", len(out), err, want)
		}
	}
}

func single(name string, x linalg.Array) func() ([]linalg.Array, error) {
	return func() ([]linalg.Array, error) { return linalg.Call(name, 0, []linalg.Array{x}) }
}

// A line through points.
func ExampleCall() {
	points := linalg.Array{Shape: []int{3, 2}, Data: []float64{0, 1, 1, 1, 2, 1}}
	out, err := linalg.Call("lstsq", 0, []linalg.Array{points, {Shape: []int{3}, Data: []float64{1, 3, 5}}})
	fmt.Printf("%.3f %v\n", out[0].Data, err)
	// Output: [2.000 1.000] <nil>
}
