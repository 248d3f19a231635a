package display_test

import (
	"io"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/datasets"
	"github.com/metalnb/metalnb/display"
	"github.com/metalnb/metalnb/metalcore/server/servertest"
	"github.com/metalnb/metalnb/nb"
)

func TestMain(m *testing.M) { servertest.Main(m) }

// printed returns what f prints: outside of a notebook everything is text.
func printed(t *testing.T, f func()) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout = w
	defer func() { os.Stdout = stdout }()
	text := make(chan string)
	go func() {
		b, _ := io.ReadAll(r)
		text <- string(b)
	}()
	err = nb.Try(f)
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	return <-text
}

func flowers() (*nb.Trainer, datasets.Split) {
	iris := datasets.Iris()
	return nb.NewTrainer("flowers", nb.Input(4).Dense(8).ReLU().Dense(3),
		nb.Config{Data: iris.Train, Valid: iris.Test, Optimizer: nb.Adam{LR: 0.02}}), iris
}

func TestPicturesAsText(t *testing.T) {
	h, iris := flowers()
	digits := datasets.Digits()
	h.Start(3)
	h.Wait()
	for name, c := range map[string]struct {
		f    func()
		want []string
	}{
		"images":      {func() { display.Images(digits.Train, 0, 1, 2) }, []string{"8"}},
		"pictures":    {func() { display.Pictures(nb.Ones(2, 4, 4), "one", "two") }, []string{"one", "two"}},
		"confusion":   {func() { display.Confusion(h, iris.Test) }, []string{"setosa", "versicolor", "virginica", "recall"}},
		"predictions": {func() { display.Predictions(h, iris.Test, 0, 1) }, []string{"%"}},
		"data":        {func() { display.Data(iris.Train) }, []string{"120", "setosa", "Fisher"}},
		"summary":     {func() { display.Summary(h) }, []string{"dense_1", "dense_2", "67"}},
		"chart":       {func() { display.Chart(h) }, []string{"loss", "accuracy"}},
		"explain":     {func() { display.Explain(h) }, []string{"dense_1", "matmul + bias relu", "without sharing"}},
		"memory":      {display.Memory, []string{"trainer", "in use", "kept in"}},
		"explained":   {func() { display.Explain(nb.Ones(3).Exp()) }, []string{"exp"}},
		"compare":     {func() { display.Compare(h, nb.Attach("flowers")) }, []string{"best epoch", "finished"}},
		"show":        {func() { display.Show(h) }, []string{"flowers", "finished"}},
	} {
		got := printed(t, c.f)
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %q in\n%s", name, want, got)
			}
		}
	}
	h.Drop()
}

func TestPictureErrors(t *testing.T) {
	h, iris := flowers()
	house := nb.Data("houses", [][]float64{{1}, {2}}, []float64{1, 2})
	price := nb.NewTrainer("price", nb.Input(1).Dense(1), nb.Config{Data: house})
	for name, c := range map[string]struct {
		f    func()
		want string
	}{
		"flowers are no images":   {func() { display.Images(iris.Train) }, "[20 4]"},
		"rows that are not there": {func() { display.Images(datasets.Digits().Test, 359) }, "359"},
		"negative rows":           {func() { display.Predictions(h, iris.Test, -1) }, "-1"},
		"prices have no classes":  {func() { display.Confusion(price, house) }, "cross_entropy"},
		"other data":              {func() { display.Confusion(h, datasets.Digits().Test) }, "[8,8,1]"},
		"too many axes":           {func() { display.Pictures(nb.Ones(1, 2, 3, 4, 5)) }, "[1 2 3 4 5]"},
	} {
		err := nb.Try(c.f)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "display_test.go") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := nb.Try(func() { display.Pictures(nb.Full(math.NaN(), 1, 2, 2)) }); err != nil {
		t.Errorf("NaN pixels: %v", err)
	}
	h.Drop()
	price.Drop()
}
