package bench

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// resnet builds residual networks (He, Zhang, Ren, Sun 2015), whose batch norms
// keep running statistics.
type resnet struct {
	builder
	updates []ir.Update
}

// resnet18 is ResNet-18 for images of 224 x 224 and 1000 classes.
func resnet18() *ir.Graph {
	b := &resnet{}
	x := ir.Input("x", ir.F32, ir.Batch, 224, 224, 3)
	h := op.ReLU(b.norm(b.conv(x, 64, 7, 2)))
	h = op.MaxPool2D(h, op.PoolSpec{Window: []int{3, 3}, Stride: []int{2, 2}, Pad: []int{1, 1, 1, 1}})
	for i, filters := range []int{64, 128, 256, 512} {
		h = b.block(h, filters, min(i+1, 2))
		h = b.block(h, filters, 1)
	}
	y := b.dense(op.Mean(h, false, 1, 2), 1000)
	return ir.NewGraph("ResNet-18", []ir.Output{{Name: "y", Value: y}}, b.updates)
}

// conv is a convolution without a bias; its padding keeps the size at stride 1.
func (b *resnet) conv(x *ir.Value, filters, size, stride int) *ir.Value {
	pad := size / 2
	return op.Conv2D(x, b.param("he_normal", size, size, x.Shape[3], filters),
		op.ConvSpec{Stride: []int{stride, stride}, Pad: []int{pad, pad, pad, pad}})
}

// norm is batch normalisation (Ioffe, Szegedy 2015).
func (b *resnet) norm(x *ir.Value) *ir.Value {
	n := x.Shape[3]
	mean := op.Mean(x, false, 0, 1, 2)
	d := op.Sub(x, mean)
	variance := op.Mean(op.Mul(d, d), false, 0, 1, 2)
	phased := func(name, init string, now *ir.Value) *ir.Value {
		running := ir.State(fmt.Sprint(name, len(b.updates)), ir.F32, ir.Shape{n}, ir.Attrs{ir.AttrInit: init})
		next := op.Add(op.Mul(ir.Const(0.9, ir.F32), running), op.Mul(ir.Const(0.1, ir.F32), now))
		b.updates = append(b.updates, ir.Update{State: running, New: next})
		return op.Phase(now, running)
	}
	mean, variance = phased("mean", "zeros", mean), phased("variance", "ones", variance)
	y := op.Mul(op.Sub(x, mean), op.Rsqrt(op.Add(variance, ir.Const(1e-5, ir.F32))))
	return op.Add(op.Mul(y, b.param("ones", n)), b.param("zeros", n))
}

// block is a residual block of two convolutions. A convolution of 1 x 1 fits
// the way around it where the shape changes.
func (b *resnet) block(x *ir.Value, filters, stride int) *ir.Value {
	h := op.ReLU(b.norm(b.conv(x, filters, 3, stride)))
	h = b.norm(b.conv(h, filters, 3, 1))
	if stride != 1 {
		x = b.norm(b.conv(x, filters, 1, stride))
	}
	return op.ReLU(op.Add(h, x))
}
