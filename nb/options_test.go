package nb_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/datasets"
	"github.com/metalnb/metalnb/nb"
)

func flowerNet(outputs int) *nb.Tensor { return nb.Input(4).Dense(16).ReLU().Dense(outputs) }

// Every optimizer, loss and schedule reaches the core with all its settings.
func TestEveryOptionTrains(t *testing.T) {
	iris := datasets.Iris()
	optimizers := []nb.Optimizer{
		nb.SGD{LR: 0.02, Momentum: 0.9, Nesterov: true, WeightDecay: 1e-4}, nb.SGD{LR: 0.1, Momentum: 0.5, Dampening: 0.1},
		nb.Adam{LR: 0.01, Beta1: 0.8, Beta2: 0.99, Eps: 1e-7, AMSGrad: true, WeightDecay: 1e-4}, nb.AdamW{LR: 0.01, AMSGrad: true},
		nb.NAdam{LR: 0.01, MomentumDecay: 0.01}, nb.RAdam{LR: 0.02}, nb.RMSProp{LR: 0.005, Alpha: 0.9, Momentum: 0.1, Centered: true},
		nb.AdaGrad{LR: 0.1, LRDecay: 0.001, Initial: 0.1}, nb.AdaDelta{LR: 2, Rho: 0.9}, nb.Lion{LR: 0.003, WeightDecay: 0.01},
	}
	losses := []nb.Loss{nb.CrossEntropy, nb.Hinge, nb.CrossEntropyWith{Smoothing: 0.1, Weights: []float64{1, 2, 2}}}
	schedules := []nb.Schedule{
		nil, nb.StepDecay{Epochs: 20}, nb.Exponential{Factor: 0.99}, nb.Cosine{Epochs: 25, Min: 1e-4, Restart: true, Grow: 2},
		nb.OneCycle{Epochs: 50, Rise: 0.2, Div: 10, FinalDiv: 100}, nb.Polynomial{Steps: 500, Power: 2, Min: 1e-4},
		nb.Plateau{Metric: "accuracy", Factor: 0.5, Patience: 20, Cooldown: 1}, nb.Warmup{Steps: 10},
		nb.Warmup{Epochs: 2, Start: 0.1, Then: nb.Cosine{Epochs: 50}},
	}
	for i, o := range optimizers {
		h := nb.NewTrainer("options", flowerNet(3), nb.Config{Data: iris.Train, Batch: 16, Optimizer: o, Loss: losses[i%len(losses)],
			Schedule: schedules[i%len(schedules)], ClipNorm: 5, ClipValue: 2, L1: 1e-5, L2: 1e-5, Replace: true,
			Metrics: []string{"f1", "recall_weighted", "top2"}, Groups: []nb.Group{{Layers: "*/bias", LR: 2, NoDecay: true}}})
		h.Start(50)
		h.Wait()
		got := h.Evaluate(iris.Test)
		if got["accuracy"] < 0.86 || got["f1"] < 0.86 || got["recall_weighted"] != got["accuracy"] || got["top2"] < got["accuracy"] {
			t.Errorf("%T, %v, %T: measured %v", o, losses[i%len(losses)], schedules[i%len(schedules)], got)
		}
		h.Drop()
	}
}

func TestScheduleIsRecorded(t *testing.T) {
	iris := datasets.Iris()
	h := nb.NewTrainer("cosine", flowerNet(3), nb.Config{Data: iris.Train, Optimizer: nb.SGD{LR: 0.1}, Schedule: nb.Cosine{Epochs: 10}})
	defer h.Drop()
	if h.LR() != 0.1 {
		t.Errorf("the first rate is %v", h.LR())
	}
	h.Fit(5)
	if got := h.LR(); math.Abs(got-0.05) > 1e-9 {
		t.Errorf("in the middle the rate is %v", got)
	}
	h.SetLR(0.2)
	if got := h.LR(); math.Abs(got-0.1) > 1e-9 {
		t.Errorf("with twice the base the rate is %v", got)
	}
	h.Fit(5)
	list := h.History()
	for i := 1; i < 5; i++ {
		if list[i].LR >= list[i-1].LR {
			t.Errorf("epoch %d has the rate %v after %v", i+1, list[i].LR, list[i-1].LR)
		}
	}
	if last := h.LR(); last != 0 {
		t.Errorf("at the end the rate is %v", last)
	}
}

