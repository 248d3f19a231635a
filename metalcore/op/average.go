package op

import (
	"fmt"
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// AvgPool2D is the mean of each window over the images x [N,H,W,C]; the result
// is [N,OH,OW,C]. Pad counts as zeros if countPad, else the mean is over the
// pixels of the image only.
func AvgPool2D(x *ir.Value, spec PoolSpec, countPad bool) *ir.Value {
	attrs := spec.attrs()
	attrs["count_include_pad"] = countPad
	return build("avgpool2d", attrs, x)
}

// AvgPool2DGrad is the gradient of AvgPool2D for images of the given shape when
// g is that of its result.
func AvgPool2DGrad(g *ir.Value, shape ir.Shape, spec PoolSpec, countPad bool) *ir.Value {
	attrs := spec.attrs()
	attrs["count_include_pad"], attrs["shape"] = countPad, ints(shape)
	return build("avgpool2d_grad", attrs, g)
}

func averageOps() []Op {
	attrs := []Attr{{"window", IntsAttr}, {"stride", IntsAttr}, {"pad", IntsAttr}, {"count_include_pad", BoolAttr}}
	spec := func(v *ir.Value) PoolSpec {
		return PoolSpec{Window: v.Ints("window"), Stride: v.Ints("stride"), Pad: v.Ints("pad")}
	}
	return []Op{
		{Name: "avgpool2d", Doc: `y[n,i,j,c] = mean of x[n, i*sh+p-top, j*sw+q-left, c] over the window's p,q; pad is 0, or left out unless "count_include_pad"`,
			Class: Pool, Arity: 1, Attrs: attrs, Shape: poolShape,
			Grad: func(v, g *ir.Value) []*ir.Value {
				return []*ir.Value{AvgPool2DGrad(g, v.In[0].Shape, spec(v), v.Bool("count_include_pad"))}
			}},
		{Name: "avgpool2d_grad", Doc: `gx of avgpool2d: each g[n,i,j,c] is shared by the x of its window; x has "shape"`,
			Class: Pool, Arity: 1, Attrs: append(slices.Clone(attrs), Attr{"shape", IntsAttr}), Shape: averageGradShape,
			Grad: func(v, d *ir.Value) []*ir.Value {
				return []*ir.Value{AvgPool2D(d, spec(v), v.Bool("count_include_pad"))}
			}},
	}
}

func averageGradShape(v *ir.Value) (ir.DType, ir.Shape, error) {
	if err := wantFloats(v); err != nil {
		return 0, nil, err
	}
	shape := ir.Shape(v.Ints("shape"))
	if err := shape.Check(); err != nil || len(shape) != 4 {
		return 0, nil, fail(v, BadAttr, fmt.Sprintf("shape %s has not four axes of a fit size", shape), "use the operand's shape")
	}
	y, err := pooled(v, shape)
	if err != nil {
		return 0, nil, err
	}
	if g := v.In[0].Shape; !y.Equal(g) {
		return 0, nil, fail(v, SizesDiffer, fmt.Sprintf("the pooling gives %s, its gradient is %s", y, g), "use the forward operand's shape")
	}
	return v.In[0].DType, slices.Clone(shape), nil
}
