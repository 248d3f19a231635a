package render

import (
	"path/filepath"
	"strconv"
	"strings"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// palette are the colors of trainers side by side.
var palette = []string{colorTrain, colorValid, colorGood, colorBad, "#8e6bbf", "#c2a633", "#3aa6a6", colorText}

// Compare returns the chart of several trainings, a curve for each, and the table
// of where they stand. Their Info.Name tells them apart; of names that are there
// twice more of the path is shown.
func (r *Renderer) Compare(runs []wire.Run) []wire.Item {
	called := labels(runs)
	var list []plot
	for _, name := range compared(runs) {
		p := plot{title: name}
		for i, run := range runs {
			p.curves = append(p.curves, measuredCurve(run, name, called[i], palette[i%len(palette)]))
		}
		list = append(list, p)
	}
	t := compareTable(runs, called)
	if len(list) == 0 {
		return bundle(frame(noEpoch+t.html()), nil, t.text())
	}
	end := 1.0
	for _, run := range runs {
		end = max(end, float64(run.Info.Epoch))
	}
	picture := chartPNG(list, epochs(end))
	page := slot("compare "+strings.Join(called, " "), list, epochs(end), img(picture, chartWidth, chartHeight, "trainings side by side"))
	return bundle(frame(page+t.html())+"<script>"+wake+"</script>\n", picture, t.text())
}

// compared are the metrics that the chart is of: the loss, and the first other one.
func compared(runs []wire.Run) (list []string) {
	for _, run := range runs {
		for _, name := range names(run.Epochs, false) {
			if len(list) == 0 || len(list) == 1 && name != list[0] {
				list = append(list, name)
			}
		}
	}
	return list
}

// measuredCurve is a metric of each epoch, on the validation data if there are any.
func measuredCurve(run wire.Run, name, label, color string) curve {
	c := curve{name: label, color: color}
	for _, e := range run.Epochs {
		list := e.Valid
		if len(list) == 0 {
			list = e.Train
		}
		c.add(float64(e.N), metric(list, name))
	}
	return c.thin()
}

// labels are the names of the runs, or their paths where names are not enough.
func labels(runs []wire.Run) []string {
	seen := map[string]int{}
	for _, run := range runs {
		seen[filepath.Base(run.Info.Name)]++
	}
	out := make([]string, len(runs))
	for i, run := range runs {
		out[i] = filepath.Base(run.Info.Name)
		if seen[out[i]] > 1 {
			out[i] = filepath.Join(filepath.Base(filepath.Dir(run.Info.Name)), out[i])
		}
	}
	return out
}

func compareTable(runs []wire.Run, called []string) *table {
	metrics := compared(runs)
	t := &table{head: []string{"trainer", "state", "epoch", "steps"}, right: []bool{false, false, true, true}}
	for _, name := range metrics {
		t.head, t.right = append(t.head, name, "val "+name), append(t.right, true, true)
	}
	for _, head := range []string{"best epoch", "lr", "seconds"} {
		t.head, t.right = append(t.head, head), append(t.right, true)
	}
	for i, run := range runs {
		cells := []string{called[i], run.Info.State, strconv.Itoa(run.Info.Epoch), count(int(run.Info.Step))}
		for _, name := range metrics {
			cells = append(cells, cellOf(run.Info.Last.Train, name), cellOf(run.Info.Last.Valid, name))
		}
		best, seconds := "", 0.0
		if at := bestEpoch(run.Epochs); at >= 0 {
			best = strconv.Itoa(run.Epochs[at].N)
		}
		for _, e := range run.Epochs {
			seconds += e.Seconds
		}
		t.add("", append(cells, best, short(run.Info.LR), strconv.FormatFloat(seconds, 'f', 2, 64))...)
	}
	return t
}
