package render

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"
)

// The colours of charts and tables read on white and on a dark page.
const (
	colorTrain = "#3b82c4"
	colorValid = "#e07b39"
	colorGood  = "#2e9e5b"
	colorBad   = "#d1495b"
	colorText  = "#808080"
	colorLine  = "rgba(128,128,128,0.22)"
)

// The height of a chart and the width of its static picture, in CSS pixels.
const (
	chartWidth  = 760
	chartHeight = 280
)

// option is the JSON of the ECharts option of plots side by side. It may stand in
// an attribute between single quotes: encoding/json escapes the other signs that
// HTML knows.
func option(list []plot, x axis) (string, error) {
	line := charts.NewLine()
	line.XAxisList, line.YAxisList = nil, nil
	line.Animation, line.Theme = opts.Bool(false), ""
	line.Legend = opts.Legend{
		Top: "0", Right: "8", ItemWidth: 20, ItemHeight: 8,
		Data: legend(list), TextStyle: &opts.TextStyle{Color: colorText, FontSize: 12},
	}
	line.Tooltip = opts.Tooltip{Trigger: "axis", AxisPointer: &opts.AxisPointer{Type: "line"}}
	line.GridList = grids(len(list))
	for i, p := range list {
		line.ExtendXAxis(xAxis(i, x))
		line.ExtendYAxis(yAxis(i, p))
		for _, c := range p.curves {
			line.MultiSeries = append(line.MultiSeries, series(i, c))
		}
	}
	data, err := json.Marshal(line.JSON())
	return strings.ReplaceAll(string(data), "'", `\u0027`), err
}

// legend names each curve once: curves of one name in two plots are switched
// together.
func legend(list []plot) []string {
	var out []string
	seen := map[string]bool{}
	for _, p := range list {
		for _, c := range p.curves {
			if !seen[c.name] {
				seen[c.name] = true
				out = append(out, c.name)
			}
		}
	}
	return out
}

// grids places one or two plots.
func grids(n int) []opts.Grid {
	if n == 1 {
		return []opts.Grid{{Left: "46", Right: "16", Top: "40", Bottom: "36"}}
	}
	return []opts.Grid{
		{Left: "46", Right: "53%", Top: "40", Bottom: "36"},
		{Left: "55%", Right: "16", Top: "40", Bottom: "36"},
	}
}

func xAxis(grid int, x axis) opts.XAxis {
	out := opts.XAxis{
		Type: "value", GridIndex: grid, Min: x.from, Max: x.to, MinInterval: 1,
		Name: x.name, NameLocation: "middle", NameGap: 24,
		AxisLabel: &opts.AxisLabel{
			Color: colorText, Margin: 9, HideOverlap: opts.Bool(true),
			ShowMinLabel: opts.Bool(true), ShowMaxLabel: opts.Bool(true),
		},
		AxisLine:  &opts.AxisLine{LineStyle: &opts.LineStyle{Color: colorText}},
		SplitLine: &opts.SplitLine{Show: opts.Bool(false)},
	}
	if x.log {
		out.Type, out.MinInterval = "log", 0
	}
	return out
}

// yAxis starts at zero for losses; others, such as an accuracy that stays near
// one, show the part where the points are.
func yAxis(grid int, p plot) opts.YAxis {
	axis := opts.YAxis{
		Type: "value", GridIndex: grid, Name: p.title, SplitNumber: 4,
		Scale:     opts.Bool(p.title != "loss"),
		AxisLabel: &opts.AxisLabel{Color: colorText, ShowMinLabel: opts.Bool(true), ShowMaxLabel: opts.Bool(true)},
		AxisLine:  &opts.AxisLine{Show: opts.Bool(false), LineStyle: &opts.LineStyle{Color: colorText}},
		SplitLine: &opts.SplitLine{LineStyle: &opts.LineStyle{Color: colorLine}},
	}
	if p.title == "accuracy" {
		axis.Max = 1
	}
	return axis
}

func series(grid int, c curve) charts.SingleSeries {
	s := charts.SingleSeries{
		Name: c.name, Type: "line", XAxisIndex: grid, YAxisIndex: grid, Color: c.color,
		ShowSymbol: opts.Bool(!c.faint && len(c.xs) <= 30), Symbol: "circle", SymbolSize: 5, Data: pairs(c),
		LineStyle: &opts.LineStyle{Width: 2, Color: c.color},
	}
	if c.mark {
		s.SymbolSize = 10
	}
	if c.faint {
		s.Symbol, s.LineStyle.Width, s.LineStyle.Opacity = "none", 1, opts.Float(0.45)
		s.ItemStyle = &opts.ItemStyle{Opacity: opts.Float(0)} // no dot in the legend
	}
	return s
}

// pairs are the points of a curve as JSON; a gap is null.
func pairs(c curve) json.RawMessage {
	out := []byte{'['}
	for i, x := range c.xs {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, '[')
		out = appendNumber(out, x)
		out = append(out, ',')
		out = appendNumber(out, c.ys[i])
		out = append(out, ']')
	}
	return append(out, ']')
}

// appendNumber writes five significant digits, more than any screen shows.
func appendNumber(out []byte, x float64) []byte {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return append(out, "null"...)
	}
	return strconv.AppendFloat(out, x, 'g', 5, 64)
}
