package nb_test

import (
	"fmt"

	"github.com/metalnb/metalnb/nb"
)

func ExampleArange() {
	fmt.Println(nb.Arange(3), nb.Arange(2, 5), nb.Arange(5, 0, -2), nb.Linspace(0, 1, 5))
	fmt.Println(nb.Eye(2).Mul(3))
	// Output:
	// [0 1 2] [2 3 4] [5 3 1] [0.   0.25 0.5  0.75 1.  ]
	// [[3. 0.]
	//  [0. 3.]]
}

// Random numbers are those of their seed, in every cell and on every device.
func ExampleUniform() {
	fmt.Println(nb.Uniform(1, 3))
	fmt.Println(nb.Integers(2, 0, 10, 6), nb.Permutation(3, 6))
	x := nb.Normal(4, 1000)
	fmt.Printf("%.1f %.1f\n", x.Mean().Item(), x.Std().Item())
	// Output:
	// [0.89025915 0.8946847  0.5857259 ]
	// [4 4 9 3 0 2] [1 4 5 2 3 0]
	// 0.0 1.0
}

// Shapes broadcast: a column and a row make a table.
func ExampleTensor_Mul() {
	n := nb.Arange(1, 5)
	fmt.Println(n.ExpandDims(-1).Mul(n))
	// Output:
	// [[ 1  2  3  4]
	//  [ 2  4  6  8]
	//  [ 3  6  9 12]
	//  [ 4  8 12 16]]
}

func ExampleTensor_At() {
	x := nb.Arange(12).Reshape(3, 4)
	fmt.Println(x.At(0), x.At(-1, 1))
	fmt.Println(x.At("1:, ::-2"))
	fmt.Println(x.At(":", nb.Array([]int{3, 0})))
	fmt.Println(x.At("..., newaxis, 0").Shape(), x.At(x.Gt(8)))
	// Output:
	// [0 1 2 3] 9
	// [[ 7  5]
	//  [11  9]]
	// [[ 3  0]
	//  [ 7  4]
	//  [11  8]]
	// [3 1] [ 9 10 11]
}

func ExampleTensor_Where() {
	x := nb.Array([]float64{-2, -1, 0, 1, 2})
	fmt.Println(x.Gt(0).Where(x, 0), x.Ge(-1).And(x.Lt(2)))
	// Output:
	// [0. 0. 0. 1. 2.] [False  True  True  True False]
}

// Axes that are reduced are gone; ExpandDims brings one back.
func ExampleTensor_Std() {
	x := nb.Array([][]float64{{3, 4}, {6, 8}})
	fmt.Println(x.Sum(), x.Mean(0), x.Std(1), x.Norm(-1))
	fmt.Println(x.Sub(x.Mean(1).ExpandDims(1)))
	// Output:
	// 21.0 [4.5 6. ] [0.5 1. ] [ 5. 10.]
	// [[-0.5  0.5]
	//  [-1.   1. ]]
}

func ExampleTensor_TopK() {
	x := nb.Array([]float64{3, 1, 4, 1, 5})
	values, indices := x.TopK(2, 0)
	fmt.Println(values, indices, x.Sort(0), x.ArgSort(0), x.ArgMax())
	fmt.Println(x.CumSum(0), x.CumProd(0))
	// Output:
	// [5. 4.] [4 2] [1. 1. 3. 4. 5.] [1 3 0 2 4] 4
	// [ 3.  4.  8.  9. 14.] [ 3.  3. 12. 12. 60.]
}

func ExampleStack() {
	a, b := nb.Arange(3), nb.Arange(3).Add(10)
	fmt.Println(nb.Concat(0, a, b), nb.Stack(1, a, b).Shape())
	fmt.Println(a.Tile(2), a.Repeat(2, 0), a.Flip(), a.Roll(1, 0))
	// Output:
	// [ 0  1  2 10 11 12] [3 2]
	// [0 1 2 0 1 2] [0 0 1 1 2 2] [2 1 0] [2 0 1]
}

// Letters name axes; those that the result does not name are summed.
func ExampleEinsum() {
	a, b := nb.Arange(6).Reshape(2, 3).Float(), nb.Arange(12).Reshape(3, 4).Float()
	fmt.Println(nb.Einsum("ij,jk->ik", a, b))
	fmt.Println(nb.Einsum("ij->j", a), nb.Einsum("ij,ij", a, a), nb.Einsum("ii->i", nb.Eye(3)))
	q, k := nb.Ones(2, 5, 4, 8), nb.Ones(2, 7, 4, 8) // batch, steps, heads, features
	fmt.Println(nb.Einsum("bqhd,bkhd->bhqk", q, k).Shape())
	// Output:
	// [[20. 23. 26. 29.]
	//  [56. 68. 80. 92.]]
	// [3. 5. 7.] 55.0 [1. 1. 1.]
	// [2 4 5 7]
}

