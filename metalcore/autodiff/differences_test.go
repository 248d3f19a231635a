package autodiff_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/metalnb/metalnb/metalcore/autodiff"
	"github.com/metalnb/metalnb/metalcore/backend/conformance/interp"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

const rows = 3 // that the batch is bound to

// TestDifferences holds every gradient against central differences.
func TestDifferences(t *testing.T) {
	covered := map[string]bool{}
	for _, c := range slices.Concat(elementwiseCases(), reduceCases(), moveCases(), matmulCases(), imageCases()) {
		t.Run(fmt.Sprint(c.name, c.shapes), func(t *testing.T) {
			checkCase(t, c, covered)
		})
	}
	for _, row := range op.All() {
		if row.Grad != nil && !covered[row.Name] {
			t.Errorf("no case checks the gradient of %s", row.Name)
		}
	}
}

func checkCase(t *testing.T, c gradCase, covered map[string]bool) {
	rng := rand.New(rand.NewPCG(1, uint64(len(c.name))))
	var in []*ir.Value
	values := map[string][]float64{}
	for i, shape := range c.shapes {
		x := ir.Input(fmt.Sprintf("x%d", i), ir.F32, shape...)
		in = append(in, x)
		values[x.Name] = c.sample(rng, shape.Bind(rows).Elems())
	}
	y := c.build(in)
	weights := ir.Input("weights", ir.F32, y.Shape...)
	values["weights"] = around(rng, y.Shape.Bind(rows).Elems())
	loss := op.Sum(op.Mul(y, weights), false)
	outputs := []ir.Output{{Name: "loss", Value: loss}}
	forward := ir.NewGraph("forward", outputs, nil)
	for _, v := range forward.Values {
		covered[v.Op] = true
	}
	grads, err := autodiff.Gradients(loss, in)
	if err != nil {
		t.Fatal(err)
	}
	for i, g := range grads {
		if g.DType != ir.F32 || !g.Shape.Equal(in[i].Shape) {
			t.Fatalf("the gradient of %s is %s", in[i].Type(), g.Type())
		}
		outputs = append(outputs, ir.Output{Name: in[i].Name, Value: g})
	}
	got := run(t, ir.NewGraph("backward", outputs, nil).Bind(rows), values)
	bound := forward.Bind(rows)
	for _, x := range in {
		for i := range values[x.Name] {
			want := slope(t, bound, values, x.Name, i)
			if have := got[x.Name][i]; math.Abs(have-want) > 1e-6*(1+math.Abs(want)) {
				t.Fatalf("%s[%d]: gradient %g, differences say %g", x.Name, i, have, want)
			}
		}
	}
}

// slope is the derivative of the loss for one element, by central differences.
func slope(t *testing.T, g *ir.Graph, values map[string][]float64, name string, i int) float64 {
	const h = 1e-5
	x := values[name]
	old := x[i]
	x[i] = old + h
	above := run(t, g, values)["loss"][0]
	x[i] = old - h
	below := run(t, g, values)["loss"][0]
	x[i] = old
	return (above - below) / (2 * h)
}

func run(t *testing.T, g *ir.Graph, values map[string][]float64) map[string][]float64 {
	t.Helper()
	out, _, err := interp.Run(g, values, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
