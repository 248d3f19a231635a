package op_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend/conformance/interp"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// choices are bytes that decide how a value is made; behind their end all are 0.
type choices []byte

// of returns a number below n.
func (c *choices) of(n int) int {
	if len(*c) == 0 {
		return 0
	}
	b := (*c)[0]
	*c = (*c)[1:]
	return int(b) % n
}

// shape has the rank of an image more often than others.
func (c *choices) shape() ir.Shape {
	shape := ir.Shape{}
	for range []int{0, 1, 2, 3, 4, 4, 4}[c.of(7)] {
		shape = append(shape, []int{2, 1, 3, 4, 0, ir.Batch, 5}[c.of(7)])
	}
	return shape
}

// lengths are those of lists whose length is always one.
var lengths = map[string]int{"stride": 2, "dilation": 2, "window": 2, "pad": 4}

func (c *choices) attr(name string, kind op.Kind) any {
	number := func() int { return []int{1, 0, 2, 3, -1, 4}[c.of(6)] }
	switch kind {
	case op.IntAttr:
		return number()
	case op.StrAttr:
		return []string{"f32", "i32", "bool", "f16"}[c.of(4)]
	case op.BoolAttr:
		return c.of(2) == 1
	case op.FloatAttr:
		return []float64{0.5, 0, -2}[c.of(3)]
	}
	list, n := []int{}, lengths[name]
	if n == 0 || c.of(8) == 7 {
		n = c.of(5)
	}
	for range n {
		list = append(list, number())
	}
	return list
}

// value makes a value of the row, whose type and shape are still to be inferred.
// Operands are often of one shape, because most ops want that.
func (c *choices) value(row *op.Op) *ir.Value {
	v := &ir.Value{Op: row.Name, Attrs: ir.Attrs{}}
	n, first := row.Arity, c.shape()
	if row.Variadic {
		n += c.of(3)
	}
	for i := range n {
		dtype, shape := []ir.DType{ir.F32, ir.F32, ir.F32, ir.I32, ir.Bool}[c.of(5)], first
		if c.of(2) == 1 {
			shape = c.shape()
		}
		v.In = append(v.In, ir.Input(fmt.Sprint("x", i), dtype, shape...))
	}
	for _, a := range row.Attrs {
		v.Attrs[a.Name] = c.attr(a.Name, a.Kind)
	}
	return v
}

// checkRule holds a row's shape rule against all that relies on it: what it
// accepts can be checked again, bound to a batch, and computed, and gives a
// gradient of the operands' shapes. The ops whose values were right are noted.
func checkRule(t *testing.T, row *op.Op, c choices, right map[string]bool) {
	v := c.value(row)
	dtype, shape, err := row.Infer(v)
	if err != nil {
		if e, ok := errors.AsType[*op.Error](err); !ok || e.Why == "" {
			t.Fatalf("%s: the error is %v", row.Name, err)
		}
		return
	}
	v.DType, v.Shape = dtype, shape
	g := ir.NewGraph("rule", []ir.Output{{Name: "y", Value: v}}, nil)
	if err := op.Check(g); err != nil {
		t.Fatalf("%v, in\n%s", err, g)
	}
	bound := g.Bind(3)
	if err := op.Check(bound); err != nil {
		t.Fatalf("bound to a batch of 3: %v, in\n%s", err, g)
	}
	if row.Class != op.Choice {
		computes(t, bound)
	}
	right[row.Name] = true
	if row.Grad != nil && dtype == ir.F32 {
		differentiates(t, row, v, right)
	}
}

// computes runs a graph on ones.
func computes(t *testing.T, g *ir.Graph) {
	inputs := map[string][]float64{}
	for _, x := range g.Leaves(ir.OpInput) {
		ones := make([]float64, x.Shape.Elems())
		for i := range ones {
			ones[i] = 1
		}
		inputs[x.Name] = ones
	}
	out, _, err := interp.Run(g, inputs, nil)
	if err != nil {
		t.Fatalf("%v, in\n%s", err, g)
	}
	if y := g.Outputs[0].Value; len(out["y"]) != y.Shape.Elems() {
		t.Fatalf("%d elements for %s, in\n%s", len(out["y"]), y.Type(), g)
	}
}

// differentiates builds the gradient of a value, as far as there is one.
func differentiates(t *testing.T, row *op.Op, v *ir.Value, right map[string]bool) {
	var grads []*ir.Value
	if err := op.Try(func() { grads = row.Grad(v, ir.Input("g", v.DType, v.Shape...)) }); err != nil {
		t.Fatalf("the gradient of %s %v %v: %v", v.Op, v.In, v.Attrs, err)
	}
	for i, grad := range grads {
		if grad == nil || v.In[i].DType != ir.F32 {
			continue
		}
		if grad.DType != ir.F32 || !grad.Shape.Equal(v.In[i].Shape) {
			t.Fatalf("%s: the gradient of operand %d is %s, the operand %s", v.Op, i, grad.Type(), v.In[i].Type())
		}
		g := ir.NewGraph("gradient", []ir.Output{{Name: "y", Value: grad}}, nil)
		if err := op.Check(g); err != nil {
			t.Fatalf("the gradient of %s: %v, in\n%s", v.Op, err, g)
		}
		computes(t, g.Bind(3))
		for _, w := range g.Values {
			right[w.Op] = true
		}
	}
}

// FuzzShapes tries the shape rule of one op; row is its place in op.All.
func FuzzShapes(f *testing.F) {
	rows := op.All()
	for i := range rows {
		f.Add(uint8(i), []byte{2, 0, 1, 3})
		f.Add(uint8(i), []byte{4, 2, 3, 3, 1, 0, 0, 1, 4, 1, 1, 0, 2})
	}
	f.Fuzz(func(t *testing.T, row uint8, bytes []byte) {
		checkRule(t, rows[int(row)%len(rows)], bytes, map[string]bool{})
	})
}

// TestShapeRules does the same at random, until every rule has accepted
// something.
func TestShapeRules(t *testing.T) {
	rng, right := rand.New(rand.NewPCG(11, 12)), map[string]bool{}
	for _, row := range op.All() {
		for n := 0; n < 2000 || !right[row.Name] && n < 20_000; n++ {
			bytes := make([]byte, 48)
			for i := range bytes {
				bytes[i] = byte(rng.Uint32())
			}
			checkRule(t, row, bytes, right)
		}
	}
	for _, row := range op.All() {
		if !right[row.Name] {
			t.Errorf("%s: nothing that was tried is right", row.Name)
		}
	}
}