// The user's own loss is the same trainer from cell to cell, and another one
// is another trainer.
func TestLossFunc(t *testing.T) {
	xs, ys := [][]float64{{0}, {1}, {2}, {3}}, []float64{1, 3, 5, 7}
	line := nb.Data("own loss", xs, ys)
	declare := func(power int) *nb.Trainer {
		return nb.NewTrainer("own", nb.Input(1).Dense(1), nb.Config{Data: line, Optimizer: nb.Adam{LR: 0.1}, Loss: nb.LossFunc(
			func(output, target *nb.Tensor) *nb.Tensor {
				d := output.Sub(target).Abs()
				for range power - 1 {
					d = d.Mul(d)
				}
				return d
			})})
	}
	h := declare(2)
	h.Fit(300)
	defer h.Drop()
	if y := declare(2).Predict(nb.Array([][]float64{{10}})).Item(); math.Abs(y-21) > 0.1 || declare(2).Epoch() != 300 {
		t.Errorf("2·10 + 1 is predicted as %v after %d epochs", y, declare(2).Epoch())
	}
	if e := raised(t, declare(3).Attach); !strings.Contains(e.Message, "the loss is another function than before") {
		t.Errorf("got %v", e)
	}
	for want, f := range map[string]nb.LossFunc{
		"returned nothing":         func(x, y *nb.Tensor) *nb.Tensor { return nil },
		"makes f32[B,2]":           func(x, y *nb.Tensor) *nb.Tensor { return x.Dense(2) },
		"has parameters":           func(x, y *nb.Tensor) *nb.Tensor { return x.Dense(1).Mean() },
		"does not use the model's": func(x, y *nb.Tensor) *nb.Tensor { return y.Mean() },
	} {
		e := raised(t, nb.NewTrainer("bad loss", nb.Input(1).Dense(1), nb.Config{Data: line, Loss: f}).Attach)
		if !strings.Contains(e.Message, want) {
			t.Errorf("got %v, want %q", e, want)
		}
	}
}

func TestWeightedData(t *testing.T) {
	xs, ys := [][]float64{{0}, {1}, {2}}, []float64{1, 3, 100}
	line := nb.Data("weighted", xs, ys).Weighted([]float64{1, 1, 0})
	h := nb.NewTrainer("weighted", nb.Input(1).Dense(1), nb.Config{Data: line, Optimizer: nb.Adam{LR: 0.1}})
	defer h.Drop()
	h.Fit(300)
	if y := h.Predict(nb.Array([][]float64{{10}})).Item(); math.Abs(y-21) > 0.1 {
		t.Errorf("2·10 + 1 is predicted as %v: the row of weight 0 counts", y)
	}
	for want, f := range map[string]func(){
		"the weights have the shape [2]": func() { nb.Data("w", xs, ys).Weighted([]float64{1, 2}) },
		"cannot get weights":             func() { datasets.Iris().Train.Weighted([]float64{1}) },
		"the weight of row 1 is -1":      func() { nb.Data("w", xs, ys).Weighted([]int{1, -1, 0}).Len() },
	} {
		if e := raised(t, f); !strings.Contains(e.Message, want) {
			t.Errorf("got %v, want %q", e, want)
		}
	}
}

// One output that tells two classes apart has the report and curves of both.
func TestReportOfTwoClasses(t *testing.T) {
	var xs [][]float64
	var ys []int
	for i := range 40 {
		xs, ys = append(xs, []float64{float64(i) / 40}), append(ys, (i/2+i/20)%2) // half of them by chance
	}
	for i := range 40 {
		xs, ys = append(xs, []float64{float64(i)/40 + float64(i%2)}), append(ys, i%2)
	}
	data := nb.Data("bits", xs, ys)
	h := nb.NewTrainer("bits", nb.Input(1).Dense(1), nb.Config{Data: data, Loss: nb.BCELogits, Optimizer: nb.Adam{LR: 0.1}, Metrics: []string{"recall"}})
	defer h.Drop()
	h.Fit(60)
	r, got := h.Report(data), h.Evaluate(data)
	if len(r.PerClass) != 2 || r.PerClass[1].Recall != got["recall"] || r.Confusion[0][0]+r.Confusion[1][1] != int(math.Round(80*got["accuracy"])) {
		t.Errorf("the report is %+v, measured was %v", r, got)
	}
	one, zero := h.ROC(data, 1), h.ROC(data, 0)
	if math.Abs(one.Area-zero.Area) > 1e-9 || one.Area < 0.6 || one.Area > 0.95 {
		t.Errorf("the areas are %v and %v", one.Area, zero.Area)
	}
	if p := h.Predict(nb.Array([][]float64{{2}})).Item(); p < 0.5 || p > 1 {
		t.Errorf("the probability of 2 is %v", p)
	}
}

