package nb_test

import (
	"math"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/server/servertest"
	"github.com/metalnb/metalnb/nb"
)

// The system before this one claimed much that did not work. Each of its
// defects has a test here by its name.
var predecessor = []struct {
	defect string
	test   func(t *testing.T)
}{
	{"dense layers adapt to sizes that do not fit", sizesAreRefused},
	{"max pooling is declared and cannot be trained", poolingTrains},
	{"batch norm keeps no running statistics", runningStatistics},
	{"batch norm normalises by constants in training", batchStatistics},
	{"dropout is the identity", dropoutMasks},
	{"weights cannot be seeded", weightsAreSeeded},
	{"tanh, swish, ELU and GELU make no trainer", activationsTrain},
	{"models are a list of layers", branchesTrain},
	{"softmax is applied twice", softmaxOnce},
	{"sparse and one-hot labels are two code paths", labelsAgree},
	{"binary cross-entropy broadcasts labels", binaryRows},
	{"binary cross-entropy takes the logarithm of 0", binaryEnds},
	{"one output has inverted labels and predicts 1", oneOutputLabels},
	{"regression losses have the wrong sign and divisor", regressionDivisors},
	{"the Huber delta is fixed", huberDelta},
	{"the learning rate is a constant of the graph", rateMoves},
	{"schedules change what is shown, not the training", schedulesMove},
	{"SGD ignores momentum, Nesterov and decay", sgdByHand},
	{"RMSProp drops its momentum", rmspropMomentum},
	{"weight decay is ignored by most optimizers", everyDecay},
	{"L-BFGS cannot be made and makes no step", lbfgsSteps},
	{"the state of the optimizer is not what is saved", optimizerState},
	{"a partial batch trains on stale rows", partialBatch},
	{"the loss of an epoch is that of its last batch", epochMeans},
	{"validation is never recorded", validationIsRecorded},
	{"steps per second are samples, and infinite at first", stepRate},
	{"ROC areas are wrong with ties", areasWithTies},
	{"there is no area under the PR curve", areaOfPR},
	{"one output panics in the confusion matrix", oneOutputConfusion},
	{"the accuracy of a regression is an error", regressionMetrics},
	{"prediction changes what is trained", predictionChangesNothing},
	{"buffers run out with many layers", manyLayers},
	{"training prints for itself", trainingIsQuiet},
	{"mixed precision sets fields, and training is f32", halvesRound},
	{"tensors convert between f32 and f16 only, and have no arithmetic", typesConvert},
}

func TestPredecessor(t *testing.T) {
	for _, c := range predecessor {
		t.Run(c.defect, c.test)
	}
}

// pupil declares a trainer that goes when the test ends.
func pupil(t *testing.T, model *nb.Tensor, c nb.Config) *nb.Trainer {
	t.Helper()
	c.Replace = true
	h := nb.NewTrainer("pupil of "+path.Base(t.Name()), model, c)
	h.Attach()
	t.Cleanup(func() { nb.Try(h.Drop) }) // it is gone where another one replaced it
	return h
}

// quietly trains in the background, which prints nothing.
func quietly(h *nb.Trainer, epochs int) {
	h.Start(epochs)
	for h.Running() {
	}
}

// states are the numbers of a trainer's model by name, as they lie in the core.
func states(t *testing.T, h *nb.Trainer) map[string][]float32 {
	t.Helper()
	for _, tr := range servertest.Shared.Runtime().Trainers() {
		if tr.Spec().Name != h.Name() {
			continue
		}
		list, err := tr.Parameters()
		if err != nil {
			t.Fatal(err)
		}
		out := map[string][]float32{}
		for _, p := range list {
			out[p.Name] = p.Value.F32s()
		}
		return out
	}
	t.Fatalf("the core has no trainer %q", h.Name())
	return nil
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-5*math.Max(1, math.Abs(want))) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// rowsOf makes data of one number a row, and of one target a row.
func rowsOf(t *testing.T, xs, ys []float64) *nb.Dataset {
	rows := make([][]float64, len(xs))
	for i, x := range xs {
		rows[i] = []float64{x}
	}
	return nb.Data("rows of "+t.Name(), rows, ys)
}

// weight is a model of one weight, without a bias.
func weight() *nb.Tensor {
	return nb.Input(1).DenseWith(nb.Linear{Units: 1, NoBias: true, Init: nb.InitOnes})
}

