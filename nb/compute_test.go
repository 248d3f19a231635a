package nb

import (
	"slices"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// held counts what a tensor keeps from being forgotten.
func held(t *Tensor) int {
	tensors, values := map[*Tensor]bool{}, map[*ir.Value]bool{}
	var value func(v *ir.Value)
	value = func(v *ir.Value) {
		if v == nil || values[v] {
			return
		}
		values[v] = true
		for _, in := range v.In {
			value(in)
		}
	}
	var tensor func(t *Tensor)
	tensor = func(t *Tensor) {
		if t == nil || tensors[t] {
			return
		}
		tensors[t] = true
		value(t.v)
		value(t.was)
		tensor(t.arg)
		for _, f := range t.from {
			tensor(f)
		}
	}
	tensor(t)
	return len(tensors) + len(values)
}

// A loop that looks at its result in each round carries no earlier rounds along.
func TestLoopsForget(t *testing.T) {
	step := ValueAndGrad(func(p ...*Tensor) *Tensor { return p[0].Square().Sum() })
	w := Ones(3)
	var first int
	for i := range 20 {
		loss, grads := step(w)
		w = w.Sub(grads[0].Mul(0.1))
		Eval(w, loss)
		switch n := held(w) + held(loss); {
		case i == 1:
			first = n
		case i > 1 && n != first:
			t.Fatalf("round %d holds %d, round 1 held %d", i, n, first)
		}
	}
}

// What was built from a tensor before it was computed is right afterwards, and
// so is what was built from both.
func TestComputedBetween(t *testing.T) {
	a := Arange(3).Add(1)
	b := a.Mul(2)
	c := a.Reshape(3) // the same value
	d := b.Add(c)
	a.Eval()
	b.Eval()
	want := []float64{3, 6, 9}
	for _, x := range []*Tensor{d, b.Add(c), c.Add(a.Mul(2)), Grad(func(x *Tensor) *Tensor { return x.Square().Sum() })(d.Float().Div(2))} {
		if got := x.Values(); !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
	c = Arange(3).Add(1)
	same := c.Reshape(3)
	same.Eval()
	if got := c.Values(); !slices.Equal(got, []float64{1, 2, 3}) {
		t.Errorf("%v", got)
	}
	x := Full(2)
	slope := Grad(func(x *Tensor) *Tensor { return x.Mul(x).Mul(a.Sum()) })
	early := slope(x.Mul(3))
	if early.Item() != 72 || slope(early).Item() != 864 {
		t.Errorf("%v %v", early, slope(early))
	}
}

func TestTooLongALoop(t *testing.T) {
	x := Ones()
	for range ir.MaxValues/2 + 1 {
		x = x.Add(x).Mul(0.5)
	}
	err := Try(func() { x.Item() })
	if err == nil || !strings.Contains(err.Error(), "are too many") || !strings.Contains(err.Error(), "Eval") {
		t.Errorf("error %v", err)
	}
}
