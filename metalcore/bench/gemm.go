package bench

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// gemmRound is about how long a round of products lasts.
const gemmRound = 30 * time.Millisecond

// gemm measures products of an m x k and a k x n matrix, each of which may be
// stored transposed.
func gemm(_ context.Context, w io.Writer, o *Options) error {
	for _, s := range []struct {
		m, k, n int
		forms   []string
	}{
		{512, 512, 512, []string{"NN", "NT", "TN"}},
		{32, 784, 128, []string{"NN", "NT", "TN"}},
		{128, 128, 128, []string{"NN", "NT", "TN"}},
	} {
		for _, form := range s.forms {
			for _, threads := range o.Threads {
				r, err := product(o.Rounds, threads, s.m, s.k, s.n, form)
				if err != nil {
					return err
				}
				fmt.Fprintf(w, "sgemm %-12s %s %2d threads %10.0f/s %s\n", fmt.Sprintf("%dx%dx%d", s.m, s.k, s.n), form, threads,
					r.rate.median, r.arithmetic())
			}
		}
	}
	return nil
}

// product measures one product. The form says of each operand whether it is
// stored transposed.
func product(rounds, threads, m, k, n int, form string) (speed, error) {
	a, b := ir.Shape{m, k}, ir.Shape{k, n}
	ta, tb := form[0] == 'T', form[1] == 'T'
	if ta {
		a = ir.Shape{k, m}
	}
	if tb {
		b = ir.Shape{n, k}
	}
	c := op.MatMul(ir.Input("a", ir.F32, a...), ir.Input("b", ir.F32, b...), ta, tb)
	g := ir.NewGraph("product", []ir.Output{{Name: "c", Value: c}}, nil)
	dev := cpu.New(threads)
	defer dev.Close()
	run, free, err := runner(dev, g)
	if err != nil {
		return speed{}, err
	}
	defer free()
	return speedOf(rounds, threads, flops(g), repeated(run, gemmRound))
}

// repeated makes rounds of a function that runs n times, which last about so
// long and return the runs a second.
func repeated(run func(n int) error, about time.Duration) func() (float64, error) {
	n := 1
	return func() (float64, error) {
		for {
			start := time.Now()
			if err := run(n); err != nil {
				return 0, err
			}
			took := time.Since(start)
			if took >= about/2 {
				return float64(n) / took.Seconds(), nil
			}
			n *= 2
		}
	}
}

// runner compiles a graph whose batch is bound, for inputs and states of
// zeros, and returns a function that runs it n times.
func runner(dev backend.Device, g *ir.Graph) (run func(n int) error, free func(), err error) {
	p, _, err := compile.Compile(g, compile.Options{})
	if err != nil {
		return nil, nil, err
	}
	exe, err := dev.Compile(p)
	if err != nil {
		return nil, nil, err
	}
	var all []backend.Buffer
	free = func() {
		exe.Free()
		for _, b := range all {
			b.Free()
		}
	}
	alloc := func(v *ir.Value) backend.Buffer {
		b, failed := dev.Alloc(v.Bytes())
		if failed != nil {
			err = failed
			return nil
		}
		all = append(all, b)
		return b
	}
	var bind backend.Bindings
	for _, v := range p.Inputs {
		bind.Inputs = append(bind.Inputs, alloc(v))
	}
	for _, v := range p.States {
		bind.States = append(bind.States, alloc(v))
	}
	for _, v := range p.Outputs {
		bind.Outputs = append(bind.Outputs, alloc(v.Value))
	}
	if err != nil {
		free()
		return nil, nil, err
	}
	return func(n int) error { return exe.Submit(bind, n).Wait() }, free, nil
}
