package plan

import (
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/ir"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

func node(op string, shape ir.Shape, in ...*ir.Value) *ir.Value {
	return &ir.Value{Op: op, In: in, Shape: shape, DType: ir.F32}
}

func mustPlan(t *testing.T, outs []*ir.Value, updates ...ir.Update) *Program {
	t.Helper()
	var outputs []ir.Output
	for i, v := range outs {
		outputs = append(outputs, ir.Output{Name: string(rune('a' + i)), Value: v})
	}
	p, err := New(ir.NewGraph("test", outputs, updates))
	if err != nil {
		t.Fatal(err)
	}
	if err := verify(p); err != nil {
		t.Fatalf("%v\n%s", err, p)
	}
	return p
}

// sgd is w <- w - lr * (x^T (x w)), as an optimizer would build it.
func sgd() *ir.Graph {
	x := ir.Input("x", ir.F32, 32, 8)
	w := ir.State("w", ir.F32, ir.Shape{8, 10}, nil)
	y := node("matmul", ir.Shape{32, 10}, x, w)
	r := node("relu", ir.Shape{32, 10}, y)
	flat := node("reshape", ir.Shape{320}, r)
	loss := node("reduce_sum", ir.Shape{}, flat)
	g := node("matmul", ir.Shape{8, 10}, x, r)
	g.Attrs = ir.Attrs{"ta": true}
	step := node("mul", ir.Shape{8, 10}, g, ir.Const(0.1, ir.F32))
	w2 := node("sub", ir.Shape{8, 10}, w, step)
	w2.Layer = "Dense"
	return ir.NewGraph("sgd", []ir.Output{{Name: "loss", Value: loss}, {Name: "flat", Value: flat}}, []ir.Update{{State: w, New: w2}})
}

func TestReport(t *testing.T) {
	p, err := New(sgd())
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "sgd.txt")
	if *rewrite {
		if err := os.WriteFile(golden, []byte(p.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if p.String() != string(want) {
		t.Errorf("plan changed (run with -rewrite if it should have):\n%s\nwant:\n%s", p, want)
	}
}

func TestElementwiseChainUsesOneBlock(t *testing.T) {
	x := ir.Input("x", ir.F32, 100)
	v := node("exp", x.Shape, x)
	for range 5 {
		v = node("neg", x.Shape, v)
	}
	p := mustPlan(t, []*ir.Value{node("reduce_sum", ir.Shape{}, v)})
	if p.Arena != aligned(400) {
		t.Errorf("arena is %d bytes, want the %d of one value\n%s", p.Arena, aligned(400), p)
	}
}

func TestBroadcastOperandIsNotWrittenOver(t *testing.T) {
	x := ir.Input("x", ir.F32, 4)
	row := node("exp", ir.Shape{4}, x)
	col := node("reshape", ir.Shape{4, 1}, row)
	sq := node("add", ir.Shape{4, 4}, row, col)
	both := node("mul", ir.Shape{4}, row, node("reduce_sum", ir.Shape{4}, sq))
	p := mustPlan(t, []*ir.Value{node("matmul", ir.Shape{}, sq, both)})
	if p.Places[col] != p.Places[row] {
		t.Errorf("the reshape was moved:\n%s", p)
	}
}

func TestUpdates(t *testing.T) {
	shape := ir.Shape{16}
	state := func(name string) *ir.Value { return ir.State(name, ir.F32, shape, nil) }
	a, b := state("a"), state("b")
	x := ir.Input("x", ir.F32, 16)
	sum := node("add", shape, a, x)
	late := node("mul", shape, sum, a)
	perm := node("transpose", shape, a)
	for _, c := range []struct {
		name    string
		outs    []*ir.Value
		updates []ir.Update
		copies  int
	}{
		{"in place", nil, []ir.Update{{State: a, New: sum}}, 0},
		{"old value read later", []*ir.Value{late}, []ir.Update{{State: a, New: sum}}, 1},
		{"old value is an output", []*ir.Value{a}, []ir.Update{{State: a, New: sum}}, 2},
		{"new value is an output", []*ir.Value{sum}, []ir.Update{{State: a, New: sum}}, 1},
		{"op that cannot work in place", nil, []ir.Update{{State: a, New: perm}}, 1},
		{"from an input", nil, []ir.Update{{State: a, New: x}}, 1},
		{"to itself", nil, []ir.Update{{State: a, New: a}}, 0},
		{"from a state that stays", nil, []ir.Update{{State: a, New: b}}, 1},
		{"from a state that changes", nil, []ir.Update{{State: b, New: a}, {State: a, New: sum}}, 1},
		{"swap", nil, []ir.Update{{State: a, New: b}, {State: b, New: a}}, 1},
		{"one value for two states", nil, []ir.Update{{State: a, New: sum}, {State: b, New: sum}}, 1},
		{"from a constant", nil, []ir.Update{{State: a, New: ir.Const(0, ir.F32, 16)}}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := mustPlan(t, c.outs, c.updates...)
			if len(p.Copies) != c.copies {
				t.Errorf("%d copies, want %d\n%s", len(p.Copies), c.copies, p)
			}
		})
	}
}

func TestOutputs(t *testing.T) {
	x := ir.Input("x", ir.F32, 16)
	e := node("exp", ir.Shape{16}, x)
	r := node("reshape", ir.Shape{4, 4}, e)
	p := mustPlan(t, []*ir.Value{e, e, r, x, ir.Const(1, ir.F32), node("reshape", ir.Shape{4, 4}, x)})
	if got := p.Places[e]; got != (Place{Kind: Output}) || p.Places[r] != got {
		t.Errorf("exp is at %v, its reshape at %v, want output 0", got, p.Places[r])
	}
	if len(p.Copies) != 5 {
		t.Errorf("%d copies, want 5\n%s", len(p.Copies), p)
	}
}

func TestBadGraphs(t *testing.T) {
	x := ir.Input("x", ir.F32, ir.Batch, 3)
	bound := ir.Input("y", ir.F32, 3)
	for _, c := range []struct {
		name, want string
		g          *ir.Graph
	}{
		{"unbound", "bind the graph", ir.NewGraph("g", []ir.Output{{Name: "x", Value: x}}, nil)},
		{"foreign output", `output "y"`, &ir.Graph{Name: "g", Outputs: []ir.Output{{Name: "y", Value: bound}}}},
		{"wrong order", "comes after", &ir.Graph{Name: "g", Values: []*ir.Value{node("exp", ir.Shape{3}, bound), bound}}},
		{"foreign update", "update of what is no value", &ir.Graph{Name: "g", Values: []*ir.Value{bound},
			Updates: []ir.Update{{State: ir.State("s", ir.F32, ir.Shape{3}, nil), New: bound}}}},
	} {
		if _, err := New(c.g); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

func TestRandomGraphs(t *testing.T) {
	for seed := range uint64(400) {
		g := randomGraph(rand.New(rand.NewPCG(seed, 1)))
		p, err := New(g)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if err := verify(p); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, p)
		}
	}
}

// TestRandomGroups: the same with groups, cut at random from what stands
// together and may be fused.
func TestRandomGroups(t *testing.T) {
	fused := 0
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 2))
		g := randomGraph(r)
		p, err := New(g, randomGroups(r, g)...)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if err := verify(p); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, p)
		}
		for i := range p.Steps {
			if p.Steps[i].Fused() {
				fused++
			}
		}
	}
	if fused < 100 {
		t.Errorf("only %d groups were made", fused)
	}
}

