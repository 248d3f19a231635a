package metric

import (
	"slices"
	"strings"
)

// rates are the metrics that are made of a confusion matrix.
var rates = []string{"precision", "recall", "f1", "specificity", "npv"}

func isRate(name string) bool {
	return slices.Contains(rates, strings.TrimSuffix(strings.TrimSuffix(name, "_micro"), "_weighted"))
}

// Confusion counts which classes a model takes for which: Cells[i][j] rows of
// the class i were taken for the class j.
type Confusion struct{ Cells [][]int }

// NewConfusion makes a matrix of n classes of its cells, row after row.
func NewConfusion(n int, cells []float64) Confusion {
	c := Confusion{make([][]int, n)}
	for i := range c.Cells {
		c.Cells[i] = make([]int, n)
		for j := range c.Cells[i] {
			c.Cells[i][j] = int(cells[i*n+j])
		}
	}
	return c
}

// Class is how well one class is told from the others. What would be a share
// of nothing is 0.
type Class struct {
	Precision   float64 // of the rows taken for it, the share that is right
	Recall      float64 // of its rows, the share that was found
	F1          float64 // harmonic mean of these two
	Specificity float64 // of the other classes' rows, the share not taken for it
	NPV         float64 // of the rows not taken for it, the share that is right
	Support     int     // rows of the class
}

// tally is true and false, positive and negative.
type tally struct{ tp, fp, tn, fn float64 }

func (t tally) class() Class {
	return Class{Precision: ratio(t.tp, t.tp+t.fp), Recall: ratio(t.tp, t.tp+t.fn), F1: ratio(2*t.tp, 2*t.tp+t.fp+t.fn),
		Specificity: ratio(t.tn, t.tn+t.fp), NPV: ratio(t.tn, t.tn+t.fn), Support: int(t.tp + t.fn)}
}

func (c Confusion) tallies() []tally {
	list := make([]tally, len(c.Cells))
	all := 0
	for i, row := range c.Cells {
		for j, n := range row {
			all += n
			if i == j {
				list[i].tp += float64(n)
				continue
			}
			list[i].fn += float64(n)
			list[j].fp += float64(n)
		}
	}
	for i := range list {
		t := &list[i]
		t.tn = float64(all) - t.tp - t.fp - t.fn
	}
	return list
}

// Classes tells how well each class is told from the others.
func (c Confusion) Classes() []Class {
	var list []Class
	for _, t := range c.tallies() {
		list = append(list, t.class())
	}
	return list
}

// Accuracy is the share of rows that were taken for what they are.
func (c Confusion) Accuracy() float64 {
	hits := 0.0
	rows := 0
	for i, class := range c.Classes() {
		hits += float64(c.Cells[i][i])
		rows += class.Support
	}
	return ratio(hits, float64(rows))
}

// Macro is the mean over the classes, each with the same weight.
func (c Confusion) Macro() Class { return c.mean(func(Class) float64 { return 1 }) }

// Weighted is the mean over the classes, each with its number of rows.
func (c Confusion) Weighted() Class {
	return c.mean(func(k Class) float64 { return float64(k.Support) })
}

// Micro counts the decisions about all classes together.
func (c Confusion) Micro() Class {
	var sum tally
	for _, t := range c.tallies() {
		sum = tally{sum.tp + t.tp, sum.fp + t.fp, sum.tn + t.tn, sum.fn + t.fn}
	}
	return sum.class()
}

func (c Confusion) mean(weight func(Class) float64) Class {
	var m Class
	all := 0.0
	for _, k := range c.Classes() {
		w := weight(k)
		all += w
		m.Precision += w * k.Precision
		m.Recall += w * k.Recall
		m.F1 += w * k.F1
		m.Specificity += w * k.Specificity
		m.NPV += w * k.NPV
		m.Support += k.Support
	}
	for _, x := range []*float64{&m.Precision, &m.Recall, &m.F1, &m.Specificity, &m.NPV} {
		*x = ratio(*x, all)
	}
	return m
}

// rate is the metric of that name; of two classes told apart by one output it
// is that of the class 1.
func (c Confusion) rate(name string, binary bool) float64 {
	base, micro := strings.CutSuffix(name, "_micro")
	base, weighted := strings.CutSuffix(base, "_weighted")
	var k Class
	switch {
	case micro:
		k = c.Micro()
	case weighted:
		k = c.Weighted()
	case binary:
		k = c.Classes()[1]
	default:
		k = c.Macro()
	}
	switch base {
	case "precision":
		return k.Precision
	case "recall":
		return k.Recall
	case "f1":
		return k.F1
	case "specificity":
		return k.Specificity
	}
	return k.NPV
}
