package op_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

func TestCheckNamesTheValue(t *testing.T) {
	x := ir.Input("x", ir.F32, ir.Batch, 4)
	y := op.Exp(x)
	y.Shape = ir.Shape{ir.Batch, 5}
	y.Layer, y.Pos = "act", ir.Pos{File: "cell.go", Line: 7}
	err := op.Check(ir.NewGraph("g", []ir.Output{{Name: "y", Value: y}}, nil))
	const want = "value %1 of layer act (cell.go:7): exp: [B,4]: the result is f32[B,4], the graph says f32[B,5]"
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestCheckLeaves(t *testing.T) {
	const head = "graph \"g\"\n"
	for text, want := range map[string]string{
		`%0 = const f32[2]`:                            `the number "value" is missing`,
		`%0 = const f32[2] {value=1}`:                  `the number "value" is missing`,
		`%0 = iota f32[2]`:                             "must be i32 with one axis",
		`%0 = iota i32[2,2]`:                           "must be i32 with one axis",
		"%0 = input \"x\" f32[2]\n%1 = const %0 f32[]": "takes no operands",
		`%0 = input f32[2]`:                            `are named ""`,
	} {
		g, err := ir.Parse(head + text)
		if err == nil {
			err = op.Check(g)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", text, err, want)
		}
	}
	for _, v := range []*ir.Value{{Op: ir.OpInput, Name: "x"}, {Op: ir.OpInput, Name: "x", DType: 9},
		{Op: ir.OpInput, Name: "x", DType: ir.F32, Shape: ir.Shape{math.MinInt}}, nil} {
		if op.Check(&ir.Graph{Values: []*ir.Value{v}}) == nil {
			t.Errorf("%v is accepted", v)
		}
	}
}

func TestCheckAttrs(t *testing.T) {
	const head = "graph \"g\"\n%0 = input \"x\" f32[2,3]\n"
	for text, want := range map[string]string{
		"%1 = reduce_sum %0 f32[2] {axes=[1]}":                    `"keep" (bool) is missing`,
		"%1 = reduce_sum %0 f32[2] {axes=1 keep=false}":           `"axes" ([]int) is missing or of another type`,
		"%1 = reduce_sum %0 f32[2] {axes=[1] keep=false more=1}":  "3 attributes, it has 2",
		"%1 = cast %0 f32[2,3] {to=\"f64\"}":                      `unknown dtype "f64"`,
		"%1 = reshape %0 f32[6] {shape=[9223372036854775807,3]}":  "too many elements",
		"%1 = reshape %0 f32[6] {shape=[-9223372036854775808,3]}": "too many elements",
		"%1 = broadcast %0 f32[2,3] {shape=[-1,-1,2,3]}":          "more than one axis",
		"%1 = transpose %0 f32[2,3] {perm=[0,-1]}":                "there is no axis -1",
		"%1 = argmax %0 i32[2] {axis=-9223372036854775808}":       "there is no axis",
	} {
		g, err := ir.Parse(head + text)
		if err != nil {
			t.Fatal(err)
		}
		if err := op.Check(g); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", text, err, want)
		}
	}
}

// TestCheckHostile gives every op operands and attributes at random, most of
// them wrong. Check must say so, and not panic; what it accepts must be a value
// that could be.
func TestCheckHostile(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	accepted := map[string]bool{}
	for _, row := range op.All() {
		for range 20000 {
			v := &ir.Value{Op: row.Name, Attrs: ir.Attrs{}}
			for range row.Arity {
				v.In = append(v.In, hostileValue(rng))
			}
			for _, a := range row.Attrs {
				v.Attrs[a.Name] = hostileAttr(rng, a.Kind)
			}
			dtype, shape, err := row.Infer(v)
			if err != nil {
				continue
			}
			accepted[row.Name] = true
			if err := shape.Check(); err != nil || !dtype.Valid() {
				t.Fatalf("%s of %v with %v gives %s%s", row.Name, v.In, v.Attrs, dtype, shape)
			}
		}
	}
	for _, name := range []string{"add", "select", "reduce_max", "reshape", "matmul", "gather", "transpose"} {
		if !accepted[name] {
			t.Errorf("%s was never accepted: the test tries nothing that is right", name)
		}
	}
}

func hostileValue(rng *rand.Rand) *ir.Value {
	sizes := []int{0, 1, 1, 2, 2, 3, ir.Batch, -2, 1 << 20, ir.MaxElems, math.MinInt, math.MaxInt}
	v := &ir.Value{Op: ir.OpInput, DType: ir.DTypes()[rng.IntN(7)]}
	if rng.IntN(2) == 0 {
		v.DType = ir.F32
	}
	if rng.IntN(50) == 0 {
		v.DType = 77
	}
	for range rng.IntN(5) {
		limit := len(sizes)
		if rng.IntN(4) > 0 {
			limit = 8
		}
		v.Shape = append(v.Shape, sizes[rng.IntN(limit)])
	}
	return v
}

func hostileAttr(rng *rand.Rand, kind op.Kind) any {
	number := func() int {
		return []int{0, 0, 1, 1, 2, 2, 3, ir.Batch, 1 << 20, math.MinInt, math.MaxInt}[rng.IntN(11)]
	}
	switch rng.IntN(20) {
	case 0:
		return nil
	case 1:
		return uint8(2)
	}
	switch kind {
	case op.IntAttr:
		return number()
	case op.StrAttr:
		return []string{"f32", "i32", "bf16", "bool", ""}[rng.IntN(5)]
	case op.BoolAttr:
		return rng.IntN(2) == 0
	case op.FloatAttr:
		return []float64{0, -1.5, math.NaN(), math.Inf(1)}[rng.IntN(4)]
	}
	list := []int{}
	for range rng.IntN(5) {
		list = append(list, number())
	}
	return list
}

// seedAttrs are attributes that fit the fuzz test's first graphs.
var seedAttrs = map[string]string{"to": `"i32"`, "axis": "1", "axes": "[0,1]", "keep": "true", "n": "3", "ta": "false",
	"tb": "true", "perm": "[0,3,2,1]", "shape": "[-1,4,4,1]", "kernel": "[4,4,1,1]", "stride": "[1,1]",
	"dilation": "[1,1]", "pad": "[1,2,0,0]", "window": "[3,1]", "stream": "0", "groups": "1", "start": "[0,0,1,0]",
	"limit": "[-1,4,3,1]", "low": "[0,1,0,0]", "high": "[0,0,2,1]", "interior": "[0,1,0,0]", "value": "2.5", "reverse": "true",
	"descending": "false", "count_include_pad": "true"}

// FuzzCheck: whatever the text of a graph, Check does not panic.
func FuzzCheck(f *testing.F) {
	for _, row := range op.All() {
		text := "graph \"g\"\n%0 = input \"x\" f32[B,4,4,1]\n%1 = " + row.Name
		text += strings.Repeat(" %0", row.Arity) + " f32[B,4,4,1] {"
		for _, a := range row.Attrs {
			text += a.Name + "=" + seedAttrs[a.Name] + " "
		}
		f.Add(strings.Replace(strings.TrimSuffix(text, " ")+"}\n", " {}", "", 1))
	}
	f.Fuzz(func(t *testing.T, text string) {
		g, err := ir.Parse(text)
		if err != nil {
			return
		}
		if err := op.Check(g); err != nil && err.Error() == "" {
			t.Error("an error without a text")
		}
	})
}
