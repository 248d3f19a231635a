package nb

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// Config says how a trainer trains. The zero value of a field is its default.
//
// A loss or gradient that is not finite stops training, and the message names the
// op, its layer and the line of the cell that made the first NaN or infinite
// number. With Check, training stops so at the first one in any value of a step:
// of the model, the loss, the gradients, the optimizer. Steps then take several
// times as long. Check can be switched while a trainer goes on.
//
// With Accumulate a step takes several batches one after the other and moves the
// weights once, by the gradient of all their rows, in the memory that one batch
// needs: Batch 32 and Accumulate 4 train as Batch 128 does, but that BatchNorm sees
// 32 rows at a time. The last step of an epoch takes what is left of it. LBFGS,
// whose steps are more than a gradient, takes no Accumulate.
//
// With EMA a step moves an average of each weight, EMA · average + (1 - EMA) ·
// weight, and evaluation, validation and prediction use the averages.
//
// With Mixup each row is mixed with another one, l to 1-l, and so is the loss of
// their labels; each step draws l of the distribution Beta(Mixup, Mixup) (Zhang,
// Cissé, Dauphin, Lopez-Paz 2018). The metrics of training are those of mixed rows.
type Config struct {
	Data       *Dataset   // what to learn from
	Valid      *Dataset   // measured at the end of each epoch; none when nil
	Batch      int        // rows of a step; 32
	Accumulate int        // batches of a step, see below; 1
	Loss       Loss       // CrossEntropy when the data has classes, else MSE
	Metrics    []string   // beside the loss and the metric that goes with it, see Metrics
	Optimizer  Optimizer  // Adam{}
	Schedule   Schedule   // of the learning rate; constant
	EarlyStop  *EarlyStop // end trainings that learn no more, with the best weights; none
	Keep       Keep       // checkpoints that trainings make by themselves; none
	Groups     []Group    // layers with a learning rate and decay of their own
	ClipNorm   float64    // bound of the length of all gradients together; none
	ClipValue  float64    // bound of each number of the gradients; none
	L1, L2     float64    // penalties l1·|w| + l2·w² on the weights, not the biases; 0
	EMA        float64    // average the weights and use the averages, see below; such as 0.999
	Mixup      float64    // train on mixed pairs of rows, see below; the alpha of mixup, such as 0.2
	Precision  Precision  // Float32; see there for 16 bits
	Seed       int64      // of the first weights and the order of the rows
	Ordered    bool       // keep the rows in order instead of shuffling them each epoch
	Check      bool       // look at every value of each step, see below; slower
	Replace    bool       // take the place of a trainer of that name that differs
}

// spec is the declaration that goes to the core.
func (c Config) spec(name string, model *Tensor) wire.TrainerSpec {
	if c.Data == nil {
		argument("give the trainer something to learn from: nb.Config{Data: digits.Train}", "trainer %q has no data", name)
	}
	if c.Batch < 0 {
		argument("leave Batch out for 32", "trainer %q: a batch of %d rows", name, c.Batch)
	}
	if c.Batch == 0 {
		c.Batch = 32
	}
	if c.Accumulate < 0 {
		argument("leave Accumulate out for steps of one batch", "trainer %q: steps of %d batches", name, c.Accumulate)
	}
	spec := wire.TrainerSpec{
		Name: name, Model: modelText(name, model), Data: c.Data.ref, Batch: c.Batch, Accumulate: c.Accumulate, Metrics: c.Metrics, L1: c.L1, L2: c.L2, EMA: c.EMA, Mixup: c.Mixup,
		Optimizer: c.optimizer(), Precision: string(c.Precision), Seed: c.Seed, Ordered: c.Ordered, Check: c.Check, Replace: c.Replace,
	}
	if c.Loss != nil {
		spec.Loss = c.Loss.loss()
	}
	if c.Schedule != nil {
		spec.Schedule = c.Schedule.schedule()
	}
	if c.EarlyStop != nil {
		spec.EarlyStop = c.EarlyStop.rule()
	}
	spec.Keep = c.Keep.keep()
	if c.Valid != nil {
		spec.Valid = c.Valid.ref
	}
	return spec
}

func (c Config) optimizer() wire.Optimizer {
	if c.Optimizer == nil {
		c.Optimizer = Adam{}
	}
	out := c.Optimizer.optimizer()
	out.Settings = append(out.Settings, settings("clipping", "clip_value", c.ClipValue, "clip_norm", c.ClipNorm)...)
	for _, g := range c.Groups {
		out.Groups = append(out.Groups, wire.Group{Layers: g.Layers, LR: g.LR, Decay: g.WeightDecay, NoDecay: g.NoDecay})
	}
	return out
}

// check is what can be said about a declaration without the core.
func check(name string, model *Tensor) {
	if name == "" {
		argument(`like nb.NewTrainer("digits", model, ...)`, "a trainer needs a name")
	}
	if model == nil {
		argument("pass the last value of the model", "trainer %q has no model", name)
	}
	if !model.v.Shape.HasBatch() {
		fail(&Error{Code: CodeShape, Message: fmt.Sprintf("trainer %q: the model's output is %s and does not depend on an input", name, model.v.Type()),
			Remedy: "begin the model with nb.Input"})
	}
}
