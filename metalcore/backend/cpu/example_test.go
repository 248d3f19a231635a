package cpu_test

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// Three steps of gradient descent on w*w, in one Submit. The state stays on the
// device; only the result comes back.
func Example() {
	w := ir.State("w", ir.F32, ir.Shape{}, nil)
	next := op.Sub(w, op.Mul(ir.Const(0.5, ir.F32), w))
	g := ir.NewGraph("descent", []ir.Output{{Name: "loss", Value: op.Mul(w, w)}}, []ir.Update{{State: w, New: next}})
	p, _, err := compile.Compile(g, compile.Options{})
	if err != nil {
		panic(err)
	}

	dev := cpu.New(0)
	defer dev.Close()
	exe, err := dev.Compile(p)
	if err != nil {
		panic(err)
	}
	state, _ := dev.Alloc(4)
	loss, _ := dev.Alloc(4)
	word := make([]byte, 4)
	binary.LittleEndian.PutUint32(word, math.Float32bits(8))
	if err := state.Upload(0, word); err != nil {
		panic(err)
	}
	run := exe.Submit(backend.Bindings{States: []backend.Buffer{state}, Outputs: []backend.Buffer{loss}}, 3)
	if err := run.Wait(); err != nil {
		panic(err)
	}
	if err := state.Download(0, word); err != nil {
		panic(err)
	}
	fmt.Println("w is", math.Float32frombits(binary.LittleEndian.Uint32(word)))
	// Output: w is 1
}
