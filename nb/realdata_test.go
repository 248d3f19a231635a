package nb_test

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/nb"
)

// numbers reads a table of numbers; a first line that counts rows and columns is
// left out.
func numbers(t *testing.T, text []byte, skip int) [][]float64 {
	t.Helper()
	var out [][]float64
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n")[skip:] {
		var row []float64
		for _, word := range strings.FieldsFunc(line, func(r rune) bool { return r == ',' || r == ' ' }) {
			x, err := strconv.ParseFloat(word, 64)
			if err != nil {
				t.Fatal(err)
			}
			row = append(row, x)
		}
		out = append(out, row)
	}
	return out
}

// standard gives each column the mean 0 and the variance 1 over the rows that
// are learnt from.
func standard(rows [][]float64) {
	for k := range rows[0] {
		var n, sum, squares float64
		for i, row := range rows {
			if i%5 != 0 {
				n, sum, squares = n+1, sum+row[k], squares+row[k]*row[k]
			}
		}
		mean := sum / n
		for _, row := range rows {
			row[k] = (row[k] - mean) / math.Sqrt(squares/n-mean*mean)
		}
	}
}

// fifth makes every fifth row one to test on. Of a y of one column with whole
// numbers these are classes when classes is set.
func fifth(name string, xs, ys [][]float64, classes bool) (train, test *nb.Dataset) {
	standard(xs)
	part := func(name string, test bool) *nb.Dataset {
		var x, y [][]float64
		var labels []int
		for i := range xs {
			if (i%5 == 0) == test {
				x, y, labels = append(x, xs[i]), append(y, ys[i]), append(labels, int(ys[i][0]))
			}
		}
		if classes {
			return nb.Data(name, x, labels)
		}
		return nb.Data(name, x, y)
	}
	return part(name+" train", false), part(name+" test", true)
}

// table splits off the last column, which is the class.
func table(t *testing.T, name string) (train, test *nb.Dataset) {
	t.Helper()
	rows := numbers(t, shared(t, name), 1)
	ys := make([][]float64, len(rows))
	for i, row := range rows {
		rows[i], ys[i] = row[:len(row)-1], row[len(row)-1:]
	}
	return fifth(name, rows, ys, true)
}

// Which of three growers a wine is from: 178 wines, 13 measurements (UCI Wine).
func TestWineLearns(t *testing.T) {
	train, test := table(t, "wine_data.csv")
	for name, config := range map[string]nb.Config{
		"adamw": {Batch: 16, Optimizer: nb.AdamW{LR: 0.01}},
		"sgd":   {Batch: 16, Optimizer: nb.SGD{LR: 0.05, Momentum: 0.9, Nesterov: true}},
		"lbfgs": {Batch: 200, Optimizer: nb.LBFGS{Iterations: 1}, L2: 1e-3},
	} {
		config.Data = train
		h := nb.NewTrainer("wine "+name, nb.Input(13).Dense(16).Tanh().Dense(3), config)
		h.Fit(30)
		a := h.Evaluate(test)["accuracy"]
		t.Logf("%s: accuracy %.4f on the wines left out", name, a)
		if a < 0.97 {
			t.Error("that is too little")
		}
		h.Drop()
	}
}

// Whether a tumour is benign: 569 of them, 30 measurements, one output (UCI WDBC).
func TestBreastCancerLearns(t *testing.T) {
	train, test := table(t, "breast_cancer.csv")
	h := nb.NewTrainer("breast cancer", nb.Input(30).Dense(16).BatchNorm().ReLU().Dropout(0.2).Dense(1),
		nb.Config{Data: train, Loss: nb.BCELogits, Metrics: []string{"f1", "specificity"}, Optimizer: nb.Adam{LR: 5e-3}, Seed: 2})
	defer h.Drop()
	h.Fit(25)
	m, area := h.Evaluate(test), h.ROC(test, 1).Area
	t.Logf("on those left out: %v, area under the ROC curve %.4f", m, area)
	if m["accuracy"] < 0.95 || m["f1"] < 0.96 || m["specificity"] < 0.85 || area < 0.99 {
		t.Error("that is too little")
	}
}

// How a year of diabetes goes on: 442 patients, 10 measurements. Ordinary least
// squares (numpy.linalg.lstsq) explain 0.51904 of the variance of those left out.
func TestDiabetesLearns(t *testing.T) {
	xs, ys := numbers(t, shared(t, "diabetes_data_raw.csv.gz"), 0), numbers(t, shared(t, "diabetes_target.csv.gz"), 0)
	standard(ys)
	train, test := fifth("diabetes", xs, ys, false)
	for name, c := range map[string]struct {
		model  *nb.Tensor
		config nb.Config
		epochs int
	}{
		"least squares": {nb.Input(10).Dense(1), nb.Config{Batch: 442, Optimizer: nb.LBFGS{}}, 3},
		"huber":         {nb.Input(10).Dense(1), nb.Config{Loss: nb.Huber{Delta: 1}, Optimizer: nb.Adam{LR: 0.01}}, 40},
		"mlp": {nb.Input(10).Dense(32).LayerNorm().SiLU().Dropout(0.3).Dense(1),
			nb.Config{Optimizer: nb.AdamW{LR: 3e-3, WeightDecay: 0.1}, Schedule: nb.Cosine{Epochs: 40}, Seed: 3}, 40},
	} {
		c.config.Data, c.config.Metrics = train, []string{"r2"}
		h := nb.NewTrainer("diabetes "+name, c.model, c.config)
		h.Fit(c.epochs)
		r2 := h.Evaluate(test)["r2"]
		t.Logf("%s: R² %.5f of the patients left out", name, r2)
		if r2 < 0.47 || name == "least squares" && math.Abs(r2-0.51904) > 1e-3 {
			t.Error("that is not what it should be")
		}
		h.Drop()
	}
}
