// Package bench measures what `metalnb bench` prints: calls between a program
// and the core, and training on this machine's devices. Every figure is a
// median, said with its spread, because machines are noisy.
package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// Run measures everything and prints a table to w. binary is the metalnb
// executable that is started as the core.
func Run(ctx context.Context, w io.Writer, binary string) error {
	if err := calls(w, binary); err != nil {
		return err
	}
	return training(ctx, w)
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

// calls measures the way between a program and the core, which runs in a
// process of its own.
func calls(w io.Writer, binary string) error {
	dir, err := os.MkdirTemp("", "metalnb-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Setenv(wire.EnvBinary, binary); err != nil {
		return err
	}
	place := wire.Place(filepath.Join(dir, "core"))
	hello := &wire.Hello{Proto: wire.Proto, Version: wire.Version, PID: os.Getpid(), Session: "bench"}
	start := time.Now()
	conn, _, err := wire.Connect(place, hello)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%-44s %v\n", "start of a core until it answers", time.Since(start).Round(time.Microsecond))
	defer conn.Close()
	defer conn.Call(&wire.Shutdown{Force: true})

	roundTrip, err := timed(5000, func() error {
		_, err := conn.Call(&wire.HasData{Name: "none"})
		if p, ok := errors.AsType[*wire.Problem](err); ok && p.Code == wire.CodeUnknown {
			return nil // the answer that it does not have it
		}
		return err
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%-44s %v\n", "round trip of a call with an empty answer", roundTrip)
	attach, err := timed(500, func() error {
		c, _, err := wire.Dial(place, hello)
		if err != nil {
			return err
		}
		return c.Close()
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%-44s %v\n", "attach of a program to a running core", attach)
	return nil
}
