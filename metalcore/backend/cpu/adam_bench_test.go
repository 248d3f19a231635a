package cpu

import (
	"testing"

	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/optim"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// adamProgram updates 100,352 parameters, as a dense layer 784-128 has, from a
// gradient. Of each number four are read and three written.
func adamProgram(tb testing.TB, skip []string) *plan.Program {
	tb.Helper()
	adam, err := optim.New("adam", nil)
	if err != nil {
		tb.Fatal(err)
	}
	param := ir.State("p", ir.F32, ir.Shape{784, 128}, ir.Attrs{ir.AttrTrain: true})
	grad, lr, t := ir.Input("g", ir.F32, param.Shape...), ir.Input("lr", ir.F32), ir.Input("t", ir.F32)
	g := ir.NewGraph("adam", nil, adam.(optim.Updater).Build([]*ir.Value{param}, []*ir.Value{grad}, lr, t))
	p, _, err := compile.Compile(g, compile.Options{Skip: skip})
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func BenchmarkAdam(b *testing.B) {
	for _, c := range []struct {
		name string
		skip []string
	}{{"fused", nil}, {"apart", []string{"fuse"}}} {
		b.Run(c.name, func(b *testing.B) {
			steps(b, 1, adamProgram(b, c.skip))
			b.ReportMetric(7*4*784*128*float64(b.N)/b.Elapsed().Seconds()/1e9, "GB/s")
		})
	}
}
