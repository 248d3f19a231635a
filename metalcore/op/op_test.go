package op_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// A dense layer over a batch whose size is not known yet.
func Example() {
	x := ir.Input("x", ir.F32, ir.Batch, 64)
	w := ir.State("w", ir.F32, ir.Shape{64, 10}, nil)
	b := ir.State("b", ir.F32, ir.Shape{10}, nil)
	y := op.ReLU(op.Add(op.MatMul(x, w, false, false), b))
	fmt.Println(y.Type())
	// Output: f32[B,10]
}

func ExampleTry() {
	x, w := ir.Input("x", ir.F32, ir.Batch, 64), ir.Input("w", ir.F32, 32, 10)
	err := op.Try(func() { op.MatMul(x, w, false, false) })
	fmt.Println(err)
	// Output: matmul: [B,64] x [32,10]: inner sizes 64 and 32 differ; make the second operand [64,10]
}

func ExampleLookup() {
	row := op.Lookup("maxpool2d_grad")
	fmt.Println(row.Arity, row.Class, row.NoGrad)
	// Output: 3 pool second derivatives through max pooling are not supported
}

func ExampleReshape() {
	x := ir.Input("x", ir.F32, ir.Batch, 4, 8)
	fmt.Println(op.Reshape(x, ir.Shape{ir.Batch, 32}).Shape, op.Reshape(x, ir.Shape{4 * ir.Batch, 8}).Shape)
	// Output: [B,32] [4B,8]
}

// TestTable walks the table: no fact may be missing.
func TestTable(t *testing.T) {
	classes := []op.Class{op.Elementwise, op.Reduce, op.Contract, op.Move, op.Index, op.Pool, op.Loss, op.Draw, op.Choice}
	rows := op.All()
	if len(rows) < 40 {
		t.Fatalf("only %d ops", len(rows))
	}
	for _, row := range rows {
		if row.Doc == "" || strings.Contains(row.Doc, "\n") {
			t.Errorf("%s: doc %q is not one line", row.Name, row.Doc)
		}
		if row.Arity < 1 || row.Shape == nil || !slices.Contains(classes, row.Class) {
			t.Errorf("%s: arity %d, class %q, or no shape rule", row.Name, row.Arity, row.Class)
		}
		if (row.Grad == nil) == (row.NoGrad == "") {
			t.Errorf("%s: it needs either a gradient or a reason why there is none", row.Name)
		}
		if op.Lookup(row.Name) != row {
			t.Errorf("%s: Lookup finds another row", row.Name)
		}
	}
	if !slices.IsSortedFunc(rows, func(a, b *op.Op) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("All is not sorted")
	}
	if op.Lookup(ir.OpInput) != nil || op.Lookup("no such") != nil {
		t.Error("Lookup finds what is no row")
	}
}

func TestTryPassesOtherPanics(t *testing.T) {
	defer func() {
		if recover() != "other" {
			t.Error("Try swallowed a panic that is not an *Error")
		}
	}()
	_ = op.Try(func() { panic("other") })
}

func TestTryNoError(t *testing.T) {
	if err := op.Try(func() {}); err != nil {
		t.Error(err)
	}
}

func TestNilOperands(t *testing.T) {
	x := ir.Input("x", ir.F32, 2, 2)
	for i, f := range []func(){
		func() { op.Add(x, nil) }, func() { op.Neg(nil) }, func() { op.Sum(nil, true) }, func() { op.Reshape(nil, ir.Shape{}) },
		func() { op.Transpose(nil) }, func() { op.ArgMax(nil, -1) }, func() { op.Softmax(nil, -1) }, func() { op.Broadcast(nil, nil) },
	} {
		if err := op.Try(f); err == nil || !strings.Contains(err.Error(), "is nil; pass a value") {
			t.Errorf("%d: error %v", i, err)
		}
	}
}
