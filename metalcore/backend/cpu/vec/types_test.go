package vec

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/backend/cpu/asm"
	"github.com/metalnb/metalnb/metalcore/ir"
)

// changesSize reports whether an op's result has another size than its operand.
func changesSize(op string) bool {
	return strings.HasPrefix(op, "load_") || strings.HasPrefix(op, "store_") || strings.Contains(op, "i64")
}

// TestConversions: all halves are loaded, and all that lies at, below and above
// the middle of two of them is stored and rounded, as package ir says, by all
// kernels.
func TestConversions(t *testing.T) {
	var narrow []uint16
	x := everywhere(33)
	for i := range 1 << 16 {
		h := uint16(i)
		narrow = append(narrow, h)
		for _, from := range []func(uint16) float32{ir.FromF16, ir.FromBF16} {
			a, b := from(h), from(h+1)
			middle := float32((float64(a) + float64(b)) / 2)
			x = append(x, a, middle, math.Nextafter32(middle, a), math.Nextafter32(middle, b))
		}
	}
	wide, short, again := make([]float32, len(narrow)), make([]uint16, len(x)), make([]float32, len(x))
	for _, v := range asm.Supported() {
		for _, c := range []struct {
			name string
			from func(uint16) float32
			to   func(float32) uint16
		}{{"f16", ir.FromF16, ir.ToF16}, {"bf16", ir.FromBF16, ir.ToBF16}} {
			convert(v, "load_"+c.name, wide, narrow)
			for i, h := range narrow {
				if w := c.from(h); math.Float32bits(wide[i]) != math.Float32bits(w) {
					t.Fatalf("%v: %s %#04x is loaded as %v, want %v", v, c.name, h, wide[i], w)
				}
			}
			convert(v, "store_"+c.name, short, x)
			convert(v, "round_"+c.name, again, x)
			for i, a := range x {
				if h := c.to(a); short[i] != h || math.Float32bits(again[i]) != math.Float32bits(c.from(h)) {
					t.Fatalf("%v: %v (%#08x) as %s is stored as %#04x and rounded to %v, want %#04x", v, a, math.Float32bits(a), c.name, short[i], again[i], h)
				}
			}
		}
		var small, back [256]uint8
		var whole [256]int32
		for i := range small {
			small[i] = uint8(i)
		}
		convert(v, "load_u8", whole[:], small[:])
		convert(v, "store_u8", back[:], whole[:])
		if back != small || whole[255] != 255 {
			t.Errorf("%v: bytes come back as %v", v, back)
		}
	}
}

// TestConversionsEnd: nothing is written behind the end, whatever the length.
func TestConversionsEnd(t *testing.T) {
	for _, v := range asm.Supported() {
		for k := range plain {
			if !strings.HasPrefix(k.op, "load_") && !strings.HasPrefix(k.op, "store_") {
				continue
			}
			for n := range 70 {
				var from [280]byte
				for i := range from {
					from[i] = byte(i*7) &^ 0x80
				}
				got, want := bytes.Repeat([]byte{42}, 300), bytes.Repeat([]byte{42}, 300)
				if k.op == "store_u8" {
					from = [280]byte{}
				}
				Find(v, k.op, k.numbers)(unsafe.Pointer(&got[0]), unsafe.Pointer(&from[0]), nil, nil, n)
				plain[k](unsafe.Pointer(&want[0]), unsafe.Pointer(&from[0]), nil, nil, n)
				if !bytes.Equal(got, want) {
					t.Fatalf("%v %v of %d elements: %v, want %v", v, k, n, got, want)
				}
			}
		}
	}
}

func convert[D, A any](v asm.Variant, op string, d []D, a []A) {
	Find(v, op, 0)(unsafe.Pointer(&d[0]), unsafe.Pointer(&a[0]), nil, nil, len(a))
}

func BenchmarkConversions(b *testing.B) {
	x, h := make([]float32, 2048), make([]uint16, 2048)
	for _, v := range asm.Supported() {
		for _, op := range []string{"load_f16", "store_f16", "round_f16", "load_bf16", "store_bf16", "round_bf16"} {
			b.Run(v.String()+"/"+op, func(b *testing.B) {
				b.SetBytes(int64(4 * len(x)))
				for b.Loop() {
					if strings.HasPrefix(op, "load") {
						convert(v, op, x, h)
					} else {
						convert(v, op, x, x)
					}
				}
			})
		}
	}
}
