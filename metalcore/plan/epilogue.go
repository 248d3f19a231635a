package plan

import (
	"fmt"
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// A group may also begin with a product. What follows it is computed element by
// element, while the product's results are at hand: a bias and relu in the
// registers they are made in, all else in the cache. Only the group reads the
// product. No result of such a step lies where an operand lay.

// Product reports whether a group may begin with the value: a matrix product,
// or a convolution that is one, of f32.
func Product(v *ir.Value) bool {
	if v.DType != ir.F32 {
		return false
	}
	switch v.Op {
	case "matmul":
		return true
	case "conv2d":
		return v.Int("groups") <= 1
	case "conv2d_grad_input":
		s := v.Ints("stride")
		return v.Int("groups") <= 1 && s[0] == 1 && s[1] == 1
	}
	return false
}

// Bias returns the other operand of a sum with a product, if it is one number
// for each place of the product's last axis, else nil.
func Bias(sum, product *ir.Value) *ir.Value {
	if sum.Op != "add" || sum.DType != ir.F32 || !sum.Shape.Equal(product.Shape) {
		return nil
	}
	bias := sum.In[0]
	if bias == product {
		bias = sum.In[1]
	}
	n := product.Shape[len(product.Shape)-1]
	if bias == product || bias.Shape.Elems() != n || n > 1 && bias.Shape[len(bias.Shape)-1] != n {
		return nil
	}
	return bias
}

// Epilogue is what a step does with a product that it begins with.
type Epilogue struct {
	Product *ir.Value
	Bias    *ir.Value   // is added to the product; nil: none
	ReLU    bool        // follows
	Base    *ir.Value   // the product, with its bias and relu
	Rest    []*ir.Value // what else is computed, of the base and other operands
}

// Epilogue takes a step that begins with a product apart; ok is false for all
// others.
func (s *Step) Epilogue() (e Epilogue, ok bool) {
	if !s.Fused() || !Product(s.Values[0]) {
		return e, false
	}
	e.Product, e.Base = s.Values[0], s.Values[0]
	taken := 1
	if sum := s.Values[1]; s.passes(e.Base, sum) {
		if e.Bias = Bias(sum, e.Base); e.Bias != nil {
			e.Base, taken = sum, 2
		}
	}
	if taken < len(s.Values) {
		if v := s.Values[taken]; v.Op == "relu" && s.passes(e.Base, v) {
			e.ReLU, e.Base, taken = true, v, taken+1
		}
	}
	e.Rest = s.Values[taken:]
	return e, true
}

// Home is a result of the step in whose memory the base of an epilogue can lie
// until the rest is computed: itself, if it is one.
func (s *Step) Home(base *ir.Value) *ir.Value {
	if slices.Contains(s.Writes, base) {
		return base
	}
	for _, w := range s.Writes {
		if w.DType == base.DType && w.Shape.Elems() == base.Shape.Elems() {
			return w
		}
	}
	return nil
}

// passes reports whether a value of the step goes nowhere but to another one.
func (s *Step) passes(v, to *ir.Value) bool {
	if slices.Contains(s.Writes, v) {
		return false
	}
	for _, w := range s.Values {
		if w != to && slices.Contains(w.In, v) {
			return false
		}
	}
	return slices.Contains(to.In, v)
}

// checkGroup reports why values cannot be computed together.
func checkGroup(g *ir.Graph, members Group) error {
	first, rest := members[0], members
	if Product(first) {
		rest = members[1:]
		if len(rest) == 0 {
			return fmt.Errorf("graph %s: a group of %s %s alone", g.Name, first.Op, first.Type())
		}
	}
	if full, ok := RowSpace(rest); ok && (!Product(first) || SameSpace(full, first.Shape)) {
		return nil
	}
	for _, v := range rest {
		if !Fusible(v.Op) || !SameSpace(v.Shape, first.Shape) {
			return fmt.Errorf("graph %s: %s %s cannot be in a group of %s", g.Name, v.Op, v.Type(), first.Type())
		}
	}
	return nil
}
