package ir_test

import (
	"math"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/ir"
)

func TestBind(t *testing.T) {
	x := ir.Input("x", ir.F32, 4*ir.Batch, 2)
	y := &ir.Value{Op: "reshape", In: []*ir.Value{x}, Attrs: ir.Attrs{"shape": []int{ir.Batch, 8}}, DType: ir.F32, Shape: ir.Shape{ir.Batch, 8}}
	z := &ir.Value{Op: "scatter_add", In: []*ir.Value{x}, Attrs: ir.Attrs{"n": 2 * ir.Batch}, DType: ir.F32, Shape: ir.Shape{2 * ir.Batch}}
	s := &ir.Value{Op: "slice", In: []*ir.Value{x}, Attrs: ir.Attrs{"limit": []int{4 * ir.Batch, 1}}, DType: ir.F32, Shape: ir.Shape{4 * ir.Batch, 1}}
	g := ir.NewGraph("g", []ir.Output{{Name: "y", Value: y}, {Name: "z", Value: z}, {Name: "s", Value: s}}, nil)
	bound := g.Bind(3)
	if limit := bound.Output("s").Ints("limit"); limit[0] != 12 || limit[1] != 1 {
		t.Errorf("the limit of a slice is bound to %v", limit)
	}
	for _, v := range bound.Values {
		if v.Shape.HasBatch() {
			t.Errorf("%s is still %s", v.Op, v.Type())
		}
	}
	by, bz := bound.Output("y"), bound.Output("z")
	if by.Type() != "f32[3,8]" || by.Ints("shape")[0] != 3 || bz.Int("n") != 6 || bz.In[0].Type() != "f32[12,2]" {
		t.Errorf("bound: %s", bound)
	}
	if y.Ints("shape")[0] != ir.Batch || z.Int("n") != 2*ir.Batch || s.Ints("limit")[0] != 4*ir.Batch {
		t.Error("Bind changed the graph it copies")
	}
}

func TestShapeCheck(t *testing.T) {
	for _, s := range []ir.Shape{{}, {0}, {ir.Batch, 0, 5}, {ir.MaxElems}, {-ir.MaxElems}} {
		if err := s.Check(); err != nil {
			t.Error(err)
		}
	}
	for _, s := range []ir.Shape{{ir.Batch, 2 * ir.Batch}, {ir.MaxElems, 2}, {0, math.MaxInt}, {math.MinInt}, {1 << 20, -1 << 21}} {
		if s.Check() == nil {
			t.Errorf("shape %v is accepted", []int(s))
		}
	}
}

func TestParseShape(t *testing.T) {
	for _, s := range []ir.Shape{{}, {7}, {ir.Batch, 8, 8, 1}, {64 * ir.Batch, 0}, {ir.MaxElems}, {-ir.MaxElems}} {
		got, err := ir.ParseShape(s.String())
		if err != nil || !got.Equal(s) {
			t.Errorf("%s came back as %s, %v", s, got, err)
		}
	}
	for _, text := range []string{"", "8", "[8", "[,]", "[-1]", "[0B]", "[x]", "[B,B]", "[99999999999999999999]"} {
		if _, err := ir.ParseShape(text); err == nil {
			t.Errorf("%q is accepted as a shape", text)
		}
	}
}

func TestCheck(t *testing.T) {
	x, s := ir.Input("x", ir.F32), ir.State("s", ir.F32, ir.Shape{}, nil)
	y := &ir.Value{Op: "neg", In: []*ir.Value{x}, DType: ir.F32}
	i := ir.Const(1, ir.I32)
	out := func(v *ir.Value) []ir.Output { return []ir.Output{{Name: "y", Value: v}} }
	for want, g := range map[string]*ir.Graph{
		"comes after it":        {Values: []*ir.Value{y, x}},
		"no value of it":        {Values: []*ir.Value{x}, Outputs: out(y)},
		"an update of what":     {Values: []*ir.Value{s}, Updates: []ir.Update{{State: s}}},
		"needs a state":         {Values: []*ir.Value{x, s}, Updates: []ir.Update{{State: x, New: x}}},
		"its own":               {Values: []*ir.Value{s}, Updates: []ir.Update{{State: s, New: s}, {State: s, New: s}}},
		`"s" is f32[], its new`: {Values: []*ir.Value{s, i}, Updates: []ir.Update{{State: s, New: i}}},
		"two inputs or states":  {Values: []*ir.Value{x, ir.State("x", ir.F32, nil, nil)}},
		"or there are two":      {Values: []*ir.Value{x}, Outputs: append(out(x), out(x)...)},
	} {
		if err := g.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// TestStamp: a call's values get its layer; what earlier calls made keeps its
// own, and a chain of residuals, with 2^60 paths, takes no time.
func TestStamp(t *testing.T) {
	for _, pos := range []ir.Pos{{File: "cell.go", Line: 2}, {}} {
		x := ir.Input("x", ir.F32)
		ir.Stamp(x, "input", pos)
		y := x
		for range 60 {
			y = &ir.Value{Op: "add", In: []*ir.Value{y, y}, DType: ir.F32}
		}
		ir.Stamp(y, "", ir.Pos{})
		ir.Stamp(y, "sum", pos)
		if x.Layer != "input" || y.Layer != "sum" || y.In[0].Layer != "sum" || y.Pos != pos {
			t.Errorf("layers %q, %q, position %v", x.Layer, y.Layer, y.Pos)
		}
	}
}
