package compile

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend/conformance/interp"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/plan"
)

func x(shape ...int) *ir.Value { return ir.Input("x", ir.F32, shape...) }

func num(v float64, shape ...int) *ir.Value { return ir.Const(v, ir.F32, shape...) }

func graph(y *ir.Value) *ir.Graph {
	return ir.NewGraph("test", []ir.Output{{Name: "y", Value: y}}, nil)
}

func TestOrder(t *testing.T) {
	names := append(Passes(), planPass)
	for _, o := range order {
		before, after := slices.Index(names, o.before), slices.Index(names, o.after)
		if before < 0 || after < 0 || before >= after {
			t.Errorf("%s must come before %s: %s", o.before, o.after, o.why)
		}
	}
}

// text is the graph after one pass, without the leaves' and outputs' lines.
func text(t *testing.T, run func(*ir.Graph) (*ir.Graph, error), y *ir.Value) string {
	t.Helper()
	g, err := run(graph(y))
	if err != nil {
		t.Fatal(err)
	}
	if err := op.Check(g); err != nil {
		t.Fatalf("the pass made a wrong graph: %v\n%s", err, g)
	}
	var ops []string
	for _, v := range g.Values {
		if !v.IsLeaf() {
			ops = append(ops, v.Op)
		}
	}
	return strings.Join(ops, " ")
}

func TestFold(t *testing.T) {
	for _, c := range []struct {
		y    *ir.Value
		want string
	}{
		{op.Add(num(1), num(2)), ""},
		{op.Mul(x(3), op.Sqrt(op.Mul(num(2, 3), num(8)))), "mul"},
		{op.Sum(num(0.5, 4, 4), false), ""},
		{op.Transpose(op.Broadcast(num(1, 1, 3), ir.Shape{2, 3})), ""},
		{op.Select(op.Lt(num(1), num(2)), num(3), num(4)), ""},
		{op.Div(num(1), num(0)), "div"},
		{op.Sqrt(num(-1)), "sqrt"},
		{op.Exp(num(1)), "exp"},
		{op.Sum(ir.Const(1<<30, ir.I32, 4), false), "reduce_sum"},
	} {
		if got := text(t, fold, c.y); got != c.want {
			t.Errorf("folding leaves %q, want %q\n%s", got, c.want, graph(c.y))
		}
	}
	g, err := fold(graph(op.Div(num(1, 2), num(3))))
	if got := g.Outputs[0].Value; err != nil || got.Float("value") != float64(float32(1)/3) || !got.Shape.Equal(ir.Shape{2}) {
		t.Errorf("1/3 became %v %v, %v", got.Type(), got.Attrs, err)
	}
}

