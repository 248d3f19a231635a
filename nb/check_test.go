package nb_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/nb"
)

// Config.Check names the op, the layer and the user's line that made the first
// number that is not finite, although the loss is; and it can be switched on and
// off while the trainer goes on.
func TestCheck(t *testing.T) {
	x := [][]float64{{1}, {2}, {3}, {400}} // exp(400) is too large
	data := nb.Data("steep", x, []float64{0, 0, 0, 0})
	_, _, line, _ := runtime.Caller(0)
	h := nb.Input(1).Exp().Named("steep")
	model := h.Minimum(5).Dense(1)
	declare := func(check bool) *nb.Trainer {
		return nb.NewTrainer("checked", model, nb.Config{Data: data, Batch: 1, Ordered: true, Optimizer: nb.SGD{LR: 1e-4}, Check: check})
	}
	declare(false).Fit(1)
	e := raised(t, func() { declare(true).Fit(1) })
	want := fmt.Sprintf("check_test.go:%d)", line+1)
	if e.Code != nb.CodeDiverged || !strings.Contains(e.Message, "a value of step 8") || !strings.Contains(e.Message, "exp of layer steep (") || !strings.Contains(e.Message, want) {
		t.Errorf("want %q, got %v", want, e)
	}
	again := declare(false)
	defer again.Drop()
	again.Fit(1)
	if n := again.Steps(); n != 8 {
		t.Errorf("%d steps after 2 epochs of 4", n)
	}
}
