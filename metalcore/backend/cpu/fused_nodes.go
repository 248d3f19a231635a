package cpu

import (
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// node is one kernel of a fused step: the value that it makes, from which
// others. It may stand for two values.
type node struct {
	v     *ir.Value
	name  string // in package vec
	in    []*ir.Value
	from  [3]int // number of the operand; -1 for values of the step
	swaps bool   // the first two operands may be swapped
	rows  bool   // it computes one number for each row
	after string // the kernel that makes numbers of the value's type of the results, if it takes one
}

// nodesOf lists the kernels of a step. A product of floats that only one sum or
// difference reads becomes one multiply-add with it, which is rounded once.
func nodesOf(s *plan.Step) []node {
	uses := map[*ir.Value]int{}
	for _, v := range s.Values {
		for _, in := range v.In {
			uses[in]++
		}
	}
	joined := map[*ir.Value]bool{}
	factor := func(v *ir.Value, k int) bool {
		in := v.In[k]
		return v.DType == ir.F32 && in.Op == "mul" && uses[in] == 1 && in.Shape.Elems() == v.Shape.Elems() && slices.Contains(s.Values, in) && !slices.Contains(s.Writes, in)
	}
	join := func(v *ir.Value, k int, name string) node {
		product := v.In[k]
		joined[product] = true
		return node{v: v, name: name, in: []*ir.Value{product.In[0], product.In[1], v.In[1-k]}, swaps: true}
	}
	var nodes []node
	for _, v := range s.Values {
		switch {
		case v.Op == "add" && factor(v, 0):
			nodes = append(nodes, join(v, 0, "fma.f32"))
		case v.Op == "add" && factor(v, 1):
			nodes = append(nodes, join(v, 1, "fma.f32"))
		case v.Op == "sub" && factor(v, 1):
			nodes = append(nodes, join(v, 1, "fnma.f32"))
		default:
			nodes = append(nodes, node{v: v, name: kernelName(v), in: v.In, after: afterName(v)})
		}
	}
	return slices.DeleteFunc(nodes, func(n node) bool { return joined[n.v] })
}

// kernelName is the name of a value's op in package vec.
func kernelName(v *ir.Value) string {
	switch v.Op {
	case "select":
		if v.DType == ir.I64 {
			return "select.i64"
		}
		return "select"
	case "broadcast":
		return copyName(v.DType)
	case "cast":
		return castName(v.In[0].DType, v.DType)
	}
	return v.Op + "." + registerOf(v.In[0].DType)
}
