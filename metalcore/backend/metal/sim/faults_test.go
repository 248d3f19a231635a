//go:build linux

package sim

import (
	"errors"
	"math"
	"os"
	"strings"
	"testing"
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/backend/gpu"
)

// TestBadKernels runs each kernel of bad.metal, and wants what is said of it.
func TestBadKernels(t *testing.T) {
	l := compileFile(t, "bad.metal", Compile)
	floats := make([]float32, 64)
	for _, c := range []struct {
		kernel  string
		cause   string
		buffers []any
	}{
		{"divergent_barrier", "a barrier is not reached by all threads: 40 wait, 24 have ended", []any{floats}},
		{"different_barriers", "threads wait at different barriers", []any{floats}},
		{"too_much", "32772 bytes of threadgroup memory, and there are 32768", []any{floats}},
		{"behind_array", "writes behind an array of 128 bytes in threadgroup memory", []any{floats}},
		{"reads_behind", "out of bounds, 256 bytes from the start of buffer 0, by thread 63, 0 of the grid", []any{floats, floats}},
		{"reads_behind_waiting", "out of bounds, 256 bytes from the start of buffer 0", []any{floats, floats}},
		{"writes_far", "an access", []any{floats}},
		{"misaligned", "a misaligned access", []any{floats}},
		{"divides", "an integer is divided by zero, by thread 3, 0 of the grid", []any{append([]int32{5, 0, 0, 3}, make([]int32, 60)...)}},
		{"deep", "a stack of more than 128 KiB", []any{make([]int32, 64)}},
		{"part_of_simd", "by 8 threads of a SIMD group", []any{floats}},
		{"reads_behind", "buffer(1) is not bound", []any{floats}},
	} {
		k := l.Kernel(c.kernel)
		for _, order := range []uint64{0, 5} {
			if order != 0 && strings.Contains(c.cause, "thread 3,") {
				continue // in another order another thread is the first to fail
			}
			ptrs, _ := bind(t, c.buffers...)
			err := k.Run(&Launch{Grid: [3]int{64, 1, 1}, Threads: [3]int{64, 1, 1}, Buffers: ptrs, Order: order, Whole: true})
			wantRunError(t, err, c.kernel, c.cause)
		}
	}
	// After all that the runtime still works.
	m := run(t, "saxpy", 64, 64, floats, floats, []float32{1})
	if got := read[float32](t, m[1])[3]; got != 0 {
		t.Errorf("got %v", got)
	}
}

// TestWritesBefore: a write before a buffer is no fault of a page, but it is seen.
func TestWritesBefore(t *testing.T) {
	k := compileFile(t, "bad.metal", Compile).Kernel("writes_before")
	ptrs, mems := bind(t, make([]float32, 64))
	if err := k.Run(&Launch{Grid: [3]int{64, 1, 1}, Threads: [3]int{64, 1, 1}, Buffers: ptrs}); err != nil {
		t.Fatal(err)
	}
	if err := mems[0].Check(); err == nil || !strings.Contains(err.Error(), "before the first of 256 bytes") {
		t.Errorf("got %v", err)
	}
}

func TestUninitialisedIsNaN(t *testing.T) {
	k := compileFile(t, "bad.metal", Compile).Kernel("uninitialised")
	ptrs, mems := bind(t, make([]float32, 64))
	if err := k.Run(&Launch{Grid: [3]int{64, 1, 1}, Threads: [3]int{64, 1, 1}, Buffers: ptrs}); err != nil {
		t.Fatal(err)
	}
	for i, v := range read[float32](t, mems[0]) {
		if isNaN := v != v; isNaN != (i == 5) {
			t.Errorf("y[%d] = %v", i, v)
		}
	}
}

// TestOrders: what depends on the order of threads or threadgroups comes out differently in some.
func TestOrders(t *testing.T) {
	l := compileFile(t, "bad.metal", Compile)
	x := make([]float32, 256)
	for i := range x {
		x[i] = float32(i + 1)
	}
	wrong, groups := 0, map[float32]bool{}
	for order := range uint64(8) {
		ptrs, mems := bind(t, x, make([]float32, 256))
		if err := l.Kernel("missing_barrier").Run(&Launch{Grid: [3]int{256, 1, 1}, Threads: [3]int{256, 1, 1}, Buffers: ptrs, Order: order}); err != nil {
			t.Fatal(err)
		}
		for i, v := range read[float32](t, mems[1]) {
			if v != float32(256-i) {
				wrong++
				break
			}
		}
		ptrs, mems = bind(t, make([]float32, 1))
		if err := l.Kernel("ordered_groups").Run(&Launch{Grid: [3]int{256, 1, 1}, Threads: [3]int{32, 1, 1}, Buffers: ptrs, Order: order}); err != nil {
			t.Fatal(err)
		}
		groups[read[float32](t, mems[0])[0]] = true
	}
	if wrong == 0 {
		t.Error("no order shows the missing barrier")
	}
	if !groups[255] || !groups[0] || len(groups) < 4 {
		t.Errorf("the last thread was one of %v", groups)
	}
}

