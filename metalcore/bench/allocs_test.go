package bench

import (
	"testing"

	"github.com/metalnb/metalnb/metalcore/autodiff"
	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/backend/cpu/asm"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/optim"
	"github.com/metalnb/metalnb/metalcore/train"
)

// TestStepsAllocateNothing: a run of many steps of a workload, with a small
// batch, allocates as much as a run of one.
func TestStepsAllocateNothing(t *testing.T) {
	for _, variant := range asm.Supported() {
		t.Setenv(cpu.EnvVariant, variant.String())
		for _, threads := range []int{1, 3} {
			for _, work := range workloads {
				dev := cpu.New(threads)
				l, err := load(dev, work.step(t, 2))
				if err != nil {
					t.Fatal(err)
				}
				allocs := func(steps int) float64 {
					return testing.AllocsPerRun(2, func() {
						if err := l.run(steps); err != nil {
							t.Fatal(err)
						}
					})
				}
				one, many := allocs(1), allocs(5)
				for tries := 0; many > one && tries < 10; tries++ { // a thread that Go starts meanwhile counts, too
					one, many = allocs(1), allocs(5)
				}
				if many > one {
					t.Errorf("%s, %s kernels, %d threads: a step makes %v allocations, five steps %v", work.name, variant, threads, one, many)
				}
				l.free()
				dev.Close()
			}
		}
	}
}

// step is a workload's training step for a batch of n rows.
func (work workload) step(t *testing.T, n int) *ir.Graph {
	t.Helper()
	g := op.Resolve(work.graph().Bind(n), true)
	loss := op.Mean(op.SoftmaxCrossEntropy(g.Output(train.OutputName), ir.Const(1, ir.I32, n)), false)
	grads, err := autodiff.Gradients(loss, g.Params())
	if err != nil {
		t.Fatal(err)
	}
	o, err := optim.New(work.optimizer, nil)
	if err != nil {
		t.Fatal(err)
	}
	return ir.NewGraph(work.name, nil, o.(optim.Updater).Build(g.Params(), grads, ir.Const(1e-4, ir.F32), ir.Const(1, ir.F32)))
}
