package cpu

import (
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend/cpu/asm"
	"github.com/metalnb/metalnb/metalcore/backend/cpu/blas"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// TestOpenBLAS is what a Mac does, with another library: the same call with the
// same arguments. Where there is none, TestLibrary shows that they are right.
func TestOpenBLAS(t *testing.T) {
	lib, err := blas.SGEMM("libopenblas.so.0")
	if err != nil {
		t.Log(err)
		return
	}
	checkLibrary(t, lib)

	d := newDevice(2, asm.Best())
	defer d.Close()
	d.blas = lib
	y := op.MatMul(ir.Input("a", ir.F32, 128, 128), ir.Input("b", ir.F32, 128, 128), false, false)
	p, err := plan.New(ir.NewGraph("allocations", []ir.Output{{Name: "y", Value: y}}, nil))
	if err != nil {
		t.Fatal(err)
	}
	exe, b := load(t, d, p)
	defer exe.Free()
	run := func(steps int) float64 {
		return testing.AllocsPerRun(20, func() {
			if err := exe.Submit(b, steps).Wait(); err != nil {
				t.Fatal(err)
			}
		})
	}
	// purego takes its blocks of arguments from a pool, which gives out new ones now and then.
	if one, many := run(1), run(101); many-one > 50 {
		t.Errorf("a hundred calls make %v allocations", many-one)
	}
}