func TestBadLaunches(t *testing.T) {
	k := compileFile(t, "good.metal", Compile).Kernel("saxpy")
	ptrs, _ := bind(t, make([]float32, 64), make([]float32, 64), make([]float32, 1))
	for cause, l := range map[string]*Launch{
		"a grid of":                       {Grid: [3]int{64, 0, 1}, Threads: [3]int{64, 1, 1}, Buffers: ptrs},
		"a threadgroup of 2048 threads":   {Grid: [3]int{64, 1, 1}, Threads: [3]int{64, 32, 1}, Buffers: ptrs},
		"buffer(2) is not bound":          {Grid: [3]int{64, 1, 1}, Threads: [3]int{64, 1, 1}, Buffers: ptrs[:2]},
		"32 buffers, and 31 can be bound": {Grid: [3]int{64, 1, 1}, Threads: [3]int{64, 1, 1}, Buffers: make([]unsafe.Pointer, 32)},
	} {
		wantRunError(t, k.Run(l), "saxpy", cause)
	}
}

// TestCompileErrors: the error names the kernel and the line of MSL, and what the language does not have is refused.
func TestCompileErrors(t *testing.T) {
	for _, c := range []struct{ text, kernel, log string }{
		{"kernel void a(device float *y [[buffer(0)]]) {\n\ty[0] = 1;\n\ty[1] = missing;\n}", "a", "a.metal:3:9: error: use of undeclared identifier 'missing'"},
		{"static inline float f(float x) {\n\treturn erf(x);\n}\nkernel void a(device float *y [[buffer(0)]]) { y[0] = f(1); }", "", "prelude.metal:2:9: error"},
		{"template <typename T> static inline T f(T x) { return x.w; }\nkernel void a(device float *y [[buffer(0)]]) { y[0] = f(1.0); }", "a", "member reference"},
		{"kernel void a(device float *y [[buffer(0)]], constant float *c [[buffer(1)]]) { c[0] = y[0]; }", "a", "read-only variable"},
		{"kernel void a(device float *y [[buffer(0)]], device float *z [[buffer(0)]]) {}", "a", "buffer(0): indices are from 0 to 30, each used once"},
		{"kernel void a(device float *y [[buffer(31)]]) {}", "a", "indices are from 0 to 30"},
		{"kernel void a(device float *y) {}", "a", "parameter y has no attribute"},
		{"\n\nkernel void a(device float *y [[texture(0)]]) {}", "a", "a.metal:3: error: attribute texture is not simulated"},
		{"kernel void a() { threadgroup float x = 1; }", "a", "no initial value"},
		{"kernel int a() { return 1; }", "", "returns void"},
		{"kernel void a() {}\nkernel void a() {}", "a", "a.metal:2: error: a second kernel of this name"},
		{"kernel void a(device float *y [[buffer(0)]]) { float x; y[0] = x; }", "a", "uninitialized"},
	} {
		_, err := Compile("using namespace metal; " + c.text)
		var e *gpu.CompileError
		if !errors.As(err, &e) || e.Kernel != c.kernel || !strings.Contains(e.Log, c.log) {
			t.Errorf("%s\ngot %v, want kernel %q and %q", c.text, err, c.kernel, c.log)
		}
	}
}

// TestHalfOperations holds each half against the float that it is, and operations on all halves against float64, rounded once.
func TestHalfOperations(t *testing.T) {
	const n = 1 << 16
	all, pairs := make([]uint16, n), make([]uint16, 2*n)
	for i := range all {
		all[i] = uint16(i)
		pairs[2*i], pairs[2*i+1] = uint16(i), uint16(i*40503+12345)
	}
	l := compileFile(t, "good.metal", Compile)
	grid := func(bufs []unsafe.Pointer) *Launch {
		return &Launch{Grid: [3]int{n, 1, 1}, Threads: [3]int{1024, 1, 1}, Buffers: bufs}
	}
	ptrs, mems := bind(t, all, make([]float32, n), make([]uint16, n))
	if err := l.Kernel("half_to_float").Run(grid(ptrs)); err != nil {
		t.Fatal(err)
	}
	wide, back := read[float32](t, mems[1]), read[uint16](t, mems[2])
	for i, b := range all {
		want := halfValue(b)
		if got := float64(wide[i]); got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Fatalf("half %#04x is %v, want %v", b, got, want)
		}
		if back[i] != b && !math.IsNaN(want) {
			t.Fatalf("half %#04x comes back as %#04x", b, back[i])
		}
	}
	ptrs, mems = bind(t, pairs, make([]uint16, 4*n))
	if err := l.Kernel("half_ops").Run(grid(ptrs)); err != nil {
		t.Fatal(err)
	}
	got := read[uint16](t, mems[1])
	for i := range n {
		a, b := halfValue(pairs[2*i]), halfValue(pairs[2*i+1])
		for j, want := range []float64{a + b, a * b, a / b, math.FMA(a, b, b)} {
			if g := got[4*i+j]; !sameHalf(g, want) {
				t.Fatalf("operation %d on %v and %v is %v, want %v", j, a, b, halfValue(g), want)
			}
		}
	}
}

