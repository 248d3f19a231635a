package bench

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/train"
)

// trainingRound is about how long a round of training lasts.
const trainingRound = 300 * time.Millisecond

// train measures the steps a second of a workload. The data is on the device,
// and a trainer does all that it does for a notebook: it shuffles the rows in
// each epoch and reads the loss many times a second.
func (work workload) train(ctx context.Context, w io.Writer, o *Options) error {
	for _, at := range o.spots() {
		s, err := work.speed(ctx, at, o.Rounds)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%-6s %3s %9.0f steps/s (%.0f to %.0f) %s; %s\n", work.name, at.name,
			s.rate.median, s.rate.low, s.rate.high, s.arithmetic(), work.what)
	}
	return nil
}

func (work workload) speed(ctx context.Context, at spot, rounds int) (speed, error) {
	count, err := stepFLOPs(work.graph(), train.OutputName, work.batch)
	if err != nil {
		return speed{}, err
	}
	r, err := work.ready(ctx, at)
	if err != nil {
		return speed{}, err
	}
	defer r.close()
	return speedOf(rounds, at, count, r.round)
}

// ready prepares rounds of training.
func (work workload) ready(ctx context.Context, at spot) (*racer, error) {
	return trained(ctx, at, work.trainer, trainingRound)
}

// trained prepares rounds of training of about the given length. A round's rate
// is that of steps.
func trained(ctx context.Context, at spot, trainer func(dev backend.Device) (*train.Trainer, error), about time.Duration) (*racer, error) {
	dev, err := at.open()
	if err != nil {
		return nil, err
	}
	t, err := trainer(dev)
	if err != nil {
		dev.Close()
		return nil, err
	}
	end := func() {
		t.Close()
		dev.Close()
	}
	if err := t.Train(ctx, 1); err != nil { // compiles, and finds the pace
		end()
		return nil, err
	}
	steps := float64(t.Info().StepsPerEpoch)
	round := repeated(func(epochs int) error { return t.Train(ctx, epochs) }, about)
	return &racer{close: end, round: func() (float64, error) {
		epochs, err := round()
		return epochs * steps, err
	}}, nil
}

func (work workload) trainer(dev backend.Device) (*train.Trainer, error) {
	spec, err := work.spec()
	if err != nil {
		return nil, err
	}
	return train.New(dev, spec)
}

// data is random.
func (work workload) data() *feed.Set {
	r, n := rand.New(rand.NewPCG(1, 2)), work.rows
	y := make([]int32, n)
	for i := range y {
		y[i] = int32(r.IntN(work.classes))
	}
	return &feed.Set{Name: work.name, X: normal(r, append(ir.Shape{n}, work.input...)), Y: feed.FromI32(y, n), Classes: make([]string, work.classes)}
}

func (work workload) graph() *ir.Graph {
	x := ir.Input(train.InputName, ir.F32, append([]int{ir.Batch}, work.input...)...)
	return ir.NewGraph(work.name, []ir.Output{{Name: train.OutputName, Value: work.model(&builder{}, x)}}, nil)
}
