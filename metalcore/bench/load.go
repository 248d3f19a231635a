package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// Load is what clients measured that called a core at a steady rate.
type Load struct {
	Calls         int
	Rate          float64       // calls a second that were answered
	P50, P99, Max time.Duration // from the time at which a call was due to its answer
}

// Clients and calls a second of a heavy load.
const (
	LoadClients = 50
	LoadRate    = 2000
)

// LoadFor has LoadClients notebooks call a core, LoadRate times a second together,
// for some time: most ask for the state of a trainer, some compute or predict. A
// call that comes late because those before it took long counts from the time it
// was due.
func LoadFor(place wire.Place, length time.Duration) (Load, error) {
	const every = time.Second * LoadClients / LoadRate
	var all sync.WaitGroup
	var mu sync.Mutex
	var times []time.Duration
	var failed error
	start := time.Now().Add(every)
	for i := range LoadClients {
		all.Go(func() {
			mine, err := callFor(place, fmt.Sprint("load-", i), start.Add(every*time.Duration(i)/LoadClients), every, length)
			mu.Lock()
			defer mu.Unlock()
			times, failed = append(times, mine...), errors.Join(failed, err)
		})
	}
	all.Wait()
	if failed != nil || len(times) == 0 {
		return Load{}, failed
	}
	slices.Sort(times)
	n := len(times)
	return Load{Calls: n, Rate: float64(n) / time.Since(start).Seconds(), P50: times[n/2], P99: times[n*99/100], Max: times[n-1]}, nil
}

// callFor is one client: it declares a trainer, calls every so often, and drops it.
func callFor(place wire.Place, name string, due time.Time, every, length time.Duration) (times []time.Duration, err error) {
	conn, _, err := wire.Dial(place, &wire.Hello{Proto: wire.Proto, Version: wire.Version, PID: os.Getpid(), Session: name})
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if _, err := conn.Call(&wire.Declare{Spec: loadSpec()}); err != nil {
		return nil, err
	}
	x := wire.Tensor{DType: "f32", Shape: []int{1, 4}, Data: make([]byte, 16)}
	in := ir.Input("x", ir.F32, 1, 4)
	double := ir.NewGraph("double", []ir.Output{{Name: "y", Value: op.Add(in, in)}}, nil).String()
	end := due.Add(length)
	for n := 0; due.Before(end); n++ {
		time.Sleep(time.Until(due))
		var req wire.Message = &wire.AskTrainer{Trainer: "t", Brief: true}
		switch n % 10 {
		case 0:
			req = &wire.Predict{Trainer: "t", X: x}
		case 5:
			req = &wire.Compute{Graph: double, Inputs: []wire.Operand{{Name: "x", X: x}}}
		}
		if _, err := conn.Call(req); err != nil {
			return times, err
		}
		times = append(times, time.Since(due))
		due = due.Add(every)
	}
	_, err = conn.Call(&wire.Drop{Trainer: "t"})
	return times, err
}

// loadSpec is a small classifier.
func loadSpec() wire.TrainerSpec {
	w := ir.State("dense/kernel", ir.F32, ir.Shape{4, 3}, ir.Attrs{ir.AttrInit: "he_normal", ir.AttrTrain: true})
	y := op.MatMul(ir.Input("x", ir.F32, ir.Batch, 4), w, false, false)
	return wire.TrainerSpec{Name: "t", Model: ir.NewGraph("model", []ir.Output{{Name: "y", Value: y}}, nil).String(),
		Data: wire.DataRef{Source: "iris"}, Batch: 30, Optimizer: wire.Optimizer{Name: "sgd"}}
}

// loadCore measures a core, in a process of its own, under the calls of many clients.
func loadCore(_ context.Context, w io.Writer, o *Options) error {
	conn, place, end, err := startCore(o.Binary)
	if err != nil {
		return err
	}
	defer end()
	memory := func() (int64, error) {
		m, err := conn.Call(&wire.StatusRequest{})
		if err != nil {
			return 0, err
		}
		return m.(*wire.Status).Resident, nil
	}
	const length = 5 * time.Second
	if _, err := LoadFor(place, length/5); err != nil { // what is made once is there then
		return err
	}
	before, err := memory()
	if err != nil {
		return err
	}
	l, err := LoadFor(place, length)
	if err != nil {
		return err
	}
	after, err := memory()
	if err != nil {
		return err
	}
	what := fmt.Sprintf("%d clients, %d calls a second wanted", LoadClients, LoadRate)
	fmt.Fprintf(w, "%-44s %.0f a second; p50 %v, p99 %v, longest %v; memory %.0f MB before, %.0f MB after\n", what, l.Rate,
		l.P50.Round(time.Microsecond), l.P99.Round(time.Microsecond), l.Max.Round(time.Microsecond), float64(before)/1e6, float64(after)/1e6)
	return nil
}
