package compile

import "github.com/metalnb/metalnb/metalcore/ir"

// Reorder is for a model before its gradients are taken: it gives an equal one
// that costs less, forward and backward. The largest of some numbers is cut off
// at 0 in place of each of them, which is a quarter of the work for windows of
// two by two; the results and the gradients are the same, bit by bit.
func Reorder(model *ir.Graph) *ir.Graph {
	users := map[*ir.Value]int{}
	for _, v := range model.Values {
		for _, in := range v.In {
			users[in]++
		}
	}
	for _, o := range model.Outputs {
		users[o.Value]++
	}
	for _, u := range model.Updates {
		users[u.New]++
	}
	at := -1
	return model.Rewrite(func(v *ir.Value) *ir.Value {
		at++
		before := model.Values[at]
		if v.Op != "maxpool2d" || v.In[0].Op != "relu" || users[before.In[0]] != 1 {
			return v
		}
		relu := *v.In[0]
		v.In = relu.In
		relu.In, relu.Shape = []*ir.Value{v}, v.Shape
		return &relu
	})
}
