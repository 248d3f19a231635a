package train

import (
	"bytes"
	"context"
	"math"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/optim"
)

// The averages are those of the weights that the steps made, and what is measured
// and predicted is what a trainer with the averages for weights measures and
// predicts; the weights themselves are those of a training without averages.
func TestAverages(t *testing.T) {
	const keep = 0.75
	ctx := context.Background()
	spec := irisSpec(t)
	plain := trainer(t, device(t), spec)
	spec.EMA = keep
	tr := trainer(t, device(t), spec)
	want := map[string][]float64{}
	add := func(first bool) {
		list, err := tr.Parameters()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range list {
			for i, x := range p.Value.F32s() {
				if first {
					want[p.Name] = append(want[p.Name], float64(x))
				} else {
					want[p.Name][i] = keep*want[p.Name][i] + (1-keep)*float64(x)
				}
			}
		}
	}
	add(true)
	for range 20 {
		if err := tr.TrainSteps(ctx, 1); err != nil {
			t.Fatal(err)
		}
		add(false)
	}
	if err := plain.TrainSteps(ctx, 20); err != nil {
		t.Fatal(err)
	}
	if weights(t, tr) != weights(t, plain) {
		t.Error("averages change the training")
	}
	was := take(t, tr)
	with := take(t, plain)
	for _, s := range was.States {
		name, ok := strings.CutPrefix(s.Name, averages)
		if !ok {
			continue
		}
		for i, x := range s.Value.F32s() {
			if d := math.Abs(float64(x) - want[name][i]); d > 1e-6 {
				t.Errorf("%s: number %d is %v, want %v", s.Name, i, x, want[name][i])
			}
		}
		for i := range with.States {
			if with.States[i].Name == name {
				with.States[i].Value = s.Value
			}
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("there are no averages of %d parameters", len(want))
	}
	before, err := plain.Predict(spec.Data.X, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := plain.Restore(with); err != nil {
		t.Fatal(err)
	}
	a, err := tr.Predict(spec.Data.X, true)
	if err != nil {
		t.Fatal(err)
	}
	b, err := plain.Predict(spec.Data.X, true)
	if err != nil || !bytes.Equal(a.Data, b.Data) || bytes.Equal(a.Data, before.Data) {
		t.Errorf("%v: predictions are not those of the averages", err)
	}
	x, _, err := tr.Evaluate(ctx, spec.Data)
	if err != nil {
		t.Fatal(err)
	}
	if y, _, err := plain.Evaluate(ctx, spec.Data); err != nil || value(t, x, "loss") != value(t, y, "loss") {
		t.Errorf("%v: measured %v and %v", err, x, y)
	}
	if err := tr.Reset(); err != nil {
		t.Fatal(err)
	}
	a, err = tr.Predict(spec.Data.X, true)
	if err != nil {
		t.Fatal(err)
	}
	if b, err = trainer(t, device(t), spec).Predict(spec.Data.X, true); err != nil || !bytes.Equal(a.Data, b.Data) {
		t.Errorf("%v: after Reset the averages are not the first weights", err)
	}
}

func TestBadAverages(t *testing.T) {
	dev := device(t)
	for _, c := range []struct {
		ema       float64
		optimizer string
		want      string
	}{{1, "sgd", "below 1"}, {-0.1, "sgd", "at least 0"}, {math.NaN(), "sgd", "at least 0"}, {0.9, "lbfgs", "cannot average"}} {
		spec := irisSpec(t)
		o, err := optim.New(c.optimizer, nil)
		if err != nil {
			t.Fatal(err)
		}
		spec.EMA, spec.Optimizer = c.ema, o
		if _, err := New(dev, spec); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("an EMA of %v with %s: %v", c.ema, c.optimizer, err)
		}
	}
}
