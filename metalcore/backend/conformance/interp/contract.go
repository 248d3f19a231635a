package interp

import "github.com/metalnb/metalnb/metalcore/ir"

var contractKernels = map[string]kernel{
	"matmul":             matmul,
	"conv2d":             conv,
	"conv2d_grad_input":  convGradInput,
	"conv2d_grad_kernel": convGradKernel,
}

func matmul(v *ir.Value, in [][]float64) []float64 {
	a, b := v.In[0].Shape, v.In[1].Shape
	last := len(v.Shape) - 1
	inner := a[len(a)-1]
	if v.Bool("ta") {
		inner = a[len(a)-2]
	}
	ia, ib := make([]int, last+1), make([]int, last+1)
	out := make([]float64, v.Shape.Elems())
	each(v.Shape, func(i int, index []int) {
		copy(ia, index)
		copy(ib, index)
		for k := range inner {
			place(ia, v.Bool("ta"), index[last-1], k)
			place(ib, v.Bool("tb"), k, index[last])
			out[i] += in[0][offset(a, ia...)] * in[1][offset(b, ib...)]
		}
	})
	return out
}

// place writes row and column at the end of an index, the other way round when
// the operand is stored transposed.
func place(index []int, transposed bool, row, col int) {
	if transposed {
		row, col = col, row
	}
	index[len(index)-2], index[len(index)-1] = row, col
}

// taps calls f for every product that a convolution sums up, with the places
// of its factors in x and k and of the sum in y.
func taps(v *ir.Value, x, k, y ir.Shape, f func(ix, ik, iy int)) {
	stride, pad, dilation := v.Ints("stride"), v.Ints("pad"), v.Ints("dilation")
	results := k[3] / v.Int("groups") // of a group, which sees k[2] channels
	each(y, func(iy int, at []int) {
		n, i, j, o := at[0], at[1], at[2], at[3]
		each(k[:3], func(_ int, tap []int) {
			p, q, c := tap[0], tap[1], tap[2]
			h := i*stride[0] + p*dilation[0] - pad[0]
			w := j*stride[1] + q*dilation[1] - pad[2]
			if h >= 0 && h < x[1] && w >= 0 && w < x[2] {
				f(((n*x[1]+h)*x[2]+w)*x[3]+o/results*k[2]+c, ((p*k[1]+q)*k[2]+c)*k[3]+o, iy)
			}
		})
	})
}

func conv(v *ir.Value, in [][]float64) []float64 {
	out := make([]float64, v.Shape.Elems())
	taps(v, v.In[0].Shape, v.In[1].Shape, v.Shape, func(ix, ik, iy int) { out[iy] += in[0][ix] * in[1][ik] })
	return out
}

func convGradInput(v *ir.Value, in [][]float64) []float64 {
	out := make([]float64, v.Shape.Elems())
	taps(v, v.Shape, v.In[1].Shape, v.In[0].Shape, func(ix, ik, iy int) { out[ix] += in[0][iy] * in[1][ik] })
	return out
}

func convGradKernel(v *ir.Value, in [][]float64) []float64 {
	out := make([]float64, v.Shape.Elems())
	taps(v, v.In[0].Shape, v.Shape, v.In[1].Shape, func(ix, ik, iy int) { out[ik] += in[0][ix] * in[1][iy] })
	return out
}
