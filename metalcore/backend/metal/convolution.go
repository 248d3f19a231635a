package metal

import (
	"errors"
	"fmt"

	"github.com/metalnb/metalnb/metalcore/backend/gpu"
	"github.com/metalnb/metalnb/metalcore/backend/metal/objc"
)

// convolution2D is a graph of MPSGraph that is compiled for its shapes: a
// convolution or one of its gradients.
type convolution2D struct {
	*prepared
	executable objc.Object
	feeds      []int          // the operand of each of the executable's inputs
	shapes     [3]objc.Object // of the operands and the result
	dtype      uint32
}

func (d *Driver) newConvolution(s gpu.ProductSpec, p *prepared) (product, error) {
	if err := checkConvolution(s); err != nil {
		return nil, err
	}
	c := &convolution2D{prepared: p, dtype: dataTypes[s.DType].mps}
	for i, shape := range [][]int{s.In[0], s.In[1], s.Out} {
		c.shapes[i] = p.keep(objc.Shape(shape).Retain())
	}
	graph := newObject.Owned(d.class("MPSGraph"))
	defer graph.Release()
	var in [2]objc.Object
	var feeds []objc.Object
	for i := range in {
		in[i] = placeholder.Object(graph.Object, uintptr(c.shapes[i]), uintptr(c.dtype), uintptr(objc.Object(0)))
		typ := initShapedType.Make(d.class("MPSGraphShapedType"), uintptr(c.shapes[i]), uintptr(c.dtype))
		feeds = append(feeds, in[i], typ.Autorelease())
	}
	y := c.operation(s, graph.Object, in, d.convolutionDescriptor(s))
	device := graphDevice.Object(d.class("MPSGraphDevice"), uintptr(d.device.Object))
	none := objc.Object(0)
	e := compileGraph.Object(graph.Object, uintptr(device), uintptr(objc.Dictionary(feeds...)), uintptr(objc.Array(y)), uintptr(none), uintptr(none))
	if y == 0 || e == 0 {
		return nil, errors.New("the system does not compile it")
	}
	c.executable = p.keep(e.Retain())
	for _, t := range objc.Elements(feedTensors.Object(e)) {
		if t != in[0] && t != in[1] {
			return nil, errors.New("the system has compiled it with other inputs")
		}
		which := 0
		if t == in[1] {
			which = 1
		}
		c.feeds = append(c.feeds, which)
	}
	return c, nil
}

func (d *Driver) convolutionDescriptor(s gpu.ProductSpec) objc.Object {
	n := func(i int) uint64 { return uint64(i) }
	return convDescriptor.Object(d.class("MPSGraphConvolution2DOpDescriptor"),
		uintptr(n(s.Stride[1])), uintptr(n(s.Stride[0])), uintptr(n(s.Dilation[1])), uintptr(n(s.Dilation[0])), uintptr(n(s.Groups)),
		uintptr(n(s.Pad[2])), uintptr(n(s.Pad[3])), uintptr(n(s.Pad[0])), uintptr(n(s.Pad[1])),
		uintptr(mpsGraphPaddingStyleExplicit), uintptr(mpsGraphTensorNamedDataLayoutNHWC), uintptr(mpsGraphTensorNamedDataLayoutHWIO))
}

// operation adds the convolution to the graph. The operands are in the order of
// package op: images before gradients before kernels.
func (c *convolution2D) operation(s gpu.ProductSpec, graph objc.Object, in [2]objc.Object, how objc.Object) objc.Object {
	none := objc.Object(0)
	switch s.Op {
	case "conv2d":
		return convolution.Object(graph, uintptr(in[0]), uintptr(in[1]), uintptr(how), uintptr(none))
	case "conv2d_grad_input":
		return convolutionGradInput.Object(graph, uintptr(in[0]), uintptr(in[1]), uintptr(c.shapes[2]), uintptr(how), uintptr(none))
	}
	return convolutionGradKernel.Object(graph, uintptr(in[1]), uintptr(in[0]), uintptr(c.shapes[2]), uintptr(how), uintptr(none))
}

