package interp

import (
	"math"
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
)

var reduceKernels = map[string]kernel{
	"reduce_sum": sum,
	"reduce_max": func(v *ir.Value, in [][]float64) []float64 {
		return reduce(v, in[0], math.Inf(-1), func(a, b float64) float64 { return max(a, b) })
	},
	"reduce_min": func(v *ir.Value, in [][]float64) []float64 {
		return reduce(v, in[0], math.Inf(1), func(a, b float64) float64 { return min(a, b) })
	},
	"reduce_prod": prod,
	"reduce_mean": mean,
	"argmax":      argMax,
	"all_finite":  allFinite,
}

func allFinite(v *ir.Value, in [][]float64) []float64 {
	for _, x := range in {
		if slices.ContainsFunc(x, func(x float64) bool { return math.IsInf(x, 0) || math.IsNaN(x) }) {
			return []float64{0}
		}
	}
	return []float64{1}
}

// reduce folds the axes named by v: each element of x goes into the element of
// the result that has the same index on the other axes.
func reduce(v *ir.Value, x []float64, start float64, f func(a, b float64) float64) []float64 {
	from, axes := v.In[0].Shape, v.Ints("axes")
	kept := slices.Clone(from)
	for _, a := range axes {
		kept[a] = 1
	}
	out := fill(kept.Elems(), func(int) float64 { return start })
	each(from, func(i int, index []int) {
		at := offset(kept, index...)
		out[at] = f(out[at], x[i])
	})
	return out
}

func sum(v *ir.Value, in [][]float64) []float64 {
	out := reduce(v, in[0], 0, func(a, b float64) float64 { return a + b })
	if v.DType.Integer() {
		for i, x := range out {
			out[i] = wrap(v.DType, int64(x))
		}
	}
	return out
}

func prod(v *ir.Value, in [][]float64) []float64 {
	return reduce(v, in[0], 1, func(a, b float64) float64 {
		if v.DType.Integer() {
			return wrap(v.DType, int64(a)*int64(b))
		}
		return a * b
	})
}

func mean(v *ir.Value, in [][]float64) []float64 {
	out := reduce(v, in[0], 0, func(a, b float64) float64 { return a + b })
	for i := range out {
		out[i] /= float64(len(in[0]) / len(out))
	}
	return out
}

func argMax(v *ir.Value, in [][]float64) []float64 {
	from, axis := v.In[0].Shape, v.Int("axis")
	rest := slices.Clone(from)
	rest[axis] = 1
	best := fill(rest.Elems(), func(int) float64 { return math.Inf(-1) })
	out := make([]float64, len(best))
	each(from, func(i int, index []int) {
		if at := offset(rest, index...); in[0][i] > best[at] {
			best[at], out[at] = in[0][i], float64(index[axis])
		}
	})
	return out
}
