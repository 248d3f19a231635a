package train

import (
	"testing"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
)

// TestRowsKeepTheirType: the digits as bytes, 0 to 16, train a model as they do
// as floats, in a quarter of the memory.
func TestRowsKeepTheirType(t *testing.T) {
	data, _ := split(t, "digits")
	pixels := data.X.Numbers()
	weights := map[ir.DType][]float32{}
	for _, d := range ir.DTypes() {
		if d == ir.Bool {
			continue
		}
		x := feed.Array{DType: d, Shape: data.X.Shape}
		for _, p := range pixels {
			x.Data = ir.AppendElement(x.Data, d, 16*p)
		}
		set, err := feed.NewSet("typed", x, data.Y, nil)
		if err != nil {
			t.Fatal(err)
		}
		spec := irisSpec(t)
		spec.Model, spec.Data, spec.Valid = digitsCNN(2), set, set
		tr := trainer(t, device(t), spec)
		fit(t, tr, 1)
		if n := tr.machine.data.Table(0).X.Len(); n != int64(len(pixels)*d.Size()) {
			t.Errorf("%v: the rows take %d bytes on the device", d, n)
		}
		weights[d] = numbersOf(t, tr)
		y, err := tr.Predict(set.X.Slice(0, 3), false)
		if err != nil || y.Len() != 3 {
			t.Errorf("%v: predict: %v, %v", d, y, err)
		}
	}
	for d, w := range weights {
		if !alike(w, weights[ir.F32], 0) {
			t.Errorf("trained on %v the weights are others than on f32", d)
		}
	}
}
