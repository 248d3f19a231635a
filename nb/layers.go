package nb

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// param makes a trainable state. Its name is the part after the layer's; it
// gets the layer's name when the model is declared.
func param(part, init string, shape ...int) *ir.Value {
	return ir.State(part, ir.F32, shape, ir.Attrs{ir.AttrInit: init, ir.AttrTrain: true, ir.AttrDecay: part != "bias"})
}

// Dense multiplies the last axis by a weight matrix and adds a bias:
// y = x W + b, with W [in, units] and b [units]. Other axes pass through.
// Weights start as He et al. (2015) draw them, normal with variance 2/in.
func (t *Tensor) Dense(units int) *Tensor {
	if units <= 0 {
		argument("give the number of outputs, like Dense(10)", "Dense(%d): units must be positive", units)
	}
	shape := t.v.Shape
	if len(shape) < 2 {
		fail(&Error{Code: CodeShape, Message: fmt.Sprintf("dense: x is %s, and a row must have at least one axis", t.v.Type()),
			Remedy: "begin the model with nb.Input(n) for rows of n numbers"})
	}
	if len(shape) > 2 && shape.HasBatch() {
		fail(&Error{Code: CodeShape, Message: fmt.Sprintf("dense: x is %s, and a row must be flat", t.v.Type()),
			Remedy: "put .Flatten() before .Dense"})
	}
	return apply("dense", []*Tensor{t}, func() *ir.Value {
		w := param("weight", "he_normal", shape[len(shape)-1], units)
		return op.Add(op.MatMul(t.v, w, false, false), param("bias", "zeros", units))
	})
}

// Padding says how a convolution treats the border.
type Padding string

// The paddings. Valid uses only windows that lie inside the image; Same pads
// with zeros so that with stride 1 the output is as large as the input.
const (
	Valid Padding = "valid"
	Same  Padding = "same"
)

// Conv are the settings of Conv2DWith.
type Conv struct {
	Filters  int     // output channels
	Kernel   [2]int  // height and width
	Stride   [2]int  // 1, 1 when zero
	Dilation [2]int  // 1, 1 when zero
	Padding  Padding // Valid when empty
	NoBias   bool
}

// Conv2D slides filters over images [B, height, width, channels], with stride
// 1 and no padding: a size n becomes n - kernel + 1. (It is the
// cross-correlation that the field calls convolution.) Weights are [kernel,
// kernel, channels, filters] and start as He et al. (2015) draw them.
func (t *Tensor) Conv2D(filters, kernel int) *Tensor {
	return t.Conv2DWith(Conv{Filters: filters, Kernel: [2]int{kernel, kernel}})
}

// Conv2DWith is Conv2D with all settings.
func (t *Tensor) Conv2DWith(c Conv) *Tensor {
	x := t.v.Shape
	if len(x) != 4 {
		fail(&Error{Code: CodeShape, Message: fmt.Sprintf("conv2d: x is %s, and images have the axes [B, height, width, channels]", t.v.Type()),
			Remedy: "begin the model with nb.Input(height, width, channels)"})
	}
	stride, dilation := orOnes(c.Stride), orOnes(c.Dilation)
	if c.Filters <= 0 || c.Kernel[0] <= 0 || c.Kernel[1] <= 0 || stride[0] <= 0 || stride[1] <= 0 || dilation[0] <= 0 || dilation[1] <= 0 {
		argument("like Conv2D(16, 3): 16 filters of 3 by 3", "conv2d: filters %d, kernel %v, stride %v, dilation %v must be positive",
			c.Filters, c.Kernel, stride, dilation)
	}
	spec := op.ConvSpec{Stride: stride[:], Dilation: dilation[:], Pad: make([]int, 4)}
	switch c.Padding {
	case Same:
		spec.Pad[0], spec.Pad[1] = samePad(x[1], c.Kernel[0], stride[0], dilation[0])
		spec.Pad[2], spec.Pad[3] = samePad(x[2], c.Kernel[1], stride[1], dilation[1])
	case Valid, "":
	default:
		argument("use nb.Same or nb.Valid", "conv2d: padding %q", c.Padding)
	}
	return apply("conv2d", []*Tensor{t}, func() *ir.Value {
		y := op.Conv2D(t.v, param("kernel", "he_normal", c.Kernel[0], c.Kernel[1], x[3], c.Filters), spec)
		if c.NoBias {
			return y
		}
		return op.Add(y, param("bias", "zeros", c.Filters))
	})
}

func orOnes(a [2]int) [2]int {
	if a == [2]int{} {
		return [2]int{1, 1}
	}
	return a
}

// samePad pads so that the output has ceil(n/stride) places, the odd zero at
// the end.
func samePad(n, kernel, stride, dilation int) (before, after int) {
	out := (n + stride - 1) / stride
	total := max(0, (out-1)*stride+(kernel-1)*dilation+1-n)
	return total / 2, total - total/2
}

// MaxPool2D takes the maximum of each window of size by size, with the same
// stride: [B, h, w, c] becomes [B, h/size, w/size, c]. Rows and columns that
// fill no window are left out.
func (t *Tensor) MaxPool2D(size int) *Tensor {
	if size <= 0 {
		argument("like MaxPool2D(2)", "maxpool2d: the window's size %d must be positive", size)
	}
	return t.unary("maxpool2d", func(v *ir.Value) *ir.Value {
		return op.MaxPool2D(v, op.PoolSpec{Window: []int{size, size}, Stride: []int{size, size}})
	})
}

// Flatten makes one axis of all but the first: [B, 3, 3, 16] becomes [B, 144].
func (t *Tensor) Flatten() *Tensor {
	return t.unary("flatten", func(v *ir.Value) *ir.Value {
		if len(v.Shape) == 0 {
			return op.Reshape(v, ir.Shape{1})
		}
		return op.Reshape(v, ir.Shape{v.Shape[0], v.Shape[1:].Elems()})
	})
}

// ReLU is max(x, 0).
func (t *Tensor) ReLU() *Tensor { return t.unary("relu", op.ReLU) }

// Sigmoid is 1 / (1 + exp(-x)).
func (t *Tensor) Sigmoid() *Tensor { return t.unary("sigmoid", op.Sigmoid) }

// Tanh is the hyperbolic tangent.
func (t *Tensor) Tanh() *Tensor { return t.unary("tanh", op.Tanh) }

// Softmax is exp(x) over its sum along the last axis. A classifier needs none
// at its end: the loss works on logits, and Predict returns probabilities.
func (t *Tensor) Softmax() *Tensor {
	return t.unary("softmax", func(v *ir.Value) *ir.Value { return op.Softmax(v, -1) })
}
