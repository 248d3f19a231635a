package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/metalnb/metalnb/metalcore/remote"
	"github.com/metalnb/metalnb/metalcore/runtime"
	"github.com/metalnb/metalnb/metalcore/server"
	"github.com/metalnb/metalnb/metalcore/socket"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// open lets programs on other machines in to a core until end is called, and
// prints what they need for that.
func open(ctx context.Context, address string, place wire.Place, core *runtime.Core, out *log.Logger) (end func(), err error) {
	id, err := remote.LoadIdentity(remote.IdentityPath(place))
	if err != nil {
		return nil, err
	}
	front := &remote.Front{Place: place, Identity: id, Limit: core.Limit(), Log: out}
	target, err := front.Listen(address)
	if err != nil {
		return nil, err
	}
	fmt.Printf("On the machine with the notebooks (whoever has this line can use the core):\n\nexport %s='%s'\n\n", wire.EnvCore, target)
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		front.Serve(ctx)
	}()
	return func() { cancel(); <-ended }, nil
}

// roots are the folders that a core reads files from.
func roots(data, listen string) server.Roots {
	if data == "" && listen == "" {
		return nil
	}
	return append(server.Roots{}, filepath.SplitList(data)...)
}

// given reports whether a flag was set.
func given(flags *flag.FlagSet, name string) (set bool) {
	flags.Visit(func(f *flag.Flag) { set = set || f.Name == name })
	return set
}

func relay(ctx context.Context, flags *flag.FlagSet, args []string) error {
	dir := flags.String("dir", string(wire.DefaultPlace()), "the relay's `DIR`")
	idle := flags.Duration("idle", time.Minute, "end after so long without a client")
	if _, err := parse(flags, args, 0); err != nil {
		return err
	}
	target, err := remote.ParseTarget(os.Getenv(wire.EnvCore))
	if err != nil {
		return err
	}
	signal.Ignore(syscall.SIGHUP, os.Interrupt, syscall.SIGXFSZ)
	ctx, stop := signal.NotifyContext(context.WithoutCancel(ctx), syscall.SIGTERM)
	defer stop()
	r := &remote.Relay{Place: wire.Place(*dir), Target: target, Idle: *idle, Log: log.New(server.LogTo(os.Stderr), "", log.LstdFlags)}
	if err := r.Run(ctx); !errors.Is(err, socket.ErrRunning) {
		return err
	}
	return nil // two cells started one at once, and the other was first
}