func sizesAreRefused(t *testing.T) {
	if e := raised(t, func() { nb.Input(8, 8, 1).Dense(10) }); !strings.Contains(e.Message, "[B,8,8,1]") || !strings.Contains(e.Remedy, "Flatten") {
		t.Errorf("an image into a dense layer: %v", e)
	}
	h := nb.NewTrainer("misfit", nb.Input(32).Dense(10), nb.Config{Data: digits.Train})
	if e := raised(t, h.Attach); !strings.Contains(e.Message, "[8,8,1]") || !strings.Contains(e.Message, "[32]") {
		t.Errorf("data of another size: %v", e)
	}
}

func poolingTrains(t *testing.T) {
	h := pupil(t, nb.Input(8, 8, 1).Conv2D(4, 3).MaxPool2D(2).Flatten().Dense(10), nb.Config{Data: digits.Train})
	before := slices.Clone(states(t, h)["conv2d_1/kernel"])
	quietly(h, 1)
	if slices.Equal(before, states(t, h)["conv2d_1/kernel"]) {
		t.Error("nothing reaches the layer before the pooling")
	}
}

// seven is a column with mean 7 and variance 4, and one that is constant.
func seven(t *testing.T) *nb.Dataset {
	var xs [][]float64
	var ys []float64
	for i := range 64 {
		xs, ys = append(xs, []float64{7 + 2*float64(i%2*2-1), 3}), append(ys, 0)
	}
	return nb.Data("seven", xs, ys)
}

func runningStatistics(t *testing.T) {
	h := pupil(t, nb.Input(2).BatchNormWith(nb.Norm{Momentum: 0.5}).Dense(1), nb.Config{Data: seven(t), Batch: 64, Optimizer: nb.SGD{LR: 1e-9}})
	quietly(h, 3)
	s := states(t, h)
	left := 0.125 // of the first values 0 and 1, after three halvings
	near(t, "the running mean", float64(s["batch_norm_1/mean"][0]), 7*(1-left))
	near(t, "the running variance", float64(s["batch_norm_1/variance"][0]), 4*64./63*(1-left)+left)
	near(t, "the mean of the constant", float64(s["batch_norm_1/mean"][1]), 3*(1-left))
	near(t, "the variance of the constant", float64(s["batch_norm_1/variance"][1]), left)
}

func batchStatistics(t *testing.T) {
	norm := nb.Input(2).BatchNormWith(nb.Norm{NoAffine: true, Momentum: 1})
	h := pupil(t, norm.DenseWith(nb.Linear{Units: 1, NoBias: true, Init: nb.InitOnes}), nb.Config{Data: seven(t), Batch: 64, Optimizer: nb.SGD{LR: 1e-9}})
	quietly(h, 1)
	near(t, "the loss in training, the variance of what is normalised", h.History()[0].Train["loss"], 1)
	// Prediction uses what the first step has kept: mean 7, variance 4 64/63.
	y := h.Predict(nb.Array([][]float64{{9, 3}})).Item()
	near(t, "a normalised 9", y, 2/math.Sqrt(4*64./63+1e-5))
}

// The gradient of a weight is what its input became: the step shows the mask.
func dropoutMasks(t *testing.T) {
	const width, scale = 400, 4. / 3
	x := make([]float64, width)
	for k := range x {
		x[k] = 1
	}
	h := pupil(t, nb.Input(width).Dropout(0.25).DenseWith(nb.Linear{Units: 1, NoBias: true, Init: nb.InitZeros}),
		nb.Config{Data: nb.Data("ones", [][]float64{x}, []float64{1e6}), Loss: nb.MAE, Optimizer: nb.SGD{LR: 1}})
	masks, last := [3][width]bool{}, make([]float32, width)
	for n := range masks {
		quietly(h, 1)
		kept := 0
		for i, w := range states(t, h)["dense_1/weight"] {
			if d := float64(w - last[i]); d != 0 {
				near(t, "what is kept", d, scale)
				masks[n][i], kept = true, kept+1
			}
			last[i] = w
		}
		if kept < 0.65*width || kept > 0.85*width {
			t.Errorf("step %d keeps %d of %d with a rate of 0.25", n, kept, width)
		}
	}
	for n, m := range masks {
		differ := 0
		for i := range m {
			if m[i] != masks[(n+1)%3][i] {
				differ++
			}
		}
		if differ < 0.25*width {
			t.Errorf("the masks of two steps differ in %d of %d places", differ, width)
		}
	}
	row := nb.Array([][]float64{x})
	if a, b := h.Predict(row).Item(), h.Predict(row).Item(); a != b {
		t.Errorf("a prediction drops elements: %v, then %v", a, b)
	}
}
