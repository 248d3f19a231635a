package nb_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/datasets"
	"github.com/metalnb/metalnb/nb"
)

// A good rate is found before the training, which begins with it.
func ExampleTrainer_FindLR() {
	digits := datasets.Digits()
	model := nb.Input(8, 8, 1).Conv2D(16, 3).ReLU().MaxPool2D(2).Flatten().Dense(10)
	t := nb.NewTrainer("tuned", model, nb.Config{Data: digits.Train, Valid: digits.Test, Seed: 1})
	defer t.Drop()
	curve := t.FindLR()
	t.SetLR(curve.Suggestion)
	fmt.Println(curve.Suggestion > 1e-3, curve.Suggestion < 0.3, t.Steps())
	silently(t, 3)
	fmt.Println(t.Evaluate(digits.Test)["accuracy"] > 0.9)
	// Output:
	// true true 0
	// true
}

func TestFindLR(t *testing.T) {
	iris := datasets.Iris()
	h := nb.NewTrainer("searched", nb.Input(4).Dense(16).ReLU().Dropout(0.2).Dense(3),
		nb.Config{Data: iris.Train, Valid: iris.Test, Schedule: nb.Cosine{Epochs: 9}, EMA: 0.9})
	defer h.Drop()
	h.StartSteps(5)
	h.Wait()
	before := fmt.Sprint(h, h.History(), h.Evaluate(iris.Test))
	c := h.FindLR(nb.LRRange{From: 1e-5, Steps: 60})
	if n := len(c.Rates); n < 10 || c.Rates[0] != 1e-5 || len(c.Smooth) != n || len(c.Losses) != n {
		t.Errorf("%+v", c)
	}
	if after := fmt.Sprint(h, h.History(), h.Evaluate(iris.Test)); after != before {
		t.Errorf("%s\nbecame\n%s", before, after)
	}
	if s := c.String(); !strings.Contains(s, fmt.Sprintf("suggested learning rate %.3g (tried 1e-05 to", c.Suggestion)) {
		t.Errorf("it says %s", s)
	}
	none := h.FindLR(nb.LRRange{From: 1e-15, To: 1e-14})
	if s := none.String(); none.Suggestion != 0 || !strings.Contains(s, "no learning rate is suggested") || !strings.Contains(s, "did not fall") {
		t.Errorf("it says %s", s)
	}
	lbfgs := nb.NewTrainer("lines", nb.Input(4).Dense(3), nb.Config{Data: iris.Train, Optimizer: nb.LBFGS{}})
	defer lbfgs.Drop()
	for want, f := range map[string]func(){
		"do not rise":                 func() { h.FindLR(nb.LRRange{From: 1, To: 0.1}) },
		"lbfgs searches along a line": func() { lbfgs.FindLR() },
	} {
		if err := nb.Try(f); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "findlr_test.go") {
			t.Errorf("%q: got %v", want, err)
		}
	}
}

// The rows of a stream are made again for the training that follows.
func TestFindLROnAStream(t *testing.T) {
	rows := nb.Stream("counted", 300, func(yield func(x, y any) bool) {
		for i := 0; yield([]float32{float32(i%7) / 7, float32(i%5) / 5}, i%2); i++ {
		}
	}, "even", "odd")
	var losses []float64
	for _, name := range []string{"plain", "tried"} {
		h := nb.NewTrainer(name, nb.Input(2).Dense(8).ReLU().Dense(2), nb.Config{Data: rows, Seed: 1})
		defer h.Drop()
		h.FitSteps(13)
		if name == "tried" {
			if c := h.FindLR(nb.LRRange{Steps: 50}); len(c.Rates) != 50 && c.Note == "" {
				t.Errorf("%+v", c)
			}
		}
		h.Fit(2)
		losses = append(losses, h.History()[1].Train["loss"])
	}
	if losses[0] != losses[1] {
		t.Errorf("the losses are %v", losses)
	}
}
