package nb

import "github.com/metalnb/metalnb/metalcore/wire"

// Report tells how well a classifier tells the classes apart. It prints as
// scikit-learn's classification_report does.
type Report struct {
	Classes                []string // their names
	Confusion              [][]int  // rows of class i that were taken for class j
	PerClass               []Rates
	Macro, Micro, Weighted Rates // means over classes, over decisions, and over rows
	text                   string
}

// Rates is how well one class is told from the others.
type Rates struct {
	Precision   float64 // of the rows taken for it, the share that is right
	Recall      float64 // of its rows, the share that was found
	F1          float64 // harmonic mean of these two
	Specificity float64 // of the other classes' rows, the share not taken for it
	NPV         float64 // of the rows not taken for it, the share that is right
	Support     int     // rows of the class
}

// String prints the report as a table.
func (r Report) String() string { return r.text }

// Report measures how well the trainer tells the classes of data apart.
func (t *Trainer) Report(data *Dataset) Report {
	if data == nil {
		argument("like t.Report(digits.Test)", "no data to report on")
	}
	w := ask[wire.Report](t, &wire.AskReport{Trainer: t.spec.Name, Data: data.Ref()})
	out := Report{Classes: w.Classes, text: w.Text}
	n := len(w.Rates) - 3
	for i := range n {
		out.Confusion = append(out.Confusion, w.Cells[i*n:(i+1)*n])
		out.PerClass = append(out.PerClass, Rates(w.Rates[i]))
	}
	out.Macro, out.Micro, out.Weighted = Rates(w.Rates[n]), Rates(w.Rates[n+1]), Rates(w.Rates[n+2])
	return out
}

// Curve is a course over all thresholds of a score; rows with at least that
// score are called positive. Area is that under the curve.
type Curve struct {
	X, Y, Thresholds []float64
	Area             float64
}

// ROC is the receiver operating characteristic of one class against the
// others: the share of true positives (Y) over that of false ones (X).
func (t *Trainer) ROC(data *Dataset, class int) Curve { return t.curve(data, "roc", class) }

// PR is precision (Y) over recall (X) of one class against the others; its
// area is the average precision.
func (t *Trainer) PR(data *Dataset, class int) Curve { return t.curve(data, "pr", class) }

func (t *Trainer) curve(data *Dataset, kind string, class int) Curve {
	if data == nil {
		argument("like t.ROC(data, 1)", "no data for a curve")
	}
	return Curve(*ask[wire.Curve](t, &wire.AskCurve{Trainer: t.spec.Name, Data: data.Ref(), Kind: kind, Class: class}))
}
