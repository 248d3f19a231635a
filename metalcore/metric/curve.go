package metric

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Curve is a course over all thresholds, from the highest, above which nothing
// is called positive, down to the lowest score. Equal scores are one point.
type Curve struct {
	X, Y       []float64
	Thresholds []float64 // scores of at least that are called positive; the first is +Inf
	Area       float64
}

// ROC is the receiver operating characteristic: X is the share of negatives
// and Y that of positives among the rows called positive. The area is the
// probability that a positive has a higher score than a negative, equal ones
// counting one half.
func ROC(scores []float64, positive []bool) (Curve, error) {
	steps, err := ladder(scores, positive)
	if err != nil {
		return Curve{}, err
	}
	last := steps[len(steps)-1]
	var c Curve
	for i, s := range steps {
		c.X, c.Y, c.Thresholds = append(c.X, s.fp/last.fp), append(c.Y, s.tp/last.tp), append(c.Thresholds, s.score)
		if i > 0 {
			c.Area += (c.X[i] - c.X[i-1]) * (c.Y[i] + c.Y[i-1]) / 2
		}
	}
	return c, nil
}

// PR is precision (Y) over recall (X). The area is the average precision: the
// sum over the thresholds of the gain in recall times the precision, which,
// unlike trapezoids, is not too optimistic.
func PR(scores []float64, positive []bool) (Curve, error) {
	steps, err := ladder(scores, positive)
	if err != nil {
		return Curve{}, err
	}
	last := steps[len(steps)-1]
	c := Curve{X: []float64{0}, Y: []float64{1}, Thresholds: []float64{math.Inf(1)}}
	for i, s := range steps[1:] {
		c.X, c.Y, c.Thresholds = append(c.X, s.tp/last.tp), append(c.Y, s.tp/(s.tp+s.fp)), append(c.Thresholds, s.score)
		c.Area += (c.X[i+1] - c.X[i]) * c.Y[i+1]
	}
	return c, nil
}

// rung counts the positives and negatives with at least a score.
type rung struct{ score, tp, fp float64 }

// ladder begins with no row and adds those of the next lower score.
func ladder(scores []float64, positive []bool) ([]rung, error) {
	if len(scores) != len(positive) {
		return nil, fmt.Errorf("a curve of %d scores and %d labels: give one label for each score", len(scores), len(positive))
	}
	order := make([]int, len(scores))
	for i, s := range scores {
		if math.IsNaN(s) {
			return nil, fmt.Errorf("score %d is NaN: scores must be numbers", i)
		}
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	list := []rung{{score: math.Inf(1)}}
	for k, i := range order {
		if k == 0 || scores[i] != scores[order[k-1]] {
			next := list[len(list)-1]
			next.score = scores[i]
			list = append(list, next)
		}
		at := &list[len(list)-1]
		if positive[i] {
			at.tp++
		} else {
			at.fp++
		}
	}
	if last := list[len(list)-1]; last.tp == 0 || last.fp == 0 {
		return nil, fmt.Errorf("a curve needs positive and negative rows: there are %v and %v", last.tp, last.fp)
	}
	return list, nil
}
