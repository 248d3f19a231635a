package nb

import (
	"math"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// Zeros, Ones and Full make tensors of equal elements, of type f32.
func Zeros(shape ...int) *Tensor { return Full(0, shape...) }

// Ones makes a tensor of ones.
func Ones(shape ...int) *Tensor { return Full(1, shape...) }

// Full makes a tensor that has x in every element.
func Full(x float64, shape ...int) *Tensor {
	if err := checkSizes(shape); err != nil {
		argument("sizes must not be negative", "%v", err)
	}
	return &Tensor{v: ir.Const(x, ir.F32, shape...)}
}

// ZerosLike and OnesLike make tensors of the shape and type of t.
func (t *Tensor) ZerosLike() *Tensor { return t.fullLike(0) }

// OnesLike makes a tensor of ones.
func (t *Tensor) OnesLike() *Tensor { return t.fullLike(1) }

func (t *Tensor) fullLike(x float64) *Tensor { return &Tensor{v: ir.Const(x, t.v.DType, t.v.Shape...)} }

// Arange counts 0, 1, ... n-1, of type i32; with two arguments from the first
// one up to, but without, the second, and with three by a step, which may be
// negative.
//
//	nb.Arange(3)        // 0 1 2
//	nb.Arange(2, 5)     // 2 3 4
//	nb.Arange(5, 0, -2) // 5 3 1
func Arange(at ...int) *Tensor {
	start, stop, step := 0, 0, 1
	switch len(at) {
	case 1:
		stop = at[0]
	case 2:
		start, stop = at[0], at[1]
	case 3:
		start, stop, step = at[0], at[1], at[2]
	}
	if len(at) < 1 || len(at) > 3 || step == 0 || len(at) == 1 && stop < 0 {
		argument("give how many numbers you want, or start, stop and a step other than 0", "Arange%v", at)
	}
	n := max(0, (stop-start+step-step/max(step, -step))/step)
	if last := start + (n-1)*step; n > 0 && (min(start, last) < math.MinInt32 || max(start, last) > math.MaxInt32) {
		argument("the numbers are of type i32", "Arange%v does not fit in 32 bits", at)
	}
	v := ir.Iota(n)
	if step != 1 {
		v = op.Mul(v, ir.Const(float64(step), v.DType))
	}
	if start != 0 {
		v = plus(v, start)
	}
	return &Tensor{v: v}
}

// Linspace makes n numbers of equal distance, the first start, the last stop.
func Linspace(start, stop float64, n int) *Tensor {
	if n < 0 {
		argument("give how many numbers you want", "Linspace of %d numbers", n)
	}
	xs := make([]float64, n)
	for i := range xs {
		xs[i] = start + (stop-start)*float64(i)/float64(max(1, n-1))
	}
	if n > 1 {
		xs[n-1] = stop
	}
	return Array(xs)
}

// Eye is the matrix [n,n] that has ones on its diagonal and zeros elsewhere.
func Eye(n int) *Tensor { return Ones(n).Diag() }

// Diag makes a matrix that has the elements of a vector on its diagonal.
// Diagonal goes the other way.
func (t *Tensor) Diag() *Tensor {
	if len(t.v.Shape) != 1 || t.v.Shape[0] < 0 {
		argument("give a vector; Diagonal takes the diagonal of a matrix", "diag: %s is no vector", t.v.Type())
	}
	return t.unary("diag", func(v *ir.Value) *ir.Value {
		n := v.Shape[0]
		row := op.Reshape(ir.Iota(n), ir.Shape{n, 1})
		return op.Select(op.Eq(row, ir.Iota(n)), v, ir.Const(0, v.DType))
	})
}

// OneHot makes of indices [k...] rows [k..., n] of zeros that have a 1 at the
// index; of an index outside they have none.
func (t *Tensor) OneHot(n int) *Tensor {
	if n < 0 {
		argument("give how many classes there are", "onehot of %d classes", n)
	}
	return t.unary("onehot", func(v *ir.Value) *ir.Value {
		return floating(op.Eq(expand(as(v, ir.I32), len(v.Shape)), ir.Iota(n)))
	})
}
