package op

import (
	"fmt"
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// ConvSpec says how a kernel moves over an image. A nil field has its default.
type ConvSpec struct {
	Stride   []int // rows and columns from one place to the next: [1,1]
	Pad      []int // zeros at top, bottom, left, right: [0,0,0,0]
	Dilation []int // distance of the kernel's own rows and columns: [1,1]
	Groups   int   // parts of the channels that are convolved apart: 0 is 1
}

func (s ConvSpec) attrs() ir.Attrs {
	if s.Groups == 0 {
		s.Groups = 1
	}
	return ir.Attrs{"stride": orDefault(s.Stride, 1, 1), "pad": orDefault(s.Pad, 0, 0, 0, 0),
		"dilation": orDefault(s.Dilation, 1, 1), "groups": s.Groups}
}

func orDefault(x []int, otherwise ...int) []int {
	if x == nil {
		return otherwise
	}
	return slices.Clone(x)
}

// specOf is the ConvSpec of a value of one of the convolution's ops.
func specOf(v *ir.Value) ConvSpec {
	return ConvSpec{Stride: v.Ints("stride"), Pad: v.Ints("pad"), Dilation: v.Ints("dilation"), Groups: v.Int("groups")}
}

// Conv2D slides the kernel k [KH,KW,C,O] over the images x [N,H,W,C], as neural
// networks do it (cross-correlation); the result is [N,OH,OW,O]. With G groups
// the kernel is [KH,KW,C/G,O]: the first O/G results see the first C/G channels
// only, and so on. As many groups as channels make it depthwise.
func Conv2D(x, k *ir.Value, spec ConvSpec) *ir.Value {
	return build("conv2d", spec.attrs(), x, k)
}

// Conv2DGradInput is the gradient of Conv2D for its images, of the given shape,
// when g is that of its result.
func Conv2DGradInput(g, k *ir.Value, shape ir.Shape, spec ConvSpec) *ir.Value {
	attrs := spec.attrs()
	attrs["shape"] = ints(shape)
	return build("conv2d_grad_input", attrs, g, k)
}

// Conv2DGradKernel is the gradient of Conv2D for its kernel, of the given
// shape, when g is that of its result.
func Conv2DGradKernel(x, g *ir.Value, kernel ir.Shape, spec ConvSpec) *ir.Value {
	attrs := spec.attrs()
	attrs["kernel"] = ints(kernel)
	return build("conv2d_grad_kernel", attrs, x, g)
}

func convOps() []Op {
	attrs := []Attr{{"stride", IntsAttr}, {"pad", IntsAttr}, {"dilation", IntsAttr}, {"groups", IntAttr}}
	return []Op{
		{Name: "conv2d", Doc: "y[n,i,j,o] = sum over p,q,c of x[n, i*sh+p*dh-top, j*sw+q*dw-left, c] k[p,q,c,o], c counted from the first channel of o's group",
			Class: Contract, Arity: 2, Attrs: attrs, Shape: convShape,
			Grad: func(v, g *ir.Value) []*ir.Value {
				x, k := v.In[0], v.In[1]
				return []*ir.Value{Conv2DGradInput(g, k, x.Shape, specOf(v)), Conv2DGradKernel(x, g, k.Shape, specOf(v))}
			}},
		{Name: "conv2d_grad_input", Doc: `gx of conv2d: each g[n,i,j,o] k[p,q,c,o] is added to the x it was computed from; x has "shape"`,
			Class: Contract, Arity: 2, Attrs: append(slices.Clone(attrs), Attr{"shape", IntsAttr}), Shape: convGradInputShape,
			Grad: func(v, d *ir.Value) []*ir.Value {
				g, k := v.In[0], v.In[1]
				return []*ir.Value{Conv2D(d, k, specOf(v)), Conv2DGradKernel(d, g, k.Shape, specOf(v))}
			}},
		{Name: "conv2d_grad_kernel", Doc: `gk of conv2d: gk[p,q,c,o] = sum over n,i,j of g[n,i,j,o] times the x it was computed from; k has the shape "kernel"`,
			Class: Contract, Arity: 2, Attrs: append(slices.Clone(attrs), Attr{"kernel", IntsAttr}), Shape: convGradKernelShape,
			Grad: func(v, d *ir.Value) []*ir.Value {
				x, g := v.In[0], v.In[1]
				return []*ir.Value{Conv2DGradInput(g, d, x.Shape, specOf(v)), Conv2D(x, d, specOf(v))}
			}},
	}
}

func convShape(v *ir.Value) (ir.DType, ir.Shape, error) {
	if err := wantFloats(v); err != nil {
		return 0, nil, err
	}
	if err := wantRank(v, 0, 4, "[images,height,width,channels]"); err != nil {
		return 0, nil, err
	}
	if err := wantRank(v, 1, 4, "[height,width,channels,kernels]"); err != nil {
		return 0, nil, err
	}
	shape, err := convResult(v, v.In[0].Shape, v.In[1].Shape)
	return v.In[0].DType, shape, err
}

// convResult is the shape of a convolution of images x with a kernel k.
func convResult(v *ir.Value, x, k ir.Shape) (ir.Shape, error) {
	if err := wantImage(v, x); err != nil {
		return nil, err
	}
	for _, d := range k {
		if d < 1 {
			return nil, fail(v, BadWindow, fmt.Sprintf("the kernel %s has an axis without a size", k), "use sizes of at least 1")
		}
	}
	groups := v.Int("groups")
	if groups < 1 || x[3]%groups != 0 || k[3]%groups != 0 {
		return nil, fail(v, BadAttr, fmt.Sprintf("%d groups do not divide %d channels and %d kernels", groups, x[3], k[3]),
			"use a divisor of both")
	}
	if each := x[3] / groups; each != k[2] {
		return nil, fail(v, SizesDiffer, fmt.Sprintf("the images have %d channels in each of %d groups, the kernel %d", each, groups, k[2]),
			"make the kernel "+ir.Shape{k[0], k[1], each, k[3]}.String())
	}
	dilation := v.Ints("dilation")
	if err := wantSteps(v, "dilation", dilation); err != nil {
		return nil, err
	}
	out, err := slide(v, x, []int{(k[0]-1)*dilation[0] + 1, (k[1]-1)*dilation[1] + 1})
	if err != nil {
		return nil, err
	}
	return ir.Shape{x[0], out[0], out[1], k[3]}, nil
}

func convGradInputShape(v *ir.Value) (ir.DType, ir.Shape, error) {
	shape := ir.Shape(v.Ints("shape"))
	return gradShape(v, shape, "shape", 0, func() (ir.Shape, error) { return convResult(v, shape, v.In[1].Shape) })
}

func convGradKernelShape(v *ir.Value) (ir.DType, ir.Shape, error) {
	kernel := ir.Shape(v.Ints("kernel"))
	return gradShape(v, kernel, "kernel", 1, func() (ir.Shape, error) { return convResult(v, v.In[0].Shape, kernel) })
}

// gradShape checks a gradient of conv2d: with the wanted shape in the place of
// the missing operand, the convolution must give the shape of g, operand at.
func gradShape(v *ir.Value, want ir.Shape, attr string, at int, forward func() (ir.Shape, error)) (ir.DType, ir.Shape, error) {
	if err := wantFloats(v); err != nil {
		return 0, nil, err
	}
	for i := range v.In {
		if err := wantRank(v, i, 4, "four axes"); err != nil {
			return 0, nil, err
		}
	}
	if err := want.Check(); err != nil || len(want) != 4 {
		return 0, nil, fail(v, BadAttr, fmt.Sprintf("%s %s has not four axes of a fit size", attr, want), "use the operand's shape")
	}
	y, err := forward()
	if err != nil {
		return 0, nil, err
	}
	if g := v.In[at].Shape; !y.Equal(g) {
		return 0, nil, fail(v, SizesDiffer, fmt.Sprintf("the convolution gives %s, its gradient is %s", y, g),
			"use the forward operands' shapes")
	}
	return v.In[0].DType, slices.Clone(want), nil
}
