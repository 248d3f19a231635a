package bench

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"

	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/optim"
	"github.com/metalnb/metalnb/metalcore/train"
)

// training measures the steps per second of the workloads, on one thread and
// on all. The data is on the device; the host reads the metrics a few times a
// second.
func training(ctx context.Context, w io.Writer) error {
	for _, threads := range []int{1, 0} {
		dev := cpu.New(threads)
		for _, work := range workloads {
			s, err := work.measure(ctx, dev)
			if err != nil {
				return fmt.Errorf("%s: %w", work.name, err)
			}
			fmt.Fprintf(w, "%-6s %9.0f steps/s (%.0f to %.0f) %6.1f GFLOP/s  %s; %s\n", work.name, s.median, s.low, s.high,
				s.median*work.flops/1e9, work.what, dev.Info().Name)
		}
		if err := dev.Close(); err != nil {
			return err
		}
	}
	return nil
}

// rounds of about this many seconds are measured of each workload.
const (
	rounds       = 7
	roundSeconds = 0.4
)

// measure trains on random data; the rate of each epoch is one round.
func (work workload) measure(ctx context.Context, dev *cpu.Device) (spread[float64], error) {
	var none spread[float64]
	adam, err := optim.New(work.optimizer, map[string]float64{"lr": 1e-4})
	if err != nil {
		return none, err
	}
	t, err := train.New(dev, train.Spec{Name: work.name, Model: work.graph(), Loss: "cross_entropy", Optimizer: adam,
		Batch: work.batch, Data: work.data(16)})
	if err != nil {
		return none, err
	}
	defer t.Close()
	rate := func(epochs int) (float64, error) {
		before, seconds := t.Info().Step, 0.0
		if err := t.Train(ctx, epochs); err != nil {
			return 0, err
		}
		history := t.History()
		for _, e := range history[len(history)-epochs:] {
			seconds += e.Seconds
		}
		return float64(t.Info().Step-before) / seconds, nil
	}
	if _, err := rate(2); err != nil { // compiles, and fills the caches
		return none, err
	}
	first, err := rate(2)
	if err != nil {
		return none, err
	}
	var rates []float64
	for range rounds {
		r, err := rate(max(1, int(first*roundSeconds/16)))
		if err != nil {
			return none, err
		}
		rates = append(rates, r)
	}
	return spreadOf(rates), nil
}

// data is random, of the given number of batches.
func (work workload) data(batches int) *feed.Set {
	r := rand.New(rand.NewPCG(1, 2))
	n := batches * work.batch
	x, y := make([]float32, n*work.input.Elems()), make([]int32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	for i := range y {
		y[i] = int32(r.IntN(work.classes))
	}
	return &feed.Set{Name: work.name, X: feed.FromF32(x, append([]int{n}, work.input...)...), Y: feed.FromI32(y, n),
		Classes: make([]string, work.classes)}
}

func (work workload) graph() *ir.Graph {
	x := ir.Input(train.InputName, ir.F32, append([]int{ir.Batch}, work.input...)...)
	return ir.NewGraph(work.name, []ir.Output{{Name: train.OutputName, Value: work.model(&builder{}, x)}}, nil)
}
