package vec

import (
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/backend/cpu/asm"
)

// ulps is how many numbers of f32 lie between a and b: 0 for two NaN.
func ulps(a, b float32) int64 {
	if a == b || a != a && b != b {
		return 0
	}
	if a != a || b != b {
		return math.MaxInt64
	}
	order := func(x float32) int64 {
		bits := int64(int32(math.Float32bits(x)))
		if bits < 0 {
			return math.MinInt32 - bits
		}
		return bits
	}
	d := order(a) - order(b)
	return max(d, -d)
}

// worst are the largest differences between the functions in assembly and those
// in Go, which are exact but for the last rounding, in units in the last place.
var worst = map[string]int64{
	"exp.f32": 1, "expm1.f32": 2, "log.f32": 1, "log1p.f32": 1, "tanh.f32": 2, "sigmoid.f32": 2, "erf.f32": 2, "rsqrt.f32": 1,
	"fma.f32": 1, "fnma.f32": 1, // in Go they are rounded twice
}

// everywhere has numbers of both signs with every exponent, the ends and steps
// of f32, infinities and NaN.
func everywhere(each int) []float32 {
	var out []float32
	for exponent := range uint32(256) {
		for i := range each {
			mantissa := uint32(uint64(i) * (1<<23 - 1) / uint64(each-1))
			bits := exponent<<23 | mantissa
			out = append(out, math.Float32frombits(bits), math.Float32frombits(bits|1<<31))
		}
	}
	return out
}

func TestFunctions(t *testing.T) {
	x := everywhere(4001)
	want, got := make([]float32, len(x)), make([]float32, len(x))
	for op, limit := range worst {
		if plain[key{op, 4}] != nil {
			continue // tested by TestMultiplyAdd
		}
		run(plain[key{op, 0}], want, x, x, x)
		for _, v := range asm.Supported() {
			run(Find(v, op, 0), got, x, x, x)
			most, at := int64(0), 0
			for i := range x {
				if d := ulps(got[i], want[i]); d > most {
					most, at = d, i
				}
			}
			t.Logf("%s %s: %d ulps at %v", v, op, most, x[at])
			if most > limit {
				t.Errorf("%s of %v by %v is %v and %d ulps off %v; %d are allowed", op, x[at], v, got[at], most, want[at], limit)
			}
		}
	}
}

// TestSameBits: what is one IEEE operation, and all on integers, is equal in
// every bit, whatever the length, the place in memory and the operand that is
// one number.
func TestSameBits(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	x := everywhere(3)
	pick := func(n int, integers bool) []float32 {
		out := make([]float32, n)
		for i := range out {
			switch out[i] = x[r.IntN(len(x))]; {
			case integers && r.IntN(2) == 0:
				out[i] = math.Float32frombits(uint32(r.IntN(3) - 1))
			case r.IntN(3) == 0:
				out[i] = float32(r.NormFloat64())
			}
		}
		return out
	}
	checked := 0
	for _, v := range asm.Supported()[1:] {
		for k, kernel := range tables[v] {
			if worst[k.op] > 0 || changesSize(k.op) {
				continue // see TestFunctions and TestConversions
			}
			checked++
			integers := k.op == "select" || k.op[len(k.op)-3:] == "i32"
			for _, n := range []int{1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 100, 129, 1000} {
				a, b, c := pick(n+3, integers)[r.IntN(3):], pick(n+3, integers)[r.IntN(3):], pick(n+3, integers)[r.IntN(3):]
				want, got := make([]float32, n+1), make([]float32, n+1)
				want[n], got[n] = 42, 42
				run(plain[k], want[:n], a, b, c)
				run(kernel, got[:n], a, b, c)
				for i := range want {
					nans := want[i] != want[i] && got[i] != got[i] && !integers
					if !nans && math.Float32bits(got[i]) != math.Float32bits(want[i]) {
						t.Fatalf("%v %v n=%d: element %d of %v, %v, %v is %v, want %v", v, k, n, i, a[i], b[i], c[i], got[i], want[i])
					}
				}
				if k.numbers == 0 { // over an operand
					run(kernel, a[:n], a, b, c)
					for i := range n {
						if math.Float32bits(a[i]) != math.Float32bits(got[i]) && a[i] == a[i] {
							t.Fatalf("%v %v n=%d: in place, element %d is %v, want %v", v, k, n, i, a[i], got[i])
						}
					}
				}
			}
		}
	}
	if len(asm.Supported()) > 1 && checked < 50 {
		t.Errorf("only %d kernels were compared", checked)
	}
}

// TestMultiplyAdd compares with exact arithmetic in float64.
func TestMultiplyAdd(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const n = 1003
	a, b, c, got, want := make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
	for i := range a {
		a[i], b[i], c[i] = float32(r.NormFloat64()), float32(r.NormFloat64()), float32(r.NormFloat64())
	}
	for _, v := range asm.Supported() {
		for _, op := range []string{"fma.f32", "fnma.f32"} {
			for numbers := uint(0); numbers < 8; numbers += 2 {
				for i := range want {
					x, y, z := float64(a[i]), float64(b[i&(int(numbers>>1&1)-1)]), float64(c[i&(int(numbers>>2&1)-1)])
					if op == "fnma.f32" {
						x = -x
					}
					want[i] = float32(x*y + z)
				}
				run(Find(v, op, numbers), got, a, b, c)
				for i := range want {
					if ulps(got[i], want[i]) > worst[op] {
						t.Fatalf("%v %s with numbers %b: element %d is %v, want %v", v, op, numbers, i, got[i], want[i])
					}
				}
			}
		}
	}
}

// TestPlainIsComplete: every kernel in assembly has one in Go, and every op one
// for vectors.
func TestPlainIsComplete(t *testing.T) {
	for _, v := range asm.Supported() {
		for k := range tables[v] {
			if plain[k] == nil {
				t.Errorf("%v has %v, which is not there in Go", v, k)
			}
		}
	}
	for k := range plain {
		if plain[key{k.op, 0}] == nil {
			t.Errorf("%s has no kernel for vectors", k.op)
		}
	}
}

func run(k Kernel, d, a, b, c []float32) {
	k(unsafe.Pointer(&d[0]), unsafe.Pointer(&a[0]), unsafe.Pointer(&b[0]), unsafe.Pointer(&c[0]), len(d))
}

// TestFindOne holds the kernels of single elements against the others.
func TestFindOne(t *testing.T) {
	numbers := []uint32{0, 1, 2, 7, 1 << 31, 0x80000001, math.Float32bits(1.5), math.Float32bits(-0.3), math.Float32bits(3e38),
		math.Float32bits(float32(math.Inf(1))), math.Float32bits(float32(math.Inf(-1)))}
	at := func(x *uint32) unsafe.Pointer { return unsafe.Pointer(x) }
	for op, one := range ones {
		for _, v := range asm.Supported() {
			all := Find(v, op, 0)
			if all == nil {
				all = Find(v, op, 1) // a copy is one of a number
			}
			for _, a := range numbers {
				for _, b := range numbers {
					c, got, want := uint32(9), uint32(0), uint32(0)
					one(at(&got), at(&a), at(&b), at(&c), 1)
					all(at(&want), at(&a), at(&b), at(&c), 1)
					nan := func(x uint32) bool { return math.IsNaN(float64(math.Float32frombits(x))) }
					if got != want && !(nan(got) && nan(want)) {
						t.Errorf("%s of %x and %x is %x, and %x with %s", op, a, b, got, want, v)
					}
				}
			}
		}
	}
}
