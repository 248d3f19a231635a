package nb_test

import (
	"fmt"

	"github.com/metalnb/metalnb/datasets"
	"github.com/metalnb/metalnb/nb"
)

// A classifier of flowers, from declaration to prediction.
func Example() {
	iris := datasets.Iris()
	model := nb.Input(4).Dense(16).Tanh().Dense(3)
	t := nb.NewTrainer("flowers", model, nb.Config{
		Data: iris.Train, Batch: 16, Optimizer: nb.Adam{LR: 0.01}, Seed: 1,
	})
	defer t.Drop()
	t.Start(60)
	t.Stop() // at once: nothing is lost
	t.Start(60)
	for t.Running() { // other cells may run meanwhile
	}
	accuracy := t.Evaluate(iris.Test)["accuracy"]
	fmt.Println("good:", accuracy > 0.9)
	fmt.Println("setosa:", t.Predict(nb.Array([]float64{5.1, 3.5, 1.4, 0.2})).ArgMax(1))
	// Output:
	// good: true
	// setosa: [0]
}

// A block of one's own is a function, and shapes are known at once.
func ExampleTensor_Add() {
	residual := func(x *nb.Tensor) *nb.Tensor {
		return x.Dense(x.Shape()[1]).ReLU().Add(x)
	}
	fmt.Println(residual(residual(nb.Input(64))).Dense(10))
	// Output: Tensor(add f32[B,10])
}

// Shape errors say what does not fit and what to do.
func ExampleTry() {
	err := nb.Try(func() { nb.Input(8, 8, 1).Dense(10) })
	fmt.Println(err.(*nb.Error).Message)
	fmt.Println(err.(*nb.Error).Remedy)
	// Output:
	// dense: x is f32[B,8,8,1], and a row must be flat
	// put .Flatten() before .Dense
}

// Arrays are computed in the core and print as NumPy prints them.
func ExampleArray() {
	a := nb.Array([][]float64{{1, 2}, {3, 4}})
	fmt.Println(a.MatMul(a).Add(0.5))
	fmt.Println(a.Mean(0), a.Max(), nb.Arange(3))
	// Output:
	// [[ 7.5 10.5]
	//  [15.5 22.5]]
	// [2. 3.] 4.0 [0 1 2]
}

// Data of one's own is sent to the core once.
func ExampleData() {
	xs := [][]float64{{0, 0}, {0, 1}, {1, 0}, {1, 1}}
	d := nb.Data("and", xs, []int{0, 0, 0, 1}, "no", "yes")
	fmt.Println(d.Len(), "rows of", d.Info().XShape, d.Info().Classes)
	fmt.Println(d.X(1, 3))
	// Output:
	// 4 rows of [2] [no yes]
	// [[0. 1.]
	//  [1. 1.]]
}

// A kept tensor is there for later cells.
func ExampleTensor_Keep() {
	nb.Arange(4).Keep("counts")
	fmt.Println(nb.Kept("counts").Add(1)) // in another cell
	// Output: [1 2 3 4]
}

// A declaration that differs from the trainer that is there is refused, with
// the first layer that differs.
func ExampleNewTrainer() {
	iris := datasets.Iris()
	a := nb.NewTrainer("iris", nb.Input(4).Dense(8).ReLU().Dense(3), nb.Config{Data: iris.Train})
	a.Attach()
	defer a.Drop()
	b := nb.NewTrainer("iris", nb.Input(4).Dense(9).ReLU().Dense(3), nb.Config{Data: iris.Train})
	fmt.Println(nb.Try(b.Attach).(*nb.Error).Message)
	// Output: trainer "iris" is there already, with a different model: layer dense_1: weight is [4,9], it was [4,8]
}

// What a tensor is compiled to: one pass over memory for both operations.
func ExampleExplain() {
	e := nb.Explain(nb.Ones(1000).CumSum(0).Mul(0.5).Exp())
	for _, k := range e.Kernels {
		fmt.Println(k.Label)
	}
	// Output:
	// cumsum (cumsum_1)
	// fused 2: mul exp (mul_1, exp_1)
}

// The device can be changed while there are no trainers.
func ExampleDevice() {
	fmt.Println(nb.Device("cpu").Kind)
	fmt.Println(nb.Try(func() { nb.Device("gpu") }).(*nb.Error).Message)
	for _, d := range nb.Devices() {
		if d.Used {
			fmt.Println("in use:", d.Kind)
		}
	}
	// Output:
	// cpu
	// there is no device "gpu": there are auto, metal, cuda, cpu, spare
	// in use: cpu
}

func ExampleDeviceList() {
	fmt.Println(nb.DeviceList{
		{Kind: "metal", Missing: "there is no metal device: this is no Mac"},
		{Kind: "cpu", Name: "CPU (2 threads)", Family: "avx512", Memory: 16e9, Used: true},
	})
	// Output:
	// kind   name             family  memory   largest buffer  limits
	// metal  there is no metal device: this is no Mac
	// cpu *  CPU (2 threads)  avx512  16.0 GB
}
