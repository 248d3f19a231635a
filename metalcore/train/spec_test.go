package train

import (
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/optim"
)

// oneLayer is a model of a single dense layer whose parts a case may spoil.
func oneLayer(x, k *ir.Value) *ir.Graph { return model(op.MatMul(x, k, false, false)) }

func TestBadSpecs(t *testing.T) {
	dev, good := device(t), irisSpec(t)
	digits, _ := split(t, "digits")
	x := input(4)
	decay, err := optim.New("adam", map[string]float64{"weight_decay": 0.1})
	if err != nil {
		t.Fatal(err)
	}
	two, err := feed.NewSet("two", feed.FromF32(make([]float32, 8), 2, 4), feed.FromI32([]int32{0, 1}, 2), nil)
	if err != nil {
		t.Fatal(err)
	}
	broken := &feed.Set{Name: "broken", X: good.Data.X, Y: good.Data.Y}
	mask := ir.State("mask", ir.I32, ir.Shape{4, 3}, ir.Attrs{ir.AttrInit: "ones", ir.AttrTrain: true})
	cases := []struct {
		name  string
		spoil func(s *Spec)
		want  string
	}{
		{"no model", func(s *Spec) { s.Model = nil }, "needs a model, data and an optimizer"},
		{"no data", func(s *Spec) { s.Data = nil }, "needs a model, data and an optimizer"},
		{"batch 0", func(s *Spec) { s.Batch = 0 }, "the batch size is 0"},
		{"loss", func(s *Spec) { s.Loss = "poisson" }, `there is no loss "poisson": there are cross_entropy, bce, bce_logits`},
		{"loss of classes", func(s *Spec) { s.Loss = "mse" }, `use the loss "cross_entropy" for classes`},
		{"classes", func(s *Spec) { s.Model = mlp(4, 8, 2) }, "ends in [B,2] but the data has 3 classes: end the model with Dense(3)"},
		{"input", func(s *Spec) { s.Data, s.Valid = digits, nil }, "a row of x is [8,8,1], the model takes [4]: begin the model with Input(8,8,1)"},
		{"validation", func(s *Spec) { s.Valid = digits }, `validation: data "digits/train"`},
		{"validation's classes", func(s *Spec) { s.Valid = two }, "validation: data \"two\""},
		{"broken data", func(s *Spec) { s.Data = broken }, "holds the label 0 in row 0: the 0 classes"},
		{"no parameters", func(s *Spec) { s.Model = model(x) }, "there is nothing to train; add a layer such as Dense"},
		{"no output", func(s *Spec) { s.Model = ir.NewGraph("m", nil, nil) }, `needs an input "x" and an output "y"`},
		{"other input", func(s *Spec) { s.Model = model(op.Add(x, ir.Input("z", ir.F32, ir.Batch, 4))) }, `has the input "z"`},
		{"fixed batch", func(s *Spec) {
			s.Model = oneLayer(ir.Input("x", ir.F32, 16, 4), param("k", "zeros", 4, 3))
		}, "the model's input is f32[16,4]: its first axis must be the batch"},
		{"lost batch", func(s *Spec) {
			s.Model = model(op.Sum(op.MatMul(x, param("k", "zeros", 4, 3), false, false), false, 0))
		}, "the model's output is f32[3]: its first axis must be the batch"},
		{"initialiser", func(s *Spec) { s.Model = oneLayer(x, param("k", "xavier", 4, 3)) },
			`parameter "k": there is no initialiser "xavier": there are glorot_normal`},
		{"integer parameter", func(s *Spec) { s.Model = model(op.MatMul(x, op.Cast(mask, ir.F32), false, false)) },
			`parameter "mask" is i32[4,3]: only f32 can be trained`},
		{"decay of nothing", func(s *Spec) { s.Model, s.Optimizer = oneLayer(x, param("k", "zeros", 4, 3)), decay },
			"weight_decay is 0.1 but no parameter of the model is marked for it"},
		{"clash of names", func(s *Spec) { s.Model = oneLayer(x, param("train/cursor", "zeros", 4, 3)) }, `named "train/cursor"`},
	}
	for _, c := range cases {
		spec := good
		c.spoil(&spec)
		tr, err := New(dev, spec)
		if err == nil {
			tr.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

func TestBatchLargerThanTheData(t *testing.T) {
	spec := irisSpec(t)
	spec.Batch = 1000
	tr := trainer(t, device(t), spec)
	fit(t, tr, 2)
	if i := tr.Info(); i.StepsPerEpoch != 1 || i.Step != 2 {
		t.Errorf("%+v", i)
	}
}

func TestInitialisers(t *testing.T) {
	shape := ir.Shape{5, 5, 20, 40}
	in, out := 500.0, 1000.0
	cases := map[string]struct{ variance, limit float64 }{
		"zeros": {0, 0}, "he_normal": {2 / in, 1}, "he_uniform": {2 / in, 0.11}, "glorot_normal": {2 / (in + out), 1},
		"glorot_uniform": {2 / (in + out), 0.0633}, "normal": {0.0004, 1},
	}
	for name, want := range cases {
		xs := initial(ir.State("kernel", ir.F32, shape, ir.Attrs{ir.AttrInit: name}), 1).F32s()
		var sum, squares, top float64
		for _, x := range xs {
			sum, squares, top = sum+float64(x), squares+float64(x)*float64(x), max(top, float64(x), -float64(x))
		}
		n := float64(len(xs))
		if v := squares / n; v < 0.97*want.variance || v > 1.03*want.variance || top > want.limit || sum/n > 0.002 || sum/n < -0.002 {
			t.Errorf("%s: mean %v, variance %v (want %v), largest %v", name, sum/n, v, want.variance, top)
		}
	}
	ones := initial(ir.State("scale", ir.F32, ir.Shape{3}, ir.Attrs{ir.AttrInit: "ones"}), 1).F32s()
	if ones[0] != 1 || ones[2] != 1 {
		t.Errorf("ones are %v", ones)
	}
	of := func(name string, seed int64) string {
		return string(initial(ir.State(name, ir.F32, ir.Shape{4, 4}, ir.Attrs{ir.AttrInit: "he_normal"}), seed).Data)
	}
	again := of("a", 1)
	if of("a", 1) != again || of("a", 1) == of("b", 1) || of("a", 1) == of("a", 2) {
		t.Error("first weights must depend on name and seed, and on nothing else")
	}
}
