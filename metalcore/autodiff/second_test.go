package autodiff_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/autodiff"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// onceOnly are the ops whose gradients have none themselves, and the op that
// the error names.
var onceOnly = map[string]string{"maxpool2d": "maxpool2d_grad"}

// TestSecondDerivatives holds products of the second derivatives with a vector
// against central differences of the gradient, for every op.
func TestSecondDerivatives(t *testing.T) {
	for _, c := range slices.Concat(elementwiseCases(), reduceCases(), moveCases(), matmulCases(), imageCases()) {
		t.Run(fmt.Sprint(c.name, c.shapes), func(t *testing.T) { checkSecond(t, c) })
	}
}

func checkSecond(t *testing.T, c gradCase) {
	rng := rand.New(rand.NewPCG(2, uint64(len(c.name))))
	var in []*ir.Value
	values := map[string][]float64{}
	input := func(name string, shape ir.Shape, sample sampler) *ir.Value {
		x := ir.Input(name, ir.F32, shape...)
		values[name] = sample(rng, shape.Bind(rows).Elems())
		return x
	}
	for i, shape := range c.shapes {
		in = append(in, input(fmt.Sprint("x", i), shape, c.sample))
	}
	y := c.build(in)
	// The square makes second derivatives of linear ops, too.
	loss := op.Sum(op.Mul(op.Mul(y, y), input("weights", y.Shape, around)), false)
	grads, err := autodiff.Gradients(loss, in)
	if err != nil {
		t.Fatal(err)
	}
	along := ir.Const(0, ir.F32)
	for i, g := range grads {
		along = op.Add(along, op.Sum(op.Mul(g, input(fmt.Sprint("v", i), g.Shape, around)), false))
	}
	second, err := autodiff.Gradients(along, in)
	if want := onceOnly[c.name]; want != "" {
		if err == nil || !strings.Contains(err.Error(), "gradient of "+want) {
			t.Errorf("error %v, want one that names %s", err, want)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	outputs := []ir.Output{{Name: "loss", Value: along}}
	first := ir.NewGraph("first", outputs, nil).Bind(rows)
	for i, h := range second {
		outputs = append(outputs, ir.Output{Name: in[i].Name, Value: h})
	}
	got := run(t, ir.NewGraph("second", outputs, nil).Bind(rows), values)
	for _, x := range in {
		for i := range values[x.Name] {
			want := slope(t, first, values, x.Name, i)
			if have := got[x.Name][i]; math.Abs(have-want) > 3e-5*(1+math.Abs(want)) {
				t.Fatalf("%s[%d]: second derivative %g, differences say %g", x.Name, i, have, want)
			}
		}
	}
}
