package nb

import (
	"math"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// Optimizer is the rule that changes the weights: SGD, Adam and so on, with the
// formulas and defaults of PyTorch. In them g is the gradient, w a weight.
type Optimizer interface {
	optimizer() wire.Optimizer
}

// SGD is stochastic gradient descent:
// v = momentum*v + (1-dampening)*g + decay*w, w -= lr*v.
type SGD struct {
	LR          float64 // learning rate; 0.01
	Momentum    float64 // 0
	Dampening   float64 // of the momentum; 0
	Nesterov    bool    // look ahead along the momentum
	WeightDecay float64 // 0
}

// Adam is the method of Kingma and Ba (2015).
type Adam struct {
	LR          float64 // learning rate; 0.001
	Beta1       float64 // decay of the mean of gradients; 0.9
	Beta2       float64 // decay of the mean of their squares; 0.999
	Eps         float64 // 1e-8
	AMSGrad     bool    // keep the largest mean of squares (Reddi et al. 2018)
	WeightDecay float64 // added to the gradient; 0
}

// AdamW is Adam whose weight decay shrinks the weights themselves: w -= lr*decay*w
// (Loshchilov and Hutter 2019). For no decay use Adam.
type AdamW struct {
	LR          float64 // 0.001
	Beta1       float64 // 0.9
	Beta2       float64 // 0.999
	Eps         float64 // 1e-8
	AMSGrad     bool
	WeightDecay float64 // 0.01
}

// NAdam is Adam with Nesterov's momentum (Dozat 2016).
type NAdam struct {
	LR            float64 // 0.002
	Beta1         float64 // 0.9
	Beta2         float64 // 0.999
	Eps           float64 // 1e-8
	MomentumDecay float64 // 0.004
	WeightDecay   float64 // 0
}

// RAdam is Adam that trusts the mean of squares only as far as it is known
// (Liu et al. 2020).
type RAdam struct {
	LR          float64 // 0.001
	Beta1       float64 // 0.9
	Beta2       float64 // 0.999
	Eps         float64 // 1e-8
	WeightDecay float64 // 0
}

// RMSProp divides by the root of a moving mean of squares (Hinton 2012).
type RMSProp struct {
	LR          float64 // 0.01
	Alpha       float64 // decay of the mean of squares; 0.99
	Eps         float64 // 1e-8
	Momentum    float64 // 0
	Centered    bool    // divide by the root of the variance (Graves 2013)
	WeightDecay float64 // 0
}

// AdaGrad divides by the root of the sum of all squares (Duchi et al. 2011).
type AdaGrad struct {
	LR          float64 // 0.01
	LRDecay     float64 // 0
	Initial     float64 // what the sum begins with; 0
	Eps         float64 // 1e-10
	WeightDecay float64 // 0
}

// AdaDelta gives each step the size of those before it (Zeiler 2012).
type AdaDelta struct {
	LR          float64 // 1
	Rho         float64 // decay of the means; 0.9
	Eps         float64 // 1e-6
	WeightDecay float64 // 0
}

// Lion steps by the sign of the momentum (Chen et al. 2023). Its learning rate
// is a third to a tenth of Adam's, its decay that much larger.
type Lion struct {
	LR          float64 // 1e-4
	Beta1       float64 // 0.9
	Beta2       float64 // 0.99
	WeightDecay float64 // shrinks the weights themselves; 0
}

// LBFGS approximates Newton's method from the last changes of the gradient, and
// searches along each direction for a point of the strong Wolfe conditions (Liu
// and Nocedal 1989). A step evaluates loss and gradient many times on its batch,
// so it is for small data in one batch: Config{Batch: all rows}. It takes no
// groups, no decay and no clipping; penalties (Config.L2) are part of the loss.
type LBFGS struct {
	LR          float64 // first trial of each search; 1
	Iterations  int     // directions in a step; 20
	Evaluations int     // most of a step; 5/4 of Iterations
	History     int     // changes of the gradient that it remembers; 10
	GradientTol float64 // a step ends when no number of the gradient is larger; 1e-7
	ChangeTol   float64 // or when loss or weights change by less; 1e-9
}

// Group gives the parameters of some layers a learning rate and decay of their
// own. A parameter belongs to the first group whose pattern matches.
type Group struct {
	Layers      string  // layers ("conv2d_1", "conv2d_*") or parameters ("*/bias")
	LR          float64 // what the learning rate is multiplied by; 1
	WeightDecay float64 // that of the optimizer
	NoDecay     bool    // no weight decay
}

func (o SGD) optimizer() wire.Optimizer {
	return optimizer("sgd", "lr", o.LR, "momentum", o.Momentum, "dampening", o.Dampening, "nesterov", flag(o.Nesterov), "weight_decay", o.WeightDecay)
}

func (o Adam) optimizer() wire.Optimizer {
	return optimizer("adam", "lr", o.LR, "beta1", o.Beta1, "beta2", o.Beta2, "eps", o.Eps, "amsgrad", flag(o.AMSGrad), "weight_decay", o.WeightDecay)
}

func (o AdamW) optimizer() wire.Optimizer {
	return optimizer("adamw", "lr", o.LR, "beta1", o.Beta1, "beta2", o.Beta2, "eps", o.Eps, "amsgrad", flag(o.AMSGrad), "weight_decay", o.WeightDecay)
}

func (o NAdam) optimizer() wire.Optimizer {
	return optimizer("nadam", "lr", o.LR, "beta1", o.Beta1, "beta2", o.Beta2, "eps", o.Eps, "momentum_decay", o.MomentumDecay, "weight_decay", o.WeightDecay)
}

func (o RAdam) optimizer() wire.Optimizer {
	return optimizer("radam", "lr", o.LR, "beta1", o.Beta1, "beta2", o.Beta2, "eps", o.Eps, "weight_decay", o.WeightDecay)
}

func (o RMSProp) optimizer() wire.Optimizer {
	return optimizer("rmsprop", "lr", o.LR, "alpha", o.Alpha, "eps", o.Eps, "momentum", o.Momentum, "centered", flag(o.Centered), "weight_decay", o.WeightDecay)
}

func (o AdaGrad) optimizer() wire.Optimizer {
	return optimizer("adagrad", "lr", o.LR, "lr_decay", o.LRDecay, "initial", o.Initial, "eps", o.Eps, "weight_decay", o.WeightDecay)
}

func (o AdaDelta) optimizer() wire.Optimizer {
	return optimizer("adadelta", "lr", o.LR, "rho", o.Rho, "eps", o.Eps, "weight_decay", o.WeightDecay)
}

func (o Lion) optimizer() wire.Optimizer {
	return optimizer("lion", "lr", o.LR, "beta1", o.Beta1, "beta2", o.Beta2, "weight_decay", o.WeightDecay)
}

func (o LBFGS) optimizer() wire.Optimizer {
	return optimizer("lbfgs", "lr", o.LR, "iterations", float64(o.Iterations), "evaluations", float64(o.Evaluations),
		"history", float64(o.History), "tolerance_grad", o.GradientTol, "tolerance_change", o.ChangeTol)
}

func optimizer(name string, pairs ...any) wire.Optimizer {
	return wire.Optimizer{Name: name, Settings: settings(name, pairs...)}
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// settings lists the fields that are not zero; the core knows the defaults.
func settings(name string, pairs ...any) []wire.Setting {
	var out []wire.Setting
	for i := 0; i < len(pairs); i += 2 {
		key, value := pairs[i].(string), pairs[i+1].(float64)
		if value < 0 || math.IsNaN(value) || math.IsInf(value, 0) {
			argument("use a number of 0 or more", "%s: %s is %v", name, key, value)
		}
		if value != 0 {
			out = append(out, wire.Setting{Name: key, Value: value})
		}
	}
	return out
}
