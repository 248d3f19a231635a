package display_test

import (
	"github.com/metalnb/metalnb/datasets"
	"github.com/metalnb/metalnb/display"
	"github.com/metalnb/metalnb/nb"
)

// In a notebook this is a card; a program prints it.
func ExampleData() {
	display.Data(datasets.Iris().All)
	// Output:
	// iris
	//   rows        150
	//   x of a row  4
	//   classes     3: setosa, versicolor, virginica
	//   memory      3.0 kB
	//   about       Iris, R. A. Fisher 1936, public domain
}

// A matrix of which flowers are taken for which.
func ExampleConfusion() {
	iris := datasets.Iris()
	t := nb.NewTrainer("confusion", nb.Input(4).Dense(16).Tanh().Dense(3),
		nb.Config{Data: iris.Train, Batch: 16, Optimizer: nb.Adam{LR: 0.02}, Seed: 1})
	defer t.Drop()
	t.Start(60)
	for t.Running() {
	}
	display.Confusion(t, iris.Test)
	// Output:
	// actual \ predicted  setosa  versicolor  virginica  recall
	// setosa                  10           0          0  100.0%
	// versicolor               0          10          0  100.0%
	// virginica                0           1          9   90.0%
	// precision           100.0%       90.9%     100.0%   96.7%
}

// In a notebook this is a table; a program prints a line for each holder, the
// largest first, like
//
//	747.8 KB  data digits/train, of it 373.9 KB in arrays of the host
//	96.0 KB  trainer memory of /home/me/book.ipynb, of it 42.9 KB arenas of 2 programs
func ExampleMemory() {
	digits := datasets.Digits()
	t := nb.NewTrainer("memory", nb.Input(8, 8, 1).Flatten().Dense(10), nb.Config{Data: digits.Train})
	defer t.Drop()
	t.Fit(1)
	display.Memory()
}
