package interp

import (
	"math"

	"github.com/metalnb/metalnb/metalcore/ir"
)

var lossKernels = map[string]kernel{
	"maxpool2d":                  maxPool,
	"maxpool2d_grad":             maxPoolGrad,
	"avgpool2d":                  avgPool,
	"avgpool2d_grad":             avgPoolGrad,
	"softmax_cross_entropy":      crossEntropy,
	"softmax_cross_entropy_grad": crossEntropyGrad,
}

// windows calls f for every element ix of x that lies in the window of iy.
func windows(v *ir.Value, x, y ir.Shape, f func(ix, iy int)) {
	window, stride, pad := v.Ints("window"), v.Ints("stride"), v.Ints("pad")
	each(y, func(iy int, at []int) {
		each(window, func(_ int, tap []int) {
			h, w := at[1]*stride[0]+tap[0]-pad[0], at[2]*stride[1]+tap[1]-pad[2]
			if h >= 0 && h < x[1] && w >= 0 && w < x[2] {
				f(((at[0]*x[1]+h)*x[2]+w)*x[3]+at[3], iy)
			}
		})
	})
}

func maxPool(v *ir.Value, in [][]float64) []float64 {
	out := fill(v.Shape.Elems(), func(int) float64 { return math.Inf(-1) })
	windows(v, v.In[0].Shape, v.Shape, func(ix, iy int) { out[iy] = max(out[iy], in[0][ix]) })
	return out
}

func maxPoolGrad(v *ir.Value, in [][]float64) []float64 {
	x, y, g := in[0], in[1], in[2]
	out, given := make([]float64, len(x)), make([]bool, len(y))
	windows(v, v.Shape, v.In[1].Shape, func(ix, iy int) {
		if !given[iy] && x[ix] == y[iy] {
			out[ix] += g[iy]
			given[iy] = true
		}
	})
	return out
}

// counts is the number of pixels that each mean is over.
func counts(v *ir.Value, x, y ir.Shape) []float64 {
	if v.Bool("count_include_pad") {
		window := v.Ints("window")
		return fill(y.Elems(), func(int) float64 { return float64(window[0] * window[1]) })
	}
	out := make([]float64, y.Elems())
	windows(v, x, y, func(_, iy int) { out[iy]++ })
	return out
}

func avgPool(v *ir.Value, in [][]float64) []float64 {
	x, y := v.In[0].Shape, v.Shape
	out, n := make([]float64, y.Elems()), counts(v, x, y)
	windows(v, x, y, func(ix, iy int) { out[iy] += in[0][ix] / n[iy] })
	return out
}

func avgPoolGrad(v *ir.Value, in [][]float64) []float64 {
	x, y := v.Shape, v.In[0].Shape
	out, n := make([]float64, x.Elems()), counts(v, x, y)
	windows(v, x, y, func(ix, iy int) { out[ix] += in[0][iy] / n[iy] })
	return out
}

// softmax returns exp(x)/sum and the logarithm of the sum.
func softmax(x []float64) (p []float64, logSum float64) {
	top := math.Inf(-1)
	for _, a := range x {
		top = max(top, a)
	}
	total := 0.0
	for _, a := range x {
		total += math.Exp(a - top)
	}
	return fill(len(x), func(i int) float64 { return math.Exp(x[i]-top) / total }), top + math.Log(total)
}

func crossEntropy(v *ir.Value, in [][]float64) []float64 {
	classes := v.In[0].Shape[1]
	return fill(len(in[1]), func(r int) float64 {
		logits := in[0][r*classes : (r+1)*classes]
		_, logSum := softmax(logits)
		return logSum - logits[row(in[1][r], classes)]
	})
}

func crossEntropyGrad(v *ir.Value, in [][]float64) []float64 {
	classes := v.Shape[1]
	var out []float64
	for r, g := range in[2] {
		p, _ := softmax(in[0][r*classes : (r+1)*classes])
		p[row(in[1][r], classes)]--
		for _, x := range p {
			out = append(out, g*x)
		}
	}
	return out
}
