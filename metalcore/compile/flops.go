package compile

import (
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// FLOPs returns the floating point operations of an instruction. A product
// counts a multiplication and an addition for each term; what works element by
// element, a reduction, a window and a loss count one for each element that
// goes in or comes out, whatever function it is; moving elements is free.
func FLOPs(s *plan.Step) (sum int64) {
	for _, v := range s.Values {
		sum += flops(v)
	}
	return sum
}

func flops(v *ir.Value) int64 {
	row := op.Lookup(v.Op)
	if row == nil || !v.DType.Float() {
		return 0
	}
	switch row.Class {
	case op.Contract:
		return ProductFLOPs(v)
	case op.Elementwise:
		return int64(v.Shape.Elems())
	case op.Reduce, op.Loss:
		return int64(v.In[0].Shape.Elems())
	case op.Pool:
		return int64(max(v.Shape.Elems(), v.In[0].Shape.Elems()))
	}
	return 0
}

// ProductFLOPs returns those of a matrix product or a convolution alone, and 0
// for any other value: they are what a processor's peak speaks of.
func ProductFLOPs(v *ir.Value) int64 {
	if row := op.Lookup(v.Op); row == nil || row.Class != op.Contract {
		return 0
	}
	return 2 * terms(v)
}

// terms is the number of products of two numbers in a matrix product or a
// convolution.
func terms(v *ir.Value) int64 {
	if v.Op == "matmul" {
		a := v.In[0].Shape
		k := a[len(a)-1]
		if v.Bool("ta") {
			k = a[len(a)-2]
		}
		return int64(v.Shape.Elems()) * int64(k)
	}
	y, k := v.Shape, v.In[1].Shape
	switch v.Op {
	case "conv2d_grad_input":
		y = v.In[0].Shape
	case "conv2d_grad_kernel":
		y, k = v.In[1].Shape, v.Shape
	}
	return int64(y.Elems()) * int64(k[:3].Elems())
}
