package train

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// What makes the first NaN or infinite number of a step is named, with its
// layer and the user's line, also in the last, smaller step of an epoch.
func TestFirstBadNumberIsNamed(t *testing.T) {
	numbers := func(xs ...float32) *feed.Set {
		data, err := feed.NewSet("numbers", feed.FromF32(xs, len(xs), 1), feed.FromF32(make([]float32, len(xs)), len(xs)), nil)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	scaled := func(factor float64) func(l *layers) *ir.Value {
		return func(l *layers) *ir.Value {
			k := param("kernel", "ones", 1, 1)
			return l.stamp("scaled", op.Mul(op.MatMul(input(1), k, false, false), ir.Const(factor, ir.F32)), k)
		}
	}
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
