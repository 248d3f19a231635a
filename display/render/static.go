package render

import (
	"math"
	"strconv"

	"github.com/go-analyze/charts"
)

// sharp is the number of pixels of a picture for each CSS pixel.
const sharp = 2

// chartPNG draws plots side by side as the living chart shows them.
func chartPNG(list []plot, x axis) []byte {
	p := charts.NewPainter(charts.PainterOptions{
		OutputFormat: charts.ChartOutputPNG, Width: chartWidth * sharp, Height: chartHeight * sharp,
	})
	d := &drawing{p: p}
	d.legend(list)
	width := chartWidth / float64(len(list))
	for i, one := range list {
		left := float64(i) * width
		d.plot(one, area{left + 46, 40, left + width - 16, chartHeight - 38}, x)
	}
	data, err := p.Bytes()
	if err != nil {
		return nil
	}
	return data
}

// drawing draws in CSS pixels.
type drawing struct{ p *charts.Painter }

// lettering is the style of all texts of a chart.
var lettering = charts.FontStyle{FontSize: 8.5 * sharp, FontColor: charts.ParseColor(colorText)}

// area is the inside of a plot.
type area struct{ left, top, right, bottom float64 }

func px(x float64) int { return int(math.Round(x * sharp)) }

// text draws at the baseline; align is 0 for left, 0.5 for centred, 1 for right.
func (d *drawing) text(s string, x, y, align float64) {
	d.p.Text(s, px(x-align*d.width(s)), px(y), 0, lettering)
}

func (d *drawing) width(s string) float64 {
	return float64(d.p.MeasureText(s, 0, lettering).Width()) / sharp
}

func (d *drawing) line(x1, y1, x2, y2 float64, color string, width float64) {
	d.p.LineStroke([]charts.Point{{X: px(x1), Y: px(y1)}, {X: px(x2), Y: px(y2)}}, charts.ParseColor(color), width*sharp)
}

// legend names the curves at the top right.
func (d *drawing) legend(list []plot) {
	colors := map[string]curve{}
	for _, p := range list {
		for _, c := range p.curves {
			colors[c.name] = c
		}
	}
	names := legend(list)
	x := chartWidth - 16.0
	for i := len(names) - 1; i >= 0; i-- {
		c := colors[names[i]]
		x -= d.width(names[i])
		d.text(names[i], x, 16, 0)
		d.p.LineStroke([]charts.Point{{X: px(x - 26), Y: px(12)}, {X: px(x - 6), Y: px(12)}}, ink(c), stroke(c)*sharp)
		if !c.faint {
			d.p.Circle(2.5*sharp, px(x-16), px(12), ink(c), ink(c), 1)
		}
		x -= 38
	}
}

// plot draws one plot with its axes.
func (d *drawing) plot(p plot, a area, x axis) {
	low, high, step := bounds(p)
	toX := func(at float64) float64 { return a.left + x.share(at)*(a.right-a.left) }
	toY := func(y float64) float64 { return a.bottom - (y-low)/(high-low)*(a.bottom-a.top) }
	for i := range int(math.Round(min((high-low)/step, 12))) + 1 {
		y := low + float64(i)*step
		d.line(a.left, toY(y), a.right, toY(y), colorLine, 1)
		d.text(tick(y, step), a.left-6, toY(y)+4, 1)
	}
	d.line(a.left, a.bottom, a.right, a.bottom, colorText, 1)
	for _, at := range x.ticks() {
		d.line(toX(at.x), a.bottom, toX(at.x), a.bottom+4, colorText, 1)
		d.text(at.label, toX(at.x), a.bottom+17, 0.5)
	}
	d.text(x.name, (a.left+a.right)/2, a.bottom+31, 0.5)
	d.text(p.title, a.left, a.top-12, 0.5)
	for _, c := range p.curves {
		d.curve(c, toX, toY)
	}
}

// curve draws the parts between gaps; a part of one point is a dot.
func (d *drawing) curve(c curve, toX, toY func(float64) float64) {
	var part []charts.Point
	flush := func() {
		if len(part) > 1 {
			d.p.LineStroke(part, ink(c), stroke(c)*sharp)
		}
		if len(part) == 1 || !c.faint && len(c.xs) <= 30 {
			for _, at := range part {
				d.p.Circle(radius(c)*sharp, at.X, at.Y, ink(c), ink(c), 1)
			}
		}
		part = nil
	}
	for i, x := range c.xs {
		if math.IsNaN(c.ys[i]) {
			flush()
			continue
		}
		part = append(part, charts.Point{X: px(toX(x)), Y: px(toY(c.ys[i]))})
	}
	flush()
}

// ink is the colour of a curve's line, stroke its width.
func ink(c curve) charts.Color {
	color := charts.ParseColor(c.color)
	if c.faint {
		return color.WithAlpha(115)
	}
	return color
}

func stroke(c curve) float64 {
	if c.faint {
		return 1
	}
	return 2
}

func radius(c curve) float64 {
	if c.mark {
		return 5
	}
	return 2.5
}

// share is how far along the axis a point is, from 0 to 1.
func (x axis) share(at float64) float64 {
	if x.log {
		return math.Log(at/x.from) / math.Log(x.to/x.from)
	}
	return (at - x.from) / (x.to - x.from)
}

type label struct {
	x     float64
	label string
}

// ticks are round numbers along the axis: powers of ten on a logarithmic one.
func (x axis) ticks() (list []label) {
	if x.log {
		first, last := math.Ceil(math.Log10(x.from)-1e-9), math.Floor(math.Log10(x.to)+1e-9)
		for at := first; at <= last; at += math.Ceil((last - first + 1) / 12) {
			list = append(list, label{math.Pow(10, at), short(math.Pow(10, at))})
		}
		return list
	}
	every := max(1, niceStep((x.to-x.from)/5))
	for at := x.from; at <= x.to+1e-9; at += every {
		list = append(list, label{at, tick(at, every)})
	}
	return list
}

// bounds are the ends of the y axis and the step of its labels: round numbers
// around all points.
func bounds(p plot) (low, high, step float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, c := range p.curves {
		for _, y := range c.ys {
			if !math.IsNaN(y) {
				low, high = min(low, y), max(high, y)
			}
		}
	}
	if low > high {
		low, high = 0, 1
	}
	if p.title == "loss" {
		low = min(low, 0)
	}
	if p.title == "accuracy" {
		high = max(high, 1)
	}
	if high <= low || math.IsInf(high-low, 0) {
		low, high = low-max(math.Abs(low), 1e-9)/2, low+max(math.Abs(low), 1e-9)/2
	}
	step = niceStep((high - low) / 4)
	return math.Floor(low/step+1e-9) * step, math.Ceil(high/step-1e-9) * step, step
}

// niceStep rounds to 1, 2, 3 or 5 times a power of ten, as ECharts does, so that
// both charts have the same axes.
func niceStep(x float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(x)))
	switch f := x / power; {
	case f < 1.5:
		return power
	case f < 2.5:
		return 2 * power
	case f < 4:
		return 3 * power
	case f < 7:
		return 5 * power
	}
	return 10 * power
}

// tick writes the label of an axis with the decimals that its step has.
func tick(x, step float64) string {
	if math.Abs(x) >= 1e6 || step < 1e-5 {
		return strconv.FormatFloat(x, 'g', 3, 64)
	}
	return strconv.FormatFloat(x, 'f', max(0, -int(math.Floor(math.Log10(step)+1e-9))), 64)
}