func TestSimplify(t *testing.T) {
	a, r := x(2, 3), ir.Input("r", ir.F32, 3)
	m, z := ir.Input("m", ir.F32, 3, 4), ir.Input("z", ir.F32)
	for _, c := range []struct {
		name string
		y    *ir.Value
		want string
	}{
		{"relu of a reshaped product", op.ReLU(op.Reshape(op.MatMul(a, m, false, false), ir.Shape{4, 2})), "matmul relu reshape"},
		{"a reshaped product and another", op.Add(op.Reshape(op.MatMul(a, m, false, false), ir.Shape{4, 2}), ir.Input("w", ir.F32, 4, 2)), "matmul reshape add reshape"},
		{"a number and a reshaped product", op.Mul(z, op.Reshape(op.MatMul(a, m, false, false), ir.Shape{4, 2})), "matmul mul reshape"},
		{"relu of what is reshaped", op.ReLU(op.Reshape(a, ir.Shape{6})), "reshape relu"},
		{"sum over images of max pooling's gradient", op.Sum(op.MaxPool2DGrad(x(2, 4, 4, 3), ir.Input("y", ir.F32, 2, 2, 2, 3),
			ir.Input("g", ir.F32, 2, 2, 2, 3), op.PoolSpec{Window: []int{2, 2}}), false, 0, 1, 2), "reduce_sum"},
		{"x*1", op.Mul(a, num(1)), ""},
		{"1*x", op.Mul(num(1, 2, 3), a), ""},
		{"x+0", op.Add(a, num(0)), ""},
		{"0+x", op.Add(num(0), a), ""},
		{"x-0", op.Sub(a, num(0)), ""},
		{"0-x", op.Sub(num(0), a), "sub"},
		{"x/1", op.Div(a, num(1)), ""},
		{"1/x", op.Div(num(1), a), "div"},
		{"x^1", op.Pow(a, num(1)), ""},
		{"x*0 keeps NaN", op.Mul(a, num(0)), "mul"},
		{"x-x keeps NaN", op.Sub(a, a), "sub"},
		{"x/x keeps NaN", op.Div(a, a), "div"},
		{"a neutral operand that makes the shape", op.Add(r, num(0, 2, 3)), "add"},
		{"neg neg", op.Neg(op.Neg(a)), ""},
		{"relu relu", op.ReLU(op.ReLU(a)), "relu"},
		{"stop gradient", op.StopGradient(op.Exp(a)), "exp"},
		{"cast to the same", op.Cast(a, ir.F32), ""},
		{"reshape of reshape", op.Reshape(op.Reshape(a, ir.Shape{6}), ir.Shape{3, 2}), "reshape"},
		{"reshape and back", op.Reshape(op.Reshape(a, ir.Shape{6}), ir.Shape{2, 3}), ""},
		{"slice of all", op.SliceAxis(a, 1, 0, 3), ""},
		{"slice", op.SliceAxis(a, 1, 1, 3), "slice"},
		{"pad by nothing", op.Pad(a, []int{0, 0}, []int{0, 0}, 7), ""},
		{"concat of one", op.Concat(1, a), ""},
		{"smallest over size 1", op.MinOver(x(3, 1), true, 1), ""},
		{"transpose and back", op.Transpose(op.Transpose(a)), ""},
		{"two transposes", op.Transpose(op.Transpose(x(2, 3, 4), 1, 2, 0), 1, 2, 0), "transpose"},
		{"transpose of a column", op.Transpose(x(3, 1)), "reshape"},
		{"transpose", op.Transpose(a), "transpose"},
		{"sum over size 1", op.Sum(x(3, 1), false, 1), "reshape"},
		{"sum over nothing", op.Sum(x(3, 1), true, 1), ""},
		{"max over an axis", op.MaxOver(a, false, 1), "reduce_max"},
		{"broadcast operand", op.Mul(a, op.Broadcast(r, ir.Shape{2, 3})), "mul"},
		{"broadcast that makes the shape", op.Neg(op.Broadcast(r, ir.Shape{2, 3})), "broadcast neg"},
		{"both broadcast", op.Add(op.Broadcast(r, ir.Shape{2, 3}), op.Broadcast(z, ir.Shape{2, 3})), "broadcast add"},
		{"product of a transpose", op.MatMul(a, op.Transpose(ir.Input("w", ir.F32, 4, 3)), false, false), "matmul"},
		{"product of two transposes", op.MatMul(op.Transpose(m), op.Transpose(a), false, false), "matmul"},
		{"product of a batch's transpose", op.MatMul(op.Transpose(x(5, 4, 3), 0, 2, 1), ir.Input("b", ir.F32, 5, 4, 3), false, false), "matmul"},
	} {
		if got := text(t, simplify, c.y); got != c.want {
			t.Errorf("%s becomes %q, want %q", c.name, got, c.want)
		}
	}
}

func TestCSE(t *testing.T) {
	a, b, sq := x(3), ir.Input("b", ir.F32, 3), x(3, 3)
	for _, c := range []struct {
		y    *ir.Value
		want string
	}{
		{op.Mul(op.Exp(a), op.Exp(a)), "exp mul"},
		{op.Div(op.Add(a, b), op.Add(b, a)), "add div"},
		{op.Div(op.Sub(a, b), op.Sub(b, a)), "sub sub div"},
		{op.Div(op.Sum(a, true), op.Sum(a, false)), "reduce_sum reduce_sum div"},
		{op.Div(op.Sum(sq, false, 0), op.Sum(sq, false, 1)), "reduce_sum reduce_sum div"},
		{op.Div(op.Add(a, num(0)), op.Add(a, num(negZero()))), "add add div"},
	} {
		if got := text(t, cse, c.y); got != c.want {
			t.Errorf("cse leaves %q, want %q", got, c.want)
		}
	}
}

func negZero() float64 {
	zero := 0.0
	return -zero
}

