package render

import (
	"fmt"
	"image"
	"math"
	"sort"
	"strconv"
	"strings"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// Prediction is one row of what Predictions shows.
type Prediction = wire.Prediction

// best is the number of classes shown for each row, beside the true one. Those
// that would read 0.0% are left out.
const best = 4

// Predictions returns a card for each row: its picture, the class predicted with
// a mark whether it is right, and the greatest probabilities as bars.
func (r *Renderer) Predictions(list []Prediction) ([]wire.Item, error) {
	if len(list) == 0 {
		return nil, fmt.Errorf("no prediction to show: give at least one row")
	}
	if len(list) > mostImages {
		return nil, fmt.Errorf("%d predictions are too many to look at: give at most %d", len(list), mostImages)
	}
	cards := make([]*card, len(list))
	for i, p := range list {
		c, err := newCard(p)
		if err != nil {
			return nil, fmt.Errorf("prediction %d: %w", i, err)
		}
		cards[i] = c
	}
	var page, text strings.Builder
	page.WriteString(`<div class="items">` + "\n")
	for _, c := range cards {
		page.WriteString(c.html())
		text.WriteString(c.text())
	}
	page.WriteString("</div>\n")
	return bundle(frame(page.String()), cardsPNG(cards), text.String()), nil
}

// card is a prediction made ready to be shown.
type card struct {
	picture *image.NRGBA // nil without
	title   string
	says    string // the predicted class
	truth   string // empty when unknown
	right   bool
	bars    []bar
}

type bar struct {
	class string
	prob  float64
	truth bool
}

func newCard(p Prediction) (*card, error) {
	n := len(p.Probs)
	switch {
	case n == 0:
		return nil, fmt.Errorf("no probabilities: give one for each class")
	case p.Classes != nil && len(p.Classes) != n:
		return nil, fmt.Errorf("%d class names for %d probabilities: give one for each", len(p.Classes), n)
	case p.Label < -1 || p.Label >= n:
		return nil, fmt.Errorf("label %d of %d classes: give 0 to %d, or -1 when it is unknown", p.Label, n, n-1)
	}
	c := &card{title: p.Title}
	if len(p.Image.Shape) > 0 {
		one := p.Image
		one.Shape = append([]int{1}, one.Shape...)
		m, err := pixels(one)
		if err != nil {
			return nil, err
		}
		c.picture = m[0]
	}
	name := func(i int) string {
		if p.Classes != nil {
			return p.Classes[i]
		}
		return strconv.Itoa(i)
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return rank(p.Probs[order[a]]) > rank(p.Probs[order[b]]) })
	for k, i := range order {
		if k == 0 || i == p.Label || k < best && p.Probs[i] >= 0.0005 {
			c.bars = append(c.bars, bar{name(i), p.Probs[i], i == p.Label})
		}
	}
	c.says = c.bars[0].class
	if p.Label >= 0 {
		c.truth, c.right = name(p.Label), order[0] == p.Label
	}
	return c, nil
}

// rank orders probabilities; what is no number comes last.
func rank(p float64) float64 {
	if math.IsNaN(p) {
		return math.Inf(-1)
	}
	return p
}

// verdict is the line over the bars and its colour.
func (c *card) verdict() (text, color string) {
	switch {
	case c.truth == "":
		return c.says, colorText
	case c.right:
		return "✓ " + c.says, colorGood
	}
	return "✗ " + c.says + ", is " + c.truth, colorBad
}

// length is the length of a bar, from 0 to 1.
func (b bar) length() float64 {
	if math.IsNaN(b.prob) {
		return 0
	}
	return max(0, min(1, b.prob))
}

// paint is the colour of a bar: the true class is green.
func (b bar) paint() string {
	if b.truth {
		return colorGood
	}
	return colorTrain
}

func (c *card) html() string {
	var b strings.Builder
	b.WriteString(`<div class="item">`)
	if m := c.picture; m != nil {
		side := enlarge(m, 72)
		big := newCanvas(m.Bounds().Dx()*side, m.Bounds().Dy()*side)
		big.paste(m, 0, 0, side)
		b.WriteString(img(big.png(), big.Bounds().Dx(), big.Bounds().Dy(), c.title))
	}
	verdict, color := c.verdict()
	b.WriteString("<div>")
	if c.title != "" {
		fmt.Fprintf(&b, `<div class="dim">%s</div>`, esc(c.title))
	}
	style := ""
	if c.truth != "" {
		style = fmt.Sprintf(` style="color:%s"`, color)
	}
	fmt.Fprintf(&b, `<div><b%s>%s</b></div>`+"\n"+`<table class="bars"><tbody>`+"\n", style, esc(verdict))
	for _, x := range c.bars {
		fmt.Fprintf(&b, `<tr><td align="right">%s</td><td><div class="bar" style="width:%.0fpx;background-color:%s"></div></td><td align="right">%s</td></tr>`+"\n",
			esc(x.class), 1+69*x.length(), x.paint(), percent(x.prob))
	}
	b.WriteString("</tbody></table></div></div>\n")
	return b.String()
}

func (c *card) text() string {
	verdict, _ := c.verdict()
	s := plain(verdict)
	if c.title != "" {
		s = plain(c.title) + ": " + s
	}
	var probs []string
	for _, x := range c.bars {
		probs = append(probs, plain(x.class)+" "+percent(x.prob))
	}
	return s + "  (" + strings.Join(probs, ", ") + ")\n"
}
