package render

import (
	"math"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// most is the number of points that a curve may have: more than a screen has
// columns for it would only make the notebook larger.
const most = 300

// curve is a line of a chart; a y that is not finite is a gap.
type curve struct {
	name  string
	color string
	faint bool // the noisy line of single steps
	mark  bool // a point to look at
	xs    []float64
	ys    []float64
}

// axis is the x axis that plots have in common.
type axis struct {
	name     string
	from, to float64
	log      bool
}

func epochs(end float64) axis { return axis{name: "epoch", to: end} }

// plot is one of the charts that stand side by side.
type plot struct {
	title  string
	curves []curve
}

// plots returns the chart of the loss and, where an epoch has another metric,
// the chart of the first one.
func plots(run wire.Run) []plot {
	steps := curve{name: "each step", color: colorTrain, faint: true}
	per := float64(max(run.Info.StepsPerEpoch, 1))
	for _, p := range run.Points {
		steps.xs = append(steps.xs, float64(p.Step)/per)
		steps.ys = append(steps.ys, finite(p.Loss))
	}
	all := []plot{{title: "loss", curves: append([]curve{steps.thin()}, curves(run, "loss")...)}}
	for _, name := range names(run.Epochs, false) {
		if name != "loss" {
			return append(all, plot{title: name, curves: curves(run, name)})
		}
	}
	return all
}

// curves returns one metric of each epoch, on the training and the validation
// data.
func curves(run wire.Run, name string) []curve {
	train := curve{name: "train", color: colorTrain}
	valid := curve{name: "validation", color: colorValid}
	for _, e := range run.Epochs {
		x := float64(e.N)
		train.add(x, metric(e.Train, name))
		valid.add(x, metric(e.Valid, name))
	}
	out := []curve{train.thin()}
	if run.Info.Valid.Rows > 0 || len(names(run.Epochs, true)) > 0 {
		out = append(out, valid.thin())
	}
	return out
}

func (c *curve) add(x, y float64) {
	c.xs = append(c.xs, x)
	c.ys = append(c.ys, y)
}

// thin returns the curve with at most most points: the first and the last as
// they are, means of equal shares of the rest between them.
func (c curve) thin() curve {
	n := len(c.xs)
	if n <= most {
		return c
	}
	out := c
	out.xs, out.ys = []float64{c.xs[0]}, []float64{c.ys[0]}
	for i := range most - 2 {
		from, to := 1+i*(n-2)/(most-2), 1+(i+1)*(n-2)/(most-2)
		out.add(mean(c.xs[from:to]), mean(c.ys[from:to]))
	}
	out.add(c.xs[n-1], c.ys[n-1])
	return out
}

// mean is the mean of the finite numbers, NaN when there is none.
func mean(xs []float64) float64 {
	sum, n := 0.0, 0.0
	for _, x := range xs {
		if !math.IsNaN(x) {
			sum += x
			n++
		}
	}
	return finite(sum / n)
}

// finite returns x, or NaN when x is infinite or so near to it that an axis
// around it would be.
func finite(x float64) float64 {
	if math.Abs(x) > 1e300 {
		return math.NaN()
	}
	return x
}

// metric looks a metric up by name; it is NaN when it was not measured.
func metric(list []wire.Metric, name string) float64 {
	for _, m := range list {
		if m.Name == name {
			return finite(m.Value)
		}
	}
	return math.NaN()
}

// names lists the metrics of all epochs, in the order in which they appear.
func names(epochs []wire.Epoch, valid bool) []string {
	var out []string
	seen := map[string]bool{}
	for _, e := range epochs {
		list := e.Train
		if valid {
			list = e.Valid
		}
		for _, m := range list {
			if !seen[m.Name] {
				seen[m.Name] = true
				out = append(out, m.Name)
			}
		}
	}
	return out
}

// span returns the right end of the x axis. While training it is the goal when
// that is near, else a round number of epochs beyond the last point, so that
// the axis seldom moves.
func span(run wire.Run, plots []plot) float64 {
	last := 1.0
	for _, p := range plots {
		for _, c := range p.curves {
			if n := len(c.xs); n > 0 {
				last = max(last, c.xs[n-1])
			}
		}
	}
	last = math.Ceil(last)
	goal := float64(run.Info.Goal)
	switch {
	case !run.Info.Training() || goal < last:
		return last
	case goal <= 10 || goal <= 2*last:
		return goal
	}
	end := 10.0
	for i := 0; end < last; i++ {
		end *= []float64{2, 2.5, 2}[i%3]
	}
	return min(end, goal)
}
