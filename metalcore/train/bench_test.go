package train

import (
	"context"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/optim"
)

// BenchmarkDigitsEpoch trains the first notebook's model; steps/s is what
// Info tells.
func BenchmarkDigitsEpoch(b *testing.B) {
	data, err := feed.Builtin("digits")
	if err != nil {
		b.Fatal(err)
	}
	adam, err := optim.New("adam", nil)
	if err != nil {
		b.Fatal(err)
	}
	dev := cpu.New(0)
	defer dev.Close()
	tr, err := New(dev, Spec{Name: "digits", Model: digitsCNN(16), Loss: "cross_entropy", Optimizer: adam, Batch: 32, Data: data})
	if err != nil {
		b.Fatal(err)
	}
	defer tr.Close()
	for b.Loop() {
		if err := tr.Train(context.Background(), 1); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(tr.Info().StepsPerSec, "steps/s")
}
