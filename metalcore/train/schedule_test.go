package train

import (
	"math"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/schedule"
)

// climbSpec has one weight, whose gradient is -1 at every step: by SGD it
// becomes the sum of the learning rates.
func climbSpec(t *testing.T, name string, settings map[string]float64) Spec {
	t.Helper()
	const rows = 20
	ones, far := make([]float32, rows), make([]float32, rows)
	for i := range rows {
		ones[i], far[i] = 1, 1e6
	}
	data, err := feed.NewSet("far", feed.FromF32(ones, rows, 1), feed.FromF32(far, rows), nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := schedule.New(name, settings)
	if err != nil {
		t.Fatal(err)
	}
	return Spec{Name: "climb", Model: oneLayer(input(1), param("kernel", "zeros", 1, 1)), Loss: "mae",
		Optimizer: optimizer(t, "sgd", 0.5), Schedule: s, Batch: 3, Data: data}
}

func climbed(t *testing.T, tr *Trainer) float64 {
	t.Helper()
	list, err := tr.Parameters()
	if err != nil {
		t.Fatal(err)
	}
	return float64(list[0].Value.F32s()[0])
}

// The weight moves by exactly the rates of the schedule, in slices of one step
// as of many, and over a stop in the middle of an epoch.
func TestSchedulesMoveTheWeights(t *testing.T) {
	dev := device(t)
	cases := map[string]map[string]float64{
		"step": {"steps": 5, "factor": 0.5}, "exponential": {"factor": 0.9}, "cosine": {"epochs": 5, "warmup_steps": 4},
		"one_cycle": {"epochs": 6}, "polynomial": {"epochs": 5, "power": 2}, "constant": {"warmup_epochs": 2},
	}
	for name, settings := range cases {
		tr := trainer(t, dev, climbSpec(t, name, settings))
		want := 0.0
		for i := range int64(6 * 7) { // 7 steps an epoch, the last one of 2 rows
			want += tr.spec.Schedule.Rate(0.5, schedule.Position{Step: i, PerEpoch: 7}, schedule.State{})
		}
		stopAt(t, tr, 3)
		fit(t, tr, 3)
		stopAt(t, tr, 25)
		fit(t, tr, 3)
		if info := tr.Info(); info.Epoch != 6 {
			t.Fatalf("%s: %+v", name, info)
		}
		if got := climbed(t, tr); math.Abs(got-want) > 1e-4*want {
			t.Errorf("%s: the weight is %v, the rates sum up to %v", name, got, want)
		}
		for i, e := range tr.History() {
			at := schedule.Position{Step: int64(7*i + 6), PerEpoch: 7}
			if lr := tr.spec.Schedule.Rate(0.5, at, schedule.State{}); e.LR != lr {
				t.Errorf("%s: epoch %d ends with the rate %v, recorded is %v", name, e.N, lr, e.LR)
			}
		}
	}
}

// SetLR changes the base that a schedule scales.
func TestSetLRScalesTheSchedule(t *testing.T) {
	tr := trainer(t, device(t), climbSpec(t, "step", map[string]float64{"epochs": 1, "factor": 0.5}))
	fit(t, tr, 2)
	if lr := tr.Info().LR; lr != 0.125 {
		t.Errorf("after two epochs the rate is %v", lr)
	}
	if err := tr.SetLR(4); err != nil {
		t.Fatal(err)
	}
	before := climbed(t, tr)
	fit(t, tr, 1)
	if got := climbed(t, tr) - before; math.Abs(got-7) > 1e-4 || tr.Info().LR != 0.5 {
		t.Errorf("seven steps of the rate 1 moved by %v, and now it is %v", got, tr.Info().LR)
	}
	if err := tr.Reset(); err != nil {
		t.Fatal(err)
	}
	if lr := tr.Info().LR; lr != 4 {
		t.Errorf("after Reset the rate is %v", lr)
	}
}

// A slice never has more steps than the list has rates; one of a constant rate
// may have.
func TestLongSlices(t *testing.T) {
	for name, settings := range map[string]map[string]float64{"constant": nil, "polynomial": {"epochs": 1}} {
		spec := climbSpec(t, name, settings)
		const rows = maxRates + 1000
		x, err := spec.Data.X.Rows(make([]int, rows))
		if err != nil {
			t.Fatal(err)
		}
		y, err := spec.Data.Y.Rows(make([]int, rows))
		if err != nil {
			t.Fatal(err)
		}
		if spec.Data, err = feed.NewSet("many", x, y, nil); err != nil {
			t.Fatal(err)
		}
		spec.Batch = 1
		tr := trainer(t, device(t), spec)
		tr.pace = pace{perStep: 1, last: 1 << 20}
		fit(t, tr, 1)
		want := 0.0
		for i := range int64(rows) {
			want += tr.spec.Schedule.Rate(0.5, schedule.Position{Step: i, PerEpoch: rows}, schedule.State{})
		}
		if got := climbed(t, tr); math.Abs(got-want) > 1e-4*want {
			t.Errorf("%s: the weight is %v, the rates sum up to %v", name, got, want)
		}
	}
}

func TestPlateauLowersTheRate(t *testing.T) {
	spec := irisSpec(t)
	s, err := schedule.New("plateau", map[string]float64{"patience": 2, "factor": 0.5, "threshold": 0.5})
	if err != nil {
		t.Fatal(err)
	}
	spec.Schedule, spec.Watch = s, "accuracy"
	dev := device(t)
	tr := trainer(t, dev, spec)
	fit(t, tr, 12)
	var state schedule.State
	rate := 0.01
	for _, e := range tr.History() {
		if e.LR != rate {
			t.Errorf("epoch %d has the rate %v, want %v", e.N, e.LR, rate)
		}
		state = s.Observe(state, value(t, e.Valid, "accuracy"), true)
		rate = s.Rate(0.01, schedule.Position{}, state)
	}
	if rate > 0.0025 {
		t.Errorf("the rate is %v: the accuracy cannot have grown by half twice", rate)
	}
	other := trainer(t, dev, spec)
	fit(t, other, 5)
	fit(t, other, 7)
	if weights(t, other) != weights(t, tr) {
		t.Error("5 + 7 epochs give other weights than 12")
	}
	if err := tr.Reset(); err != nil || tr.Info().LR != 0.01 {
		t.Errorf("after Reset the rate is %v: %v", tr.Info().LR, err)
	}
	spec.Watch = "f1"
	if _, err := New(dev, spec); err == nil || !strings.Contains(err.Error(), `watches "f1", which is not measured: there are loss, accuracy`) {
		t.Errorf("got %v", err)
	}
}

// What diverges names the rate that the schedule gave the step.
func TestDivergedRate(t *testing.T) {
	spec := climbSpec(t, "constant", map[string]float64{"warmup_steps": 8, "warmup_start": 0.5})
	spec.Model = oneLayer(op.Mul(input(1), ir.Const(1e30, ir.F32)), param("kernel", "zeros", 1, 1))
	spec.Optimizer = optimizer(t, "sgd", 1e30)
	tr := trainer(t, device(t), spec)
	err := tr.Train(t.Context(), 1)
	bad, ok := err.(*DivergedError)
	if !ok || bad.LR != 1e30*(0.5+0.5*float64(bad.Step-1)/8) {
		t.Errorf("got %v", err)
	}
}
