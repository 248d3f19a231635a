package nb_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/nb"
)

// rosenbrock has its minimum 0 at (1, 1).
func rosenbrock(x *nb.Tensor) *nb.Tensor {
	a, b := x.At(0), x.At(1)
	return a.Neg().Add(1).Square().Add(b.Sub(a.Square()).Square().Mul(100))
}

func TestHessian(t *testing.T) {
	at := nb.Array([]float64{-1.5, 2})
	var rows tensors
	for i := range 2 {
		rows = append(rows, nb.Grad(func(x *nb.Tensor) *nb.Tensor { return nb.Grad(rosenbrock)(x).At(i) })(at))
	}
	got := nb.Stack(0, rows...).Values()
	if want := []float64{1200*1.5*1.5 - 400*2 + 2, 600, 600, 200}; !slices.Equal(got, want) {
		t.Errorf("the Hessian is %v, want %v", got, want)
	}
	third := nb.Grad(nb.Grad(nb.Grad(func(x *nb.Tensor) *nb.Tensor { return x.Mul(x).Mul(x).Mul(x) })))
	if x := third(nb.Full(2)).Item(); x != 48 {
		t.Errorf("the third derivative of x^4 at 2 is %v", x)
	}
}

// What f uses beside its argument is constant, the argument itself included
// when it comes in from outside.
func TestGradOfWhatIsConstant(t *testing.T) {
	x, scale := nb.Array([]float64{1, 2}), nb.Array([]float64{3, 4}).Mul(10)
	f := func(a *nb.Tensor) *nb.Tensor { return a.Mul(x).Mul(scale).Sum() }
	if got := nb.Grad(f)(x).Values(); !slices.Equal(got, []float64{30, 80}) {
		t.Errorf("the gradient is %v", got)
	}
	scale.Eval()
	if got := nb.Grad(f)(x.Mul(2)).Values(); !slices.Equal(got, []float64{30, 80}) {
		t.Errorf("the gradient is %v", got)
	}
	none := nb.Grad(func(*nb.Tensor) *nb.Tensor { return scale.Sum() })(x)
	if got := none.Values(); !slices.Equal(got, []float64{0, 0}) {
		t.Errorf("of a constant it is %v", got)
	}
}

// A function that looks at its numbers takes the branch that they call for.
func TestGradThroughIf(t *testing.T) {
	f := func(x *nb.Tensor) *nb.Tensor {
		y := x.Mul(3)
		if y.Item() > 10 {
			return y.Square()
		}
		return y
	}
	for at, want := range map[float64]float64{2: 3, 5: 90} {
		if got := nb.Grad(f)(nb.Full(at)).Item(); got != want {
			t.Errorf("at %v the gradient is %v, want %v", at, got, want)
		}
	}
	nested := nb.Grad(func(x *nb.Tensor) *nb.Tensor { return nb.Grad(f)(x.Add(0)) })
	if got := nested(nb.Full(5)).Item(); got != 18 {
		t.Errorf("the second derivative is %v", got)
	}
}

func TestValueAndGrad(t *testing.T) {
	x, y := nb.Uniform(1, 50, 3), nb.Uniform(2, 50)
	loss := func(in ...*nb.Tensor) *nb.Tensor { return x.MatMul(in[0]).Add(in[1]).Sub(y).Square().Mean() }
	step := nb.ValueAndGrad(loss)
	w, b := nb.Zeros(3), nb.Zeros()
	first, last := 0.0, 0.0
	for i := range 200 {
		value, grads := step(w, b)
		w, b = w.Sub(grads[0].Mul(0.5)), b.Sub(grads[1].Mul(0.5))
		nb.Eval(w, b, value)
		if last = value.Item(); i == 0 {
			first = last
		}
	}
	_, grads := step(w, b)
	if g := grads[0].Norm().Item(); g > 1e-3 || last > first/3 || math.IsNaN(last) {
		t.Errorf("loss %v after %v, gradient %v", last, first, g)
	}
}

// A gradient is a value of a model, too: here the slope of a network for its
// input is what the trainer gets.
func TestGradInAModel(t *testing.T) {
	slope := nb.Grad(func(x *nb.Tensor) *nb.Tensor { return x.Dense(8).Tanh().Dense(1).Sum() })(nb.Input(3))
	if got := slope.Shape(); !slices.Equal(got, []int{-1, 3}) {
		t.Errorf("the slope has shape %v", got)
	}
	d := nb.Data("slopes", [][]float64{{1, 2, 3}, {4, 5, 6}}, [][]float64{{1, 0, 0}, {0, 1, 0}})
	tr := nb.NewTrainer("slopes", slope, nb.Config{Data: d, Batch: 2, Optimizer: nb.Adam{LR: 0.05}})
	defer tr.Drop()
	before := tr.Evaluate(d)["loss"]
	tr.Start(200)
	for tr.Running() {
	}
	if after := tr.Evaluate(d)["loss"]; !(after < before/2) {
		t.Errorf("the loss was %v, and is %v", before, after)
	}
}

