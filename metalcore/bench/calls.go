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

var hello = &wire.Hello{Proto: wire.Proto, Version: wire.Version, PID: os.Getpid(), Session: "bench"}

// startCore starts a core in a process of its own, at a place of its own.
func startCore(binary string) (conn *wire.Conn, place wire.Place, end func(), err error) {
	dir, err := os.MkdirTemp("", "metalnb-bench-")
	if err != nil {
		return nil, "", nil, err
	}
	place = wire.Place(filepath.Join(dir, "core"))
	if err = os.Setenv(wire.EnvBinary, binary); err == nil {
		conn, _, err = wire.Connect(place, hello)
	}
	if err != nil {
		os.RemoveAll(dir)
		return nil, "", nil, err
	}
	return conn, place, func() {
		conn.Call(&wire.Shutdown{Force: true})
		conn.Close()
		os.RemoveAll(dir)
	}, nil
}

// calls measures the way between a program and the core, which runs in a
// process of its own.
func calls(_ context.Context, w io.Writer, o *Options) error {
	start := time.Now()
	conn, place, end, err := startCore(o.Binary)
	if err != nil {
		return err
	}
	defer end()
	fmt.Fprintf(w, "%-44s %v\n", "start of a core until it answers", time.Since(start).Round(time.Microsecond))
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