// TestGroup: three states are written over in one step, and what only the
// group reads has no place.
func TestGroup(t *testing.T) {
	shape := ir.Shape{16}
	p, m, g := ir.State("p", ir.F32, shape, nil), ir.State("m", ir.F32, shape, nil), ir.Input("g", ir.F32, 16)
	half := node("mul", shape, g, ir.Const(0.5, ir.F32))
	next := node("add", shape, m, half)
	size := node("mul", shape, next, p)
	small := node("sub", shape, p, size)
	graph := ir.NewGraph("momentum", nil, []ir.Update{{State: p, New: small}, {State: m, New: next}})
	prog, err := New(graph, Group{half, next, size, small})
	if err != nil {
		t.Fatal(err)
	}
	if err := verify(prog); err != nil {
		t.Fatal(err)
	}
	if len(prog.Steps) != 1 || len(prog.Copies) != 0 || len(prog.Steps[0].Reads) != 4 || len(prog.Steps[0].Writes) != 2 {
		t.Errorf("want one step that reads 4 and writes 2 values:\n%s", prog)
	}
	if prog.Places[half].Kind != Inside || prog.Places[small].Kind != State {
		t.Errorf("wrong places:\n%s", prog)
	}
}

// TestEpilogue: a product with bias and relu is one step that writes over none
// of its operands, even one of the same size that is not needed any more.
func TestEpilogue(t *testing.T) {
	x, w := ir.Input("x", ir.F32, 1, 4), ir.Input("w", ir.F32, 4, 8)
	bias := node("exp", ir.Shape{8}, ir.Input("b", ir.F32, 8))
	y := node("matmul", ir.Shape{1, 8}, x, w)
	sum := node("add", ir.Shape{1, 8}, y, bias)
	relu := node("relu", ir.Shape{1, 8}, sum)
	last := node("matmul", ir.Shape{1, 8}, relu, w)
	g := ir.NewGraph("dense", []ir.Output{{Name: "y", Value: last}}, nil)
	g.Values = []*ir.Value{x, w, bias.In[0], bias, y, sum, relu, last}
	p, err := New(g, Group{y, sum, relu})
	if err != nil {
		t.Fatal(err)
	}
	if err := verify(p); err != nil {
		t.Fatalf("%v\n%s", err, p)
	}
	if e, ok := p.Steps[1].Epilogue(); !ok || e.Product != y || e.Bias != bias || !e.ReLU || len(e.Rest) > 0 {
		t.Errorf("the second step is not a product with bias and relu:\n%s", p)
	}
	for _, bad := range []Group{{y}, {y, relu}, {y, sum, relu, last}, {y, sum}} {
		if _, err := New(g, bad); (err == nil) != (len(bad) == 2 && bad[1] == sum) {
			t.Errorf("group of %d: error %v", len(bad), err)
		}
	}
	g.Outputs = append(g.Outputs, ir.Output{Name: "sum", Value: sum})
	p, err = New(g, Group{y, sum, relu})
	if err != nil {
		t.Fatal(err)
	}
	if err := verify(p); err != nil {
		t.Fatalf("%v\n%s", err, p)
	}
	if e, ok := p.Steps[1].Epilogue(); !ok || e.Base != sum || e.ReLU || len(e.Rest) != 1 {
		t.Errorf("the sum is a result, too, and relu comes after it:\n%s", p)
	}
}