// Linear algebra is computed outside of graphs; its derivatives are right to any
// order all the same.
func TestThirdDerivativesOfLinearAlgebra(t *testing.T) {
	const at = 0.8
	matrix := func(x *nb.Tensor) *nb.Tensor { return x.Reshape(1, 1) }
	root := math.Pow(1+4*at*at, -2.5)
	for name, c := range map[string]struct {
		f    func(x *nb.Tensor) *nb.Tensor
		want float64
	}{
		"inv":      {func(x *nb.Tensor) *nb.Tensor { return matrix(x).Inv().Sum() }, -6 / math.Pow(at, 4)},
		"solve":    {func(x *nb.Tensor) *nb.Tensor { return matrix(x).Solve(nb.Ones(1)).Sum() }, -6 / math.Pow(at, 4)},
		"slogdet":  {func(x *nb.Tensor) *nb.Tensor { _, l := matrix(x).SlogDet(); return l }, 2 / math.Pow(at, 3)},
		"det":      {func(x *nb.Tensor) *nb.Tensor { return nb.Eye(2).Mul(x.Square()).Det() }, 24 * at},
		"cholesky": {func(x *nb.Tensor) *nb.Tensor { return matrix(x).Cholesky().Sum() }, 0.375 * math.Pow(at, -2.5)},
		"expm":     {func(x *nb.Tensor) *nb.Tensor { return matrix(x).Expm().Sum() }, math.Exp(at)},
		"eigh": {func(x *nb.Tensor) *nb.Tensor { // eigenvalues of [[0, x], [x, 1]]
			w, _ := nb.Stack(0, nb.Stack(0, nb.Zeros(), x), nb.Stack(0, x, nb.Ones())).Eigh()
			return w.At(0)
		}, 24 * at * root},
	} {
		got := nb.Grad(nb.Grad(nb.Grad(c.f)))(nb.Full(at)).Item()
		if math.Abs(got-c.want) > 1e-3*math.Abs(c.want) {
			t.Errorf("%s: the third derivative is %v, want %v", name, got, c.want)
		}
	}
}

func TestGradErrors(t *testing.T) {
	x := nb.Ones(1, 4, 4, 1)
	pooled := func(x *nb.Tensor) *nb.Tensor { return x.MaxPool2D(2).Square().Sum() }
	for name, c := range map[string]struct {
		f    func()
		want []string
	}{
		"no number": {func() { nb.Grad(func(x *nb.Tensor) *nb.Tensor { return x.Mul(2) })(nb.Ones(3)) }, []string{"f32[3]", "Sum or Mean"}},
		"nothing":   {func() { nb.Grad(func(*nb.Tensor) *nb.Tensor { return nil })(nb.Ones(3)) }, []string{"nothing"}},
		"integers":  {func() { nb.Grad((func(x *nb.Tensor) *nb.Tensor { return x.Sum() }))(nb.Arange(3)) }, []string{"i32[3]", "Float()"}},
		"an index":  {func() { nb.Grad(func(x *nb.Tensor) *nb.Tensor { return x.ArgMax() })(nb.Ones(3)) }, []string{"i32[]"}},
		"eig": {func() {
			nb.Grad(func(x *nb.Tensor) *nb.Tensor { w, _, _, _ := x.Eig(); return w.Sum() })(nb.Ones(2, 2))
		}, []string{"eig has no gradient", "StopGradient"}},
		"wide qr":  {func() { nb.Grad(func(x *nb.Tensor) *nb.Tensor { q, _ := x.QR(); return q.Sum() })(nb.Normal(1, 2, 3)) }, []string{"qr of f32[2,3] has no gradient"}},
		"singular": {func() { nb.Grad(func(x *nb.Tensor) *nb.Tensor { return x.Inv().Sum() })(nb.Ones(2, 2)) }, []string{"singular", "PInv"}},
		"second of a pool": {func() {
			nb.Grad(func(x *nb.Tensor) *nb.Tensor { return nb.Grad(pooled)(x).Square().Sum() })(x)
		}, []string{"maxpool2d_grad", "second derivatives", "leave that operation out"}},
	} {
		err := nb.Try(c.f)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		for _, want := range append(c.want, "grad_test.go") {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q does not mention %q", name, err, want)
			}
		}
	}
}
