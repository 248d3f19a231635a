package bench

import (
	"math"
	"testing"

	"github.com/metalnb/metalnb/metalcore/train"
)

// TestFLOPs holds the count against figures made by hand, which have three
// digits or two.
func TestFLOPs(t *testing.T) {
	want := map[string]float64{"W1": 13.1e6, "W2": 308e6, "W3": 227e6, "W4": 507e6, "W5": 6.7e3, "W6": 705e6}
	for _, work := range workloads {
		got, err := stepFLOPs(work.graph(), train.OutputName, work.batch)
		if err != nil {
			t.Fatal(err)
		}
		if w, ok := want[work.name]; ok && math.Abs(got/w-1) > 0.01 {
			t.Errorf("%s: %.4g FLOPs, by hand %.4g", work.name, got, w)
		}
		delete(want, work.name)
	}
	if len(want) > 0 {
		t.Errorf("no workload for %v", want)
	}
}
