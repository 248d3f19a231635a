package gpu

import (
	"github.com/metalnb/metalnb/metalcore/ir"
)

// fromLibrary emits a product that the vendor's library computes; it reports
// whether it does.
func (l *lowerer) fromLibrary(v *ir.Value) bool {
	if l.library == nil {
		return false
	}
	s := specOf(v)
	if !l.library(s) {
		return false
	}
	l.code.Calls = append(l.code.Calls, Call{Kernel: -1, Product: &s, Step: l.step,
		Args: []Arg{l.read(v.In[0]), l.read(v.In[1]), l.write(v)}})
	return true
}

// specOf is a product as a vendor's library knows it. The leading axes of a
// matrix product are one, the batch, or none.
func specOf(v *ir.Value) ProductSpec {
	s := ProductSpec{Op: v.Op, DType: v.DType.String(), In: [][]int{v.In[0].Shape, v.In[1].Shape}, Out: v.Shape,
		TransA: v.Bool("ta"), TransB: v.Bool("tb"),
		Stride: v.Ints("stride"), Dilation: v.Ints("dilation"), Pad: v.Ints("pad"), Groups: v.Int("groups")}
	if v.Op == "matmul" {
		s.In, s.Out = [][]int{folded(v.In[0].Shape), folded(v.In[1].Shape)}, folded(v.Shape)
	}
	return s
}

// folded is a shape whose axes before the last two are one.
func folded(s ir.Shape) []int {
	lead := len(s) - 2
	if lead < 2 {
		return s
	}
	return []int{s[:lead].Elems(), s[lead], s[lead+1]}
}
