package cpu

import (
	"fmt"
	"testing"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/plan"
)

func BenchmarkGEMM(b *testing.B) {
	const n = 256
	y := op.MatMul(ir.Input("a", ir.F32, n, n), ir.Input("b", ir.F32, n, n), false, false)
	p, err := plan.New(ir.NewGraph("gemm", []ir.Output{{Name: "y", Value: y}}, nil))
	if err != nil {
		b.Fatal(err)
	}
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprint(threads, "threads"), func(b *testing.B) {
			steps(b, threads, p)
			b.ReportMetric(2*n*n*n*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}

func BenchmarkLeNetStep(b *testing.B) {
	p := lenet(b, 32)
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprint(threads, "threads"), func(b *testing.B) {
			steps(b, threads, p)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "steps/s")
		})
	}
}

func steps(b *testing.B, threads int, p *plan.Program) {
	d := New(threads)
	defer d.Close()
	exe, bind := load(b, d, p)
	b.ResetTimer()
	if err := exe.Submit(bind, b.N).Wait(); err != nil {
		b.Fatal(err)
	}
}
