package nb

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/train"
)

// parsed is the graph that the core gets for a model.
func parsed(t *testing.T, model *Tensor) *ir.Graph {
	t.Helper()
	g, err := ir.Parse(modelText("m", model))
	if err != nil {
		t.Fatal(err)
	}
	if err := op.Check(g); err != nil {
		t.Fatal(err)
	}
	return g
}

// The core knows every initialiser, and there are no others.
func TestInitialisersAreTheCores(t *testing.T) {
	all := []Init{InitZeros, InitOnes, InitQuarter, InitNormal, InitUnitNormal, InitHeNormal, InitHeUniform,
		InitGlorotNormal, InitGlorotUniform, InitLecunNormal, InitLecunUniform}
	var names []string
	for _, i := range all {
		names = append(names, string(i))
	}
	slices.Sort(names)
	if !slices.Equal(names, train.InitNames()) {
		t.Errorf("the initialisers are %v, the core has %v", names, train.InitNames())
	}
	text := modelText("m", Input(4).DenseWith(Linear{Units: 2, Init: InitLecunNormal}))
	if !strings.Contains(text, `init="lecun_normal"`) {
		t.Errorf("the initialiser is lost:\n%s", text)
	}
}

func TestDropout(t *testing.T) {
	const rows, width, rate = 200, 100, 0.3
	g := parsed(t, Input(width).Dropout(rate))
	dev := cpu.New(2)
	defer dev.Close()
	ones := make([]float64, rows*width)
	for i := range ones {
		ones[i] = 1
	}
	draw := func(g *ir.Graph, training bool, seed, step float64) []float64 {
		bound := op.Resolve(g, training).Bind(rows)
		return run(t, dev, bound, map[string][]float64{"x": ones, ir.StateSeed: {seed}, ir.StateStep: {step}})["y"]
	}
	y := draw(g, true, 1, 1)
	zeros, sum := 0, 0.0
	for _, x := range y {
		if x == 0 {
			zeros++
		} else if float32(x) != float32(1/(1-rate)) {
			t.Fatalf("an element that was kept is %v", x)
		}
		sum += x
	}
	// Five standard deviations of 20,000 draws.
	if share := float64(zeros) / (rows * width); share < rate-0.017 || share > rate+0.017 {
		t.Errorf("%v of the elements were dropped, not %v", share, rate)
	}
	if mean := sum / (rows * width); mean < 0.97 || mean > 1.03 {
		t.Errorf("the mean went from 1 to %v", mean)
	}
	if !slices.Equal(y, draw(g, true, 1, 1)) {
		t.Error("the same step drew other elements")
	}
	for what, other := range map[string][]float64{"step": draw(g, true, 1, 2), "seed": draw(g, true, 2, 1)} {
		if same := agree(y, other); same > 0.6 { // 0.3² + 0.7² = 0.58
			t.Errorf("another %s agrees in %v of the elements", what, same)
		}
	}
	if !slices.Equal(ones, draw(g, false, 1, 1)) {
		t.Error("evaluation drops elements")
	}
}

func agree(a, b []float64) float64 {
	n := 0
	for i := range a {
		if a[i] == b[i] {
			n++
		}
	}
	return float64(n) / float64(len(a))
}

// Two layers of one model draw different numbers, and share the trainer's
// states.
func TestDropoutsDiffer(t *testing.T) {
	x := Input(50)
	g := parsed(t, Concat(1, x.Dropout(0.5), x.Dropout(0.5)))
	if n := len(g.Leaves(ir.OpState)); n != 2 {
		t.Errorf("%d states, want the trainer's two", n)
	}
	dev := cpu.New(1)
	defer dev.Close()
	given := map[string][]float64{"x": make([]float64, 50), ir.StateSeed: {0}, ir.StateStep: {0}}
	for i := range given["x"] {
		given["x"][i] = 1
	}
	y := run(t, dev, op.Resolve(g, true).Bind(1), given)["y"]
	if same := agree(y[:50], y[50:]); same > 0.8 {
		t.Errorf("the layers agree in %v of the elements", same)
	}
}

// Running statistics, updates and random numbers leave the numbering of layers
// as it is, whatever models were built before.
func TestTextOfStatefulLayers(t *testing.T) {
	build := func() string {
		return canonical(t, modelText("m", Input(4).Dense(3).BatchNorm().Dropout(0.1).Dense(3).Dropout(0.1).BatchNorm().Dense(2)))
	}
	text := build()
	Input(3).Dropout(0.5).BatchNorm()
	if again := build(); again != text {
		t.Errorf("the text changed from\n%s\nto\n%s", text, again)
	}
	for _, want := range []string{`"batch_norm_2/variance"`, `"dropout_2"`, "stream=1", "\nupdate "} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if n := strings.Count(text, "\nupdate "); n != 4 {
		t.Errorf("%d updates, want 4", n)
	}
	if n := strings.Count(text, `state "train/step"`); n != 1 {
		t.Errorf("%d states of the trainer's step", n)
	}
}

