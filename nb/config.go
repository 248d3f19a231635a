package nb

import (
	"fmt"
	"math"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// Config says how a trainer trains. The zero value of a field is its default.
type Config struct {
	Data      *Dataset  // what to learn from
	Valid     *Dataset  // measured at the end of each epoch; none when nil
	Batch     int       // rows of a step; 32
	Loss      Loss      // CrossEntropy when the data has classes, else MSE
	Optimizer Optimizer // Adam{}
	Seed      int64     // of the first weights and the order of the rows
	Ordered   bool      // keep the rows in order instead of shuffling them each epoch
	Replace   bool      // take the place of a trainer of that name that differs
}

// Loss is what training makes small.
type Loss string

// The losses; each is the mean over the rows.
const (
	CrossEntropy Loss = "cross_entropy" // of logits [B, classes] and class indices
	MSE          Loss = "mse"           // mean squared error
	MAE          Loss = "mae"           // mean absolute error
)

// Optimizer is the rule that changes the weights: SGD or Adam.
type Optimizer interface {
	optimizer() wire.Optimizer
}

// SGD is stochastic gradient descent, with PyTorch's formulas:
// v = momentum*v + g + decay*w, w -= lr*v.
type SGD struct {
	LR          float64 // learning rate; 0.01
	Momentum    float64 // 0
	Nesterov    bool    // look ahead along the momentum
	WeightDecay float64 // 0
}

// Adam is the method of Kingma and Ba (2015), with PyTorch's formulas.
type Adam struct {
	LR          float64 // learning rate; 0.001
	Beta1       float64 // decay of the mean of gradients; 0.9
	Beta2       float64 // decay of the mean of their squares; 0.999
	Eps         float64 // 1e-8
	WeightDecay float64 // added to the gradient; 0
}

func (o SGD) optimizer() wire.Optimizer {
	nesterov := 0.0
	if o.Nesterov {
		nesterov = 1
	}
	return settings("sgd", "lr", o.LR, "momentum", o.Momentum, "nesterov", nesterov, "weight_decay", o.WeightDecay)
}

func (o Adam) optimizer() wire.Optimizer {
	return settings("adam", "lr", o.LR, "beta1", o.Beta1, "beta2", o.Beta2, "eps", o.Eps, "weight_decay", o.WeightDecay)
}

// settings lists the fields that are not zero; the core knows the defaults.
func settings(name string, pairs ...any) wire.Optimizer {
	out := wire.Optimizer{Name: name}
	for i := 0; i < len(pairs); i += 2 {
		key, value := pairs[i].(string), pairs[i+1].(float64)
		if value < 0 || math.IsNaN(value) || math.IsInf(value, 0) {
			argument("use a number of 0 or more", "%s: %s is %v", name, key, value)
		}
		if value != 0 {
			out.Settings = append(out.Settings, wire.Setting{Name: key, Value: value})
		}
	}
	return out
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
	if c.Optimizer == nil {
		c.Optimizer = Adam{}
	}
	spec := wire.TrainerSpec{
		Name: name, Model: modelText(name, model), Data: c.Data.ref, Batch: c.Batch, Loss: string(c.Loss),
		Optimizer: c.Optimizer.optimizer(), Seed: c.Seed, Ordered: c.Ordered, Replace: c.Replace,
	}
	if c.Valid != nil {
		spec.Valid = c.Valid.ref
	}
	return spec
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
