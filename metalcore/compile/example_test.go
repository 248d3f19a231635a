package compile_test

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// A graph with much that need not be computed, and the program that is left.
func ExampleCompile() {
	x := ir.Input("x", ir.F32, 8, 4)
	scale := op.Div(ir.Const(1, ir.F32), ir.Const(2, ir.F32))
	y := op.Mul(op.Add(x, ir.Const(0, ir.F32)), op.Broadcast(scale, ir.Shape{8, 4}))
	g := ir.NewGraph("half", []ir.Output{{Name: "y", Value: op.Transpose(op.Transpose(y))}}, nil)
	p, _, err := compile.Compile(g, compile.Options{})
	if err != nil {
		panic(err)
	}
	fmt.Print(p)
	// Output:
	// program half: arena 64 bytes (64 without sharing), inputs 1, states 0, outputs 1, copies 0
	//    # until  place              bytes  value
	//    0     2  input 0              128  f32[8,4] input "x"
	//    1     2  arena 0                4  f32[] const value=0.5
	//    2   end  output 0             128  f32[8,4] mul %0 %1
}

// A dense layer and an update of its weights, explained: bias and relu join the
// product, and the update is one pass over memory.
func ExampleReport_Explain() {
	x, w, b := ir.Input("x", ir.F32, 32, 64), ir.State("w", ir.F32, ir.Shape{64, 16}, nil), ir.State("b", ir.F32, ir.Shape{16}, nil)
	y := op.ReLU(op.Add(op.MatMul(x, w, false, false), b))
	ir.Stamp(y, "Dense", ir.Pos{})
	gradient := op.MatMul(x, y, true, false)
	next := op.Sub(w, op.Mul(ir.Const(0.1, ir.F32), gradient))
	g := ir.NewGraph("dense", nil, []ir.Update{{State: w, New: next}})
	_, report, err := compile.Compile(g, compile.Options{})
	if err != nil {
		panic(err)
	}
	for _, k := range report.Explain(nil).Kernels {
		fmt.Printf("%6d FLOPs, %5d bytes read, %4d written: %s\n", k.FLOPs, k.Read, k.Written, k.Label())
	}
	// Output:
	//  66560 FLOPs, 12352 bytes read, 2048 written: matmul + bias relu (Dense)
	//  65536 FLOPs, 10240 bytes read, 4096 written: matmul
	//   2048 FLOPs,  8196 bytes read, 4096 written: fused 2: mul sub -> w
}
