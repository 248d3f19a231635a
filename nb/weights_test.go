package nb_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/nb"
)

// pictures are what the model of testdata/weights.py takes.
func pictures() *nb.Dataset {
	xs := make([][][][]float32, 2)
	for i := range xs {
		xs[i] = make([][][]float32, 6)
		for y := range xs[i] {
			xs[i][y] = make([][]float32, 7)
			for x := range xs[i][y] {
				xs[i][y][x] = []float32{float32(i), 1}
			}
		}
	}
	return nb.Data("pictures", xs, []int{0, 4})
}

func likeTorch(name string, ema float64) *nb.Trainer {
	h := nb.Input(6, 7, 2).Conv2D(3, 3).BatchNorm().ReLU().Mean(1).Conv1D(4, 2).Mean(1).Dense(5)
	return nb.NewTrainer(name, h, nb.Config{Data: pictures(), Loss: nb.CrossEntropy, EMA: ema})
}

// A file that PyTorch wrote makes the model compute what PyTorch computes.
func TestLoadOfTorch(t *testing.T) {
	text, err := os.ReadFile("testdata/weights.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct{ X, Y []float32 }
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	tr := likeTorch("torch", 0.9)
	defer tr.Drop()
	names := map[string]string{"conv2d_1": "conv", "batch_norm_1": "norm", "conv1d_1": "seq", "dense_1": "head"}
	tr.LoadWith("testdata/weights.safetensors", nb.Weights{Names: names, Torch: true})
	got := tr.Logits(nb.Array(want.X).Reshape(1, 6, 7, 2)).Values()
	for i, y := range want.Y {
		if math.Abs(got[i]-float64(y)) > 1e-5 {
			t.Fatalf("it computes %v, PyTorch %v", got, want.Y)
		}
	}
	for text, w := range map[string]nb.Weights{
		"it has nothing for conv2d_1/kernel [3,3,2,3], ":       {},
		"what it has besides is norm.num_batches_tracked [], ": {Torch: true},
		"[3,3,2,3] by the name cnv/kernel or cnv.kernel, ":     {Names: map[string]string{"conv2d_1": "cnv"}},
		"conv2d_1/kernel is [3,3,2,3], and conv.weight of ":    {Names: map[string]string{"conv2d_1/kernel": "conv.weight"}, Partial: true},
	} {
		e := raised(t, func() { tr.LoadWith("testdata/weights.safetensors", w) })
		if !strings.Contains(e.Message, text) || !strings.HasSuffix(e.File, "weights_test.go") {
			t.Errorf("%v, want %q", e, text)
		}
	}
	e := raised(t, func() {
		tr.LoadWith("testdata/weights.safetensors", nb.Weights{Names: map[string]string{"conv_1": "conv"}})
	})
	if !strings.Contains(e.Message, `nothing in the model is called "conv_1"`) || !strings.HasPrefix(e.Remedy, "the model has conv2d_1/kernel") {
		t.Error(e)
	}
	again := tr.Logits(nb.Array(want.X).Reshape(1, 6, 7, 2)).Values()
	if again[0] != got[0] {
		t.Error("what is refused changes something")
	}
	part := likeTorch("partly", 0)
	defer part.Drop()
	part.LoadWith("testdata/weights.safetensors", nb.Weights{Names: map[string]string{"dense_1/bias": "head.bias"}, Partial: true})
}

// What Save has written is read by Load, too: the weights without the rest.
func TestLoadOfOurs(t *testing.T) {
	t.Chdir(t.TempDir())
	tr, other := likeTorch("trained", 0), likeTorch("fresh", 0.9)
	defer tr.Drop()
	defer other.Drop()
	silently(tr, 3)
	tr.Save("ours.safetensors")
	other.Load("ours.safetensors")
	x := nb.Ones(1, 6, 7, 2)
	if want, got := tr.Logits(x).Values(), other.Logits(x).Values(); !slices.Equal(got, want) {
		t.Errorf("it computes %v, want %v", got, want)
	}
	if a, b := tr.Steps(), other.Steps(); a == 0 || b != 0 {
		t.Errorf("%d and %d steps", a, b)
	}
	if e := raised(t, func() { other.Load("none.safetensors") }); !strings.Contains(e.Message, "no such file") || !strings.Contains(e.Remedy, "beside the notebook") {
		t.Error(e)
	}
	silently(other, 1) // it can train from there
	if y := other.Logits(x).Values(); math.IsNaN(y[0]) || other.Steps() == 0 {
		t.Errorf("it computes %v", y)
	}
}

// Weights of another program, by its names.
func ExampleTrainer_LoadWith() {
	t := likeTorch("foreign", 0)
	defer t.Drop()
	t.LoadWith("testdata/weights.safetensors", nb.Weights{Torch: true, Names: map[string]string{
		"conv2d_1": "conv", "batch_norm_1": "norm", "conv1d_1": "seq", "dense_1": "head",
	}})
	silently(t, 2) // goes on from there
	fmt.Println(t.Epoch())
	// Output:
	// 2
}
