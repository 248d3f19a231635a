package cpu

import (
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// A program takes all threads until it has shown that it is one thread's work.
func TestPlaces(t *testing.T) {
	x := ir.Input("x", ir.F32, 4)
	small, _, err := compile.Compile(ir.NewGraph("", []ir.Output{{Name: "y", Value: op.Mul(x, x)}}, nil), compile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d := New(3)
	defer d.Close()
	for _, c := range []struct {
		name    string
		program *plan.Program
		after   int
	}{{"large", lenet(t, 64), 3}, {"small", small, 1}} {
		exe, b := load(t, d, c.program)
		if n := backend.PlacesOf(exe); n != 3 {
			t.Errorf("a %s program that has not run takes %d places of 3", c.name, n)
		}
		if err := exe.Submit(b, 2).Wait(); err != nil {
			t.Fatal(err)
		}
		if n := backend.PlacesOf(exe); n != c.after {
			t.Errorf("a %s program takes %d places, want %d", c.name, n, c.after)
		}
		exe.Free()
	}
}
