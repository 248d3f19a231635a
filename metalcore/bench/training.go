package bench

import (
	"context"
	"fmt"
	"io"

	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/optim"
	"github.com/metalnb/metalnb/metalcore/train"
)

// training measures the steps per second of the first tutorial's model: Conv
// 16 3x3 - ReLU - MaxPool 2 - Dense 10 on digits, batch 32, Adam.
func training(ctx context.Context, w io.Writer) error {
	digits, err := feed.Builtin("digits")
	if err != nil {
		return err
	}
	adam, err := optim.New("adam", nil)
	if err != nil {
		return err
	}
	for _, threads := range []int{1, 0} {
		dev := cpu.New(threads)
		t, err := train.New(dev, train.Spec{
			Name: "digits", Model: digitsModel(), Loss: "cross_entropy", Optimizer: adam, Batch: 32, Data: digits,
		})
		if err != nil {
			return err
		}
		var rates []float64
		for range 9 {
			if err := t.Train(ctx, 4); err != nil {
				return err
			}
			e := t.Info().Last
			rates = append(rates, float64(e.Steps)/e.Seconds)
		}
		s := spreadOf(rates)
		fmt.Fprintf(w, "%-44s %.0f steps/s (%.0f to %.0f)\n", "digits, conv-pool-dense, batch 32, "+dev.Info().Name, s.median, s.low, s.high)
		if err := t.Close(); err != nil {
			return err
		}
		if err := dev.Close(); err != nil {
			return err
		}
	}
	return nil
}

func digitsModel() *ir.Graph {
	param := func(name, init string, shape ...int) *ir.Value {
		return ir.State(name, ir.F32, shape, ir.Attrs{ir.AttrInit: init, ir.AttrTrain: true})
	}
	h := ir.Input("x", ir.F32, ir.Batch, 8, 8, 1)
	h = op.Conv2D(h, param("conv/kernel", "he_normal", 3, 3, 1, 16), op.ConvSpec{})
	h = op.ReLU(op.Add(h, param("conv/bias", "zeros", 16)))
	h = op.MaxPool2D(h, op.PoolSpec{Window: []int{2, 2}})
	h = op.Reshape(h, ir.Shape{ir.Batch, 144})
	h = op.MatMul(h, param("dense/weight", "he_normal", 144, 10), false, false)
	h = op.Add(h, param("dense/bias", "zeros", 10))
	return ir.NewGraph("digits", []ir.Output{{Name: "y", Value: h}}, nil)
}
