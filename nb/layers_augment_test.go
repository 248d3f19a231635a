package nb

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// augmented are the images and results of testdata/augment.py.
func augmented(t *testing.T) map[string][]float32 {
	t.Helper()
	text, err := os.ReadFile("testdata/augment.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string][]float32
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// each makes one number for each image, [B,1,1].
func each(xs []float32, whole bool) *Tensor {
	t := Array(xs).Reshape(len(xs), 1, 1)
	if whole {
		return t.Int()
	}
	return t
}

func TestAugmentationsLikeSciPy(t *testing.T) {
	all := augmented(t)
	x := Array(all["x"]).Reshape(5, 6, 7, 2)
	with := func(f func(v []*ir.Value) *ir.Value, more ...*Tensor) *Tensor {
		from := append([]*Tensor{x}, more...)
		return apply("test", from, func() *ir.Value {
			var vs []*ir.Value
			for _, t := range from {
				vs = append(vs, t.v)
			}
			return f(vs)
		})
	}
	cy, cx := each(all["cy"], true), each(all["cx"], true)
	for name, got := range map[string]*Tensor{
		"flip":      with(func(v []*ir.Value) *ir.Value { return mirrored(v[0], v[1]) }, each(all["u"], false)),
		"crop":      with(func(v []*ir.Value) *ir.Value { return moved(v[0], v[1], v[2]) }, each(all["dy"], true), each(all["dx"], true)),
		"rotate":    with(func(v []*ir.Value) *ir.Value { return rotated(v[0], v[1]) }, each(all["angle"], false)),
		"cutout3":   with(func(v []*ir.Value) *ir.Value { return cut(v[0], v[1], v[2], 3) }, cy, cx),
		"cutout4":   with(func(v []*ir.Value) *ir.Value { return cut(v[0], v[1], v[2], 4) }, cy, cx),
		"normalize": x.Normalize([]float64{0.5, -1}, []float64{2, 0.25}),
	} {
		numbers := got.Values()
		if len(numbers) != len(all[name]) {
			t.Fatalf("%s has %d numbers, want %d", name, len(numbers), len(all[name]))
		}
		for i, want := range all[name] {
			if math.Abs(float64(numbers[i])-float64(want)) > 2e-5 {
				t.Errorf("%s: number %d is %v, want %v", name, i, numbers[i], want)
				break
			}
		}
	}
}

// Whole numbers are drawn evenly, and from all of the range only.
func TestDrawnPlaces(t *testing.T) {
	u := Uniform(3, 9000)
	got := apply("test", []*Tensor{u}, func() *ir.Value { return below(u.v, 9, -4) }).Values()
	counts := map[float32]int{}
	for _, x := range got {
		counts[float32(x)]++
	}
	for x := float32(-4); x <= 4; x++ {
		if n := counts[x]; n < 900 || n > 1100 {
			t.Errorf("%v was drawn %d times of 9000", x, n)
		}
	}
	if len(counts) != 9 {
		t.Errorf("drawn were %v", counts)
	}
	last := apply("test", nil, func() *ir.Value { return below(ir.Const(1-0x1p-24, ir.F32, 1), 9, -4) })
	if x := last.Values()[0]; x != 4 {
		t.Errorf("the largest number becomes %v", x)
	}
}

// augmentedModel is a model that sees images changed in every way.
func augmentedModel() *Tensor {
	return Input(8, 8, 1).Normalize([]float64{0.3}, []float64{0.4}).RandomCrop(1).Rotate(12).Cutout(2).RandomFlip().
		Conv2D(16, 3).ReLU().MaxPool2D(2).Flatten().Dense(10)
}

// Training with all of them learns, is the same each time, and goes on exactly
// where it was stopped.
func TestAugmentedTraining(t *testing.T) {
	digits := Builtin("digits")
	train, test := digits.Split(0.2, 1)
	fit := func(name string, stops int) []float64 {
		tr := NewTrainer(name, augmentedModel(), Config{Data: train, Optimizer: Adam{LR: 3e-3}, Seed: 4, Mixup: 0.1})
		defer tr.Drop()
		const epochs = 40
		for range stops {
			tr.Start(epochs)
			tr.Stop() // somewhere
		}
		for tr.Epoch() < epochs {
			tr.Fit(1)
		}
		if a := tr.Evaluate(test)["accuracy"]; a < 0.9 {
			t.Errorf("%s: the accuracy is %v", name, a)
		}
		return tr.Logits(test.X(0, 1, 2)).Values()
	}
	whole, parts := fit("whole", 0), fit("parts", 5)
	for i := range whole {
		if whole[i] != parts[i] {
			t.Fatalf("stopped and gone on the model says %v, else %v", parts, whole)
		}
	}
}

func TestAugmentationFaults(t *testing.T) {
	x := Input(8, 8, 1)
	for name, do := range map[string]func(){
		"crop":      func() { x.RandomCrop(0) },
		"rotate":    func() { x.Rotate(-3) },
		"cutout":    func() { x.Cutout(0) },
		"no image":  func() { Input(8).RandomFlip() },
		"channels":  func() { x.Normalize([]float64{1, 2}, []float64{1}) },
		"deviation": func() { x.Normalize([]float64{1}, []float64{0}) },
	} {
		if err := Try(do); err == nil {
			t.Errorf("%s: nothing was said", name)
		}
	}
}
