package interp

import "github.com/metalnb/metalnb/metalcore/ir"

var moveKernels = map[string]kernel{
	"reshape":     func(v *ir.Value, in [][]float64) []float64 { return in[0] },
	"broadcast":   elementwise(func(x []float64) float64 { return x[0] }),
	"transpose":   transpose,
	"gather":      gather,
	"scatter_add": scatterAdd,
}

func transpose(v *ir.Value, in [][]float64) []float64 {
	out := make([]float64, len(in[0]))
	source := make([]int, len(v.Shape))
	each(v.Shape, func(i int, index []int) {
		for a, from := range v.Ints("perm") {
			source[from] = index[a]
		}
		out[i] = in[0][offset(v.In[0].Shape, source...)]
	})
	return out
}

// row is the number of a row, the nearest one when x is outside.
func row(x float64, rows int) int { return min(max(int(x), 0), rows-1) }

func gather(v *ir.Value, in [][]float64) []float64 {
	table, index := in[0], in[1]
	rows, width := v.In[0].Shape[0], v.In[0].Shape[1:].Elems()
	var out []float64
	for _, x := range index {
		at := row(x, rows) * width
		out = append(out, table[at:at+width]...)
	}
	return out
}

func scatterAdd(v *ir.Value, in [][]float64) []float64 {
	index, rows := in[0], in[1]
	out := make([]float64, v.Shape.Elems())
	width := v.Shape[1:].Elems()
	for i, x := range index {
		at := row(x, v.Shape[0]) * width
		for j := range width {
			out[at+j] += rows[i*width+j]
		}
	}
	if v.DType.Integer() {
		for i, x := range out {
			out[i] = wrap(v.DType, int64(x))
		}
	}
	return out
}
