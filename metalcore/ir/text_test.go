package ir_test

import (
	"flag"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/ir"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// sample is a graph with everything that the text can hold.
func sample() *ir.Graph {
	x := ir.Input("x", ir.F32, ir.Batch, 64)
	w := ir.State("dense.w", ir.F32, ir.Shape{64, 10}, ir.Attrs{ir.AttrInit: "he_normal", ir.AttrTrain: true})
	steps := ir.State(`odd "name"`, ir.I32, ir.Shape{}, ir.Attrs{ir.AttrInit: "zeros"})
	h := &ir.Value{Op: "matmul", In: []*ir.Value{x, w}, Attrs: ir.Attrs{"tb": false, "ta": false},
		DType: ir.F32, Shape: ir.Shape{ir.Batch, 10}}
	ir.Stamp(h, "dense", ir.Pos{File: `C:\my cells\cell.go`, Line: 12})
	folded := &ir.Value{Op: "reshape", In: []*ir.Value{h}, Attrs: ir.Attrs{"shape": []int{10 * ir.Batch, 1}},
		DType: ir.F32, Shape: ir.Shape{10 * ir.Batch, 1}, Layer: "flatten\n"}
	total := &ir.Value{Op: "reduce_sum", In: []*ir.Value{ir.Iota(3)}, Attrs: ir.Attrs{"axes": []int{}, "axis": -1, "keep": true},
		DType: ir.I32, Shape: ir.Shape{}}
	next := &ir.Value{Op: "add", In: []*ir.Value{steps, total}, DType: ir.I32, Shape: ir.Shape{}}
	outputs := []ir.Output{{Name: "y", Value: folded}, {Name: "third", Value: ir.Const(1.0/3, ir.F32, 2)},
		{Name: "two", Value: ir.Const(2, ir.F32)}, {Name: "least", Value: ir.Const(math.Inf(-1), ir.F32)},
		{Name: "tiny", Value: ir.Const(-5e-324, ir.F32, 0)}, {Name: "nan", Value: ir.Const(math.NaN(), ir.F32)}}
	return ir.NewGraph("model", outputs, []ir.Update{{State: steps, New: next}})
}

func TestGolden(t *testing.T) {
	const path = "testdata/sample.txt"
	got := sample().String()
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the text changed (go test -rewrite writes it anew):\n%s", got)
	}
}

func TestRoundTrip(t *testing.T) {
	g := sample()
	back, err := ir.Parse(g.String())
	if err != nil {
		t.Fatal(err)
	}
	if back.String() != g.String() {
		t.Errorf("printed again:\n%s\nwas:\n%s", back, g)
	}
	if len(back.Values) != len(g.Values) {
		t.Fatalf("%d values, want %d", len(back.Values), len(g.Values))
	}
	for i, v := range g.Values {
		w := back.Values[i]
		if w.Op != v.Op || w.Name != v.Name || w.Layer != v.Layer || w.Pos != v.Pos || w.Type() != v.Type() || len(w.In) != len(v.In) {
			t.Errorf("value %d is %+v, want %+v", i, w, v)
		}
		for key, x := range v.Attrs {
			// The text of a float is exact, and tells NaN from NaN where == does not.
			if got := w.Attrs[key]; fmt.Sprintf("%T %v", got, got) != fmt.Sprintf("%T %v", x, x) {
				t.Errorf("value %d: attribute %s is %v, want %v", i, key, got, x)
			}
		}
	}
	if third := back.Output("third").Float("value"); third != 1.0/3 {
		t.Errorf("a third came back as %v", third)
	}
	if tiny := back.Output("tiny").Float("value"); tiny != -5e-324 {
		t.Errorf("the smallest number came back as %v", tiny)
	}
}

func TestCanonical(t *testing.T) {
	g, moved := sample(), sample()
	for _, v := range moved.Values {
		v.Pos = ir.Pos{File: "other.go", Line: 99}
	}
	if g.Canonical() != moved.Canonical() {
		t.Error("the canonical text depends on positions")
	}
	if g.String() == moved.String() {
		t.Error("the text does not depend on positions")
	}
	moved.Values[0].Layer = "elsewhere"
	if g.Canonical() == moved.Canonical() {
		t.Error("the canonical text does not depend on layers")
	}
}

