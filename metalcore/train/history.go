package train

import (
	"slices"

	"github.com/metalnb/metalnb/metalcore/metric"
)

// Metric is a measured number: "loss", or one of package metric.
type Metric = metric.Value

// Epoch is the record of one epoch. Train holds the means over its steps, each
// with the weights of its time; Valid those at its end.
type Epoch struct {
	N       int // from 1
	Steps   int
	Seconds float64 // spent on steps, validation not counted
	LR      float64 // of its last step
	Train   []Metric
	Valid   []Metric
}

// Point is the mean loss of the steps since the point before.
type Point struct {
	Step int64
	Loss float64
}

// maxPoints bounds the number of points that are kept.
const maxPoints = 1000

// history is what happened so far.
type history struct {
	epochs []Epoch
	points []Stretch
	stride int64 // steps that a point covers at least
}

// Stretch is a point before its sum is divided by the weight of its rows.
type Stretch struct {
	Step  int64 // the last one
	Steps int64
	Sum   float64 // of the losses
	Rows  float64 // their weight
}

// add records a slice of steps: its last step, the sum of its losses over the
// weight of its rows. When there are too many points, neighbours are merged.
func (h *history) add(step, steps int64, sum, rows float64) {
	p := Stretch{step, steps, sum, rows}
	if n := len(h.points); n > 0 && h.points[n-1].Steps < h.stride {
		h.points[n-1] = merge(h.points[n-1], p)
		return
	}
	h.points = append(h.points, p)
	if len(h.points) <= maxPoints {
		return
	}
	half := h.points[:0]
	for pair := range slices.Chunk(h.points, 2) {
		if len(pair) == 2 {
			pair[0] = merge(pair[0], pair[1])
		}
		half = append(half, pair[0])
	}
	h.points = half
	h.stride = max(h.stride, 1) * 2
}

func merge(a, b Stretch) Stretch {
	return Stretch{b.Step, a.Steps + b.Steps, a.Sum + b.Sum, a.Rows + b.Rows}
}

func (h *history) list() []Point {
	out := make([]Point, len(h.points))
	for i, p := range h.points {
		out[i] = Point{Step: p.Step}
		if p.Rows > 0 {
			out[i].Loss = p.Sum / p.Rows
		}
	}
	return out
}
