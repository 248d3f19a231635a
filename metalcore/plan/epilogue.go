package plan

import (
	"fmt"
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// A group may also begin with a product: then it is the product, the sum of it
// and a bias, and perhaps relu of the sum. A device adds the bias and cuts off
// what is negative while the product's results are at hand. No result of such a
// step lies where an operand lay.

// Product reports whether a group may begin with the value: a matrix product,
// or a convolution that is one.
func Product(v *ir.Value) bool {
	return v.Op == "matmul" || v.Op == "conv2d" && v.Int("groups") <= 1
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

// Epilogue takes a step that begins with a product apart; ok is false for all
// others.
func (s *Step) Epilogue() (product, bias *ir.Value, relu, ok bool) {
	product = s.Values[0]
	if !s.Fused() || !Product(product) {
		return nil, nil, false, false
	}
	return product, Bias(s.Values[1], product), len(s.Values) == 3, true
}

// checkGroup reports why values cannot be computed together.
func checkGroup(g *ir.Graph, members Group) error {
	first := members[0]
	if Product(first) {
		fits := (len(members) == 2 || len(members) == 3) && slices.Contains(members[1].In, first) && Bias(members[1], first) != nil
		if fits && len(members) == 3 {
			fits = members[2].Op == "relu" && members[2].In[0] == members[1]
		}
		if !fits {
			return fmt.Errorf("graph %s: a group that begins with %s %s goes on with a bias and relu only", g.Name, first.Op, first.Type())
		}
		return nil
	}
	for _, v := range members {
		if !Fusible(v.Op) || !SameSpace(v.Shape, first.Shape) {
			return fmt.Errorf("graph %s: %s %s cannot be in a group of %s", g.Name, v.Op, v.Type(), first.Type())
		}
	}
	return nil
}
