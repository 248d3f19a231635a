package nb

import (
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// Share returns a block of layers that has the same parameters wherever it is
// used: its first use makes them, every other one takes them again.
//
//	encode := nb.Share(func(x *nb.Tensor) *nb.Tensor { return x.Dense(64).ReLU().Dense(32) })
//	distance := encode(left).Sub(encode(right)).Abs()
//
// All layers that x goes through in the block are shared. Layers that are made
// of other tensors are not.
func Share(block func(x *Tensor) *Tensor) func(x *Tensor) *Tensor {
	s := &sharing{}
	return func(x *Tensor) *Tensor {
		s.next = 0
		out := block(&Tensor{v: x.v, from: []*Tensor{x}, share: s})
		s.complete = true
		return &Tensor{v: out.v, from: []*Tensor{out}, share: x.share}
	}
}

// sharing holds the states of a shared block in the order in which its layers
// ask for them.
type sharing struct {
	states   []*ir.Value
	next     int
	complete bool // after the first use
}

// state is the next one of the block.
func (s *sharing) state(part string, attrs ir.Attrs, shape []int) *ir.Value {
	if !s.complete {
		v := ir.State(part, ir.F32, shape, attrs)
		s.states = append(s.states, v)
		return v
	}
	if s.next == len(s.states) {
		argument("build the same layers in every use", "a shared block asks for %s %v, which its first use did not", part, ir.Shape(shape))
	}
	v := s.states[s.next]
	s.next++
	if v.Name != part || !slices.Equal(v.Shape, shape) {
		argument("give it inputs of the same shape, so that the weights fit",
			"a shared block asks for %s %v where its first use has %s %v", part, ir.Shape(shape), v.Name, v.Shape)
	}
	return v
}

// Freeze keeps the parameters of t and of all that it is computed from as they
// are: no optimizer changes them. Running statistics go on. It returns t.
//
//	features := body(x).Freeze()
//	model := features.Dense(10)   // only this is trained
func (t *Tensor) Freeze() *Tensor {
	seen := map[*ir.Value]bool{}
	var walk func(v *ir.Value)
	walk = func(v *ir.Value) {
		if seen[v] {
			return
		}
		seen[v] = true
		if v.Op == ir.OpState && v.Bool(ir.AttrTrain) {
			v.Attrs[ir.AttrTrain] = false
		}
		for _, in := range v.In {
			walk(in)
		}
	}
	walk(t.v)
	return t
}
