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