func TestShare(t *testing.T) {
	block := Share(func(x *Tensor) *Tensor { return x.Dense(3).BatchNorm().PReLU() })
	x := Input(6)
	halves := x.Split(2, 1)
	g := parsed(t, block(halves[0]).Add(block(halves[1])).Dense(2))
	var names []string
	for _, v := range g.Leaves(ir.OpState) {
		names = append(names, v.Name)
	}
	want := []string{"batch_norm_1/mean", "batch_norm_1/variance", "batch_norm_1/scale", "batch_norm_1/bias", "dense_1/weight", "dense_1/bias",
		"prelu_1/slope", "dense_3/weight", "dense_3/bias"}
	slices.Sort(names)
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("the states are %v, want %v", names, want)
	}
	if len(g.Updates) != 2 {
		t.Errorf("%d updates of the shared statistics, want 2", len(g.Updates))
	}
	// 0.9 (0.9 old + 0.1 first) + 0.1 second: two steps one after the other.
	dev := cpu.New(1)
	defer dev.Close()
	twice := Share((*Tensor).BatchNorm)
	parts := Input(2).Split(2, 1)
	g = parsed(t, twice(parts[0]).Add(twice(parts[1])))
	g.Outputs = append(g.Outputs, ir.Output{Name: "mean", Value: g.Updates[0].New})
	given := map[string][]float64{"x": {1, 5, 3, 7}, "batch_norm_1/mean": {10}, "batch_norm_1/variance": {1},
		"batch_norm_1/scale": {1}, "batch_norm_1/bias": {0}}
	bound := op.Resolve(g, true).Bind(2)
	bound.Updates = nil
	got := run(t, dev, bound, given)["mean"]
	if err := near(got, []float64{0.9*(0.9*10+0.1*2) + 0.1*6}); err != nil {
		t.Errorf("the running mean: %v", err)
	}
}

func TestShareNeedsTheSameLayers(t *testing.T) {
	dense := Share(func(x *Tensor) *Tensor { return x.Dense(3) })
	dense(Input(4))
	if e := caught(t, func() { dense(Input(5)) }); !strings.Contains(e.Message, "weight [5,3]") || e.Remedy == "" {
		t.Errorf("another shape: %v", e)
	}
	n := 1
	more := Share(func(x *Tensor) *Tensor {
		for range n {
			x = x.Dense(4)
		}
		return x
	})
	more(Input(4))
	n = 2
	if e := caught(t, func() { more(Input(4)) }); !strings.Contains(e.Message, "did not") {
		t.Errorf("more layers: %v", e)
	}
}

func TestFreeze(t *testing.T) {
	g := parsed(t, Input(4).Dense(8).BatchNorm().ReLU().Freeze().Dense(3))
	var names []string
	for _, v := range g.Params() {
		names = append(names, v.Name)
	}
	if !slices.Equal(names, []string{"dense_2/weight", "dense_2/bias"}) {
		t.Errorf("the trained parameters are %v", names)
	}
	if len(g.Updates) != 2 {
		t.Errorf("%d updates of running statistics, want 2", len(g.Updates))
	}
}

// Weight decay is for weights, not for biases, scales and slopes.
func TestDecay(t *testing.T) {
	for _, v := range parsed(t, Input(4, 4).LSTM(3).GroupNorm(3).PReLU().Dense(2)).Leaves(ir.OpState) {
		want := strings.HasSuffix(v.Name, "weight")
		if got := v.Bool(ir.AttrDecay); got != want {
			t.Errorf("%s: decay %v", v.Name, got)
		}
	}
}

// A layer's line in the summary shows its result, not how its statistics are
// updated, and a shared layer's parameters are counted once.
func TestSummaryOfLayers(t *testing.T) {
	half := Share(func(x *Tensor) *Tensor { return x.Dense(3).BatchNorm() })
	x := Input(6, 4).Dropout(0.2).LSTM(8).Split(2, 1)
	var got []string
	for _, l := range train.Describe(parsed(t, half(x[0]).Add(half(x[1])))) {
		got = append(got, fmt.Sprintf("%s %s %d", l.Name, l.Shape, l.Params))
	}
	want := []string{"x [B,6,4] 0", "dropout_1 [B,6,4] 0", "lstm_1 [B,8] 416", "slice_1 [B,4] 0", "dense_1 [B,3] 15", "batch_norm_1 [B,3] 6",
		"slice_2 [B,4] 0", "dense_2 [B,3] 0", "batch_norm_2 [B,3] 0", "add_1 [B,3] 0"}
	if !slices.Equal(got, want) {
		t.Errorf("the layers are\n%v, want\n%v", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
