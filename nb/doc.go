// Package nb builds, trains and asks models from the cells of a Go notebook.
//
// A cell of gonb is a program of its own: what it computed is gone when it
// ends. So nb keeps nothing. Models are described here and live in the core, a
// process beside the notebook that the first cell starts:
//
//	var model = nb.Input(8, 8, 1).Conv2D(16, 3).ReLU().MaxPool2D(2).Flatten().Dense(10)
//	var digits = datasets.Digits()
//	var t = nb.NewTrainer("digits", model, nb.Config{Data: digits.Train, Valid: digits.Test})
//
//	%%
//	t.Fit(3)        // a living chart and a table; the next cell goes on from here
//
// Declarations may run again in every cell, as gonb has them: NewTrainer makes
// the trainer when there is none of that name and attaches to it otherwise.
// They cost no round trip; the first method that needs the core connects.
//
// A Tensor is a value that a model or a computation is made of; its methods
// are layers and operations. A layer of your own is a function from *Tensor to
// *Tensor. Shapes are checked as the line runs.
//
// In a cell an error is one short report of what happened, in which line of
// the cell and what to do, and ends the cell. In other programs it is a panic
// with an *Error, and Try returns it as a value.
package nb
