// Package interp runs graphs in float64, one element after the other, in the
// plainest way there is. It is the oracle: what it says is what an op means, and
// every backend is held against it. It is far too slow for anything else.
//
// Numbers of type f32 are not rounded, so that gradients can be checked by
// differences. Those of all other types are: halves to nearest, and integers wrap
// around. Of i64 only those up to 2^53 are exact here.
package interp

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// Run runs one step of a graph whose batch is bound. Inputs and states go by
// name, elements in row-major order. It returns the outputs by name, and all
// states as they are after the step; the maps given are left alone.
func Run(g *ir.Graph, inputs, states map[string][]float64) (outputs, newStates map[string][]float64, err error) {
	if err := op.Check(g); err != nil {
		return nil, nil, err
	}
	at := make(map[*ir.Value][]float64, len(g.Values))
	for _, v := range g.Values {
		if v.Shape.HasBatch() {
			return nil, nil, fmt.Errorf("interp: %s is %s; bind the graph to a batch first", v.Op, v.Type())
		}
		if at[v], err = compute(v, at, inputs, states); err != nil {
			return nil, nil, err
		}
	}
	outputs, newStates = map[string][]float64{}, map[string][]float64{}
	for _, o := range g.Outputs {
		outputs[o.Name] = append([]float64{}, at[o.Value]...)
	}
	for name, x := range states {
		newStates[name] = append([]float64{}, x...)
	}
	for _, u := range g.Updates {
		newStates[u.State.Name] = append([]float64{}, at[u.New]...)
	}
	return outputs, newStates, nil
}

// kernel computes a value from its operands.
type kernel func(v *ir.Value, in [][]float64) []float64

// kernels has one entry for each row of the table in package op.
var kernels = map[string]kernel{}

func init() {
	for _, family := range []map[string]kernel{unaryKernels, binaryKernels, reduceKernels, moveKernels, contractKernels, lossKernels, drawKernels, pieceKernels} {
		for name, k := range family {
			kernels[name] = k
		}
	}
}

func compute(v *ir.Value, at map[*ir.Value][]float64, inputs, states map[string][]float64) ([]float64, error) {
	n := v.Shape.Elems()
	switch v.Op {
	case ir.OpInput:
		return given(v, inputs)
	case ir.OpState:
		return given(v, states)
	case ir.OpConst:
		return fill(n, func(int) float64 { return typed(v.DType, v.Float("value")) }), nil
	case ir.OpIota:
		return fill(n, func(i int) float64 { return float64(i) }), nil
	}
	k := kernels[v.Op]
	if k == nil {
		return nil, fmt.Errorf("interp: there is no kernel for %s", v.Op)
	}
	in := make([][]float64, len(v.In))
	for i, x := range v.In {
		in[i] = at[x]
	}
	out := k(v, in)
	if v.DType.Half() {
		out = fill(n, func(i int) float64 { return ir.RoundTo(v.DType, out[i]) })
	}
	return out, nil
}

func given(v *ir.Value, from map[string][]float64) ([]float64, error) {
	x, ok := from[v.Name]
	if !ok {
		return nil, fmt.Errorf("interp: the %s %q is not given", v.Op, v.Name)
	}
	if len(x) != v.Shape.Elems() {
		return nil, fmt.Errorf("interp: the %s %q has %d elements, its type is %s", v.Op, v.Name, len(x), v.Type())
	}
	return x, nil
}

func fill(n int, f func(i int) float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = f(i)
	}
	return out
}

// each calls f for every index of a shape, in row-major order; i counts the
// calls.
func each(shape ir.Shape, f func(i int, index []int)) {
	index := make([]int, len(shape))
	for i := range shape.Elems() {
		f(i, index)
		for a := len(shape) - 1; a >= 0; a-- {
			if index[a]++; index[a] < shape[a] {
				break
			}
			index[a] = 0
		}
	}
}

// offset is where an element lies in an array of the shape. The index may have
// more axes in front, and axes of size 1 have their one element everywhere:
// this is broadcasting.
func offset(shape ir.Shape, index ...int) int {
	at := 0
	for a, d := range shape {
		i := index[len(index)-len(shape)+a]
		if d == 1 {
			i = 0
		}
		at = at*d + i
	}
	return at
}