// TestSchedule: eight large values, each reduced to one number. In the order
// given all are alive at once; one after the other they share a place.
func TestSchedule(t *testing.T) {
	in := x(1000)
	var large, sums []*ir.Value
	for i := range 8 {
		large = append(large, op.Mul(in, op.Exp(op.Add(in, num(float64(i))))))
	}
	g := &ir.Graph{Name: "test"}
	for _, v := range large {
		sums = append(sums, op.Sum(v, false))
	}
	total := sums[0]
	for _, s := range sums[1:] {
		total = op.Add(total, s)
	}
	base := graph(total)
	for _, late := range []bool{false, true} { // what is large, then the sums
		for _, v := range base.Values {
			if (len(v.Shape) == 0 && !v.IsLeaf()) == late {
				g.Values = append(g.Values, v)
			}
		}
	}
	g.Outputs = base.Outputs
	before, err := plan.New(g)
	if err != nil {
		t.Fatal(err)
	}
	p := &program{graph: g}
	if err := schedule(p); err != nil {
		t.Fatal(err)
	}
	after, err := plan.New(p.graph)
	if err != nil {
		t.Fatal(err)
	}
	if before.Arena < 8*4000 || after.Arena > 3*4096 {
		t.Errorf("the arena went from %d to %d bytes", before.Arena, after.Arena)
	}
}

// TestScheduleUpdates: a state is updated after its last reader, so that no
// copy is needed.
func TestScheduleUpdates(t *testing.T) {
	w := ir.State("w", ir.F32, ir.Shape{8, 8}, nil)
	next := op.Sub(w, op.MatMul(x(8, 8), w, false, false))
	late := op.Sum(op.MatMul(w, w, false, false), false)
	g := ir.NewGraph("test", []ir.Output{{Name: "late", Value: late}}, []ir.Update{{State: w, New: next}})
	g.Values = append(slices.DeleteFunc(slices.Clone(g.Values), func(v *ir.Value) bool { return v == late || v == late.In[0] }), late.In[0], late)
	p, _, err := Compile(g, Options{Skip: []string{"fold", "simplify", "cse", "dce"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Copies) != 0 {
		t.Errorf("the update is copied:\n%s", p)
	}
}

func TestOptions(t *testing.T) {
	g := graph(op.Mul(op.Add(x(4), num(0)), op.Add(num(1), num(2))))
	p, r, err := Compile(g, Options{Skip: []string{"simplify"}, Dump: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Graph.Values) != 5 {
		t.Errorf("x+0 was simplified although that was to be skipped:\n%s", p)
	}
	for _, want := range []string{"simplify  skipped: leave out", "fold", "add %", "arena 0", "program test"} {
		if !strings.Contains(r.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, r)
		}
	}
	if _, _, err := Compile(g, Options{Skip: []string{"plan"}}); err == nil || !strings.Contains(err.Error(), "schedule") {
		t.Errorf("skipping the plan: %v, want an error that names the passes", err)
	}
	if _, _, err := Compile(graph(x(ir.Batch)), Options{}); err == nil || !strings.Contains(err.Error(), "bind") {
		t.Errorf("an unbound graph: %v", err)
	}
	if _, _, err := Compile(graph(op.Phase(x(2), num(1, 2))), Options{}); err == nil || !strings.Contains(err.Error(), "op.Resolve") {
		t.Errorf("a phase: %v, want an error that says how to decide it", err)
	}
	bad := &ir.Value{Op: "add", In: []*ir.Value{x(3)}, Shape: ir.Shape{3}, DType: ir.F32}
	if _, _, err := Compile(graph(bad), Options{}); err == nil {
		t.Error("a wrong graph was compiled")
	}
}

// TestInPlaceOps holds the planner's list of ops that may work in place to the
// table of all ops.
func TestInPlaceOps(t *testing.T) {
	for _, row := range op.All() {
		if want := row.Class == op.Elementwise; plan.InPlace(row.Name) != want {
			t.Errorf("plan.InPlace(%q) is %v, its class is %s", row.Name, !want, row.Class)
		}
	}
}

// TestPassesKeepMeaning runs random graphs through every pass and the
// interpreter.
func TestPassesKeepMeaning(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 3))
		g := randomGraph(r)
		inputs := map[string][]float64{"x": numbers(r, 6), "y": numbers(r, 3), "z": numbers(r, 1)}
		want, _, err := interp.Run(g, inputs, nil)
		if err != nil {
			t.Fatal(err)
		}
		w := &program{graph: g}
		for _, p := range passes {
			if err := p.run(w); err != nil {
				t.Fatal(err)
			}
			next := w.graph
			got, _, err := interp.Run(next, inputs, nil)
			if err != nil {
				t.Fatalf("seed %d: %s: %v\n%s", seed, p.name, err, next)
			}
			for name := range want {
				if !equal(got[name], want[name]) {
					t.Fatalf("seed %d: %s changed %s from %v to %v\n%s\n%s", seed, p.name, name, want[name], got[name], g, next)
				}
			}
			g = next
		}
	}
}
