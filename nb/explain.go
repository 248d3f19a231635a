package nb

import (
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// Explanation tells what a training step or a tensor is compiled to. It prints
// as a table of the passes of the compiler and of the kernels.
type Explanation struct {
	Name     string
	Passes   []Pass
	Kernels  []Kernel // in the order in which they run
	Params   int      // numbers that are trained
	Arena    int64    // bytes of memory for what is computed on the way
	Unshared int64    // what that would be if no two values shared memory
	Timed    bool     // the kernels' times are measured
	Plan     string   // the place of every value, for people
	text     string
}

// Pass is what one pass of the compiler did.
type Pass = wire.Pass

// Kernel is one instruction of a compiled program: an op, or several that are
// computed together.
type Kernel = wire.Kernel

// String is the explanation as text.
func (e Explanation) String() string { return e.text }

// Explain tells what the training step of a *Trainer is compiled to, or what a
// *Tensor is: the passes, the fused kernels with the memory they read and write,
// their operations and measured times, and the plan of the memory. Nothing is
// trained by it. Of a model's value without a trainer the prediction of 32 rows
// is explained. display.Explain shows it as a table.
//
//	fmt.Println(nb.Explain(t))
func Explain(x any) Explanation {
	name, graph := Explainable(x)
	e := mustCall[wire.Explained](&wire.AskExplain{Trainer: name, Graph: graph})
	return Explanation{Name: e.Name, Passes: e.Passes, Kernels: e.Kernels, Params: e.Params, Arena: e.Arena, Unshared: e.Unshared,
		Timed: e.Timed, Plan: e.Plan, text: e.Text}
}

// Explainable names what Explain can explain, as the core knows it: a trainer,
// or the text of a graph. Package display uses it.
func Explainable(x any) (trainer, graph string) {
	switch x := x.(type) {
	case *Trainer:
		x.Attach()
		return x.Name(), ""
	case *Tensor:
		if x.v.Shape.HasBatch() {
			return "", modelText("model", x)
		}
		names, counts := map[string]string{}, map[string]int{}
		return "", graphOf(&wire.Compute{}, x).Rewrite(func(v *ir.Value) *ir.Value {
			v.Layer = layerName(v.Layer, names, counts)
			return v
		}).String()
	}
	argument("pass a trainer or a tensor, like nb.Explain(t)", "a %T cannot be explained", x)
	return "", ""
}
