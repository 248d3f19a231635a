package op

import (
	"fmt"
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// PoolSpec says how a window moves over an image. Pad is never chosen: it
// counts as minus infinity.
type PoolSpec struct {
	Window []int // rows and columns
	Stride []int // from one window to the next; nil: the window's size
	Pad    []int // top, bottom, left, right; nil: none
}

func (s PoolSpec) attrs() ir.Attrs {
	return ir.Attrs{"window": ints(s.Window), "stride": orDefault(s.Stride, ints(s.Window)...),
		"pad": orDefault(s.Pad, 0, 0, 0, 0)}
}

// MaxPool2D is the largest element of each window over the images x [N,H,W,C];
// the result is [N,OH,OW,C]. The first largest one in a window, row by row, gets
// the gradient, as in PyTorch.
func MaxPool2D(x *ir.Value, spec PoolSpec) *ir.Value { return build("maxpool2d", spec.attrs(), x) }

// MaxPool2DGrad is the gradient of y = MaxPool2D(x) for x when g is that of y.
func MaxPool2DGrad(x, y, g *ir.Value, spec PoolSpec) *ir.Value {
	return build("maxpool2d_grad", spec.attrs(), x, y, g)
}

func poolOps() []Op {
	attrs := []Attr{{"window", IntsAttr}, {"stride", IntsAttr}, {"pad", IntsAttr}}
	return []Op{
		{Name: "maxpool2d", Doc: "y[n,i,j,c] = largest x[n, i*sh+p-top, j*sw+q-left, c] of the window's p,q; NaN wins",
			Class: Pool, Arity: 1, Attrs: attrs, Shape: poolShape,
			Grad: func(v, g *ir.Value) []*ir.Value {
				spec := PoolSpec{Window: v.Ints("window"), Stride: v.Ints("stride"), Pad: v.Ints("pad")}
				return []*ir.Value{MaxPool2DGrad(v.In[0], v, g, spec)}
			}},
		{Name: "maxpool2d_grad", Doc: "gx of y = maxpool2d(x): each g[n,i,j,c] is added to the first x of its window that equals y[n,i,j,c]",
			Class: Pool, Arity: 3, Attrs: attrs, Shape: poolGradShape,
			NoGrad: "second derivatives through max pooling are not supported"},
	}
}

func poolShape(v *ir.Value) (ir.DType, ir.Shape, error) {
	if err := wantFloats(v); err != nil {
		return 0, nil, err
	}
	if err := wantRank(v, 0, 4, "[images,height,width,channels]"); err != nil {
		return 0, nil, err
	}
	shape, err := pooled(v, v.In[0].Shape)
	return v.In[0].DType, shape, err
}

// pooled is the shape of images x [N,H,W,C] after pooling.
func pooled(v *ir.Value, x ir.Shape) (ir.Shape, error) {
	window := v.Ints("window")
	if err := wantImage(v, x); err != nil {
		return nil, err
	}
	if err := wantSteps(v, "window", window); err != nil {
		return nil, err
	}
	out, err := slide(v, x, window)
	if err != nil {
		return nil, err
	}
	for i, p := range v.Ints("pad") {
		if p >= window[i/2] {
			return nil, fail(v, BadWindow, fmt.Sprintf("a pad of %d leaves a window of %v nothing but pad", p, window),
				"pad less than the window's size")
		}
	}
	return ir.Shape{x[0], out[0], out[1], x[3]}, nil
}

func poolGradShape(v *ir.Value) (ir.DType, ir.Shape, error) {
	_, y, err := poolShape(v)
	if err != nil {
		return 0, nil, err
	}
	for i, x := range v.In[1:] {
		if !x.Shape.Equal(y) {
			return 0, nil, fail(v, SizesDiffer, fmt.Sprintf("operand %d must be %s, the shape of the result", i+2, y),
				"use the forward operands")
		}
	}
	return v.In[0].DType, slices.Clone(v.In[0].Shape), nil
}

// maxStep bounds strides, pads, dilations and windows, so that no size made of
// them overflows.
const maxStep = 1 << 20

// wantSteps fails unless x is two numbers of at least 1.
func wantSteps(v *ir.Value, attr string, x []int) error {
	if len(x) == 2 && min(x[0], x[1]) >= 1 && max(x[0], x[1]) <= maxStep {
		return nil
	}
	return fail(v, BadAttr, fmt.Sprintf("%s is %v", attr, x), "use two numbers, for rows and columns, of at least 1")
}

// wantImage fails unless height, width and channels of [N,H,W,C] are known.
func wantImage(v *ir.Value, x ir.Shape) error {
	if min(x[1], x[2], x[3]) >= 1 {
		return nil
	}
	return fail(v, BadWindow, fmt.Sprintf("the images are %s, with an axis without a size", x),
		"use [images,height,width,channels]; only the images may be the batch")
}

// slide returns how many places a window has in the rows and columns of x, by
// the attributes "stride" and "pad".
func slide(v *ir.Value, x ir.Shape, window []int) ([2]int, error) {
	stride, pad := v.Ints("stride"), v.Ints("pad")
	var out [2]int
	if err := wantSteps(v, "stride", stride); err != nil {
		return out, err
	}
	if len(pad) != 4 || slices.Min(pad) < 0 || slices.Max(pad) > maxStep {
		return out, fail(v, BadAttr, fmt.Sprintf("pad is %v", pad), "use four numbers for top, bottom, left, right of at least 0")
	}
	for i := range out {
		room := x[1+i] + pad[2*i] + pad[2*i+1]
		if window[i] > room {
			return out, fail(v, BadWindow, fmt.Sprintf("a window of %d does not fit into %s %d with its pad",
				window[i], [2]string{"height", "width"}[i], room), "pad more, or use a smaller window")
		}
		out[i] = (room-window[i])/stride[i] + 1
	}
	return out, nil
}
