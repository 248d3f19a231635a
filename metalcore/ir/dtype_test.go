package ir_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/metalnb/metalnb/metalcore/ir"
)

func ExampleRoundTo() {
	fmt.Println(ir.RoundTo(ir.F16, 1.0/3), ir.RoundTo(ir.BF16, 1.0/3), ir.RoundTo(ir.F16, 70000), ir.RoundTo(ir.U8, 300.7), ir.RoundTo(ir.Bool, -0.5))
	// Output: 0.333251953125 0.333984375 +Inf 255 1
}

func TestDTypeNames(t *testing.T) {
	for _, d := range ir.DTypes() {
		back, err := ir.ParseDType(d.String())
		if err != nil || back != d || !d.Valid() || d.Size() == 0 {
			t.Errorf("%v is read as %v, %v", d, back, err)
		}
	}
	for _, bad := range []string{"", "f64", "dtype(0)", "F32"} {
		if _, err := ir.ParseDType(bad); err == nil {
			t.Errorf("%q is a type", bad)
		}
	}
	if ir.DType(0).Valid() || ir.DType(99).Valid() || ir.DType(99).Size() != 0 {
		t.Error("a type that there is not is valid")
	}
}

// value16 is the number of a binary16 by its definition.
func value16(h uint16) float64 {
	sign, exp, frac := 1.0, int(h>>10&31), float64(h&1023)
	if h>>15 == 1 {
		sign = -1
	}
	switch exp {
	case 31:
		if frac != 0 {
			return math.NaN()
		}
		return sign * math.Inf(1)
	case 0:
		return sign * frac * 0x1p-24
	}
	return sign * math.Ldexp(1+frac/1024, exp-15)
}

func same(a, b float64) bool {
	return a == b && math.Signbit(a) == math.Signbit(b) || math.IsNaN(a) && math.IsNaN(b)
}

// TestHalvesAll reads all halves, writes them back, and rounds what lies
// between two neighbours: a little less than the middle, the middle, and a
// little more.
func TestHalvesAll(t *testing.T) {
	bf16 := func(h uint16) float64 { return float64(math.Float32frombits(uint32(h) << 16)) }
	for _, c := range []struct {
		name  string
		from  func(uint16) float32
		to    func(float32) uint16
		value func(uint16) float64
		inf   uint16
		top   float64 // one step above the largest
	}{
		{"f16", ir.FromF16, ir.ToF16, value16, 0x7c00, 65536},
		{"bf16", ir.FromBF16, ir.ToBF16, bf16, 0x7f80, 0x1p128},
	} {
		for i := range 1 << 16 {
			h := uint16(i)
			x := c.from(h)
			if !same(float64(x), c.value(h)) {
				t.Fatalf("%s %#04x is %v, want %v", c.name, h, x, c.value(h))
			}
			if back := c.to(x); x == x && back != h || x != x && (back|0x8000 <= c.inf|0x8000 || back&0x8000 != h&0x8000) {
				t.Fatalf("%s %#04x comes back as %#04x", c.name, h, back)
			}
			if h&0x7fff >= c.inf {
				continue
			}
			next := c.value(h + 1)
			if (h+1)&0x7fff == c.inf {
				next = math.Copysign(c.top, float64(x))
			}
			middle := float32((float64(x) + next) / 2)
			even := h + h&1
			down, up := math.Nextafter32(middle, x), math.Nextafter32(middle, float32(next))
			for _, r := range []struct {
				x    float32
				want uint16
			}{{down, h}, {middle, even}, {up, h + 1}} {
				if got := c.to(r.x); got != r.want {
					t.Fatalf("%s of %v, between %v and %v, is %#04x, want %#04x", c.name, r.x, x, next, got, r.want)
				}
			}
		}
	}
}

func TestElements(t *testing.T) {
	numbers := []float64{0, 1, -1, 2.5, 255, 256, 65504, 70000, 3e9, -3e9, 1e19, math.Inf(1), math.Inf(-1), math.NaN()}
	for _, d := range ir.DTypes() {
		var data []byte
		for _, x := range numbers {
			data = ir.AppendElement(data, d, x)
		}
		if len(data) != len(numbers)*d.Size() {
			t.Fatalf("%v: %d bytes", d, len(data))
		}
		for i, got := range ir.Elements(d, data) {
			if want := ir.RoundTo(d, numbers[i]); !same(got, want) {
				t.Errorf("%v: %v is kept as %v, want %v", d, numbers[i], got, want)
			}
		}
	}
}
