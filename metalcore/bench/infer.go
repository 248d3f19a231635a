package bench

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// inferRound is about how long a round of predictions lasts.
const inferRound = 100 * time.Millisecond

// inference is the prediction of some rows at once with the model of W3.
type inference int

// inferences are how many rows are predicted at once.
var inferences = []inference{1, 256}

func inferenceModel() workload {
	return workloads[slices.IndexFunc(workloads, func(w workload) bool { return w.name == "W3" })]
}

// infer measures predictions: the program alone, with the rows on the device,
// and as a trainer makes them, from an array to an array.
func infer(_ context.Context, w io.Writer, o *Options) error {
	for _, rows := range inferences {
		for _, at := range o.spots() {
			for _, way := range []struct {
				name  string
				ready func(at spot) (*racer, error)
			}{{"device", rows.onDevice}, {"predict", rows.predict}} {
				s, err := rows.speed(way.ready, at, o.Rounds)
				if err != nil {
					return err
				}
				fmt.Fprintf(w, "infer W3 b%-4d %3s %-8s %9.0f samples/s (%.0f to %.0f) %v a call %s\n", rows, at.name, way.name,
					s.rate.median*float64(rows), s.rate.low*float64(rows), s.rate.high*float64(rows),
					time.Duration(1e9/s.rate.median).Round(100*time.Nanosecond), s.arithmetic())
			}
		}
	}
	return nil
}

func (rows inference) speed(ready func(at spot) (*racer, error), at spot, rounds int) (speed, error) {
	r, err := ready(at)
	if err != nil {
		return speed{}, err
	}
	defer r.close()
	return speedOf(rounds, at, flops(rows.graph()), r.round)
}

func (rows inference) graph() *ir.Graph {
	return op.Resolve(inferenceModel().graph().Bind(int(rows)), false)
}

// onDevice waits for each prediction before it begins with the next one.
func (rows inference) onDevice(at spot) (*racer, error) {
	dev, err := at.open()
	if err != nil {
		return nil, err
	}
	l, err := load(dev, rows.graph())
	if err != nil {
		dev.Close()
		return nil, err
	}
	one := func(n int) error {
		for range n {
			if err := l.run(1); err != nil {
				return err
			}
		}
		return nil
	}
	return &racer{repeated(one, inferRound), func() { l.free(); dev.Close() }}, nil
}

func (rows inference) predict(at spot) (*racer, error) {
	dev, err := at.open()
	if err != nil {
		return nil, err
	}
	work := inferenceModel()
	work.batch = int(rows)
	t, err := work.trainer(dev)
	if err != nil {
		dev.Close()
		return nil, err
	}
	x := normal(rand.New(rand.NewPCG(1, 2)), append(ir.Shape{int(rows)}, work.input...))
	predict := func(n int) error {
		for range n {
			if _, err := t.Predict(x, true); err != nil {
				return err
			}
		}
		return nil
	}
	return &racer{repeated(predict, inferRound), func() { t.Close(); dev.Close() }}, nil
}
