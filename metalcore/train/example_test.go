package train_test

import (
	"context"
	"fmt"

	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/optim"
	"github.com/metalnb/metalnb/metalcore/train"
)

// A dense layer tells the three irises apart; the trainer is stopped after the
// first epochs, gets a lower learning rate and goes on.
func Example() {
	iris, err := feed.Builtin("iris")
	if err != nil {
		panic(err)
	}
	data, test, err := iris.Split(0.2, 1)
	if err != nil {
		panic(err)
	}
	x := ir.Input(train.InputName, ir.F32, ir.Batch, 4)
	kernel := ir.State("kernel", ir.F32, ir.Shape{4, 3}, ir.Attrs{ir.AttrInit: "glorot_uniform", ir.AttrTrain: true})
	logits := op.MatMul(x, kernel, false, false)
	adam, err := optim.New("adam", map[string]float64{"lr": 0.05})
	if err != nil {
		panic(err)
	}

	dev := cpu.New(1)
	defer dev.Close()
	t, err := train.New(dev, train.Spec{
		Name:  "iris",
		Model: ir.NewGraph("iris", []ir.Output{{Name: train.OutputName, Value: logits}}, nil),
		Loss:  "cross_entropy", Optimizer: adam, Batch: 16, Data: data, Valid: test,
	})
	if err != nil {
		panic(err)
	}
	defer t.Close()
	if err := t.Train(context.Background(), 20); err != nil {
		panic(err)
	}
	if err := t.SetLR(0.01); err != nil {
		panic(err)
	}
	if err := t.Train(context.Background(), 20); err != nil {
		panic(err)
	}
	info := t.Info()
	fmt.Println("epoch", info.Epoch, "step", info.Step, "learning rate", info.LR)
	fmt.Println("more than 9 of 10 are right:", info.Last.Valid[1].Value > 0.9)
	// Output:
	// epoch 40 step 320 learning rate 0.01
	// more than 9 of 10 are right: true
}
