package render_test

import (
	"fmt"

	"github.com/metalnb/metalnb/display/render"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// A final chart brings HTML for Jupyter, a picture for viewers that show nothing
// else, and a table for a terminal.
func ExampleRenderer_Chart() {
	run := wire.Run{
		Info: wire.TrainerInfo{Name: "digits", State: wire.StateFinished, Epoch: 2, StepsPerEpoch: 2, LR: 0.001},
		Points: []wire.Point{
			{Step: 1, Loss: 2.3}, {Step: 2, Loss: 1.9}, {Step: 3, Loss: 1.2}, {Step: 4, Loss: 0.8},
		},
		Epochs: []wire.Epoch{
			{N: 1, LR: 0.001, Seconds: 0.5, Train: []wire.Metric{{Name: "loss", Value: 2.1}}, Valid: []wire.Metric{{Name: "loss", Value: 1.7}}},
			{N: 2, LR: 0.001, Seconds: 0.5, Train: []wire.Metric{{Name: "loss", Value: 1.0}}, Valid: []wire.Metric{{Name: "loss", Value: 0.9}}},
		},
	}
	for _, item := range render.New().Chart(run, true) {
		fmt.Println(item.Type)
		if item.Type == "text/plain" {
			fmt.Print(string(item.Data))
		}
	}
	// Output:
	// text/html
	// image/png
	// text/plain
	// digits: finished, epoch 2, lr 0.001
	//
	// epoch    loss  val loss     lr  seconds
	//     1  2.1000    1.7000  0.001     0.50
	//     2  1.0000    0.9000  0.001     0.50  ◂ best
}

// What is wrong with a picture is told together with what is wanted.
func ExampleRenderer_Images() {
	_, err := render.New().Images(wire.Tensor{DType: "f32", Shape: []int{64}}, nil, 0)
	fmt.Println(err)
	// Output:
	// images of shape [64]: want [N, height, width], or [N, height, width, 1] for grey or 3 for red, green and blue; reshape them
}

func ExampleRenderer_Confusion() {
	items, err := render.New().Confusion([][]int{{9, 1}, {0, 10}}, []string{"cat", "dog"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(items[2].Data))
	// Output:
	// actual \ predicted     cat    dog  recall
	// cat                      9      1   90.0%
	// dog                      0     10  100.0%
	// precision           100.0%  90.9%   95.0%
}

func ExampleRenderer_Summary() {
	items := render.New().Summary(wire.TrainerInfo{Name: "iris"}, []wire.SummaryRow{
		{Layer: "x", Kind: "input", Output: "4"},
		{Layer: "dense_1", Kind: "dense", Output: "16", Params: 80},
		{Layer: "dense_2", Kind: "dense", Output: "3", Params: 51},
	})
	fmt.Print(string(items[1].Data))
	// Output:
	// iris: 131 parameters, 524 B as f32
	// ┌─────────┬───────┬────────┬────────────┐
	// │ layer   │ type  │ output │ parameters │
	// ├─────────┼───────┼────────┼────────────┤
	// │ x       │ input │      4 │          0 │
	// │ dense_1 │ dense │     16 │         80 │
	// │ dense_2 │ dense │      3 │         51 │
	// ├─────────┼───────┼────────┼────────────┤
	// │ total   │       │        │        131 │
	// └─────────┴───────┴────────┴────────────┘
}
