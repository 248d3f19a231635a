package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// calls measures the way between a program and the core, which runs in a
// process of its own.
func calls(_ context.Context, w io.Writer, o *Options) error {
	dir, err := os.MkdirTemp("", "metalnb-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Setenv(wire.EnvBinary, o.Binary); err != nil {
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
