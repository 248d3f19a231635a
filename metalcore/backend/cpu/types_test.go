package cpu

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend/cpu/asm"
	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// large are numbers that float64 does not hold, and that overflow.
var large = []int64{0, 1, -1, 7, math.MaxInt64, math.MinInt64, 1<<53 + 1, 1 << 53, -1<<53 - 1, 1<<62 + 3, math.MaxInt32, math.MinInt32, math.MaxInt32 + 1}

// TestIntegersAreExact: the interpreter, which computes in float64, cannot say
// what 64 bits give.
func TestIntegersAreExact(t *testing.T) {
	n := len(large)
	div := func(a, b int64) int64 {
		if b == 0 {
			return 0
		}
		return a / b
	}
	wrap32 := func(a int64) int64 { return int64(int32(min(max(a, math.MinInt32), math.MaxInt32))) }
	x, y := ir.Input("x", ir.I64, n, 1), ir.Input("y", ir.I64, n)
	for name, c := range map[string]struct {
		v    *ir.Value
		want func(a, b int64) int64
	}{
		"add": {op.Add(x, y), func(a, b int64) int64 { return a + b }}, "sub": {op.Sub(x, y), func(a, b int64) int64 { return a - b }},
		"mul": {op.Mul(x, y), func(a, b int64) int64 { return a * b }}, "div": {op.Div(x, y), div},
		"max": {op.Max(x, y), func(a, b int64) int64 { return max(a, b) }}, "min": {op.Min(x, y), func(a, b int64) int64 { return min(a, b) }},
		"select": {op.Select(op.Lt(x, y), x, op.Add(y, y)), func(a, b int64) int64 {
			if a < b {
				return a
			}
			return b + b
		}},
		"equal": {op.Cast(op.Eq(x, y), ir.I64), func(a, b int64) int64 { return int64(b2i(a == b)) }},
		"i32":   {op.Add(op.Cast(op.Cast(x, ir.I32), ir.I64), y), func(a, b int64) int64 { return wrap32(a) + b }},
		"f32":   {op.Add(op.Cast(op.Mul(op.Cast(x, ir.F32), ir.Const(0.5, ir.F32)), ir.I64), op.Sub(y, y)), func(a, _ int64) int64 { return int64(float32(a) * 0.5) }},
	} {
		got := runLongs(t, c.v)
		for i, a := range large {
			for j, b := range large {
				if w := c.want(a, b); got[i*n+j] != w {
					t.Fatalf("%s of %d and %d is %d, want %d", name, a, b, got[i*n+j], w)
				}
			}
		}
	}
	var sum int64
	var running []int64
	for _, a := range large {
		sum += a
		running = append(running, sum)
	}
	for name, c := range map[string]struct {
		v    *ir.Value
		want []int64
	}{
		"sum": {op.Sum(y, false), []int64{sum}}, "cumsum": {op.CumSum(y, 0, false), running},
		"largest": {op.MaxOver(y, false), []int64{math.MaxInt64}}, "least": {op.MinOver(y, true), []int64{math.MinInt64}},
		"sorted": {op.Sort(y, 0, false), slices.Sorted(slices.Values(large))},
	} {
		if got := runLongs(t, c.v); !slices.Equal(got, c.want) {
			t.Errorf("%s of %v is %v, want %v", name, large, got, c.want)
		}
	}
}

func b2i(b bool) int32 {
	if b {
		return 1
	}
	return 0
}

// runLongs computes v of the large numbers with all kernels, which agree.
func runLongs(t *testing.T, v *ir.Value) (out []int64) {
	t.Helper()
	p, _, err := compile.Compile(ir.NewGraph("long", []ir.Output{{Name: "y", Value: v}}, nil), compile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var data []byte
	for _, a := range large {
		data = binary.LittleEndian.AppendUint64(data, uint64(a))
	}
	for _, variant := range asm.Supported() {
		d := newDevice(1, variant)
		exe, b := load(t, d, p)
		for _, in := range b.Inputs {
			if err := in.Upload(0, data); err != nil {
				t.Fatal(err)
			}
		}
		if err := exe.Submit(b, 1).Wait(); err != nil {
			t.Fatal(err)
		}
		raw, got := make([]byte, v.Bytes()), []int64{}
		if err := b.Outputs[0].Download(0, raw); err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(raw); i += 8 {
			got = append(got, int64(binary.LittleEndian.Uint64(raw[i:])))
		}
		if out != nil && !slices.Equal(out, got) {
			t.Errorf("%s gives %v, others %v", variant, got, out)
		}
		out = got
		exe.Free()
		d.Close()
	}
	return out
}
