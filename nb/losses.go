package nb

import (
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// Loss is what training makes small: CrossEntropy, MSE and so on, one of the
// structs with settings, or a LossFunc. Each is the mean over the rows. In the
// formulas x is the model's output and y the label or target.
type Loss interface{ loss() wire.Loss }

// LossName is a loss without settings.
type LossName string

func (n LossName) loss() wire.Loss { return wire.Loss{Name: string(n)} }

// The losses without settings.
const (
	CrossEntropy LossName = "cross_entropy" // -log softmax(x)[y] of logits [B, classes] and class indices; or of probabilities y [B, classes]
	BCE          LossName = "bce"           // -y log x - (1-y) log(1-x) of probabilities x and y from 0 to 1
	BCELogits    LossName = "bce_logits"    // BCE of sigmoid(x), exact for any x
	Hinge        LossName = "hinge"         // max(0, 1 - y x) with y = -1 or 1; with classes Crammer and Singer's (2001)
	KL           LossName = "kl"            // sum of y log(y / softmax(x)), of probabilities y
	MSE          LossName = "mse"           // (x - y)²
	MAE          LossName = "mae"           // |x - y|
	CosineLoss   LossName = "cosine"        // 1 - cos of the angle between the rows x and y
)

// CrossEntropyWith is CrossEntropy with settings, with PyTorch's formulas.
type CrossEntropyWith struct {
	Smoothing float64   // share of each label that all classes get (Szegedy et al. 2016); 0
	Weights   []float64 // of the classes; the mean is over the sum of the rows' weights
	Ignore    []int     // labels whose rows do not count
}

// BCEWith is BCELogits with settings.
type BCEWith struct {
	PosWeight float64 // what a positive label counts; 1
}

// Huber is (x - y)²/2, and beyond a distance of Delta the straight line
// Delta (|x - y| - Delta/2) (Huber 1964).
type Huber struct {
	Delta float64 // 1
}

// SmoothL1 is (x - y)²/(2 Beta), and beyond a distance of Beta |x - y| - Beta/2.
type SmoothL1 struct {
	Beta float64 // 1
}

// LossFunc is a loss of the user's own: a function from the model's output and
// the labels to one number for each row, or to their mean. It is made of the
// operations of tensors, and its gradient follows from them. Where both have one
// number per row the labels have the output's shape.
//
//	nb.LossFunc(func(output, target *nb.Tensor) *nb.Tensor {
//		return output.Sub(target).Abs().Mean(1)
//	})
type LossFunc func(output, target *Tensor) *Tensor

func (l CrossEntropyWith) loss() wire.Loss {
	return wire.Loss{Name: "cross_entropy", Settings: settings("cross_entropy", "smoothing", l.Smoothing), Weights: l.Weights, Ignore: l.Ignore}
}

func (l BCEWith) loss() wire.Loss {
	return wire.Loss{Name: "bce_logits", Settings: settings("bce_logits", "pos_weight", l.PosWeight)}
}

func (l Huber) loss() wire.Loss {
	return wire.Loss{Name: "huber", Settings: settings("huber", "delta", l.Delta)}
}

func (l SmoothL1) loss() wire.Loss {
	return wire.Loss{Name: "smooth_l1", Settings: settings("smooth_l1", "beta", l.Beta)}
}

func (l LossFunc) loss() wire.Loss { return wire.Loss{Name: "function"} }

// graph writes the function for the core, for a model and labels of the data.
func (l LossFunc) graph(model *Tensor, data *DataInfo) string {
	target := ir.F32
	if len(data.Classes) > 0 {
		target = ir.I32
	}
	x := &Tensor{v: ir.Input("output", model.v.DType, model.v.Shape...)}
	shape := append(ir.Shape{ir.Batch}, data.YShape...)
	if target == ir.F32 && shape[1:].Elems() == 1 && model.v.Shape[1:].Elems() == 1 {
		shape = model.v.Shape
	}
	y := &Tensor{v: ir.Input("target", target, shape...)}
	out := l(x, y)
	if out == nil {
		argument("return one number for each row, or their mean", "the loss function returned nothing")
	}
	names, counts := map[string]string{}, map[string]int{}
	return ir.NewGraph("loss", []ir.Output{{Name: "loss", Value: out.v}}, nil).Rewrite(func(v *ir.Value) *ir.Value {
		v.Layer = layerName(v.Layer, names, counts)
		return v
	}).String()
}
