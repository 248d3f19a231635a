package train

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// The table has the distribution of the larger one of l and 1-l, l drawn by
// another library.
func TestMixTable(t *testing.T) {
	for _, alpha := range []float64{0.05, 0.2, 1, 4} {
		beta := distuv.Beta{Alpha: alpha, Beta: alpha, Src: rand.NewPCG(1, 2)}
		const n = 200_000
		drawn := make([]float64, n)
		for i := range drawn {
			l := beta.Rand()
			drawn[i] = max(l, 1-l)
		}
		slices.Sort(drawn)
		table := mixTable(alpha)
		if table[0] != 0.5 || table[mixPoints] != 1 || !slices.IsSorted(table) {
			t.Errorf("alpha %v: the table goes from %v to %v", alpha, table[0], table[mixPoints])
		}
		for _, share := range []float64{0.1, 0.25, 0.5, 0.75, 0.9} {
			if got, want := float64(table[int(share*mixPoints)]), drawn[int(share*n)]; math.Abs(got-want) > 0.01 {
				t.Errorf("alpha %v: a share of %v is below %v, drawn were %v", alpha, share, got, want)
			}
		}
	}
}

// One step on two rows, against the formula: of a model w x with the squared
// error, by the l that the step drew.
func TestMixedStep(t *testing.T) {
	dev := device(t)
	data, err := feed.NewSet("pair", feed.FromF32([]float32{1, 3}, 2, 1), feed.FromF32([]float32{2, -1}, 2, 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	weighted, err := data.Rows("weighted", []int{0, 1})
	if err != nil {
		t.Fatal(err)
	}
	weighted.W = feed.FromF32([]float32{1, 3}, 2)
	for _, set := range []*feed.Set{data, weighted} {
		w := param("w", "ones", 1, 1)
		model := ir.NewGraph("line", []ir.Output{{Name: OutputName, Value: op.MatMul(ir.Input(InputName, ir.F32, ir.Batch, 1), w, false, false)}}, nil)
		spec := Spec{Name: "mix", Model: model, Loss: "mse", Optimizer: optimizer(t, "sgd", 0.1), Batch: 2, Ordered: true, Seed: 9, Data: set, Mixup: 1}
		tr := trainer(t, dev, spec)
		fit(t, tr, 1)
		got := float64(numbersOf(t, tr)[0])
		// The l that fits is one of 0.5 to 1, and the loss says the same one.
		step := func(l float64) (w, loss float64) {
			x, y, counts := []float64{1, 3}, []float64{2, -1}, []float64{1, 1}
			if set == weighted {
				counts[1] = 3
			}
			var slope, sum float64
			for i := range 2 {
				mix := l*x[i] + (1-l)*x[1-i]
				own, other := mix-y[i], mix-y[1-i]
				loss += l*counts[i]*own*own + (1-l)*counts[1-i]*other*other
				slope += 2 * mix * (l*counts[i]*own + (1-l)*counts[1-i]*other)
				sum += l*counts[i] + (1-l)*counts[1-i]
			}
			return 1 - 0.1*slope/sum, loss / sum
		}
		best, at := math.Inf(1), 0.0
		for l := 0.5; l <= 1; l += 1e-5 {
			if w, _ := step(l); math.Abs(w-got) < best {
				best, at = math.Abs(w-got), l
			}
		}
		_, loss := step(at)
		if shown := value(t, tr.Info().Last.Train, "loss"); best > 1e-4 || math.Abs(shown-loss) > 1e-3 {
			t.Errorf("%s: the weight is %v and the loss %v; with l = %v they would be %v off and %v", set.Name, got, shown, at, best, loss)
		}
	}
}

// A run with mixup that is stopped goes on exactly, and with almost no mixing it
// learns as without.
func TestMixupStoppedAnywhere(t *testing.T) {
	dev, spec := device(t), irisSpec(t)
	spec.Mixup = 0.4
	whole := trainer(t, dev, spec)
	fit(t, whole, 3)
	for _, at := range []int64{1, 5, 8, 9, 17} {
		tr := trainer(t, dev, spec)
		stopAt(t, tr, at)
		finish(t, tr)
		if weights(t, tr) != weights(t, whole) {
			t.Errorf("stopped after step %d, the weights became others", at)
		}
		tr.Close()
	}
	fit(t, whole, 60)
	if a := value(t, whole.Info().Last.Valid, "accuracy"); a < 0.9 {
		t.Errorf("the accuracy is %v", a)
	}
	spec.Mixup = -1
	if _, err := New(dev, spec); err == nil || !strings.Contains(err.Error(), "mixup with alpha = -1") {
		t.Errorf("got %v", err)
	}
}
