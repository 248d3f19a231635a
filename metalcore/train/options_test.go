package train

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/loss"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/optim"
)

// numbersOf are all weights of a trainer.
func numbersOf(t *testing.T, tr *Trainer) (all []float32) {
	t.Helper()
	list, err := tr.Parameters()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		all = append(all, p.Value.F32s()...)
	}
	return all
}

func alike(a, b []float32, within float64) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Abs(float64(x-y)) <= within })
}

func withSettings(t *testing.T, name string, settings map[string]float64) optim.Optimizer {
	t.Helper()
	o, err := optim.New(name, settings)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// The gradient of l2 p² is 2 l2 p, which is a weight decay of 2 l2; that of
// l1 |p| is l1 or -l1.
func TestPenalties(t *testing.T) {
	dev, spec := device(t), irisSpec(t)
	spec.Optimizer, spec.L2 = withSettings(t, "sgd", map[string]float64{"lr": 0.1}), 0.05
	penalty := trainer(t, dev, spec)
	spec.Optimizer, spec.L2 = withSettings(t, "sgd", map[string]float64{"lr": 0.1, "weight_decay": 0.1}), 0
	decay := trainer(t, dev, spec)
	spec.Optimizer, spec.L1 = withSettings(t, "sgd", map[string]float64{"lr": 0.1}), 0.02
	sparse := trainer(t, dev, spec)
	spec.L1 = 0
	plain := trainer(t, dev, spec)
	for _, tr := range []*Trainer{penalty, decay, sparse, plain} {
		fit(t, tr, 20)
	}
	if a, b := numbersOf(t, penalty), numbersOf(t, decay); !alike(a, b, 1e-4) || alike(a, numbersOf(t, plain), 1e-2) {
		t.Errorf("with the penalty the weights are %v, with the decay %v", a, b)
	}
	small := func(tr *Trainer) (n int) {
		for _, x := range numbersOf(t, tr)[:64] {
			if math.Abs(float64(x)) < 0.01 {
				n++
			}
		}
		return n
	}
	if a, b := small(sparse), small(plain); a < b+8 {
		t.Errorf("with the L1 penalty %d weights are nearly 0, without %d", a, b)
	}
	// What is shown is the loss alone.
	if l := value(t, penalty.Info().Last.Valid, "loss"); l > 1 {
		t.Errorf("the loss is %v", l)
	}
}

// A row of weight 2 counts as two rows, and one of weight 0 as none.
func TestRowWeights(t *testing.T) {
	x, y := []float32{0, 1, 2, 3}, []float32{1, 3, 4, 9}
	rows := []int{0, 1, 1, 3, 3, 3}
	plain, err := feed.NewSet("plain", feed.FromF32(x, 4, 1), feed.FromF32(y, 4), nil)
	if err != nil {
		t.Fatal(err)
	}
	many, err := plain.Rows("many", rows)
	if err != nil {
		t.Fatal(err)
	}
	weighted, err := feed.NewSet("weighted", plain.X, plain.Y, nil)
	if err != nil {
		t.Fatal(err)
	}
	weighted.W = feed.FromF32([]float32{1, 2, 0, 3}, 4)
	dev := device(t)
	var got [][]float32
	var losses []float64
	for _, data := range []*feed.Set{many, weighted} {
		tr := trainer(t, dev, Spec{Name: data.Name, Model: mlp(1, 0, 1), Loss: "mse", Optimizer: optimizer(t, "sgd", 0.05), Batch: 100, Data: data, Valid: data})
		fit(t, tr, 50)
		got = append(got, numbersOf(t, tr))
		losses = append(losses, value(t, tr.Info().Last.Valid, "loss"))
	}
	if !alike(got[0], got[1], 1e-5) || math.Abs(losses[0]-losses[1]) > 1e-5 {
		t.Errorf("rows twice and thrice give %v and the loss %v, weights %v and %v", got[0], losses[0], got[1], losses[1])
	}
	weighted.W = feed.FromF32([]float32{1, 2, -1, 3}, 4)
	if err := weighted.Check(); err == nil || !strings.Contains(err.Error(), "the weight of row 2 is -1") {
		t.Errorf("got %v", err)
	}
}

// A weight near 0 makes a class not worth learning.
func TestClassWeights(t *testing.T) {
	spec := irisSpec(t)
	spec.LossWith = loss.Settings{Weights: []float64{1, 1, 1e-6}}
	spec.Metrics = []string{"recall", "precision", "f1", "top2"}
	tr := trainer(t, device(t), spec)
	fit(t, tr, 60)
	last := tr.Info().Last.Valid
	if r := value(t, last, "recall"); math.Abs(r-2.0/3) > 0.05 {
		t.Errorf("the mean recall is %v, want that of two classes of three", r)
	}
	if names := fmt.Sprint(last); !strings.Contains(names, "{f1 ") || !strings.Contains(names, "{top2 ") || len(last) != 6 {
		t.Errorf("measured is %v", last)
	}
	if info := tr.Info(); info.Loss != "cross_entropy(weights=[1 1 1e-06])" {
		t.Errorf("the loss is %q", info.Loss)
	}
	if err := tr.Reset(); err != nil {
		t.Fatal(err)
	}
	fit(t, tr, 60) // the weights are there again
	if again := value(t, tr.Info().Last.Valid, "loss"); again != value(t, last, "loss") {
		t.Errorf("after Reset the loss is %v, it was %v", again, last)
	}
}

// Layers of a group have another rate, one of almost nothing stands still.
func TestGroupsOfLayers(t *testing.T) {
	spec := irisSpec(t)
	o, err := optim.WithGroups(spec.Optimizer, optim.Group{Layers: "dense_1*", LR: 1e-30})
	if err != nil {
		t.Fatal(err)
	}
	spec.Optimizer = o
	dev := device(t)
	tr := trainer(t, dev, spec)
	before := numbersOf(t, tr)
	fit(t, tr, 3)
	after := numbersOf(t, tr)
	if first := 4*16 + 16; !alike(before[:first], after[:first], 1e-20) || alike(before[first:], after[first:], 1e-3) {
		t.Error("the first layer moved, or the second did not")
	}
	if spec.Optimizer, err = optim.WithGroups(o, optim.Group{Layers: "conv*", LR: 2}); err != nil {
		t.Fatal(err)
	}
	if _, err := New(dev, spec); err == nil || !strings.Contains(err.Error(), `no parameter belongs to the group "conv*": there are dense_1.kernel`) {
		t.Errorf("got %v", err)
	}
}

func TestOptionsThatChanged(t *testing.T) {
	was := irisSpec(t)
	cases := map[string]func(s *Spec){
		"the loss is cross_entropy(smoothing=0.1), it was cross_entropy": func(s *Spec) {
			s.LossWith.Numbers = map[string]float64{"smoothing": 0.1}
		},
		"the list of metrics is [f1], it was []":               func(s *Spec) { s.Metrics = []string{"f1"} },
		"the penalty is L1 0 and L2 0.1, it was L1 0 and L2 0": func(s *Spec) { s.L2 = 0.1 },
		"the loss is another function than before": func(s *Spec) {
			s.Loss, s.LossWith.Graph = "function", ir.NewGraph("f", []ir.Output{{Name: "loss", Value: op.Mean(ir.Input("output", ir.F32, ir.Batch, 3), false)}}, nil)
		},
	}
	for want, change := range cases {
		is, from := was, was
		change(&is)
		if is.Loss == "function" {
			change(&from)
			from.LossWith.Graph = ir.NewGraph("f", []ir.Output{{Name: "loss", Value: op.Sum(ir.Input("output", ir.F32, ir.Batch, 3), false)}}, nil)
		}
		list := Diff(from, is)
		if len(list) != 1 || list[0].Detail != want || list[0].Live {
			t.Errorf("got %v, want %q", list, want)
		}
	}
}
