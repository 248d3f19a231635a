// Package bench measures what `metalnb bench` prints: calls between a program
// and the core, products of matrices, and training on this machine's devices.
// Every figure is a median, said with its spread, because machines are noisy;
// and the speed of arithmetic is said as a fraction of what the processor's
// multiply-adds reached around it.
package bench

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/metalnb/metalnb/metalcore/backend/device"
)

// Options say what is measured.
type Options struct {
	Binary  string   // the metalnb executable that is started as the core
	Only    []string // names of Parts; nil for all
	Device  string   // that products, training and inference are measured on; the CPU when empty
	Threads []int    // of the CPU; nil for one, and for as many as there are processors
	Rounds  int      // of each measurement
	Python  string   // one that has PyTorch or JAX, to be compared with; none when empty
}

// part is what can be measured alone.
type part struct {
	name    string
	measure func(ctx context.Context, w io.Writer, o *Options) error
}

func parts() []part {
	list := []part{{"cores", cores}, {"calls", calls}, {"load", loadCore}, {"idle", idle}, {"compile", compiling}, {"gemm", gemm}, {"feed", feeding}}
	for _, work := range workloads {
		list = append(list, part{work.name, work.train})
	}
	return append(list, part{"infer", infer}, part{"journal", journal}, part{"cores", cores})
}

// Parts are the names of what can be measured alone, in order.
func Parts() []string {
	var names []string
	for _, p := range parts() {
		if !slices.Contains(names, p.name) {
			names = append(names, p.name)
		}
	}
	return names
}

// Run measures and prints a table to w.
func Run(ctx context.Context, w io.Writer, o Options) error {
	if err := o.check(); err != nil {
		return err
	}
	if o.Python != "" {
		return compare(ctx, w, &o)
	}
	for _, p := range parts() {
		if !o.wants(p.name) {
			continue
		}
		if err := p.measure(ctx, w, &o); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

func (o *Options) wants(name string) bool { return o.Only == nil || slices.Contains(o.Only, name) }

func (o *Options) check() error {
	for _, name := range o.Only {
		if !slices.Contains(Parts(), name) {
			return fmt.Errorf("there is nothing %q to measure: there are %s", name, strings.Join(Parts(), ", "))
		}
	}
	if o.Device = cmp.Or(o.Device, "cpu"); o.Device != "cpu" {
		if err := o.checkDevice(); err != nil {
			return err
		}
	}
	if o.Threads == nil {
		o.Threads = slices.Compact([]int{1, runtime.GOMAXPROCS(0)})
	}
	for _, n := range o.Threads {
		if n < 1 {
			return fmt.Errorf("cannot measure on %d threads: give numbers of at least 1", n)
		}
	}
	if o.Rounds < 1 {
		return fmt.Errorf("cannot measure %d rounds: give a number of at least 1", o.Rounds)
	}
	return nil
}

// checkDevice opens the device, so that one that is not there is said at once,
// and learns its kind.
func (o *Options) checkDevice() error {
	if o.Python != "" {
		return fmt.Errorf("peers are compared on the CPU, not on the device %q", o.Device)
	}
	dev, err := device.All(0).Open(o.Device)
	if err != nil {
		return err
	}
	o.Device = dev.Info().Kind
	return dev.Close()
}

// spread is the median of some measurements, and their middle half.
type spread[T cmp.Ordered] struct{ low, median, high T }

func spreadOf[T cmp.Ordered](xs []T) spread[T] {
	slices.Sort(xs)
	n := len(xs)
	return spread[T]{xs[n/4], xs[n/2], xs[(3*n)/4]}
}

// timed measures f, n times.
func timed(n int, f func() error) (spread[time.Duration], error) {
	times := make([]time.Duration, n)
	for i := range times {
		start := time.Now()
		if err := f(); err != nil {
			return spread[time.Duration]{}, err
		}
		times[i] = time.Since(start)
	}
	return spreadOf(times), nil
}

func (s spread[T]) String() string { return fmt.Sprintf("%v (%v to %v)", s.median, s.low, s.high) }
