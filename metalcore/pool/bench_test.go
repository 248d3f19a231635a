package pool_test

import (
	"fmt"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/plan"
	"github.com/metalnb/metalnb/metalcore/pool"
)

// devices are a device and the same one behind a pool.
func devices() map[string]backend.Device {
	return map[string]backend.Device{"device": cpu.New(1), "pool": pool.New(cpu.New(1), pool.Options{}).Device()}
}

// BenchmarkAlloc makes a buffer, fills it and frees it.
func BenchmarkAlloc(b *testing.B) {
	for name, dev := range devices() {
		for _, bytes := range []int{4, 10 << 20} {
			data := make([]byte, bytes)
			b.Run(fmt.Sprint(name, "/", bytes), func(b *testing.B) {
				for b.Loop() {
					buf, err := dev.Alloc(int64(bytes))
					if err != nil {
						b.Fatal(err)
					}
					if err := buf.Upload(0, data); err != nil {
						b.Fatal(err)
					}
					buf.Free()
				}
			})
		}
	}
}

// BenchmarkSubmit runs a step of a program with 50 inputs that does next to
// nothing, alone and 100 of them at once.
func BenchmarkSubmit(b *testing.B) {
	sum := ir.Input("x", ir.F32, 1)
	for i := range 49 {
		sum = op.Add(sum, ir.Input(fmt.Sprint("x", i), ir.F32, 1))
	}
	program, err := plan.New(ir.NewGraph("sum", []ir.Output{{Name: "y", Value: sum}}, nil))
	if err != nil {
		b.Fatal(err)
	}
	for name, dev := range devices() {
		exe, err := dev.Compile(program)
		if err != nil {
			b.Fatal(err)
		}
		var bind backend.Bindings
		for range 50 {
			x, _ := dev.Alloc(4)
			bind.Inputs = append(bind.Inputs, x)
		}
		y, _ := dev.Alloc(4)
		bind.Outputs = append(bind.Outputs, y)
		for _, steps := range []int{1, 100} {
			b.Run(fmt.Sprint(name, "/", steps), func(b *testing.B) {
				for b.Loop() {
					if err := exe.Submit(bind, steps).Wait(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
