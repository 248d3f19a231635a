// Package display shows things in a notebook: data, predictions, confusion
// matrices, charts. A cell sends the core a few numbers that say what to look
// at; the core, which has the data and the libraries, draws it. In a program
// that is no notebook the same functions print text.
package display

import (
	"github.com/metalnb/metalnb/metalcore/wire"
	"github.com/metalnb/metalnb/nb"
)

// Images shows rows of image data as a grid, each with its label; the first 20
// when no rows are named.
func Images(data *nb.Dataset, rows ...int) {
	nb.ShowPicture(&wire.Picture{What: "images", Data: data.Ref(), Rows: rows})
}

// Pictures shows a tensor [n, height, width] or [n, height, width, channels]
// of 1 or 3 channels as a grid of images, under the titles if there are any.
func Pictures(x *nb.Tensor, titles ...string) {
	nb.ShowPicture(&wire.Picture{What: "images", X: x.Numbers(), Titles: titles})
}

// Confusion shows which classes the trainer takes for which, on data: a row
// for each true class, a column for each predicted one.
func Confusion(t *nb.Trainer, data *nb.Dataset) {
	t.Attach()
	nb.ShowPicture(&wire.Picture{What: "confusion", Trainer: t.Name(), Data: data.Ref()})
}

// Predictions shows rows of data with what the trainer takes them for and how
// sure it is of each class.
func Predictions(t *nb.Trainer, data *nb.Dataset, rows ...int) {
	t.Attach()
	nb.ShowPicture(&wire.Picture{What: "predictions", Trainer: t.Name(), Data: data.Ref(), Rows: rows})
}

// Data shows what a data set is: its size, shapes, classes and source.
func Data(data *nb.Dataset) {
	nb.ShowPicture(&wire.Picture{What: "data", Data: data.Ref()})
}

// Explain shows what the training step of an *nb.Trainer, or an *nb.Tensor, is
// compiled to, as nb.Explain tells it: a table of the kernels with their
// measured times, and the passes of the compiler and the plan of the memory to
// open below.
func Explain(x any) {
	trainer, graph := nb.Explainable(x)
	nb.ShowPicture(&wire.Picture{What: "explain", Trainer: trainer, Graph: graph})
}

// Memory shows who holds how much of the device's memory, as nb.Memory tells it;
// what is of this notebook is marked.
func Memory() { nb.ShowPicture(&wire.Picture{What: "memory"}) }

// Summary, Chart and Show are the methods of the trainer of the same names:
// the model's layers, the losses and metrics so far, and what it is doing now.
func Summary(t *nb.Trainer) { t.Summary() }

// Compare shows the trainings of several trainers in one chart and one table.
func Compare(trainers ...*nb.Trainer) { nb.Compare(trainers...) }

// Chart shows the losses and metrics so far.
func Chart(t *nb.Trainer) { t.Chart() }

// Show shows what the trainer is doing now.
func Show(t *nb.Trainer) { t.Show() }
