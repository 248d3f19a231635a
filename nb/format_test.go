package nb

import (
	"encoding/json"
	"os"
	"strconv"
	"testing"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// The texts are what NumPy printed, see testdata/numpy_print.py.
func TestPrintsLikeNumPy(t *testing.T) {
	data, err := os.ReadFile("testdata/numpy_print.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Shape  []int
		DType  string
		Values []string
		Text   string
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		values := make([]float64, len(c.Values))
		for i, v := range c.Values {
			if values[i], err = strconv.ParseFloat(v, 64); err != nil {
				t.Fatal(err)
			}
		}
		dtype, err := ir.ParseDType(c.DType)
		if err != nil {
			t.Fatal(err)
		}
		if got := formatArray(values, c.Shape, dtype); got != c.Text {
			t.Errorf("shape %v:\n%s\nNumPy prints\n%s", c.Shape, got, c.Text)
		}
	}
}