// The gradient of any function of tensors, and its second derivative.
func ExampleGrad() {
	f := func(x *nb.Tensor) *nb.Tensor { return x.Sin() }
	slope := nb.Grad(f)
	fmt.Printf("%.4f %.4f\n", slope(nb.Full(0.5)).Item(), nb.Grad(slope)(nb.Full(0.5)).Item())
	// Output:
	// 0.8776 -0.4794
}

// The product of the second derivatives (the Hessian) with a vector is the
// gradient of the gradient's product with it; the Hessian itself is not made.
func ExampleGrad_hessianVectorProduct() {
	f := func(x *nb.Tensor) *nb.Tensor { return x.Square().Square().Sum().Add(x.Prod()) }
	hvp := func(x, v *nb.Tensor) *nb.Tensor {
		return nb.Grad(func(x *nb.Tensor) *nb.Tensor { return nb.Grad(f)(x).Mul(v).Sum() })(x)
	}
	fmt.Println(hvp(nb.Array([]float64{1, 2, 3}), nb.Array([]float64{1, 0, 1})))
	// Output:
	// [ 14.   4. 110.]
}

// A line through points, by gradient descent. Eval computes what one step needs
// together.
func ExampleValueAndGrad() {
	x := nb.Linspace(-1, 1, 20)
	y := x.Mul(3).Add(0.5)
	step := nb.ValueAndGrad(func(p ...*nb.Tensor) *nb.Tensor {
		return x.Mul(p[0]).Add(p[1]).Sub(y).Square().Mean()
	})
	w, b := nb.Zeros(), nb.Zeros()
	for range 100 {
		_, grads := step(w, b)
		w, b = w.Sub(grads[0].Mul(0.5)), b.Sub(grads[1].Mul(0.5))
		nb.Eval(w, b)
	}
	fmt.Printf("%.3f %.3f\n", w.Item(), b.Item())
	// Output:
	// 3.000 0.500
}

func ExampleTensor_Solve() {
	a, b := nb.Array([][]float64{{3, 1}, {1, 2}}), nb.Array([]float64{9, 8})
	fmt.Println(a.Solve(b).Round(), a.Det().Round(), a.MatMul(a.Inv()).Sub(nb.Eye(2)).Norm().Lt(1e-6))
	fmt.Println(nb.Grad(func(a *nb.Tensor) *nb.Tensor { return a.Det() })(a).Round())
	// Output:
	// [2. 3.] 5.0 True
	// [[ 2. -1.]
	//  [-1.  3.]]
}

func ExampleTensor_SVD() {
	a := nb.Array([][]float64{{3, 0}, {4, 5}})
	u, s, vt := a.SVD()
	fmt.Println(s.Square().Round(), u.Mul(s).MatMul(vt).Sub(a).Norm().Lt(1e-5))
	w, _ := a.Transpose().MatMul(a).Eigh()
	fmt.Println(w.Round())
	// Output:
	// [45.  5.] True
	// [ 5. 45.]
}

// The two tones of a signal.
func ExampleTensor_RFFT() {
	t := nb.Arange(64).Float().Mul(2 * 3.14159265 / 64)
	re, im := t.Mul(5).Sin().Add(t.Mul(9).Cos().Mul(0.5)).RFFT()
	size := re.Square().Add(im.Square()).Sqrt()
	_, at := size.TopK(2, 0)
	fmt.Println(at, size.Take(at).Round())
	// Output:
	// [5 9] [32. 16.]
}

// Tensors print as NumPy's arrays do.
func ExampleTensor_String() {
	fmt.Println(nb.Linspace(0, 1, 3), nb.Array([]float64{1e-8, 1}), nb.Arange(3).Eq(1))
	fmt.Println(nb.Arange(10_000).Reshape(100, 100))
	// Output:
	// [0.  0.5 1. ] [1.e-08 1.e+00] [False  True False]
	// [[   0    1    2 ...   97   98   99]
	//  [ 100  101  102 ...  197  198  199]
	//  [ 200  201  202 ...  297  298  299]
	//  ...
	//  [9700 9701 9702 ... 9797 9798 9799]
	//  [9800 9801 9802 ... 9897 9898 9899]
	//  [9900 9901 9902 ... 9997 9998 9999]]
}
