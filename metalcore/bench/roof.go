package bench

import (
	"fmt"
	"slices"
	"time"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/optim"
	"github.com/metalnb/metalnb/metalcore/train"
)

// Roof bounds the speed of a device: nothing computes more than FLOPs, or moves
// more than Bytes, a second. What is not known is 0.
type Roof struct{ FLOPs, Bytes float64 }

// appleRoofs are what is told of Apple's chips with all cores of the GPU; the
// smaller variants of a chip stay below. None of it was measured here, or read
// on Apple's own pages: operations on f32 are those that github.com/huggingface/
// huggingface.js lists in packages/tasks/src/hardware.ts, of the chips whose
// numbers other lists share; bandwidths are those commonly listed.
var appleRoofs = map[string]Roof{
	"Apple M1": {2.6e12, 68e9}, "Apple M1 Pro": {5.2e12, 200e9}, "Apple M1 Max": {10.4e12, 400e9}, "Apple M1 Ultra": {21e12, 800e9},
	"Apple M2": {3.6e12, 100e9}, "Apple M2 Pro": {0, 200e9}, "Apple M2 Max": {0, 400e9}, "Apple M2 Ultra": {0, 800e9},
	"Apple M3": {0, 100e9}, "Apple M3 Pro": {0, 150e9}, "Apple M3 Max": {0, 400e9}, "Apple M3 Ultra": {0, 819e9},
	"Apple M4": {0, 120e9}, "Apple M4 Pro": {0, 273e9}, "Apple M4 Max": {0, 546e9},
}

// RoofOf is what is known of a device: of an Apple GPU what is told of it, of a CPU
// what its multiply-adds reach.
func RoofOf(i backend.Info) Roof {
	roof := appleRoofs[i.Name]
	if i.Kind == "cpu" {
		for range roofRounds {
			roof.FLOPs = max(roof.FLOPs, Peak(i.Threads))
		}
	}
	return roof
}

// roofRound is about how long a round of a measurement lasts, of which the best
// of roofRounds counts.
const (
	roofRound  = 50 * time.Millisecond
	roofRounds = 5
)

// Bandwidth is how many bytes a second a device reads and writes when it
// negates numbers that take so many bytes.
func Bandwidth(dev backend.Device, bytes int64) (float64, error) {
	x := ir.State("x", ir.F32, ir.Shape{int(bytes / 4)}, nil)
	rate, err := best(dev, ir.NewGraph("negate", nil, []ir.Update{{State: x, New: op.Neg(x)}}))
	return rate * 2 * float64(x.Bytes()), err
}

// GEMM is how many operations a second a device reaches in products of n x n
// matrices.
func GEMM(dev backend.Device, n int) (float64, error) {
	c := op.MatMul(ir.Input("a", ir.F32, n, n), ir.Input("b", ir.F32, n, n), false, false)
	g := ir.NewGraph("product", []ir.Output{{Name: "c", Value: c}}, nil)
	rate, err := best(dev, g)
	return rate * flops(g), err
}

// best is how many steps a second a graph reaches in its best round.
func best(dev backend.Device, g *ir.Graph) (float64, error) {
	l, err := load(dev, g)
	if err != nil {
		return 0, err
	}
	defer l.free()
	round, top := repeated(l.run, roofRound), 0.0
	for range roofRounds {
		rate, err := round()
		if err != nil {
			return 0, err
		}
		top = max(top, rate)
	}
	return top, nil
}

// Spec is the training of a workload, such as "W1", on random rows.
func Spec(name string) (train.Spec, error) {
	i := slices.IndexFunc(workloads, func(w workload) bool { return w.name == name })
	if i < 0 {
		return train.Spec{}, fmt.Errorf("there is no workload %q", name)
	}
	return workloads[i].spec()
}

func (work workload) spec() (train.Spec, error) {
	o, err := optim.New(work.optimizer, map[string]float64{"lr": 1e-4})
	return train.Spec{Name: work.name, Model: work.graph(), Loss: "cross_entropy", Optimizer: o, Batch: work.batch, Data: work.data()}, err
}
