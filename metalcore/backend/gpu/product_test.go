package gpu

import (
	"slices"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// kernelsOf are the names of the kernels that a value is computed by, without
// their digests, and "library" for its products.
func kernelsOf(t *testing.T, limits Limits, library func(ProductSpec) bool, y *ir.Value) (names []string) {
	t.Helper()
	p, _, err := compile.Compile(ir.NewGraph("test", []ir.Output{{Name: "y", Value: y}}, nil), compile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := Lower(p, MSL{}, limits, library)
	if err != nil {
		t.Fatal(err)
	}
	for i, call := range c.Calls {
		if want := i > 0; call.Barrier != want {
			t.Errorf("call %d has a barrier: %v", i, call.Barrier)
		}
		if call.Product != nil {
			names = append(names, "library")
			continue
		}
		name := c.Kernels[call.Kernel].Name
		names = append(names, name[:strings.LastIndex(name, "_")])
	}
	return names
}

func input(name string, shape ...int) *ir.Value { return ir.Input(name, ir.F32, shape...) }

// TestKernelsOfProducts: what products are computed by.
func TestKernelsOfProducts(t *testing.T) {
	limits := newStub().limits
	few := limits
	few.Bindings = 5
	all := func(ProductSpec) bool { return true }
	plain := op.MatMul(input("a", 40, 64), input("b", 64, 48), false, false)
	sum := op.ReLU(op.Add(plain, input("bias", 48)))
	other, third := input("other", 40, 48), input("third", 40, 48)
	many := op.Mul(op.Add(op.Tanh(sum), other), third)
	image, spec := input("x", 4, 16, 16, 16), op.ConvSpec{Pad: []int{1, 1, 1, 1}}
	y := op.Conv2D(image, input("k", 3, 3, 16, 16), spec)
	for _, c := range []struct {
		y       *ir.Value
		limits  Limits
		library func(ProductSpec) bool
		want    []string
	}{
		{plain, limits, nil, []string{"product_matmul"}},
		{many, limits, nil, []string{"product_matmul"}},
		{many, few, nil, []string{"product_matmul", "mul_and_2"}},
		{many, limits, all, []string{"library", "mul_and_4"}},
		{plain, limits, all, []string{"library"}},
		{op.Softmax(op.Mul(plain, other), -1), limits, nil, []string{"product_matmul", "rows_div_and_6"}},
		{op.Softmax(op.Mul(sum, other), -1), limits, nil, []string{"product_matmul", "rows_div_and_6"}},
		{op.Softmax(op.Mul(sum, other), -1), limits, all, []string{"library", "relu_and_1", "rows_div_and_6"}},
		{op.MatMul(input("a", 1, 64), input("b", 64, 48), false, false), limits, nil, []string{"product_few_matmul"}},
		{op.MatMul(input("a", 40, 4096), input("b", 4096, 48), false, false), limits, nil, []string{"parts_of_matmul", "sum_of_parts"}},
		{op.MatMul(input("a", 40, 0), input("b", 0, 48), false, false), limits, nil, []string{"zeros"}},
		{op.MatMul(input("a", 2000, 4096), input("b", 4096, 2000), false, false), limits, nil, []string{"product_matmul"}},
		{y, limits, nil, []string{"product_conv2d"}},
		{op.Conv2DGradInput(input("g", y.Shape...), input("k", 3, 3, 16, 16), image.Shape, spec), limits, nil, []string{"product_conv2d_grad_input"}},
		{op.Conv2DGradKernel(image, input("g", y.Shape...), ir.Shape{3, 3, 16, 16}, spec), limits, nil, []string{"parts_of_conv2d_grad_kernel", "sum_of_parts"}},
		{op.Conv2D(image, input("k", 3, 3, 1, 16), op.ConvSpec{Groups: 16}), limits, nil, []string{"direct_conv2d"}},
	} {
		if got := kernelsOf(t, c.limits, c.library, c.y); !slices.Equal(got, c.want) {
			t.Errorf("%s %s: %v, want %v", c.y.Op, c.y.Type(), got, c.want)
		}
	}
}

// TestTilingsFit: no tiling takes more threads or threadgroup memory than there
// are, and none leaves a SIMD group without a whole rectangle.
func TestTilingsFit(t *testing.T) {
	limits := newStub().limits
	for _, c := range slices.Concat(matrixTiles, threadTiles) {
		for _, d := range []ir.DType{ir.F32, ir.F16, ir.BF16} {
			for _, inner := range []bool{false, true} {
				x := &contraction{ending: &ending{product: &ir.Value{DType: d}}, tile: c, a: matrix{inner: inner}, b: matrix{inner: inner}}
				k := Kernel{Shared: x.shared()}
				if n := k.SharedBytes(); n > limits.Shared {
					t.Errorf("%+v of %s takes %d bytes of threadgroup memory, and there are %d", c, d, n, limits.Shared)
				}
			}
		}
		least := 4
		if c.matrices {
			least = 8
		}
		if c.threads() > limits.Threads || c.threads()%16 != 0 || c.rows()%least != 0 || c.cols()%least != 0 || c.k%8 != 0 {
			t.Errorf("%+v has %d threads, of %d x %d results each", c, c.threads(), c.rows(), c.cols())
		}
	}
}

// TestLibrarySpec: the axes before the last two of a product are one for the
// vendor's library.
func TestLibrarySpec(t *testing.T) {
	y := op.MatMul(input("q", 2, 3, 10, 16), input("k", 2, 3, 11, 16), false, true)
	s := specOf(y)
	if !slices.Equal(s.In[0], []int{6, 10, 16}) || !slices.Equal(s.In[1], []int{6, 11, 16}) || !slices.Equal(s.Out, []int{6, 10, 11}) || s.TransA || !s.TransB {
		t.Errorf("spec %+v", s)
	}
	if p, err := s.program(); err != nil || !slices.Equal(p.Outputs[0].Value.Shape, s.Out) {
		t.Errorf("program of %+v: %v", s, err)
	}
}
