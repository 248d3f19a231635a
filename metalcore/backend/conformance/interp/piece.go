package interp

import (
	"math"
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
)

var pieceKernels = map[string]kernel{
	"slice":      slice,
	"concat":     concat,
	"pad":        pad,
	"cumsum":     cumSum,
	"take_along": takeAlong,
	"add_along":  addAlong,
	"argsort":    argSort,
}

func slice(v *ir.Value, in [][]float64) []float64 {
	out := make([]float64, v.Shape.Elems())
	source := make([]int, len(v.Shape))
	each(v.Shape, func(i int, index []int) {
		for a := range index {
			source[a] = v.Ints("start")[a] + index[a]*v.Ints("stride")[a]
		}
		out[i] = in[0][spotOf(v.In[0].Shape, source)]
	})
	return out
}

// spotOf is where an element lies in an array of the shape, without the
// broadcasting of offset.
func spotOf(shape ir.Shape, index []int) int {
	at := 0
	for a, d := range shape {
		at = at*d + index[a]
	}
	return at
}

func concat(v *ir.Value, in [][]float64) []float64 {
	axis, first := v.Int("axis"), 0
	out := make([]float64, v.Shape.Elems())
	for k, x := range v.In {
		each(x.Shape, func(i int, index []int) {
			to := slices.Clone(index)
			to[axis] += first
			out[spotOf(v.Shape, to)] = in[k][i]
		})
		first += x.Shape[axis]
	}
	return out
}

func pad(v *ir.Value, in [][]float64) []float64 {
	value := typed(v.DType, v.Float("value"))
	out := fill(v.Shape.Elems(), func(int) float64 { return value })
	to := make([]int, len(v.Shape))
	each(v.In[0].Shape, func(i int, index []int) {
		for a := range index {
			to[a] = v.Ints("low")[a] + index[a]*(v.Ints("interior")[a]+1)
		}
		out[spotOf(v.Shape, to)] = in[0][i]
	})
	return out
}

// line calls f for every row along the axis of v: the places of its elements in
// an array of the shape.
func line(shape ir.Shape, axis int, f func(places []int)) {
	rest := slices.Clone(shape)
	rest[axis] = 1
	step := shape[axis+1:].Elems()
	each(rest, func(_ int, index []int) {
		places := make([]int, shape[axis])
		for i := range places {
			places[i] = spotOf(shape, index) + i*step
		}
		f(places)
	})
}

func cumSum(v *ir.Value, in [][]float64) []float64 {
	out := make([]float64, len(in[0]))
	line(v.Shape, v.Int("axis"), func(places []int) {
		if v.Bool("reverse") {
			slices.Reverse(places)
		}
		sum := 0.0
		for _, at := range places {
			sum += in[0][at]
			if v.DType.Integer() {
				sum = wrap(v.DType, int64(sum))
			}
			out[at] = sum
		}
	})
	return out
}

func takeAlong(v *ir.Value, in [][]float64) []float64 {
	x, axis := v.In[0].Shape, v.Int("axis")
	out := make([]float64, v.Shape.Elems())
	each(v.Shape, func(i int, index []int) {
		from := slices.Clone(index)
		from[axis] = row(in[1][i], x[axis])
		out[i] = in[0][spotOf(x, from)]
	})
	return out
}

func addAlong(v *ir.Value, in [][]float64) []float64 {
	axis := v.Int("axis")
	out := make([]float64, v.Shape.Elems())
	each(v.In[0].Shape, func(i int, index []int) {
		to := slices.Clone(index)
		to[axis] = row(in[0][i], v.Shape[axis])
		at := spotOf(v.Shape, to)
		out[at] += in[1][i]
		if v.DType.Integer() {
			out[at] = wrap(v.DType, int64(out[at]))
		}
	})
	return out
}

func argSort(v *ir.Value, in [][]float64) []float64 {
	out := make([]float64, len(in[0]))
	line(v.Shape, v.Int("axis"), func(places []int) {
		order := make([]int, len(places))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(i, j int) int {
			c := nanLast(in[0][places[i]], in[0][places[j]])
			if v.Bool("descending") {
				c = -c
			}
			return c
		})
		for i, at := range places {
			out[at] = float64(order[i])
		}
	})
	return out
}

func nanLast(a, b float64) int {
	switch {
	case a < b || !math.IsNaN(a) && math.IsNaN(b):
		return -1
	case a > b || math.IsNaN(a) && !math.IsNaN(b):
		return 1
	}
	return 0
}
