package cpu

import (
	"testing"

	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/optim"
)

// BenchmarkAdam updates 100,352 parameters, as a dense layer 784-128 has, from a
// gradient. Of each number four are read and three written.
func BenchmarkAdam(b *testing.B) {
	const rows, cols = 784, 128
	for _, c := range []struct {
		name string
		skip []string
	}{{"fused", nil}, {"apart", []string{"fuse"}}} {
		b.Run(c.name, func(b *testing.B) {
			adam, err := optim.New("adam", nil)
			if err != nil {
				b.Fatal(err)
			}
			param := ir.State("p", ir.F32, ir.Shape{rows, cols}, ir.Attrs{ir.AttrTrain: true})
			grad, lr, t := ir.Input("g", ir.F32, rows, cols), ir.Input("lr", ir.F32), ir.Input("t", ir.F32)
			g := ir.NewGraph("adam", nil, adam.Build([]*ir.Value{param}, []*ir.Value{grad}, lr, t))
			p, r, err := compile.Compile(g, compile.Options{Skip: c.skip})
			if err != nil {
				b.Fatal(err)
			}
			if b.N == 1 {
				b.Log(r.Explain())
			}
			steps(b, 1, p)
			b.ReportMetric(7*4*rows*cols*float64(b.N)/b.Elapsed().Seconds()/1e9, "GB/s")
		})
	}
}
