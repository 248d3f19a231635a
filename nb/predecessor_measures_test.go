package nb_test

import (
	"math"
	"slices"
	"testing"

	"github.com/metalnb/metalnb/metalcore/server/servertest"
	"github.com/metalnb/metalnb/nb"
)

// After a step the optimizer's moments lie beside the weights, and the trainer
// goes on with them: two steps in one training and in two are the same.
func optimizerState(t *testing.T) {
	config := nb.Config{Data: digits.Train, Optimizer: nb.Adam{LR: 0.01}, Seed: 5}
	model := func() *nb.Tensor { return nb.Input(8, 8, 1).Flatten().Dense(10) }
	whole, parts := nb.NewTrainer("whole", model(), config), nb.NewTrainer("parts", model(), config)
	defer whole.Drop()
	defer parts.Drop()
	quietly(whole, 2)
	quietly(parts, 1)
	quietly(parts, 1)
	if !slices.Equal(states(t, whole)["dense_1/weight"], states(t, parts)["dense_1/weight"]) {
		t.Error("the moments are lost between two trainings")
	}
	// Weights and two moments of each, on the device.
	for _, tr := range servertest.Shared.Runtime().Trainers() {
		if tr.Spec().Name == "whole" && tr.Info().Bytes < 3*4*650 {
			t.Errorf("the trainer has %d bytes", tr.Info().Bytes)
		}
	}
}

func stepRate(t *testing.T) {
	h := pupil(t, nb.Input(8, 8, 1).Flatten().Dense(10), nb.Config{Data: digits.Train, Batch: 32})
	quietly(h, 3)
	steps, seconds := 0, 0.0
	for _, e := range h.History() {
		steps, seconds = steps+e.Steps, seconds+e.Seconds
	}
	if steps != 3*45 || h.Steps() != steps {
		t.Errorf("%d steps of 32 rows in three epochs of 1,437", steps)
	}
	for _, tr := range servertest.Shared.Runtime().Trainers() {
		if tr.Spec().Name == h.Name() {
			near(t, "the steps a second over those that the history tells", tr.Info().StepsPerSec/(float64(steps)/seconds), 1)
		}
	}
}

// The scores 1, 1, 2, 2, 3 tell the labels 0, 1, 0, 1, 1 apart: of the six pairs
// of a 0 and a 1 the right order have 3, and 2 are ties.
func tied(t *testing.T) (*nb.Trainer, *nb.Dataset) {
	data := nb.Data("tied", [][]float64{{1}, {1}, {2}, {2}, {3}}, []int{0, 1, 0, 1, 1})
	return pupil(t, weight(), nb.Config{Data: data, Loss: nb.BCELogits}), data
}

func areasWithTies(t *testing.T) {
	h, data := tied(t)
	near(t, "the area under the ROC curve", h.ROC(data, 1).Area, (3+2*0.5)/6)
}

func areaOfPR(t *testing.T) {
	h, data := tied(t)
	// Thresholds 3, 2, 1: recall 1/3, 2/3, 1 with precision 1, 2/3, 3/5.
	near(t, "the average precision", h.PR(data, 1).Area, (1+2./3+3./5)/3)
}

func oneOutputConfusion(t *testing.T) {
	h, data := tied(t)
	r := h.Report(data) // all scores are above 0: all rows are called 1
	if len(r.Confusion) != 2 || r.Confusion[0][1] != 2 || r.Confusion[1][1] != 3 || r.Confusion[0][0]+r.Confusion[1][0] != 0 {
		t.Errorf("the confusion matrix is %v", r.Confusion)
	}
	near(t, "the recall of 1", r.PerClass[1].Recall, 1)
	near(t, "the precision of 1", r.PerClass[1].Precision, 0.6)
	near(t, "the specificity of 1", r.PerClass[1].Specificity, 0)
	near(t, "the NPV of 0", r.PerClass[0].NPV, 0.6)
}

func regressionMetrics(t *testing.T) {
	data := nb.Data("four", [][]float64{{1}, {2}, {3}, {4}}, []float64{3, 1, 3, 5}) // errors -2, 1, 0, -1
	h := pupil(t, weight(), nb.Config{Data: data, Metrics: []string{"mae", "mse", "rmse", "r2", "mape"}})
	got := h.Evaluate(data)
	if _, ok := got["accuracy"]; ok {
		t.Errorf("a regression has an accuracy: %v", got)
	}
	for name, want := range map[string]float64{"mae": 1, "mse": 1.5, "rmse": math.Sqrt(1.5), "r2": 1 - 6./8, "mape": (2./3 + 1 + 0 + 1./5) / 4} {
		near(t, name, got[name], want)
	}
}

func predictionChangesNothing(t *testing.T) {
	model := nb.Input(8, 8, 1).Flatten().Dense(16).BatchNorm().ReLU().Dropout(0.5).Dense(10)
	h := pupil(t, model, nb.Config{Data: digits.Train, Optimizer: nb.SGD{LR: 0.1, Momentum: 0.9}})
	quietly(h, 1)
	before := states(t, h)
	for _, rows := range [][]int{{0}, {0, 1, 2}, {5, 3, 1, 0, 2, 4, 6}} {
		if shape := h.Predict(digits.Test.X(rows...)).Shape(); shape[0] != len(rows) || shape[1] != 10 {
			t.Errorf("%d rows give %v", len(rows), shape)
		}
	}
	h.Evaluate(digits.Test)
	for name, x := range states(t, h) {
		if !slices.Equal(x, before[name]) {
			t.Errorf("%s changed", name)
		}
	}
	if h.Steps() != 45 {
		t.Errorf("%d steps", h.Steps())
	}
}

// Forty layers, and four weights of a megabyte each with Adam.
func manyLayers(t *testing.T) {
	deep := nb.Input(8, 8, 1).Flatten().Dense(4)
	for range 38 {
		deep = deep.Dense(4).Tanh()
	}
	h := pupil(t, deep.Dense(10), nb.Config{Data: digits.Train, Batch: 512})
	quietly(h, 1)
	wide := nb.Input(8, 8, 1).Flatten().Dense(512)
	for range 4 {
		wide = wide.Dense(512).ReLU()
	}
	w := nb.NewTrainer("wide", wide.Dense(10), nb.Config{Data: digits.Train, Batch: 512})
	defer w.Drop()
	quietly(w, 1)
	if h.Steps() != 3 || w.Steps() != 3 {
		t.Errorf("%d and %d steps", h.Steps(), w.Steps())
	}
}
