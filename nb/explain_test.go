package nb_test

import (
	"strings"
	"testing"

	"github.com/metalnb/metalnb/datasets"
	"github.com/metalnb/metalnb/nb"
)

func TestExplain(t *testing.T) {
	iris := datasets.Iris()
	model := nb.Input(4).Dense(8).BatchNorm().ReLU().Dense(3)
	h := nb.NewTrainer("explained", model, nb.Config{Data: iris.Train})
	defer h.Drop()
	big := nb.Array(make([]float64, 100_000)) // goes through a file when it is computed
	for _, c := range []struct {
		x      any
		params int
		want   string
	}{
		{h, 4*8 + 8 + 8 + 8 + 8*3 + 3, "batch_norm_1"},
		{model, 4*8 + 8 + 8 + 8 + 8*3 + 3, "matmul + bias"},
		{nb.Arange(1000).Float().Exp().Sum(), 0, "exp"},
		{big.Add(1).Mul(2), 0, "fused 2: add mul"},
	} {
		e := nb.Explain(c.x)
		if e.Params != c.params || !e.Timed || len(e.Passes) < 5 || len(e.Kernels) == 0 || !strings.Contains(e.String(), c.want) {
			t.Errorf("want %d parameters and %q, got %d in\n%s", c.params, c.want, e.Params, e)
		}
	}
	if h.Steps() != 0 {
		t.Error("the explanation trained")
	}
	if e := raised(t, func() { nb.Explain(3) }); !strings.Contains(e.Message, "a int cannot be explained") {
		t.Errorf("got %v", e)
	}
}
