package nb

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// TestSpans holds every start, limit and step, within and outside of an axis,
// against Python, see testdata/tensors.py.
func TestSpans(t *testing.T) {
	text, err := os.ReadFile("testdata/spans.json")
	if err != nil {
		t.Fatal(err)
	}
	var spans map[int][]string
	if err := json.Unmarshal(text, &spans); err != nil || len(spans) != 3 {
		t.Fatal(err, len(spans))
	}
	places := []string{""}
	for i := -6; i < 7; i++ {
		places = append(places, strconv.Itoa(i))
	}
	for n, want := range spans {
		c := &cutter{t: &Tensor{v: ir.Input("x", ir.F32, n)}}
		for _, start := range places {
			for _, limit := range places {
				for _, step := range []int{-3, -1, 1, 2} {
					span := fmt.Sprint(start, ":", limit, ":", step)
					if got := taken(c.span(span, 0)); got != want[0] {
						t.Errorf("%s of %d elements takes %q, Python %q", span, n, got, want[0])
					}
					want = want[1:]
				}
			}
		}
	}
}

// taken lists what a pick takes, in its order.
func taken(p pick) (out string) {
	for i := p.start; i < p.limit; i += max(p.step, -p.step) {
		if p.step < 0 {
			out = strconv.Itoa(i) + out
		} else {
			out += strconv.Itoa(i)
		}
	}
	return out
}
