package render_test

import (
	"math"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/display/render"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// rangeTest is a loss that falls from rates of 0.001 on and then explodes.
func rangeTest() *wire.LRCurve {
	c := &wire.LRCurve{Note: "the loss grew beyond 4 times its lowest value at a rate of 3.2"}
	for i := range 31 {
		rate := math.Pow(10, float64(i)/5-6)
		loss := 2 / (1 + rate/0.01)
		if i == 30 {
			loss = 1e30
		}
		c.Rates, c.Losses, c.Smooth = append(c.Rates, rate), append(c.Losses, loss*(1+0.1*float64(i%2))), append(c.Smooth, loss)
	}
	c.Suggestion = c.Rates[21]
	return c
}

func TestRates(t *testing.T) {
	r := render.New()
	items := r.Rates("metalnb-1-rates-0", "digits", rangeTest(), true)
	golden(t, "rates", items)
	o := option(t, items)
	if len(o.Series) != 3 || o.Series[2].Name != "suggested 0.0158" || len(o.Series[2].Data) != 1 || *o.Series[2].Data[0][0] != 0.015849 {
		t.Errorf("%+v", o.Series)
	}
	for _, s := range o.Series[:2] {
		if last := s.Data[30][1]; last != nil || s.Data[29][1] == nil {
			t.Errorf("of %s, the loss that exploded is drawn at %v", s.Name, last)
		}
	}
	m := picture(t, items)
	if n := colored(m, 0xe0, 0x7b, 0x39); n < 50 {
		t.Errorf("%d pixels of the suggestion", n)
	}
}

func TestRatesOfAllKinds(t *testing.T) {
	r := render.New()
	short, none, minus := rangeTest(), rangeTest(), rangeTest()
	short.Rates, short.Losses, short.Smooth = short.Rates[:1], short.Losses[:1], short.Smooth[:1]
	none.Suggestion, none.Losses[3], none.Smooth[3], none.Smooth[4] = 0, math.NaN(), math.Inf(1), math.NaN()
	for i := range minus.Losses {
		minus.Losses[i] *= -1
		minus.Smooth[i] *= -1
	}
	for name, c := range map[string]*wire.LRCurve{"nothing": {}, "one": short, "none suggested": none, "negative": minus} {
		for _, final := range []bool{false, true} {
			items := r.Rates("x", evil, c, final)
			harmless(t, items)
			if final && len(c.Rates) > 1 {
				picture(t, items)
			}
			if text := string(part(items, "text/plain")); !strings.Contains(text, "learning rates") {
				t.Errorf("%s: %s", name, text)
			}
		}
	}
}
