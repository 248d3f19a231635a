package compile

import (
	"testing"

	"github.com/metalnb/metalnb/metalcore/autodiff"
	"github.com/metalnb/metalnb/metalcore/backend/conformance/interp"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

func TestJoinPads(t *testing.T) {
	a := x(2, 3)
	at := func(v *ir.Value, low, high int) *ir.Value { return op.Pad(v, []int{0, low}, []int{0, high}, 0) }
	for _, c := range []struct {
		name string
		y    *ir.Value
		want string
	}{
		{"side by side", op.Add(at(a, 0, 3), at(op.Neg(a), 3, 0)), "neg concat"},
		{"in another order", op.Add(op.Add(at(a, 6, 0), at(a, 0, 6)), at(a, 3, 3)), "concat"},
		{"with a border", op.Add(at(a, 4, 4), at(a, 1, 7)), "concat pad"},
		{"with a gap", op.Add(at(a, 0, 4), at(a, 4, 0)), "pad pad add"},
		{"over each other", op.Add(at(a, 0, 2), at(a, 2, 0)), "pad pad add"},
		{"two axes", op.Add(op.Pad(a, []int{0, 0}, []int{2, 3}, 0), op.Pad(a, []int{2, 3}, []int{0, 0}, 0)), "pad pad add"},
		{"not zeros", op.Add(op.Pad(a, []int{0, 0}, []int{0, 3}, 1), at(a, 3, 0)), "pad pad add"},
		{"with something else", op.Add(at(a, 0, 3), ir.Input("z", ir.F32, 2, 6)), "pad add"},
	} {
		if got := text(t, simplify, c.y); got != c.want {
			t.Errorf("%s becomes %q, want %q", c.name, got, c.want)
		}
	}
}

// TestGradientOfPieces: a value cut into steps, as a recurrent layer does, has a
// gradient without a single pad, and it is the right one.
func TestGradientOfPieces(t *testing.T) {
	in := x(5, 4)
	h := ir.Const(0, ir.F32, 1, 2)
	for i := range 5 {
		row := op.SliceAxis(in, 0, i, i+1)
		h = op.Add(op.Mul(op.Tanh(op.SliceAxis(row, 1, 2, 4)), h), op.SliceAxis(row, 1, 0, 2))
	}
	grads, err := autodiff.Gradients(op.Sum(h, false), []*ir.Value{in})
	if err != nil {
		t.Fatal(err)
	}
	g := graph(grads[0])
	p, _, err := Compile(g, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range p.Graph.Values {
		if v.Op == "pad" {
			t.Errorf("a pad is left:\n%s", p.Graph)
			break
		}
	}
	given := map[string][]float64{"x": make([]float64, 20)}
	for i := range given["x"] {
		given["x"][i] = float64(i%7) - 3
	}
	want, _, err := interp.Run(g, given, nil)
	if err != nil {
		t.Fatal(err)
	}
	joined, err := simplify(g)
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := interp.Run(joined, given, nil)
	if err != nil || !equal(got["y"], want["y"]) {
		t.Errorf("the gradient is %v, want %v: %v", got["y"], want["y"], err)
	}
}
