package nb_test

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/metalnb/metalnb/nb"
)

// shared reads a file of the project's data, which lies beside the repository.
// Without it the test is skipped.
func shared(t *testing.T, name string) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join("../../shared/data", name))
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("%s is not there", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if filepath.Ext(name) == ".gz" {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// mnist is the test part of MNIST (LeCun, Cortes, Burges 1998), of which the
// first 8,000 images are to learn from.
func mnist(t *testing.T) (train, test *nb.Dataset) {
	t.Helper()
	pixels, labels := shared(t, "mnist-t10k-images-idx3-ubyte.gz")[16:], shared(t, "mnist-t10k-labels-idx1-ubyte.gz")[8:]
	part := func(name string, from, to int) *nb.Dataset {
		xs, ys := make([][]float32, to-from), make([]int, to-from)
		for i := range xs {
			xs[i], ys[i] = make([]float32, 784), int(labels[from+i])
			for k := range xs[i] {
				xs[i][k] = float32(pixels[(from+i)*784+k]) / 255
			}
		}
		return nb.Data(name, xs, ys)
	}
	return part("mnist train", 0, 8000), part("mnist test", 8000, 10000)
}

// A small CNN reads 98.5 % of the digits of MNIST that it has not seen, after
// 8,000 to learn from.
func TestMNISTLearns(t *testing.T) {
	train, test := mnist(t)
	h := nb.Input(784).Reshape(28, 28, 1)
	h = h.Conv2D(16, 3).BatchNorm().ReLU().MaxPool2D(2).Conv2D(32, 3).BatchNorm().ReLU().MaxPool2D(2)
	h = h.Flatten().Dropout(0.25).Dense(128).ReLU().Dropout(0.25).Dense(10)
	tr := nb.NewTrainer("mnist", h, nb.Config{Data: train, Valid: test, Batch: 32, Seed: 1,
		Optimizer: nb.AdamW{LR: 3e-3, WeightDecay: 0.01}, Schedule: nb.Warmup{Epochs: 1, Then: nb.Cosine{Epochs: 9}}})
	defer tr.Drop()
	tr.Fit(10)
	a := tr.Evaluate(test)["accuracy"]
	t.Logf("accuracy %.4f on the test images", a)
	if a <= 0.985 {
		t.Error("that is too little")
	}
}
