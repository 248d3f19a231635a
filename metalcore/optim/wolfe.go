package optim

import "math"

// Point is a place on a line: the step from its beginning, and the loss and its
// slope along the line there.
type Point struct{ T, Loss, Slope float64 }

// The constants of the strong Wolfe conditions: the loss falls by at least
// wolfeFall of what its slope at the beginning promises, and the slope becomes at
// most wolfeFlat of that slope.
const (
	wolfeFall = 1e-4
	wolfeFlat = 0.9
)

// line is a search along a line for a point that fulfils the strong Wolfe
// conditions.
type line struct {
	start  Point
	length float64 // of the longest element of the direction
	least  float64 // steps of an element below this are none
	most   int     // further evaluations
	at     func(t float64) (Point, error)

	evaluations int
}

// evaluate is at, with a loss that is not finite taken as one beyond all others.
func (l *line) evaluate(t float64) (Point, error) {
	l.evaluations++
	p, err := l.at(t)
	if math.IsNaN(p.Loss) || math.IsInf(p.Loss, 0) || math.IsNaN(p.Slope) || math.IsInf(p.Slope, 0) {
		p.Loss, p.Slope = math.Inf(1), math.Inf(1)
	}
	return p, err
}

func (l *line) tooHigh(p Point) bool { return p.Loss > l.start.Loss+wolfeFall*p.T*l.start.Slope }
func (l *line) flat(p Point) bool    { return math.Abs(p.Slope) <= -wolfeFlat*l.start.Slope }

// search goes from the beginning of the line outwards until it has the minimum
// between two points, and then narrows these two down (Nocedal and Wright,
// Numerical Optimization, algorithms 3.5 and 3.6, with the safeguards of
// PyTorch's LBFGS). It returns the best point.
func (l *line) search(t float64) (Point, error) {
	before := l.start
	p, err := l.evaluate(t)
	if err != nil {
		return p, err
	}
	for n := 0; ; n++ {
		switch {
		case n >= l.most:
			if p.Loss < l.start.Loss {
				return p, nil
			}
			return l.start, nil
		case l.tooHigh(p) || n > 1 && p.Loss >= before.Loss:
			return l.zoom(before, p, n)
		case l.flat(p):
			return p, nil
		case p.Slope >= 0:
			return l.zoom(before, p, n)
		}
		next := cubic(before, p, p.T+0.01*(p.T-before.T), 10*p.T)
		before = p
		if p, err = l.evaluate(next); err != nil {
			return p, err
		}
	}
}

// zoom narrows down two points with a good one between them, after n further
// evaluations. low is the one with the smaller loss.
func (l *line) zoom(low, high Point, n int) (Point, error) {
	if high.Loss < low.Loss {
		low, high = high, low
	}
	slow := false // the last point was close to an end
	for ; n < l.most && math.Abs(high.T-low.T)*l.length >= l.least; n++ {
		var t float64
		t, slow = inside(low, high, slow)
		p, err := l.evaluate(t)
		if err != nil {
			return p, err
		}
		if l.tooHigh(p) || p.Loss >= low.Loss {
			if high = p; high.Loss < low.Loss {
				low, high = high, low
			}
			continue
		}
		if l.flat(p) {
			return p, nil
		}
		if p.Slope*(high.T-low.T) >= 0 {
			high = low
		}
		low = p
	}
	return low, nil
}

// inside is the minimum of the cubic through two points, but a tenth of their
// distance away from the nearer end when it lies beyond the ends, or close to
// one for the second time.
func inside(a, b Point, slow bool) (t float64, nowSlow bool) {
	lo, hi := min(a.T, b.T), max(a.T, b.T)
	t = cubic(a, b, lo, hi)
	margin := 0.1 * (hi - lo)
	switch {
	case min(hi-t, t-lo) >= margin:
		return t, false
	case !slow && t < hi && t > lo:
		return t, true
	case hi-t < t-lo:
		return hi - margin, false
	}
	return lo + margin, false
}

// cubic is the minimum between lo and hi of the cubic with the losses and slopes
// of two points, and the middle where it has none.
func cubic(a, b Point, lo, hi float64) float64 {
	if a.T > b.T {
		a, b = b, a
	}
	d1 := a.Slope + b.Slope - 3*(a.Loss-b.Loss)/(a.T-b.T)
	square := d1*d1 - a.Slope*b.Slope
	if !(square >= 0) || math.IsInf(square, 0) {
		return (lo + hi) / 2
	}
	d2 := math.Sqrt(square)
	t := b.T - (b.T-a.T)*((b.Slope+d2-d1)/(b.Slope-a.Slope+2*d2))
	if math.IsNaN(t) {
		return (lo + hi) / 2
	}
	return min(max(t, lo), hi)
}
