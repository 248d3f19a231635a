package train

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/optim"
)

// numbers are rows of one number, whose targets are 0.
func numbers(t *testing.T, xs ...float32) *feed.Set {
	t.Helper()
	data, err := feed.NewSet("numbers", feed.FromF32(xs, len(xs), 1), feed.FromF32(make([]float32, len(xs)), len(xs)), nil)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func scaled(factor float64) func(l *layers) *ir.Value {
	return func(l *layers) *ir.Value {
		k := param("kernel", "ones", 1, 1)
		return l.stamp("scaled", op.Mul(op.MatMul(input(1), k, false, false), ir.Const(factor, ir.F32)), k)
	}
}

// What makes the first NaN or infinite number of a step is named, with its
// layer and the user's line, also in the last, smaller step of an epoch.
func TestFirstBadNumberIsNamed(t *testing.T) {
	numbers := func(xs ...float32) *feed.Set { return numbers(t, xs...) }
	cases := []struct {
		name  string
		data  *feed.Set
		model func(l *layers) *ir.Value
		step  int64
		want  string
	}{
		{"the logarithm of a negative number", numbers(1, 2, 3, 4, -1), func(l *layers) *ir.Value {
			k := param("kernel", "ones", 1, 1)
			h := l.stamp("log", op.Log(input(1)))
			return l.stamp("dense", op.MatMul(h, k, false, false), k)
		}, 3, "log of layer log_1 (cell:1)"},
		{"a product that is too large", numbers(1, 1, 1, 3e38), scaled(10), 2, "mul of layer scaled_1 (cell:1)"},
		{"nothing by nothing", numbers(1, 1, 1, 0), func(l *layers) *ir.Value {
			k := param("kernel", "ones", 1, 1)
			x := input(1)
			h := l.stamp("share", op.Div(x, x))
			return l.stamp("dense", op.MatMul(h, k, false, false), k)
		}, 2, "div of layer share_1 (cell:1)"},
		{"a square in the loss", numbers(1, 1, 1e30), scaled(1), 2, "mul of the loss"},
		{"a gradient that is too large", numbers(1, 1, 1e16, 1e16), scaled(1e-15), 0, ""},
		{"the gradient of a root at 0", numbers(1, 1, 1, 0), func(l *layers) *ir.Value {
			k := param("kernel", "ones", 1, 1)
			return l.stamp("root", op.Sqrt(op.Abs(op.MatMul(input(1), k, false, false))), k)
		}, 2, "div of layer root_1, on the way back (cell:1)"},
	}
	dev := device(t)
	for _, c := range cases {
		l := &layers{}
		tr := trainer(t, dev, Spec{Name: "hunt", Model: model(c.model(l)), Loss: "mse", Optimizer: optimizer(t, "sgd", 1e-30),
			Batch: 2, Ordered: true, Data: c.data})
		err := tr.Train(t.Context(), 1)
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		var bad *DivergedError
		if !errors.As(err, &bad) || bad.First != c.want || bad.Step != c.step || !strings.Contains(err.Error(), "the first NaN or infinite number comes from "+c.want) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}

func TestBadWeightIsNamed(t *testing.T) {
	tr := trainer(t, device(t), irisSpec(t))
	xs := make([]float32, 4*16)
	xs[5] = float32(math.NaN())
	if err := tr.machine.mem.put("dense_1.kernel", feed.FromF32(xs, 4, 16).Data); err != nil {
		t.Fatal(err)
	}
	var bad *DivergedError
	if err := tr.Train(t.Context(), 1); !errors.As(err, &bad) || bad.First != `"dense_1.kernel", which is not finite itself` {
		t.Errorf("got %v", err)
	}
}

// With Hunt the first bad value counts, also where loss and gradients are finite.
func TestHuntLooksAtEveryValue(t *testing.T) {
	cases := []struct {
		name  string
		data  *feed.Set
		lr    float64
		model func(l *layers) *ir.Value
		step  int64
		want  string
	}{
		{"an overflow that a bound hides", numbers(t, 1, 2, 3, 400), 1e-30, func(l *layers) *ir.Value {
			k := param("kernel", "ones", 1, 1)
			h := l.stamp("bounded", op.Min(op.Exp(input(1)), ir.Const(5, ir.F32)))
			return l.stamp("dense", op.MatMul(h, k, false, false), k)
		}, 2, "exp of layer bounded_1 (cell:1)"},
		{"a root at 0, on the way back only", numbers(t, 1, 1, 0, 0), 1e-30, func(l *layers) *ir.Value {
			k := param("kernel", "ones", 1, 1)
			return l.stamp("root", op.Sqrt(op.Abs(op.MatMul(input(1), k, false, false))), k)
		}, 2, "div of layer root_1, on the way back (cell:1)"},
		{"a step that throws the weights away", numbers(t, 1, 1, 1, 1), 3e38, scaled(1), 1, "mul of the update of scaled_1.kernel"},
		{"the logarithm of a negative number", numbers(t, 1, 2, -3), 1e-30, func(l *layers) *ir.Value {
			k := param("kernel", "ones", 1, 1)
			return l.stamp("dense", op.MatMul(l.stamp("log", op.Log(input(1))), k, false, false), k)
		}, 2, "log of layer log_1 (cell:1)"},
	}
	dev := device(t)
	for _, c := range cases {
		spec := Spec{Name: "hunt", Loss: "mse", Optimizer: optimizer(t, "sgd", c.lr), Batch: 2, Ordered: true, Data: c.data, Hunt: true}
		spec.Model = model(c.model(&layers{}))
		tr := trainer(t, dev, spec)
		before := weights(t, tr)
		var bad *DivergedError
		if err := tr.Train(t.Context(), 1); !errors.As(err, &bad) || bad.First != c.want || bad.Step != c.step || !bad.Hunted {
			t.Errorf("%s: got %v", c.name, err)
		}
		if c.step == 1 && weights(t, tr) != before {
			t.Errorf("%s: the weights changed", c.name)
		}
	}
}

// NaN in the data is refused with its place, before anything is computed.
func TestNaNInDataIsRefused(t *testing.T) {
	x := feed.FromF32([]float32{1, 2, 3, float32(math.NaN())}, 2, 2)
	if _, err := feed.NewSet("holes", x, feed.FromF32([]float32{0, 0}, 2), nil); err == nil || !strings.Contains(err.Error(), "x holds NaN in row 1, column 1") {
		t.Errorf("got %v", err)
	}
}

// Looking changes no number but for its rounding, which depends on what is fused,
// and can be switched while training goes on: every optimizer, with running
// statistics and random numbers in the model.
func TestHuntTrainsAlike(t *testing.T) {
	dev := device(t)
	for _, name := range optim.Names() {
		spec := noisySpec(t)
		spec.Optimizer = withSettings(t, name, nil)
		plain, hunting := trainer(t, dev, spec), trainer(t, dev, spec)
		fit(t, plain, 2)
		fit(t, hunting, 1)
		if err := hunting.SetHunt(true); err != nil {
			t.Fatal(err)
		}
		fit(t, hunting, 1)
		a, errA := plain.Parameters()
		b, errB := hunting.Parameters()
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		for i := range a {
			for k, x := range a[i].Value.F32s() {
				if y := b[i].Value.F32s()[k]; math.Abs(float64(x-y)) > 1e-5 {
					t.Errorf("%s: %s is %v, without looking %v", name, a[i].Name, y, x)
				}
			}
		}
		if d := Diff(plain.Spec(), hunting.Spec()); len(d) != 1 || d[0].Field != "check" || !d[0].Live {
			t.Errorf("the difference is %v", d)
		}
	}
}
