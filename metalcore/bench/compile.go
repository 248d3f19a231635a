package bench

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/metalnb/metalnb/metalcore/autodiff"
	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/optim"
)

// resnetBatch is the batch of the step that is compiled; the time does not
// depend on it.
const resnetBatch = 8

// compiling measures how long a training step of a large model takes to
// compile, from the building of the model to the program of the device.
func compiling(_ context.Context, w io.Writer, o *Options) error {
	dev := cpu.New(1)
	defer dev.Close()
	values := 0
	s, err := timed(o.Rounds, func() error {
		n, err := compileResNet(dev)
		values = n
		return err
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%-44s %v, %d values\n", "compile a training step of ResNet-18", spread[time.Duration]{
		s.low.Round(time.Microsecond), s.median.Round(time.Microsecond), s.high.Round(time.Microsecond)}, values)
	return nil
}

// compileResNet builds ResNet-18, its loss, gradients and SGD with momentum, and
// compiles all that. It returns the number of values in the program.
func compileResNet(dev backend.Device) (int, error) {
	g := op.Resolve(resnet18().Bind(resnetBatch), true)
	labels := ir.Input("labels", ir.I32, resnetBatch)
	loss := op.Mean(op.SoftmaxCrossEntropy(g.Output("y"), labels), false)
	params := g.Params()
	grads, err := autodiff.Gradients(loss, params)
	if err != nil {
		return 0, err
	}
	sgd, err := optim.New("sgd", map[string]float64{"momentum": 0.9})
	if err != nil {
		return 0, err
	}
	updates := sgd.(optim.Updater).Build(params, grads, ir.Input("lr", ir.F32), ir.Input("t", ir.F32))
	step := ir.NewGraph("ResNet-18", []ir.Output{{Name: "loss", Value: loss}}, append(updates, g.Updates...))
	p, _, err := compile.Compile(step, compile.Options{})
	if err != nil {
		return 0, err
	}
	exe, err := dev.Compile(p)
	if err != nil {
		return 0, err
	}
	exe.Free()
	return len(p.Graph.Values), nil
}
