package nb_test

import (
	"math"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/nb"
)

func TestEarlyStopErrors(t *testing.T) {
	for text, stop := range map[string]nb.EarlyStop{
		"an early stop of {Metric: Patience:-1": {Patience: -1}, "MinDelta:NaN": {MinDelta: math.NaN()}, "Baseline:+Inf": {Baseline: math.Inf(1)},
		`the early stop watches "f1", which is not measured: there are loss, accuracy`: {Metric: "f1"},
	} {
		e := raised(t, func() {
			nb.NewTrainer("early", nb.Input(8, 8, 1).Flatten().Dense(10), nb.Config{Data: digits.Train, EarlyStop: &stop}).Attach()
		})
		if !strings.Contains(e.Message, text) || !strings.HasSuffix(e.File, "keep_test.go") {
			t.Errorf("%v, want %q", e, text)
		}
	}
}

func TestKeepErrors(t *testing.T) {
	for text, keep := range map[string]nb.Keep{
		"checkpoints cannot be kept by {Every:5": {Every: 5}, "Last:-1": {Last: -1, Best: 2}, "Steps:3": {Every: 1, Steps: 3, Last: 1},
		`Keep watches "f1", which is not measured: there are loss, accuracy`: {Best: 1, Metric: "f1"},
	} {
		e := raised(t, func() {
			nb.NewTrainer("keeping", nb.Input(8, 8, 1).Flatten().Dense(10), nb.Config{Data: digits.Train, Keep: keep}).Attach()
		})
		if !strings.Contains(e.Message, text) || !strings.HasSuffix(e.File, "keep_test.go") {
			t.Errorf("%v, want %q", e, text)
		}
	}
}

// A program that is no notebook hears why its training has ended.
func TestEarlyStopIsSaid(t *testing.T) {
	tr := nb.NewTrainer("early", nb.Input(8, 8, 1).Flatten().Dense(10), nb.Config{Data: digits.Train, Valid: digits.Test,
		EarlyStop: &nb.EarlyStop{Metric: "accuracy", Patience: 2, MinDelta: 0.5, KeepLast: true}})
	defer tr.Drop()
	said := printed(t, func() { tr.Fit(100) })
	if !strings.Contains(said, "\nvalidation accuracy has not improved for 2 epochs; best 0.") || tr.Epoch() >= 100 {
		t.Errorf("it says %q", said)
	}
}
