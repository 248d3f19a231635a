// What a cell links that uses nb, display and datasets.
package main

import (
	"fmt"

	"github.com/metalnb/metalnb/datasets"
	"github.com/metalnb/metalnb/display"
	"github.com/metalnb/metalnb/nb"
)

func main() {
	digits := datasets.Digits()
	model := nb.Input(8, 8, 1).Conv2D(16, 3).ReLU().MaxPool2D(2).Flatten().Dense(10)
	t := nb.NewTrainer("digits", model, nb.Config{Data: digits.Train, Valid: digits.Test})
	t.Fit(3)
	t.Start(1)
	t.SetLR(1e-3)
	t.Wait()
	t.Summary()
	display.Images(digits.Train)
	display.Confusion(t, digits.Test)
	display.Predictions(t, digits.Test)
	fmt.Println(t, t.Evaluate(digits.Test), t.History(), t.Predict(digits.Test.X(0)), nb.Array([]int{1}).Add(1))
}
