//go:build linux

package sim

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/backend/gpu"
)

// compileFile compiles a file of testdata.
func compileFile(t *testing.T, name string, compile func(...string) (*Library, error)) *Library {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	l, err := compile(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// bind puts values into guarded memory, and returns it as buffers.
func bind(t *testing.T, buffers ...any) ([]unsafe.Pointer, []*Memory) {
	t.Helper()
	var ptrs []unsafe.Pointer
	var mems []*Memory
	for _, b := range buffers {
		m, err := NewMemory(int64(binary.Size(b)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Free() })
		if _, err := binary.Encode(m.Bytes(), binary.NativeEndian, b); err != nil {
			t.Fatal(err)
		}
		ptrs, mems = append(ptrs, m.At(0)), append(mems, m)
	}
	return ptrs, mems
}

// read returns what is in memory.
func read[T any](t *testing.T, m *Memory) []T {
	t.Helper()
	var zero T
	out := make([]T, len(m.Bytes())/int(unsafe.Sizeof(zero)))
	if _, err := binary.Decode(m.Bytes(), binary.NativeEndian, out); err != nil {
		t.Fatal(err)
	}
	return out
}

// run runs a kernel of good.metal in several orders, watched and not, each on
// fresh buffers, and returns the last buffers; all runs must agree.
func run(t *testing.T, name string, grid, threads int, buffers ...any) []*Memory {
	t.Helper()
	plain, watched := compileFile(t, "good.metal", Compile).Kernel(name), compileFile(t, "good.metal", CompileWatched).Kernel(name)
	var first []*Memory
	for _, order := range []uint64{0, 1, 2, 3, 77, 0, 9} {
		k := plain
		if first != nil && order%9 == 0 {
			k = watched
		}
		ptrs, mems := bind(t, buffers...)
		l := &Launch{Grid: [3]int{grid, 1, 1}, Threads: [3]int{threads, 1, 1}, Buffers: ptrs, Order: order}
		if err := k.Run(l); err != nil {
			t.Fatal(err)
		}
		for i, m := range mems {
			if err := m.Check(); err != nil {
				t.Error(err)
			}
			if first != nil && !slices.Equal(m.Bytes(), first[i].Bytes()) {
				t.Errorf("%s: buffer %d differs in order %d", name, i, order)
			}
		}
		first = mems
	}
	return first
}

func TestPlain(t *testing.T) {
	x, y := make([]float32, 1000), make([]float32, 1000)
	for i := range x {
		x[i], y[i] = float32(i), 1
	}
	m := run(t, "saxpy", 1000, 128, x, y, []float32{2})
	for i, got := range read[float32](t, m[1]) {
		if got != 2*float32(i)+1 {
			t.Fatalf("y[%d] = %v", i, got)
		}
	}
}

func TestVectors(t *testing.T) {
	m := run(t, "vectors", 1, 1, []float32{1, 2, 3, 4}, make([]float32, 4))
	// The highest byte of 1.0 is 0x3f; h.y is 4, and big.z is 9.
	want := []float32{4, 3, 0x3f + 100, 13 + 100}
	if got := read[float32](t, m[1]); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestReduction(t *testing.T) {
	x := make([]float32, 4*256)
	for i := range x {
		x[i] = float32(i)
	}
	m := run(t, "sum", 4*256, 256, x, make([]float32, 4))
	for g, got := range read[float32](t, m[1]) {
		if want := float32(256*256*g + 255*128); got != want {
			t.Errorf("group %d: %v, want %v", g, got, want)
		}
	}
}

func TestMatmul(t *testing.T) {
	const m, n, k = 20, 35, 41
	a, b := make([]float32, m*k), make([]float32, k*n)
	for i := range a {
		a[i] = float32(i % 7)
	}
	for i := range b {
		b[i] = float32(i%5) - 2
	}
	kernel := compileFile(t, "good.metal", Compile).Kernel("matmul_tiled")
	if kernel.Threads() != 256 {
		t.Errorf("%d threads, want the attribute's 256", kernel.Threads())
	}
	for order := range uint64(4) {
		ptrs, mems := bind(t, a, b, make([]float32, m*n), []uint32{m, n, k, 0})
		l := &Launch{Grid: [3]int{48, 32, 1}, Threads: [3]int{16, 16, 1}, Buffers: ptrs, Order: order}
		if err := kernel.Run(l); err != nil {
			t.Fatal(err)
		}
		for i, got := range read[float32](t, mems[2]) {
			var want float32
			for p := range k {
				want += a[i/n*k+p] * b[p*n+i%n]
			}
			if got != want {
				t.Fatalf("order %d: c[%d] = %v, want %v", order, i, got, want)
			}
		}
	}
}

// TestSimdMatrix: a[i][p] = i+1 and b[j][p] = p+1, so that c[i][j] is (i+1) k(k+1)/2, and 2 that were there before.
func TestSimdMatrix(t *testing.T) {
	const k = 24
	a, b := make([]uint16, 8*k), make([]uint16, 8*k)
	for i := range 8 * k {
		a[i], b[i] = halfBits(float64(i/k+1)), halfBits(float64(i%k+1))
	}
	m := run(t, "matmul_simd", 32, 32, a, b, make([]float32, 64), []uint32{k})
	for i, got := range read[float32](t, m[2]) {
		if want := float32((i/8+1)*k*(k+1)/2 + 2); got != want {
			t.Errorf("c[%d][%d] = %v, want %v", i/8, i%8, got, want)
		}
	}
}

func TestLanes(t *testing.T) {
	x := make([]int32, 64)
	for i := range x {
		x[i] = int32(i*i%50 - 20)
	}
	m := run(t, "lanes", 64, 64, x, make([]int32, 64*12))
	got := read[int32](t, m[1])
	for i := range x {
		group, lane := x[i/32*32:i/32*32+32], i%32
		var want [12]int32
		want[1], want[2] = slices.Max(group), slices.Min(group)
		all := int32(1)
		for j, v := range group {
			want[0] += v
			if j <= lane {
				want[8] += v
			}
			if j < lane {
				want[9] += v
			}
			if v > 0 {
				want[10] |= 1 << j
			}
			if v <= -40 {
				all = 0
			}
		}
		want[3], want[4], want[7] = group[31-lane], group[lane^5], group[7]
		want[5], want[6] = x[i], x[i]
		if lane >= 3 {
			want[5] = group[lane-3]
		}
		if lane < 29 {
			want[6] = group[lane+3]
		}
		want[11] = all
		if want[1] > 31 && want[1] != 31 {
			want[11] += 2
		}
		if !slices.Equal(got[i*12:i*12+12], want[:]) {
			t.Errorf("thread %d: %v, want %v", i, got[i*12:i*12+12], want)
		}
	}
}

func TestBits(t *testing.T) {
	x := []uint32{0, 1, 0x80000000, 0xffffffff, 12345678}
	m := run(t, "bits", len(x), 2, x, make([]uint32, 5*len(x)))
	got := read[uint32](t, m[1])
	for i, v := range x {
		zeros, trailing, ones := 32, 32, 0
		for b := range 32 {
			if v>>b&1 == 1 {
				zeros, ones = 31-b, ones+1
				trailing = min(trailing, b)
			}
		}
		want := []uint32{uint32(ones), uint32(zeros), uint32(trailing), uint32(uint64(v) * 2654435761 >> 32), uint32(int64(int32(v))*-3>>32) + v*v}
		if !slices.Equal(got[i*5:i*5+5], want) {
			t.Errorf("%#x: %v, want %v", v, got[i*5:i*5+5], want)
		}
	}
}

func TestAtomics(t *testing.T) {
	x := make([]uint32, 1000)
	for i := range x {
		x[i] = uint32(i * 7 % 1000)
	}
	m := run(t, "histogram", 1000, 100, x, make([]uint32, 16), []float32{1}, []int32{-5})
	var want [16]uint32
	for _, v := range x {
		want[v&15]++
	}
	if got := read[uint32](t, m[1]); !slices.Equal(got, want[:]) {
		t.Errorf("%v, want %v", got, want)
	}
	if f, top := read[float32](t, m[2])[0], read[int32](t, m[3])[0]; f != 501 || top != 999 {
		t.Errorf("float %v, max %v; want 501, 999", f, top)
	}
}

func TestDynamic(t *testing.T) {
	k := compileFile(t, "good.metal", Compile).Kernel("given")
	ptrs, mems := bind(t, make([]float32, 100))
	l := &Launch{Grid: [3]int{100, 1, 1}, Threads: [3]int{64, 1, 1}, Buffers: ptrs, Dynamic: []int{256}}
	if err := k.Run(l); err != nil {
		t.Fatal(err)
	}
	for i, got := range read[float32](t, mems[0]) { // the second threadgroup has 36 threads
		if want := float32(63 - i); i < 64 && got != want || i >= 64 && got != float32(99-(i-64)) {
			t.Fatalf("y[%d] = %v", i, got)
		}
	}
	l.Dynamic = nil
	wantRunError(t, k.Run(l), "given", "threadgroup(0) has no length")
}

func TestMaths(t *testing.T) {
	x := []float32{0.1, 0.5, 1, 2.25, 9}
	m := run(t, "maths", len(x), 1, x, make([]float32, len(x)))
	for i, got := range read[float32](t, m[1]) {
		v := float64(x[i])
		want := math.Exp(v) + math.Log(v)*math.Tanh(v) + 1/math.Sqrt(v) + min(max(v, 0.25), 1) + v + math.Pow(v, 1.5) - 1 + math.Floor(v)
		if math.Abs(float64(got)-want) > 1e-6*math.Abs(want)+1e-6 {
			t.Errorf("%v: %v, want %v", v, got, want)
		}
	}
}

func wantRunError(t *testing.T, err error, kernel, cause string) {
	t.Helper()
	var e *gpu.RunError
	if !errors.As(err, &e) {
		t.Errorf("%s: got %v, want a *gpu.RunError with %q", kernel, err, cause)
		return
	}
	if e.Kernel != kernel || !strings.Contains(e.Cause, cause) {
		t.Errorf("got %v, want %q of kernel %s", err, cause, kernel)
	}
}

// halfBits rounds a number that half has exactly.
func halfBits(f float64) uint16 {
	for b := range 0x7c00 {
		if halfValue(uint16(b)) == math.Abs(f) {
			if f < 0 {
				return uint16(b) | 0x8000
			}
			return uint16(b)
		}
	}
	panic(fmt.Sprint(f, " is no half"))
}

func halfValue(b uint16) float64 {
	sign := 1 - 2*float64(b>>15)
	exp, frac := int(b>>10&31), float64(b&1023)
	switch exp {
	case 0:
		return sign * math.Ldexp(frac, -24)
	case 31:
		if frac != 0 {
			return math.NaN()
		}
		return math.Inf(int(sign))
	}
	return sign * math.Ldexp(1024+frac, exp-25)
}

func TestDivergence(t *testing.T) {
	if got := read[int32](t, run(t, "one_works", 32, 32, []int32{40})[0])[0]; got != 42 {
		t.Errorf("one thread gives %d, want 42", got)
	}
	m := run(t, "divergent", 64, 64, make([]int32, 64))
	for i, got := range read[int32](t, m[0]) {
		lane := int32(i % 32)
		want := int32(10)
		if lane >= 10 {
			want = 1000 + (10+31)*22/2
		}
		want += 0 + 2 + 4 + 32
		if lane%3 == 0 {
			want += 5
		}
		if got != want {
			t.Errorf("y[%d] = %d, want %d", i, got, want)
		}
	}
}