func TestBadOptions(t *testing.T) {
	iris := datasets.Iris()
	attach := func(c nb.Config) func() {
		c.Data = iris.Train
		return func() { nb.NewTrainer("bad options", flowerNet(3), c).Attach() }
	}
	for want, f := range map[string]func(){
		"lr is -1":                   attach(nb.Config{Optimizer: nb.Lion{LR: -1}}),
		"delta is -1":                attach(nb.Config{Loss: nb.Huber{Delta: -1}}),
		"needs numbers as targets":   attach(nb.Config{Loss: nb.SmoothL1{Beta: 2}}),
		"100":                        attach(nb.Config{Optimizer: nb.LBFGS{History: 101}}),
		`no setting "clip_norm"`:     attach(nb.Config{Optimizer: nb.LBFGS{}, ClipNorm: 1}),
		"takes no parameter groups":  attach(nb.Config{Optimizer: nb.LBFGS{}, Groups: []nb.Group{{Layers: "*"}}}),
		"clip_norm is -1":            attach(nb.Config{ClipNorm: -1}),
		"cosine needs a length":      attach(nb.Config{Schedule: nb.Cosine{}}),
		"warm-up without a length":   attach(nb.Config{Schedule: nb.Warmup{Then: nb.Cosine{Epochs: 1}}}),
		"warm-up after a warm-up":    attach(nb.Config{Schedule: nb.Warmup{Steps: 1, Then: nb.Warmup{Steps: 1}}}),
		`belongs to the group "gru"`: attach(nb.Config{Groups: []nb.Group{{Layers: "gru", LR: 2}}}),
		`there is no metric "auc"`:   attach(nb.Config{Metrics: []string{"auc"}}),
		"one output tells two apart": func() {
			nb.NewTrainer("bad options", flowerNet(1), nb.Config{Data: iris.Train, Loss: nb.BCEWith{PosWeight: 2}}).Attach()
		},
	} {
		if e := raised(t, f); !strings.Contains(e.Message, want) || !strings.HasSuffix(e.File, "options_test.go") {
			t.Errorf("got %v (%s), want %q", e, e.File, want)
		}
	}
}

// A report prints as that of scikit-learn; ROC and PR curves are of one class
// against the others.
func ExampleTrainer_Report() {
	iris := datasets.Iris()
	t := nb.NewTrainer("report", nb.Input(4).Dense(3), nb.Config{
		Data: iris.Train, Optimizer: nb.Adam{LR: 0.1}, Schedule: nb.Warmup{Steps: 20, Then: nb.Cosine{Epochs: 60}},
	})
	defer t.Drop()
	t.Start(60)
	for t.Running() { // other cells may run meanwhile
	}
	r := t.Report(iris.Test)
	fmt.Println(strings.Fields(strings.SplitN(r.String(), "\n", 4)[2]))
	fmt.Println(r.Classes[0], r.PerClass[0].F1, t.ROC(iris.Test, 0).Area)
	// Output:
	// [setosa 1.00 1.00 1.00 10]
	// setosa 1 1
}

// A few steps of L-BFGS on all rows at once do what others need epochs for.
func TestLBFGS(t *testing.T) {
	iris := datasets.Iris()
	h := nb.NewTrainer("lbfgs", nb.Input(4).Dense(3), nb.Config{Data: iris.Train, Batch: 120, L2: 1e-3,
		Optimizer: nb.LBFGS{Iterations: 10, History: 5, GradientTol: 1e-5}})
	defer h.Drop()
	h.Fit(3)
	if a := h.Evaluate(iris.Test)["accuracy"]; a < 0.93 || h.Steps() != 3 {
		t.Errorf("accuracy %v after %d steps", a, h.Steps())
	}
}
