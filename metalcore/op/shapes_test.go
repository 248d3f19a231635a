package op_test

import (
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// in makes an input of a type like f32[B,10].
func in(text string) *ir.Value {
	open := strings.IndexByte(text, '[')
	dtype, err := ir.ParseDType(text[:open])
	if err != nil {
		panic(err)
	}
	shape, err := ir.ParseShape(text[open:])
	if err != nil {
		panic(err)
	}
	return ir.Input("x", dtype, shape...)
}

func TestShapes(t *testing.T) {
	x, k := in("f32[B,8,8,1]"), in("f32[3,3,1,16]")
	for want, v := range map[string]*ir.Value{
		"f32[B,10]":     op.Add(in("f32[B,10]"), in("f32[10]")),
		"f32[3,B,4]":    op.Mul(in("f32[3,1,4]"), in("f32[B,1]")),
		"f32[2]":        op.Div(in("f32[2]"), ir.Const(2, ir.F32)),
		"bool[B,3]":     op.Lt(in("f32[B,1]"), in("f32[3]")),
		"i32[4B]":       op.Cast(in("f32[4B]"), ir.I32),
		"f32[B,2,3]":    op.Select(in("bool[B,1,1]"), in("f32[2,1]"), in("f32[3]")),
		"f32[8,10]":     op.Sum(in("f32[B,8,10]"), false, 0),
		"f32[1,8,1]":    op.MaxOver(in("f32[B,8,10]"), true, -1, 0),
		"f32[]":         op.Mean(in("f32[B,8]"), false),
		"i32[B]":        op.ArgMax(in("f32[B,10]"), -1),
		"f32[B,64]":     op.Reshape(in("f32[B,8,8]"), ir.Shape{ir.Batch, 64}),
		"f32[4B,8]":     op.Reshape(in("f32[B,4,8]"), ir.Shape{-4, 8}),
		"i32[3,B,2]":    op.Transpose(in("i32[2,3,B]"), 1, -1, 0),
		"f32[5,4]":      op.Transpose(in("f32[4,5]")),
		"f32[B,4]":      op.Broadcast(in("f32[1,4]"), ir.Shape{ir.Batch, 4}),
		"f32[B,7,8]":    op.Gather(in("f32[100,8]"), in("i32[B,7]")),
		"i32[9]":        op.Gather(in("i32[B]"), in("i32[9]")),
		"f32[100,8]":    op.ScatterAdd(in("i32[B,7]"), in("f32[B,7,8]"), 100),
		"f32[B,12]":     op.MatMul(in("f32[B,64]"), in("f32[64,12]"), false, false),
		"f32[64,12]":    op.MatMul(in("f32[B,64]"), in("f32[B,12]"), true, false),
		"f32[B,4,6]":    op.MatMul(in("f32[B,4,5]"), in("f32[6,5]"), false, true),
		"f32[B,2,4,6]":  op.MatMul(in("f32[B,2,5,4]"), in("f32[B,2,6,5]"), true, true),
		"f32[B,6,6,16]": op.Conv2D(x, k, op.ConvSpec{}),
		"f32[B,4,9,16]": op.Conv2D(x, k, op.ConvSpec{Stride: []int{2, 1}, Pad: []int{1, 1, 1, 2}}),
		"f32[B,4,2,16]": op.Conv2D(x, k, op.ConvSpec{Dilation: []int{2, 3}}),
		"f32[B,6,6,8]":  op.Conv2D(in("f32[B,8,8,6]"), in("f32[3,3,3,8]"), op.ConvSpec{Groups: 2}),
		"f32[3,3,1,4]":  op.Conv2DGradKernel(in("f32[B,8,8,2]"), in("f32[B,6,6,4]"), ir.Shape{3, 3, 1, 4}, op.ConvSpec{Groups: 2}),
		"f32[B,8,8,1]":  op.Conv2DGradInput(in("f32[B,6,6,16]"), k, x.Shape, op.ConvSpec{}),
		"f32[3,3,1,16]": op.Conv2DGradKernel(x, in("f32[B,6,6,16]"), k.Shape, op.ConvSpec{}),
		"f32[B,4,4,1]":  op.MaxPool2D(x, op.PoolSpec{Window: []int{2, 2}}),
		"f32[B,7,3,1]":  op.MaxPool2D(x, op.PoolSpec{Window: []int{2, 3}, Stride: []int{1, 3}, Pad: []int{0, 0, 1, 1}}),
		"f32[B]":        op.SoftmaxCrossEntropy(in("f32[B,10]"), in("i32[B]")),
		"f32[6,3]":      op.LogSoftmax(in("f32[6,3]"), 0),
		"f32[0,3]":      op.Exp(in("f32[0,3]")),
		"f32[3]":        op.Sum(in("f32[0,3]"), false, 0),
		"bool[]":        op.IsFinite(ir.Const(1, ir.F32)),
		"f32[2,4]":      op.Prod(in("f32[2,3,4]"), false, 1),
		"i32[1]":        op.MinOver(in("i32[3]"), true),
		"f32[B,2,2]":    op.Slice(in("f32[B,5,4]"), []int{0, 1, 2}, []int{-1, 5, 4}, []int{1, 2, 1}),
		"i32[5,1]":      op.SliceAxis(in("i32[5,4]"), -1, -2, -1),
		"f32[B,6]":      op.Concat(-1, in("f32[B,1]"), in("f32[B,3]"), in("f32[B,2]")),
		"f32[B,11,2]":   op.PadBetween(in("f32[B,4,2]"), []int{0, 1, 0}, []int{0, 0, 0}, []int{0, 2, 0}, 1),
		"f32[4]":        op.Pad(in("f32[0]"), []int{1}, []int{3}, 1),
		"f32[2,B]":      op.CumSum(in("f32[2,B]"), 1, true),
		"f32[B,7]":      op.TakeAlong(in("f32[B,3]"), in("i32[B,7]"), -1),
		"f32[B,3]":      op.AddAlong(in("i32[B,7]"), in("f32[B,7]"), 1, 3),
		"i32[B,9]":      op.ArgSort(in("f32[B,9]"), -1, false),
		"f32[B,9]":      op.Sort(in("f32[B,9]"), 1, true),
		"f32[B,4,4,2]":  op.AvgPool2D(in("f32[B,8,8,2]"), op.PoolSpec{Window: []int{2, 2}}, true),
		"f32[B,8,8,2]":  op.AvgPool2DGrad(in("f32[B,4,4,2]"), ir.Shape{-1, 8, 8, 2}, op.PoolSpec{Window: []int{2, 2}}, true),
		"f32[B,3,2]":    op.Random(in("i32[]"), in("i32[]"), 7, ir.Shape{ir.Batch, 3, 2}),
		"i32[2,7]":      op.StopGradient(in("i32[2,7]")),
	} {
		if v.Type() != want {
			t.Errorf("%s is %s, want %s", v.Op, v.Type(), want)
		}
	}
}

func TestErrors(t *testing.T) {
	x, k := in("f32[B,8,8,1]"), in("f32[3,3,1,16]")
	for want, f := range map[string]func(){
		"add: [B,10] x [5]: the sizes 10 and 5 of axis -1 differ; make them equal":          func() { op.Add(in("f32[B,10]"), in("f32[5]")) },
		"add: [B,2] x [3,1]: the sizes B and 3 of axis -2 differ":                           func() { op.Add(in("f32[B,2]"), in("f32[3,1]")) },
		"mul: f32[2] x i32[2]: the element types f32 and i32 differ; cast operand 2 to f32": func() { op.Mul(in("f32[2]"), in("i32[2]")) },
		"exp: i32[2]: operand 1 is i32 and must be f32, f16 or bf16; cast it to f32":        func() { op.Exp(in("i32[2]")) },
		"pow: i32[] x i32[]: operand 1 is i32":                                              func() { op.Pow(in("i32[]"), in("i32[]")) },
		"select: [2] x [2] x [2]: operand 1 is f32 and must be bool; cast it to bool":       func() { op.Select(in("f32[2]"), in("f32[2]"), in("f32[2]")) },
		"the element types f32 and i32 differ; cast operand 3 to f32":                       func() { op.Select(in("bool[2]"), in("f32[2]"), in("i32[2]")) },
		"reduce_sum: [2,3]: there is no axis 2; use one of 0 to 1":                          func() { op.Sum(in("f32[2,3]"), false, 2) },
		"there is no axis -3": func() { op.Sum(in("f32[2,3]"), false, -3) },
		"argmax: []: there is no axis 0; a scalar has no axes":                                    func() { op.ArgMax(in("f32[]"), 0) },
		"the axes [1 1] are not in order; name each axis once":                                    func() { op.Sum(in("f32[2,3]"), false, 1, -1) },
		"reduce_mean: [0]: axis 0 is empty":                                                       func() { op.Mean(in("f32[0]"), false) },
		"reshape: [B,8,8]: 64B elements do not fill [B,32], which has 32B":                        func() { op.Reshape(in("f32[B,8,8]"), ir.Shape{-1, 32}) },
		"reshape: [6]: 6 elements do not fill [B]":                                                func() { op.Reshape(in("f32[6]"), ir.Shape{-1}) },
		"perm [0 0] names axis 0 twice":                                                           func() { op.Transpose(in("f32[2,3]"), 0, 0) },
		"perm [0] names 1 axes of 2":                                                              func() { op.Transpose(in("f32[2,3]"), 0) },
		"axis 0 of size 2 does not become 3":                                                      func() { op.Broadcast(in("f32[2]"), ir.Shape{3}) },
		"[2] has fewer axes":                                                                      func() { op.Broadcast(in("f32[1,2]"), ir.Shape{2}) },
		"the table is a scalar":                                                                   func() { op.Gather(in("f32[]"), in("i32[]")) },
		"gather: [5,2] x [3]: operand 2 is f32 and must be i32":                                   func() { op.Gather(in("f32[5,2]"), in("f32[3]")) },
		"the rows do not begin with the axes [4] of the index":                                    func() { op.ScatterAdd(in("i32[4]"), in("f32[3,2]"), 5) },
		"n is 0; use at least one row":                                                            func() { op.ScatterAdd(in("i32[4]"), in("f32[4,2]"), 0) },
		"matmul: [64] x [64,10]: operand 1 has 1 axes and needs two or more":                      func() { op.MatMul(in("f32[64]"), in("f32[64,10]"), false, false) },
		"matmul: [B,64] x [32,10]: inner sizes 64 and 32 differ; make the second operand [64,10]": func() { op.MatMul(in("f32[B,64]"), in("f32[32,10]"), false, false) },
		"inner sizes 64 and 10 differ; make the second operand [32,64]":                           func() { op.MatMul(in("f32[B,64]"), in("f32[32,10]"), false, true) },
		"the leading axes [2] and [3] differ":                                                     func() { op.MatMul(in("f32[2,4,4]"), in("f32[3,4,4]"), false, false) },
		"conv2d: [B,8,8] x [3,3,1,16]: operand 1 has 3 axes and must have 4; reshape it to [images,height,width,channels]": func() { op.Conv2D(in("f32[B,8,8]"), k, op.ConvSpec{}) },
		"the images have 3 channels in each of 1 groups, the kernel 1; make the kernel [3,3,3,16]":                         func() { op.Conv2D(in("f32[B,8,8,3]"), k, op.ConvSpec{}) },
		"3 groups do not divide 4 channels and 6 kernels; use a divisor of both":                                           func() { op.Conv2D(in("f32[B,8,8,4]"), in("f32[3,3,1,6]"), op.ConvSpec{Groups: 3}) },
		"a window of 9 does not fit into height 8 with its pad":                                                            func() { op.Conv2D(x, k, op.ConvSpec{Dilation: []int{4, 1}}) },
		"stride is [0 1]; use two numbers":                                                                                 func() { op.Conv2D(x, k, op.ConvSpec{Stride: []int{0, 1}}) },
		"pad is [1 1]; use four numbers":                                                                                   func() { op.Conv2D(x, k, op.ConvSpec{Pad: []int{1, 1}}) },
		"the images are [8,B,8,1], with an axis without a size":                                                            func() { op.Conv2D(in("f32[8,B,8,1]"), k, op.ConvSpec{}) },
		"the convolution gives [B,6,6,16], its gradient is [B,5,6,16]":                                                     func() { op.Conv2DGradKernel(x, in("f32[B,5,6,16]"), k.Shape, op.ConvSpec{}) },
		"shape [B,8] has not four axes":                                                                                    func() { op.Conv2DGradInput(in("f32[B,6,6,16]"), k, ir.Shape{-1, 8}, op.ConvSpec{}) },
		"window is []; use two numbers":                                                                                    func() { op.MaxPool2D(x, op.PoolSpec{}) },
		"a pad of 2 leaves a window of [2 2] nothing but pad":                                                              func() { op.MaxPool2D(x, op.PoolSpec{Window: []int{2, 2}, Pad: []int{0, 2, 0, 0}}) },
		"operand 3 must be [B,4,4,1], the shape of the result":                                                             func() { op.MaxPool2DGrad(x, in("f32[B,4,4,1]"), x, op.PoolSpec{Window: []int{2, 2}}) },
		"softmax_cross_entropy: f32[B,10] x i32[5]: the labels [5] are not one for each row; give labels [B]":              func() { op.SoftmaxCrossEntropy(in("f32[B,10]"), in("i32[5]")) },
		"the gradient [5] is not one for each row":                                                                         func() { op.SoftmaxCrossEntropyGrad(in("f32[B,10]"), in("i32[B]"), in("f32[5]")) },
		"axis 0 depends on the batch and is cut; cut the other axes only":                                                  func() { op.SliceAxis(in("f32[B,2]"), 0, 0, 1) },
		"2 to 9 by 1 is no part of axis 1 of size 8":                                                                       func() { op.SliceAxis(in("f32[B,8]"), 1, 2, 9) },
		"start [0 0 1] has 3 numbers; give one for each of 2 axes":                                                         func() { op.SliceAxis(in("f32[B,8]"), 2, 1, 2) },
		"0 to 8 by 0 is no part":                                                                                           func() { op.Slice(in("f32[8]"), []int{0}, []int{8}, []int{0}) },
		"concat: 0 operands, it takes 1":                                                                                   func() { op.Concat(0) },
		"axis 0 of operand 2 is 3, of the first one B; only axis 1 may differ":                                             func() { op.Concat(1, in("f32[B,8]"), in("f32[3,8]")) },
		"axis 0 depends on the batch; join along another axis":                                                             func() { op.Concat(0, in("f32[B,8]"), in("f32[B,8]")) },
		"operand 2 has 1 axes, the first one 2; reshape it":                                                                func() { op.Concat(0, in("f32[2,8]"), in("f32[8]")) },
		"operand 2 is i32 and must be f32; cast it to f32":                                                                 func() { op.Concat(0, in("f32[8]"), in("i32[8]")) },
		"axis 0 is padded by -1 before, 0 after and 0 between":                                                             func() { op.Pad(in("f32[8]"), []int{-1}, []int{0}, 0) },
		"axis 0 depends on the batch and is padded":                                                                        func() { op.Pad(in("f32[B]"), []int{1}, []int{0}, 0) },
		"cumsum: [8]: there is no axis 1; use one of 0 to 0":                                                               func() { op.CumSum(in("f32[8]"), 1, false) },
		"take_along: f32[3,8] x i32[2,8]: axis 0 is 3 and 2; only axis 1":                                                  func() { op.TakeAlong(in("f32[3,8]"), in("i32[2,8]"), 1) },
		"[3,8] and [8] have not as many axes":                                                                              func() { op.TakeAlong(in("f32[3,8]"), in("i32[8]"), 1) },
		"the index [4] is not one for each element [5]":                                                                    func() { op.AddAlong(in("i32[4]"), in("f32[5]"), 0, 3) },
		"the pooling gives [B,4,4,2], its gradient is [B,3,4,2]": func() {
			op.AvgPool2DGrad(in("f32[B,3,4,2]"), ir.Shape{-1, 8, 8, 2}, op.PoolSpec{Window: []int{2, 2}}, true)
		},
		"random: f32[] x i32[]: operand 1 is f32 and must be i32":                func() { op.Random(in("f32[]"), in("i32[]"), 0, nil) },
		"operand 2 has 1 axes and must have 0; reshape it to a scalar, the step": func() { op.Random(in("i32[]"), in("i32[1]"), 0, nil) },
		"stream is -1; number the streams from 0":                                func() { op.Random(in("i32[]"), in("i32[]"), -1, nil) },
		"f32[2] when training and f32[3] else differ":                            func() { op.Phase(in("f32[2]"), in("f32[3]")) },
	} {
		if err := op.Try(f); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error\n\t%v\nwant one with\n\t%s", err, want)
		}
	}
}