func ExampleParse() {
	g, err := ir.Parse(`graph "double"
%0 = input "x" f32[B]
%1 = const f32[] {value=2.0}
%2 = mul %0 %1 f32[B] layer "twice" at "cell.go":3
output "y" %2
`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(g.Output("y").Layer, g.Output("y").Pos, g.Bind(8).Output("y").Type())
	// Output: twice cell.go:3 f32[8]
}

func ExampleGraph_String() {
	x := ir.Input("x", ir.F32, ir.Batch, 4)
	fmt.Print(ir.NewGraph("same", []ir.Output{{Name: "y", Value: x}}, nil))
	// Output:
	// graph "same"
	// %0 = input "x" f32[B,4]
	// output "y" %0
}

func TestParseErrors(t *testing.T) {
	const head = "graph \"g\"\n%0 = input \"x\" f32[B,4]\n"
	long := head + "%1 = add" + strings.Repeat(" %0", ir.MaxOperands+1) + " f32[]"
	many := "graph \"g\"\n" + lines(ir.MaxValues+1)
	for _, c := range []struct{ text, want string }{
		{"", "empty; it begins"},
		{"hello", `line 1: it must be: graph "name"`},
		{"graph name", "quoted string"},
		{"graph `name`", "quoted string"},
		{"graph \"g\" more", `" more" is too much`},
		{head + "%2 = neg %0 f32[B,4]", "line 3: it must begin with %1 ="},
		{head + "%1 = neg %1 f32[B,4]", "%1 is no value above"},
		{head + "%1 = neg %x f32[B,4]", "%x is no value above"},
		{head + "%1 = neg %0", "is not a type"},
		{head + "%1 = neg %0 f64[B,4]", `unknown dtype "f64"`},
		{head + "%1 = neg %0 f32[B,B]", "more than one axis"},
		{head + "%1 = neg %0 f32[1099511627776,1099511627776]", "too many elements"},
		{head + "%1 = neg %0 f32[0,1099511627776,1099511627776]", "too many elements"},
		{head + "%1 = neg %0 f32[99999999999999999999]", "is not a dimension"},
		{head + "%1 = neg %0 f32[" + strings.Repeat("1,", 16) + "1]", "more than 16 axes"},
		{head + "%1 = neg %0 f32[4] {axes=[" + strings.Repeat("1,", 16) + "1]}", "more than 16 numbers"},
		{head + "%1 = neg %0 f32[4] {a=1 a=2}", "there twice"},
		{head + "%1 = neg %0 f32[4] {a=1", "do not end"},
		{head + "%1 = neg %0 f32[4] {a=", "attribute a"},
		{head + "%1 = neg %0 f32[4] {=1}", "name=value"},
		{head + "%1 = neg %0 f32[4] {a=[1,x]}", `"x" is no whole number`},
		{head + "%1 = neg %0 f32[4] {a=[1}", "does not end with ]"},
		{head + "%1 = neg %0 f32[4] {a=maybe}", `"maybe" is no number`},
		{head + "%1 = neg %0 f32[4] layer dense", "quoted string"},
		{head + "%1 = neg %0 f32[4] at \"f.go\"", "line of the position is missing"},
		{head + "%1 = neg %0 f32[4] at \"f.go\":x", "no number"},
		{head + "%1 = neg %0 f32[4] ?", "too much"},
		{head + "%1 = ", "the op is missing"},
		{head + "output y %0", "quoted string"},
		{head + "output \"y\" %1", "%1 is no value"},
		{head + "output \"y\" %0\noutput \"y\" %0", "or there are two"},
		{head + "update %0 %0", "an update needs a state"},
		{head + "%1 = input \"x\" f32[4]", `two inputs or states are named "x"`},
		{long, "operands in all"},
		{many, "more than 131072 values"},
		{strings.Repeat(" ", ir.MaxText+1), "the limit is"},
	} {
		_, err := ir.Parse(c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
}

func lines(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%%%d = iota i32[1]\n", i)
	}
	return b.String()
}

// FuzzParse: whatever the text, Parse does not panic, and what it reads it
// prints in a form that it reads as the same.
func FuzzParse(f *testing.F) {
	f.Add(sample().String())
	f.Add("graph \"g\"\n%0 = state \"s\" i32[] {init=\"zeros\"}\nupdate %0 %0\n")
	f.Add("graph \"g\"\n%0 = input \"a\" u8[B]\n%1 = cast %0 bf16[B] {to=\"bf16\"}\n%2 = const i64[] {value=1.0}\n%3 = lt %1 %1 bool[B]\n")
	f.Add("graph \"\"\r\n\r\n%0 = const f32[7B] {value=-Inf a=[] b=0x1p-3 c=+1}\n")
	f.Fuzz(func(t *testing.T, text string) {
		g, err := ir.Parse(text)
		if err != nil {
			return
		}
		printed := g.String()
		again, err := ir.Parse(printed)
		if err != nil {
			t.Fatalf("%v, of what was printed:\n%s", err, printed)
		}
		if again.String() != printed {
			t.Fatalf("printed\n%s\nthen\n%s", printed, again)
		}
	})
}