// checkConvolution refuses what the framework would answer with the end of the
// process.
func checkConvolution(s gpu.ProductSpec) error {
	var x, k, y []int
	switch s.Op {
	case "conv2d":
		x, k, y = s.In[0], s.In[1], s.Out
	case "conv2d_grad_input":
		y, k, x = s.In[0], s.In[1], s.Out
	case "conv2d_grad_kernel":
		x, y, k = s.In[0], s.In[1], s.Out
	default:
		return errors.New("there is no such product")
	}
	if len(x) != 4 || len(k) != 4 || len(y) != 4 || len(s.Stride) != 2 || len(s.Dilation) != 2 || len(s.Pad) != 4 {
		return errors.New("images and kernels have four axes, strides and dilations two, and there are four pads")
	}
	g := s.Groups
	if g < 1 || x[3]%g != 0 || y[3]%g != 0 || k[2] != x[3]/g || k[3] != y[3] || x[0] != y[0] {
		return fmt.Errorf("a kernel %v in %d groups does not make %v of %v", k, g, y, x)
	}
	for i := range 2 {
		before, after := s.Pad[2*i], s.Pad[2*i+1]
		if s.Stride[i] < 1 || s.Dilation[i] < 1 || before < 0 || after < 0 {
			return errors.New("strides and dilations are at least 1, pads at least 0")
		}
		room := x[1+i] + before + after - (k[i]-1)*s.Dilation[i] - 1
		if room < 0 || room/s.Stride[i]+1 != y[1+i] {
			return fmt.Errorf("a kernel %v does not make %v of %v", k, y, x)
		}
	}
	return nil
}

func (c *convolution2D) encode(e *encoder, bound []binding) error {
	var data [3]objc.Object
	var result binding // where the graph writes it
	for i, b := range bound {
		at, err := c.place(e, i, b)
		if err != nil {
			return err
		}
		data[i], result = c.tensor(e, i, at), at
	}
	var inputs []objc.Object
	for _, i := range c.feeds {
		inputs = append(inputs, data[i])
	}
	buffer, none := e.forGraphs(), objc.Object(0)
	encodeGraph.Object(c.executable, uintptr(buffer), uintptr(objc.Array(inputs...)), uintptr(objc.Array(data[2])), uintptr(none))
	e.settle()
	if result != bound[2] {
		return e.copy(result, bound[2], c.bytes[2])
	}
	return nil
}

// place is where the graph finds an operand. Before macOS 15 that is only the
// beginning of a buffer, so what lies elsewhere is copied.
func (c *convolution2D) place(e *encoder, i int, b binding) (binding, error) {
	d := e.driver
	if b.offset == 0 || initArray.InstancesHave(d.class("MPSNDArray")) && preferPackedRows.InstancesHave(d.class("MPSNDArrayDescriptor")) {
		return b, nil
	}
	a, err := d.ownBuffer(c.bytes[i])
	if err != nil {
		return b, err
	}
	e.completion.held[&a.shared] = struct{}{} // its owner
	at := binding{buffer: a.buffer}
	if i == 2 {
		return at, nil
	}
	return at, e.copy(b, at, c.bytes[i])
}

// tensor is the data of an operand.
func (c *convolution2D) tensor(e *encoder, i int, b binding) objc.Object {
	d := e.driver
	data := d.class("MPSGraphTensorData")
	if b.offset == 0 {
		return initTensorData.Make(data, uintptr(b.buffer), uintptr(c.shapes[i]), uintptr(c.dtype)).Autorelease()
	}
	layout := arrayDescriptor.Object(d.class("MPSNDArrayDescriptor"), uintptr(c.dtype), uintptr(c.shapes[i]))
	preferPackedRows.Send(layout, uintptr(objc.True))
	array := initArray.Make(d.class("MPSNDArray"), uintptr(b.buffer), uintptr(uint64(b.offset)), uintptr(layout)).Autorelease()
	return initTensorArray.Make(data, uintptr(array)).Autorelease()
}
