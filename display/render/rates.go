package render

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// ratesRows is how many rates the text of a range test lists.
const ratesRows = 10

// Rates returns the chart of a learning rate range test of a trainer, under one
// display ID while the test goes on. Losses far above the others are gaps.
func (r *Renderer) Rates(id, name string, c *wire.LRCurve, final bool) []wire.Item {
	notes := slices.DeleteFunc([]string{suggested(c), c.Note}, func(s string) bool { return s == "" })
	page := fmt.Sprintf(`<div class="head"><b>%s</b> <span>learning rates</span> <span class="dim">%s</span></div>`+"\n",
		esc(name), esc(strings.Join(notes, " · ")))
	text := plain(strings.Join(append([]string{name + ": learning rates"}, notes...), ", ")) + "\n"
	if len(c.Rates) < 2 {
		return bundle(frame(page), nil, text)
	}
	list, x := []plot{ratesPlot(c)}, ratesAxis(c)
	var picture []byte
	inside := ""
	if final {
		picture = chartPNG(list, x)
		inside = img(picture, chartWidth, chartHeight, "losses of "+name+" over the learning rate")
		text += "\n" + ratesTable(c).text()
	}
	page += slot(id, list, x, inside)
	return bundle(frame(page)+"<script>"+wake+"</script>\n", picture, text)
}

func suggested(c *wire.LRCurve) string {
	if c.Suggestion == 0 {
		return ""
	}
	return "suggested " + short3(c.Suggestion)
}

// short3 writes a rate with three digits: the test does not know more.
func short3(x float64) string { return fmt.Sprintf("%.3g", x) }

// ratesAxis ends at powers of ten.
func ratesAxis(c *wire.LRCurve) axis {
	power := func(x float64) float64 { return math.Pow(10, x) }
	return axis{name: "learning rate", log: true,
		from: power(math.Floor(math.Log10(c.Rates[0]) + 1e-9)), to: power(math.Ceil(math.Log10(c.Rates[len(c.Rates)-1]) - 1e-9))}
}

func ratesPlot(c *wire.LRCurve) plot {
	most := mostLoss(c)
	steps := curve{name: "each step", color: colorTrain, faint: true, xs: c.Rates}
	mean := curve{name: "average", color: colorTrain, xs: c.Rates}
	mark := curve{name: suggested(c), color: colorValid, mark: true}
	for i, rate := range c.Rates {
		steps.ys = append(steps.ys, below(most, c.Losses[i]))
		mean.ys = append(mean.ys, below(most, c.Smooth[i]))
		if rate == c.Suggestion {
			mark.add(rate, mean.ys[i])
		}
	}
	p := plot{title: "loss", curves: []curve{steps.thin(), mean.thin()}}
	if len(mark.xs) > 0 {
		p.curves = append(p.curves, mark)
	}
	return p
}

// mostLoss is the largest loss that the chart shows: not much more than the averages
// before the lowest one, as those behind it may leave all others behind.
func mostLoss(c *wire.LRCurve) float64 {
	low := slices.Min(c.Smooth)
	high := slices.Max(c.Smooth[:max(slices.Index(c.Smooth, low), 0)+1])
	return high + max(high-low, math.Abs(high))/2
}

// below makes a gap of what is larger.
func below(most, x float64) float64 {
	if x > most {
		return math.NaN()
	}
	return finite(x)
}

// ratesTable has the averages at even distances, and the suggestion.
func ratesTable(c *wire.LRCurve) *table {
	t := &table{head: []string{"rate", "loss", ""}, right: []bool{true, true, false}}
	next := 0
	for i, rate := range c.Rates {
		mark := ""
		if rate == c.Suggestion {
			mark = "◂ suggested"
		}
		if i == next || mark != "" || i == len(c.Rates)-1 {
			t.add("", short3(rate), number(c.Smooth[i]), mark)
		}
		if i == next {
			next += max(1, len(c.Rates)/ratesRows)
		}
	}
	return t
}