func TestBadGroups(t *testing.T) {
	x := ir.Input("x", ir.F32, 4)
	a := node("exp", ir.Shape{4}, x)
	b := node("transpose", ir.Shape{4}, a)
	c := node("neg", ir.Shape{4}, b)
	d := node("neg", ir.Shape{2, 2}, b)
	e := node("neg", ir.Shape{4}, node("reshape", ir.Shape{4}, c))
	g := ir.NewGraph("g", []ir.Output{{Name: "c", Value: c}, {Name: "e", Value: e}, {Name: "d", Value: d}, {Name: "a", Value: a}}, nil)
	for _, bad := range []struct {
		name, want string
		groups     []Group
	}{
		{"not fusible", "transpose", []Group{{a, b}}},
		{"apart", "together", []Group{{a, c}}},
		{"two shapes", "f32[2,2]", []Group{{c, d}}},
		{"through a reshape", "reshape", []Group{{c, e}}},
		{"in two groups", "neg", []Group{{c}, {c}}},
	} {
		if _, err := New(g, bad.groups...); err == nil || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("%s: error %v, want one with %q", bad.name, err, bad.want)
		}
	}
}

func TestSameSpace(t *testing.T) {
	for _, c := range []struct {
		a, b ir.Shape
		want bool
	}{
		{ir.Shape{}, ir.Shape{1, 1}, true}, {ir.Shape{2, 1, 3}, ir.Shape{1, 2, 3, 1}, true}, {ir.Shape{2, 3}, ir.Shape{3, 2}, false},
		{ir.Shape{6}, ir.Shape{2, 3}, false}, {ir.Shape{2}, ir.Shape{2, 2}, false}, {ir.Shape{0, 1}, ir.Shape{0}, true}, {ir.Shape{2}, ir.Shape{}, false},
	} {
		if SameSpace(c.a, c.b) != c.want || SameSpace(c.b, c.a) != c.want {
			t.Errorf("SameSpace of %v and %v is not %v", c.a, c.b, c.want)
		}
	}
}

func TestInPlaceIsSaidOfKnownOps(t *testing.T) {
	if !InPlace("add") || InPlace("matmul") || InPlace("reshape") {
		t.Error("add works in place; matmul and reshape do not")
	}
}
