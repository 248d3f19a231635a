package nb

import (
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// Padding says how a convolution or pooling treats the border.
type Padding string

// The paddings. Valid uses only windows that lie inside the image; Same pads
// so that the output has as many places as strides fit into the input, with
// stride 1 as many as the input has.
const (
	Valid Padding = "valid"
	Same  Padding = "same"
)

// Conv are the settings of Conv2DWith and its like.
type Conv struct {
	Filters  int     // output channels
	Kernel   [2]int  // height and width
	Stride   [2]int  // 1, 1 when zero
	Dilation [2]int  // 1, 1 when zero
	Padding  Padding // Valid when empty
	Pad      [4]int  // instead of Padding: zeros at top, bottom, left and right
	Groups   int     // parts of the channels that do not see each other; 1
	NoBias   bool
	Init     Init // of the kernel; InitHeNormal
}

// Conv2D slides filters over images [B, height, width, channels], with stride
// 1 and no padding: a size n becomes n - kernel + 1. (It is the
// cross-correlation that the field calls convolution.) "kernel" is [kernel,
// kernel, channels, filters] and starts as InitHeNormal, "bias" [filters] as
// zeros.
func (t *Tensor) Conv2D(filters, kernel int) *Tensor {
	return t.Conv2DWith(Conv{Filters: filters, Kernel: [2]int{kernel, kernel}})
}

// Conv2DWith is Conv2D with all settings. With groups the kernel is [height,
// width, channels/groups, filters].
func (t *Tensor) Conv2DWith(c Conv) *Tensor {
	t.image("conv2d")
	c = c.checked("conv2d")
	spec := c.spec(t.v.Shape[1], t.v.Shape[2])
	return apply("conv2d", []*Tensor{t}, func() *ir.Value {
		return t.convolve(t.v, spec, c, t.v.Shape[3]/c.Groups)
	})
}

// convolve is the convolution with its kernel and bias.
func (t *Tensor) convolve(x *ir.Value, spec op.ConvSpec, c Conv, channels int) *ir.Value {
	y := op.Conv2D(x, t.param("kernel", c.Init.or(InitHeNormal), c.Kernel[0], c.Kernel[1], channels, c.Filters), spec)
	if c.NoBias {
		return y
	}
	return op.Add(y, t.param("bias", InitZeros, c.Filters))
}

// DepthwiseConv2D has a filter of its own for each channel, with stride 1 and
// the padding Same (Howard and others 2017). A Conv2D(filters, 1) after it
// mixes the channels.
func (t *Tensor) DepthwiseConv2D(kernel int) *Tensor {
	t.image("depthwise_conv2d")
	n := t.v.Shape[3]
	return t.Conv2DWith(Conv{Filters: n, Kernel: [2]int{kernel, kernel}, Padding: Same, Groups: n})
}

// Conv1D slides filters over sequences [B, steps, channels], with stride 1 and
// no padding. "kernel" is [1, kernel, channels, filters].
func (t *Tensor) Conv1D(filters, kernel int) *Tensor {
	return t.Conv1DWith(Conv1{Filters: filters, Kernel: kernel})
}

// Conv1 are the settings of Conv1DWith.
type Conv1 struct {
	Filters  int     // output channels
	Kernel   int     // steps under a filter
	Stride   int     // 1 when zero
	Dilation int     // 1 when zero
	Padding  Padding // Valid when empty
	Pad      [2]int  // instead of Padding: zeros before and after; {kernel-1, 0} sees only the past
	Groups   int     // parts of the channels that do not see each other; 1
	NoBias   bool
	Init     Init // of the kernel; InitHeNormal
}

// Conv1DWith is Conv1D with all settings.
func (t *Tensor) Conv1DWith(c Conv1) *Tensor {
	steps, channels := t.sequence("conv1d")
	wide := Conv{Filters: c.Filters, Kernel: [2]int{1, c.Kernel}, Stride: [2]int{1, orOne(c.Stride)}, Padding: c.Padding,
		Dilation: [2]int{1, orOne(c.Dilation)}, Pad: [4]int{0, 0, c.Pad[0], c.Pad[1]}, Groups: c.Groups, NoBias: c.NoBias, Init: c.Init}
	wide = wide.checked("conv1d")
	return apply("conv1d", []*Tensor{t}, func() *ir.Value {
		rows := t.v.Shape[0]
		x := op.Reshape(t.v, ir.Shape{rows, 1, steps, channels})
		y := t.convolve(x, wide.spec(1, steps), wide, channels/wide.Groups)
		return op.Reshape(y, ir.Shape{rows, y.Shape[2], wide.Filters})
	})
}

// ConvTranspose2D turns each pixel into a patch of kernel by kernel, the
// patches stride apart, and adds them up: a size n becomes (n-1) stride +
// kernel. It is the gradient of a convolution, and makes images larger.
// "kernel" is [kernel, kernel, filters, channels].
func (t *Tensor) ConvTranspose2D(filters, kernel, stride int) *Tensor {
	return t.ConvTranspose2DWith(Conv{Filters: filters, Kernel: [2]int{kernel, kernel}, Stride: [2]int{stride, stride}})
}

// ConvTranspose2DWith is ConvTranspose2D with all settings. Padding takes away
// from the border what a convolution would have added there: with Same a size
// n becomes n stride.
func (t *Tensor) ConvTranspose2DWith(c Conv) *Tensor {
	t.image("conv_transpose2d")
	c = c.checked("conv_transpose2d")
	x := t.v.Shape
	var size [2]int
	for i := range size {
		size[i] = (x[1+i]-1)*c.Stride[i] + (c.Kernel[i]-1)*c.Dilation[i] + 1 - c.Pad[2*i] - c.Pad[2*i+1]
		if c.Padding == Same {
			size[i] = x[1+i] * c.Stride[i]
		}
		if size[i] < 1 {
			argument("pad less", "conv_transpose2d: of %s with pad %v nothing is left", t.v.Type(), c.Pad)
		}
	}
	return apply("conv_transpose2d", []*Tensor{t}, func() *ir.Value {
		k := t.param("kernel", c.Init.or(InitHeNormal), c.Kernel[0], c.Kernel[1], c.Filters/c.Groups, x[3])
		y := op.Conv2DGradInput(t.v, k, ir.Shape{x[0], size[0], size[1], c.Filters}, c.spec(size[0], size[1]))
		if c.NoBias {
			return y
		}
		return op.Add(y, t.param("bias", InitZeros, c.Filters))
	})
}

// checked fills in what is left out and refuses what cannot be.
func (c Conv) checked(layer string) Conv {
	c.Stride, c.Dilation, c.Groups = orOnes(c.Stride), orOnes(c.Dilation), orOne(c.Groups)
	if min(c.Filters, c.Kernel[0], c.Kernel[1], c.Stride[0], c.Stride[1], c.Dilation[0], c.Dilation[1]) <= 0 {
		argument("like Conv2D(16, 3): 16 filters of 3 by 3", "%s: filters %d, kernel %v, stride %v, dilation %v must be positive",
			layer, c.Filters, c.Kernel, c.Stride, c.Dilation)
	}
	if c.Groups < 1 || c.Filters%c.Groups != 0 {
		argument("use a divisor of filters and channels", "%s: %d groups do not divide %d filters", layer, c.Groups, c.Filters)
	}
	checkPad(layer, c.Padding, c.Pad)
	return c
}

func checkPad(layer string, p Padding, pad [4]int) {
	if p != "" && p != Valid && p != Same {
		argument("use nb.Same or nb.Valid", "%s: padding %q", layer, p)
	}
	if pad != [4]int{} && p != "" || slices.Min(pad[:]) < 0 {
		argument("give Pad (top, bottom, left, right) of at least 0, or Padding", "%s: padding %q and pad %v", layer, p, pad)
	}
}

// spec is how the kernel moves over images of the given height and width.
func (c Conv) spec(height, width int) op.ConvSpec {
	pad := padFor(c.Padding, c.Pad, [2]int{height, width}, c.Kernel, c.Stride, c.Dilation)
	return op.ConvSpec{Stride: c.Stride[:], Dilation: c.Dilation[:], Pad: pad, Groups: c.Groups}
}

// padFor is the pad at top, bottom, left and right.
func padFor(p Padding, pad [4]int, size, window, stride, dilation [2]int) []int {
	if p == Same {
		pad[0], pad[1] = samePad(size[0], window[0], stride[0], dilation[0])
		pad[2], pad[3] = samePad(size[1], window[1], stride[1], dilation[1])
	}
	return pad[:]
}

func orOne(a int) int {
	if a == 0 {
		return 1
	}
	return a
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
