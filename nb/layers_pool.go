package nb

import (
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// Pool are the settings of MaxPool2DWith and AvgPool2DWith.
type Pool struct {
	Window   [2]int  // height and width
	Stride   [2]int  // the window's size when zero
	Padding  Padding // Valid when empty
	Pad      [4]int  // instead of Padding: at top, bottom, left and right, less than the window
	CountPad bool    // AvgPool2DWith: pad counts as zeros, as PyTorch has it unless told otherwise
}

func (p Pool) spec(layer string, t *Tensor) op.PoolSpec {
	t.image(layer)
	if p.Stride == [2]int{} {
		p.Stride = p.Window
	}
	if min(p.Window[0], p.Window[1], p.Stride[0], p.Stride[1]) <= 0 {
		argument("like MaxPool2D(2)", "%s: window %v and stride %v must be positive", layer, p.Window, p.Stride)
	}
	checkPad(layer, p.Padding, p.Pad)
	pad := padFor(p.Padding, p.Pad, [2]int{t.v.Shape[1], t.v.Shape[2]}, p.Window, p.Stride, [2]int{1, 1})
	return op.PoolSpec{Window: p.Window[:], Stride: p.Stride[:], Pad: pad}
}

// MaxPool2D takes the maximum of each window of size by size, with the same
// stride: [B, h, w, c] becomes [B, h/size, w/size, c]. Rows and columns that
// fill no window are left out.
func (t *Tensor) MaxPool2D(size int) *Tensor {
	return t.MaxPool2DWith(Pool{Window: [2]int{size, size}})
}

// MaxPool2DWith is MaxPool2D with all settings; pad is never the maximum.
func (t *Tensor) MaxPool2DWith(p Pool) *Tensor {
	spec := p.spec("maxpool2d", t)
	return t.unary("maxpool2d", func(v *ir.Value) *ir.Value { return op.MaxPool2D(v, spec) })
}

// AvgPool2D takes the mean of each window of size by size, with the same
// stride.
func (t *Tensor) AvgPool2D(size int) *Tensor {
	return t.AvgPool2DWith(Pool{Window: [2]int{size, size}})
}

// AvgPool2DWith is AvgPool2D with all settings; the mean is over the pixels of
// the image only, unless CountPad is set.
func (t *Tensor) AvgPool2DWith(p Pool) *Tensor {
	spec := p.spec("avgpool2d", t)
	return t.unary("avgpool2d", func(v *ir.Value) *ir.Value { return op.AvgPool2D(v, spec, p.CountPad) })
}

// GlobalAvgPool2D is the mean of each channel: [B, h, w, c] becomes [B, c].
func (t *Tensor) GlobalAvgPool2D() *Tensor {
	t.image("global_avgpool2d")
	return t.unary("global_avgpool2d", func(v *ir.Value) *ir.Value { return op.Mean(v, false, 1, 2) })
}

// GlobalMaxPool2D is the maximum of each channel: [B, h, w, c] becomes [B, c].
// Pixels that are equally large share its gradient.
func (t *Tensor) GlobalMaxPool2D() *Tensor {
	t.image("global_maxpool2d")
	return t.unary("global_maxpool2d", func(v *ir.Value) *ir.Value { return op.MaxOver(v, false, 1, 2) })
}

// UpSample2D repeats each pixel factor by factor times: [B, h, w, c] becomes
// [B, factor h, factor w, c].
func (t *Tensor) UpSample2D(factor int) *Tensor {
	t.image("upsample2d")
	if factor <= 0 {
		argument("like UpSample2D(2)", "upsample2d: the factor %d must be positive", factor)
	}
	return t.unary("upsample2d", func(v *ir.Value) *ir.Value {
		n, h, w, c := v.Shape[0], v.Shape[1], v.Shape[2], v.Shape[3]
		apart := op.Reshape(v, ir.Shape{n, h, 1, w, 1, c})
		return op.Reshape(op.Broadcast(apart, ir.Shape{n, h, factor, w, factor, c}), ir.Shape{n, h * factor, w * factor, c})
	})
}
