package sim_test

import (
	"context"
	"math"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/backend/metal/sim"
	"github.com/metalnb/metalnb/metalcore/bench"
	"github.com/metalnb/metalnb/metalcore/optim"
	"github.com/metalnb/metalnb/metalcore/pool"
	"github.com/metalnb/metalnb/metalcore/train"
)

// TestTraining holds the loss of each step of some workloads to the CPU's, from
// the same weights on the same rows: an MLP, convolutions with pooling, an MLP of
// a few numbers, and attention with layer norms; and the first one in mixed
// precision, too.
func TestTraining(t *testing.T) {
	for _, c := range []struct {
		workload, precision string
		optimizer           string
		rows, batch, steps  int
		tolerance           float64 // relative
	}{
		{"W1", "", "adam", 48, 16, 24, 1e-4},
		{"W1", train.MixedFloat16, "adam", 32, 16, 10, 5e-3},
		{"W1", train.MixedBFloat16, "adam", 32, 16, 10, 2e-2},
		{"W3", "", "adam", 8, 4, 6, 1e-4},
		{"W4", "", "sgd", 4, 2, 4, 1e-4},
		{"W5", "", "adam", 64, 8, 80, 1e-4},
		{"W6", "", "adam", 4, 2, 4, 1e-4},
	} {
		name := c.workload
		if c.precision != "" {
			name += " " + c.precision
		}
		t.Run(name, func(t *testing.T) {
			spec, err := bench.Spec(c.workload)
			if err != nil {
				t.Fatal(err)
			}
			rows := make([]int, c.rows)
			for i := range rows {
				rows[i] = i
			}
			if spec.Data, err = spec.Data.Rows(name, rows); err != nil {
				t.Fatal(err)
			}
			if spec.Optimizer, err = optim.New(c.optimizer, map[string]float64{"lr": 3e-3}); err != nil {
				t.Fatal(err)
			}
			spec.Batch, spec.Precision = c.batch, c.precision
			spec.Seed = 5 // with which no sum is so near to 0 that it depends on its order whether a ReLU lets it pass
			reference := cpu.New(1)
			defer reference.Close()
			epochs := c.steps * c.batch / c.rows
			want := losses(t, reference, spec, epochs)
			got := losses(t, open(t, sim.Options{Seed: 7}), spec, epochs)
			for i := range want {
				if math.Abs(got[i]-want[i]) > c.tolerance*(1+math.Abs(want[i])) {
					t.Errorf("the loss of epoch %d is %.7f, and %.7f on the CPU", i+1, got[i], want[i])
				}
			}
			if last := len(got) - 1; !(got[last] < got[0]) {
				t.Errorf("it does not learn: the loss went from %v to %v", got[0], got[last])
			}
			t.Logf("loss %.5f to %.5f in %d steps", got[0], got[len(got)-1], c.steps)
		})
	}
}

// Data that comes in windows is filled while the device works, in buffers that it
// does not use meanwhile; mixup draws and mixes as on the CPU.
func TestTrainingOnWindows(t *testing.T) {
	spec, err := bench.Spec("W1")
	if err != nil {
		t.Fatal(err)
	}
	if spec.Data, err = spec.Data.Rows("windows", []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}); err != nil {
		t.Fatal(err)
	}
	spec.Batch, spec.Seed, spec.Mixup, spec.Valid = 2, 5, 0.3, spec.Data
	reference := cpu.New(1)
	defer reference.Close()
	want := losses(t, reference, spec, 4)
	spec.Window = 4
	got := losses(t, open(t, sim.Options{Seed: 7}), spec, 4)
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-4*(1+math.Abs(want[i])) {
			t.Errorf("the loss of epoch %d is %.7f, and %.7f on the CPU", i+1, got[i], want[i])
		}
	}
}

// The parts of a step and its update go to the device at once, and do what they do
// on the CPU: full steps of three parts, and a last one of a full part and a smaller
// one.
func TestTrainingInParts(t *testing.T) {
	spec, err := bench.Spec("W1")
	if err != nil {
		t.Fatal(err)
	}
	if spec.Data, err = spec.Data.Rows("parts", []int{0, 1, 2, 3, 4, 5, 6, 7, 8}); err != nil {
		t.Fatal(err)
	}
	spec.Batch, spec.Accumulate, spec.Seed = 2, 3, 5
	reference := cpu.New(1)
	defer reference.Close()
	want := losses(t, reference, spec, 4)
	p := pool.New(open(t, sim.Options{Seed: 7}), pool.Options{})
	got := losses(t, p.Device(), spec, 4)
	p.Trim()
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-4*(1+math.Abs(want[i])) {
			t.Errorf("the loss of epoch %d is %.7f, and %.7f on the CPU", i+1, got[i], want[i])
		}
	}
}

// losses trains and returns the loss of each epoch.
func losses(t *testing.T, dev backend.Device, spec train.Spec, epochs int) (list []float64) {
	t.Helper()
	trainer, err := train.New(dev, spec)
	if err != nil {
		t.Fatal(err)
	}
	defer trainer.Close()
	if err := trainer.Train(context.Background(), epochs); err != nil {
		t.Fatal(err)
	}
	for _, e := range trainer.History() {
		list = append(list, e.Train[0].Value)
	}
	return list
}