// TestTypes has the result types of ops by those of their operands, and what is
// said where they do not fit.
func TestTypes(t *testing.T) {
	for want, v := range map[string]*ir.Value{
		"f16[B,3]":  op.Add(in("f16[B,3]"), in("f16[3]")),
		"bf16[2]":   op.Exp(in("bf16[2]")),
		"u8[2]":     op.Mul(in("u8[2]"), in("u8[2]")),
		"bool[4]":   op.Mul(in("bool[4]"), in("bool[4]")),
		"bool[5]":   op.Eq(in("i64[5]"), in("i64[5]")),
		"i64[]":     op.Sum(in("i64[4]"), false),
		"bool[]":    op.MaxOver(in("bool[4]"), false),
		"f16[2,3]":  op.MatMul(in("f16[2,4]"), in("f16[4,3]"), false, false),
		"u8[7,2]":   op.Gather(in("u8[5,2]"), in("i64[7]")),
		"f16[3]":    op.Gather(in("f16[5]"), in("u8[3]")),
		"i32[5]":    op.ArgSort(in("u8[5]"), 0, false),
		"bf16[B]":   op.SoftmaxCrossEntropy(in("bf16[B,3]"), in("u8[B]")),
		"bool[2,B]": op.Transpose(in("bool[B,2]")),
		"u8[9]":     op.Cast(in("f32[9]"), ir.U8),
		"i64[2]":    op.Select(in("bool[2]"), in("i64[2]"), in("i64[]")),
	} {
		if got := v.Type(); got != want {
			t.Errorf("%s gives %s, want %s", v.Op, got, want)
		}
	}
	for want, f := range map[string]func(){
		"add: f32[2] x f16[2]: the element types f32 and f16 differ; cast operand 2 to f32":                   func() { op.Add(in("f32[2]"), in("f16[2]")) },
		"the element types f16 and bf16 differ; cast operand 1 and operand 2 to f32":                          func() { op.Mul(in("f16[2]"), in("bf16[2]")) },
		"the element types i64 and u8 differ; cast operand 2 to i64":                                          func() { op.Max(in("i64[2]"), in("u8[2]")) },
		"matmul: f16[2,2] x f32[2,2]: the element types f16 and f32 differ; cast operand 1 to f32":            func() { op.MatMul(in("f16[2,2]"), in("f32[2,2]"), false, false) },
		"operand 1 is bool, which is no number; cast it to i32; max is \"or\" and min is \"and\" of bools":    func() { op.Add(in("bool[2]"), in("bool[2]")) },
		"reduce_sum: u8[2]: operand 1 is u8, which is too small for sums; cast it to i32 to count, or to f32": func() { op.Sum(in("u8[2]"), false) },
		"cumsum: bool[2]: operand 1 is bool, which is too small":                                              func() { op.CumSum(in("bool[2]"), 0, false) },
		"gather: [5] x [3]: operand 2 is f32 and must be i32, i64 or u8; cast it to i32":                      func() { op.Gather(in("f32[5]"), in("f32[3]")) },
		"scatter_add: i32[2] x u8[2]: operand 2 is u8, which is too small":                                    func() { op.ScatterAdd(in("i32[2]"), in("u8[2]"), 3) },
		"tanh: i64[2]: operand 1 is i64 and must be f32, f16 or bf16":                                         func() { op.Tanh(in("i64[2]")) },
		"softmax_cross_entropy_grad: f16[2,3] x i32[2] x f32[2]: the element types f16 and f32 differ; cast operand 1 to f32": func() {
			op.SoftmaxCrossEntropyGrad(in("f16[2,3]"), in("i32[2]"), in("f32[2]"))
		},
	} {
		if err := op.Try(f); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error\n\t%v\nwant one with\n\t%s", err, want)
		}
	}
}

func TestResolve(t *testing.T) {
	x, s := in("f32[B,4]"), ir.State("s", ir.F32, ir.Shape{4}, nil)
	mean := op.Mean(x, false, 0)
	g := ir.NewGraph("g", []ir.Output{{Name: "y", Value: op.Sub(x, op.Phase(mean, s))}}, nil)
	for training, want := range map[bool]string{true: "input reduce_mean sub", false: "input state sub"} {
		var ops []string
		for _, v := range op.Resolve(g, training).Values {
			ops = append(ops, v.Op)
		}
		if got := strings.Join(ops, " "); got != want {
			t.Errorf("training %v: the graph is %s, want %s", training, got, want)
		}
	}
}