// sameHalf reports whether a half is the nearest to a number, the even one of two.
func sameHalf(b uint16, want float64) bool {
	got := halfValue(b)
	switch {
	case math.IsNaN(want):
		return math.IsNaN(got)
	case math.Abs(want) >= 65520:
		return got == math.Inf(int(math.Copysign(1, want)))
	case math.IsInf(got, 0) || math.IsNaN(got):
		return false
	}
	step := math.Ldexp(1, max(-24, math.Ilogb(want)-10))
	return got == math.RoundToEven(want/step)*step
}

func TestBfloat(t *testing.T) {
	x := []float32{1, 1 + 1.0/256, 1 + 3.0/256, -3.1415927, float32(math.Inf(1)), float32(math.NaN()), 3.4e38}
	m := run(t, "bfloat_round", len(x), 8, x, make([]uint16, len(x)))
	for i, b := range read[uint16](t, m[1]) {
		bits := math.Float32bits(x[i])
		want := uint16((bits + 0x7fff + bits>>16&1) >> 16)
		if x[i] != x[i] {
			want = 0x7fc0
		}
		if b != want {
			t.Errorf("%v is %#x, want %#x", x[i], b, want)
		}
	}
}

// TestCache: a kernel is compiled once, also by a process that comes later; one that does not compile takes no other with it.
func TestCache(t *testing.T) {
	tc, err := tools()
	if err != nil {
		t.Fatal(err)
	}
	own := &toolchain{clang: tc.clang, dir: t.TempDir(), slots: make(chan struct{}, 1), units: map[string]*unit{}, loaded: map[string]uintptr{}}
	if err := os.CopyFS(own.dir, shim); err != nil {
		t.Fatal(err)
	}
	const head = "using namespace metal;\n"
	good := head + "kernel void one(device float *y [[buffer(0)]]) { y[0] = 1; }\nkernel void two(device float *y [[buffer(0)]]) { y[0] = 2; }\n"
	bad := head + "kernel void three(device float *y [[buffer(0)]]) { y[0] = three; }\nkernel void four(device float *y [[buffer(0)]]) { z[0] = 4; }\n"
	other := head + "kernel void one(device float *y [[buffer(0)]]) { y[0] = 1.5; }\n"
	units, err := unitsOf([]string{good, bad, other, good}, false)
	if err != nil {
		t.Fatal(err)
	}
	err = own.build(units, 50)
	for _, name := range []string{"three", "four"} {
		if err == nil || !strings.Contains(err.Error(), name+".metal:") {
			t.Errorf("no error for kernel %s: %v", name, err)
		}
	}
	for _, u := range units {
		if broken := u.name == "three" || u.name == "four"; (own.batchOf(u.key) == "") != broken {
			t.Errorf("kernel %s is in %q", u.name, own.batchOf(u.key))
		}
	}
	own.clang = "/nonexistent/clang++"
	if err := own.load([]*unit{units[0], units[1], units[4]}); err != nil {
		t.Errorf("kernels of the cache are compiled again: %v", err)
	}
}

func TestGathering(t *testing.T) {
	g := new(Gathering)
	r := newRig(t, Options{Gather: g})
	fill := func(rec gpu.Recording) { rec.Dispatch(dispatch(r.fill, r.x)) }
	if err := r.commit(t, fill); err != nil {
		t.Fatal(err)
	}
	r.close(t)
	if g.Len() != 2 {
		t.Errorf("%d kernels were gathered, want 2", g.Len())
	}
	for _, err := range []error{g.Prepare(), g.Lint()} {
		if err != nil {
			t.Error(err)
		}
	}
	wrong := new(Gathering)
	d, err := New(Options{Gather: wrong})
	if err != nil {
		t.Fatal(err)
	}
	p, err := d.Compile("using namespace metal;\nkernel void a(device float *y [[buffer(0)]]) {\n\tfloat *p = y; *p = 1; }", []string{"a"})
	if err != nil {
		t.Fatal(err)
	}
	p[0].Free()
	var e *gpu.CompileError
	if err := wrong.Lint(); !errors.As(err, &e) || e.Kernel != "a" || !strings.Contains(e.Log, "a.metal:3:") {
		t.Errorf("got %v", err)
	}
}
