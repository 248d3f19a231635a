package compile_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

func weight(name string, shape ...int) *ir.Value {
	return ir.State(name, ir.F32, shape, ir.Attrs{ir.AttrInit: "ones", ir.AttrTrain: true})
}

func dense(x *ir.Value, name string, n int) *ir.Value {
	return op.Add(op.MatMul(x, weight(name, x.Shape[len(x.Shape)-1], n), false, false), weight(name+"/bias", n))
}

// typesIn lists each op of a graph with the types it is computed in, without casts.
func typesIn(g *ir.Graph) (list []string) {
	for _, v := range g.Values {
		if s := v.Op + " " + v.DType.String(); !v.IsLeaf() && v.Op != "cast" && !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	slices.Sort(list)
	return list
}

func ExampleAutocast() {
	x := ir.Input("x", ir.F32, ir.Batch, 4)
	y := op.ReLU(op.MatMul(x, weight("w", 4, 3), false, false))
	fmt.Print(compile.Autocast(ir.NewGraph("model", []ir.Output{{Name: "y", Value: y}}, nil), ir.BF16))
	// Output:
	// graph "model"
	// %0 = input "x" f32[B,4]
	// %1 = cast %0 bf16[B,4] {to="bf16"}
	// %2 = state "w" f32[4,3] {init="ones" train=true}
	// %3 = cast %2 bf16[4,3] {to="bf16"}
	// %4 = matmul %1 %3 bf16[B,3] {ta=false tb=false}
	// %5 = relu %4 bf16[B,3]
	// %6 = cast %5 f32[B,3] {to="f32"}
	// output "y" %6
}

func TestAutocast(t *testing.T) {
	x := ir.Input("x", ir.F32, ir.Batch, 6)
	h := op.ReLU(dense(x, "a", 8))
	mean := op.Mean(h, true, 1)
	running := ir.State("running", ir.F32, ir.Shape{8}, ir.Attrs{ir.AttrInit: "zeros"})
	num := func(x float64) *ir.Value { return ir.Const(x, ir.F32) }
	mask := op.Select(op.Le(num(0.5), op.Random(ir.Const(1, ir.I32), ir.Const(2, ir.I32), 0, ir.Shape{8})), num(2), num(0))
	for _, c := range []struct {
		name string
		y    *ir.Value
		want []string
	}{
		{"a dense layer", h, []string{"add f16", "matmul f16", "relu f16"}},
		{"softmax", op.Softmax(dense(x, "c", 8), 1), []string{"add f16", "div f32", "exp f32", "floor f32", "matmul f16", "reduce_max f32", "reduce_sum f32", "sub f32"}},
		{"a norm", op.Mul(op.Sub(h, mean), weight("scale", 8)), []string{"add f16", "matmul f16", "mul f32", "reduce_mean f32", "relu f16", "sub f32"}},
		{"running statistics", op.Sub(h, running), []string{"add f16", "matmul f16", "relu f16", "sub f32"}},
		{"dropout", op.Mul(h, mask), []string{"add f16", "le bool", "matmul f16", "mul f16", "random f32", "relu f16", "select f32"}},
		{"a guard against 0", op.Add(h, num(1e-8)), []string{"add f16", "add f32", "matmul f16", "relu f16"}},
		{"a large constant", op.Max(h, num(-1e9)), []string{"add f16", "matmul f16", "max f32", "relu f16"}},
		{"no product", op.Tanh(op.Mul(x, num(2))), []string{"mul f32", "tanh f32"}},
		{"a residual", op.Add(h, dense(h, "b", 8)), []string{"add f16", "matmul f16", "relu f16"}},
		{"by hand", op.Cast(op.Exp(op.Cast(h, ir.BF16)), ir.F32), []string{"add f16", "exp bf16", "matmul f16", "relu f16"}},
		{"indices", op.Gather(weight("table", 9, 4), op.Cast(x, ir.I32)), []string{"gather f32"}},
		{"images", op.MaxPool2D(op.Conv2D(ir.Input("i", ir.F32, ir.Batch, 4, 4, 1), weight("k", 3, 3, 1, 2), op.ConvSpec{}), op.PoolSpec{Window: []int{2, 2}}),
			[]string{"conv2d f16", "maxpool2d f16"}},
	} {
		g := ir.NewGraph("model", []ir.Output{{Name: "y", Value: c.y}}, []ir.Update{{State: running, New: op.Mul(running, op.Sum(h, false, 0, 1))}})
		if err := op.Check(g); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		cast := compile.Autocast(g, ir.F16)
		if err := op.Check(cast); err != nil {
			t.Errorf("%s: %v\n%s", c.name, err, cast)
			continue
		}
		if y := cast.Output("y"); y.DType != ir.F32 || !y.Shape.Equal(c.y.Shape) {
			t.Errorf("%s: the output is %s", c.name, y.Type())
		}
		cast.Updates = nil
		if got := typesIn(ir.NewGraph("", cast.Outputs, nil)); !slices.Equal(got, c.want) {
			t.Errorf("%s: computed are\n%q, want\n%q", c.name, got, c.want)
		}
	}
}
