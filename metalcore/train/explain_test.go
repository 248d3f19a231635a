package train

import (
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/compile"
)

// A step is explained with measured times, and nothing is trained by that: the
// run goes on as if nobody had asked.
func TestExplainTrainsNothing(t *testing.T) {
	dev := device(t)
	asked, other := trainer(t, dev, irisSpec(t)), trainer(t, dev, irisSpec(t))
	fit(t, asked, 2)
	fit(t, other, 2)
	before := live(dev)
	e, err := asked.Explain(t.Context(), compile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if live(dev) != before {
		t.Errorf("%d bytes are left", live(dev)-before)
	}
	if !e.Timed || e.Total().Time <= 0 || e.Params != 4*16+16+16*3+3 || !strings.Contains(e.Name, "step of 16 rows") {
		t.Errorf("got %+v", e)
	}
	for _, want := range []string{"matmul + bias relu", "dense_1", "softmax_cross_entropy"} {
		if !strings.Contains(e.String(), want) {
			t.Errorf("the explanation lacks %q:\n%s", want, e)
		}
	}
	fit(t, asked, 2)
	fit(t, other, 2)
	if weights(t, asked) != weights(t, other) {
		t.Error("the explanation changed the training")
	}
	apart, err := asked.Explain(t.Context(), compile.Options{Skip: []string{"fuse"}})
	if err != nil || len(apart.Kernels) <= len(e.Kernels) {
		t.Errorf("%d kernels without fusion, %d with it: %v", len(apart.Kernels), len(e.Kernels), err)
	}
	if _, err := asked.Explain(t.Context(), compile.Options{Skip: []string{"none"}}); err == nil || !strings.Contains(err.Error(), "no pass") {
		t.Errorf("a pass that is not there: %v", err)
	}
}
