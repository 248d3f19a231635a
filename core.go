package main

// The commands about the core: be it, ask it, end it.

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/metalnb/metalnb/display/render"
	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/runtime"
	"github.com/metalnb/metalnb/metalcore/server"
	"github.com/metalnb/metalnb/metalcore/wire"
)

func core(ctx context.Context, flags *flag.FlagSet, args []string) error {
	dir := flags.String("dir", string(wire.DefaultPlace()), "the core's `DIR`")
	idle := flags.Duration("idle", 10*time.Minute, "end after so long without a client and without anything to keep")
	threads := flags.Int("threads", 0, "threads of the CPU backend; as many as there are processors when 0")
	if _, err := parse(flags, args, 0); err != nil {
		return err
	}
	// SIGTERM ends it, and not a terminal that is closed, or a file that may not grow.
	signal.Ignore(syscall.SIGHUP, os.Interrupt, syscall.SIGXFSZ)
	ctx, stop := signal.NotifyContext(context.WithoutCancel(ctx), syscall.SIGTERM)
	defer stop()
	c := runtime.New(cpu.New(*threads))
	err := server.Run(ctx, c, server.Options{
		Place: wire.Place(*dir), Idle: *idle, Renderer: render.New(), Log: log.New(&cappedLog{f: os.Stderr}, "", log.LstdFlags),
	})
	if errors.Is(err, server.ErrRunning) {
		return nil // two cells started one at once, and the other was first
	}
	return err
}

// maxLog bounds the file that the core's log is written to.
const maxLog = 4 << 20

// cappedLog begins its file anew when it has grown large.
type cappedLog struct{ f *os.File }

func (l *cappedLog) Write(b []byte) (int, error) {
	if info, err := l.f.Stat(); err == nil && info.Mode().IsRegular() && info.Size() > maxLog {
		l.f.Truncate(0)
	}
	return l.f.Write(b)
}

// dial connects to the core that runs.
func dial(place wire.Place) (*wire.Conn, *wire.Welcome, error) {
	return wire.Dial(place, &wire.Hello{Proto: wire.Proto, Version: wire.Version, PID: os.Getpid()})
}

func status(_ context.Context, flags *flag.FlagSet, args []string) error {
	if _, err := parse(flags, args, 0); err != nil {
		return err
	}
	conn, _, err := dial(wire.DefaultPlace())
	if wire.IsNoCore(err) {
		fmt.Println("no core is running; the first cell that needs one starts it")
		return nil
	}
	if err != nil {
		return err
	}
	defer conn.Close()
	m, err := conn.Call(&wire.StatusRequest{})
	if err != nil {
		return err
	}
	printStatus(os.Stdout, m.(*wire.Status))
	return nil
}

func printStatus(w io.Writer, s *wire.Status) {
	age := time.Since(time.Unix(0, s.Welcome.Started)).Round(time.Second)
	fmt.Fprintf(w, "core %s at %s\n", s.Welcome.Version, s.Welcome.Address)
	fmt.Fprintf(w, "  pid %d, up %v, on %s\n", s.Welcome.PID, age, s.Welcome.Device)
	fmt.Fprintf(w, "  memory %.1f MB, of which %.1f MB in device buffers\n", float64(s.Resident)/1e6, float64(s.DeviceBytes)/1e6)
	if len(s.Sessions) == 0 {
		fmt.Fprintln(w, "  no sessions")
	}
	for _, session := range s.Sessions {
		fmt.Fprintf(w, "session %s, %d connected\n", session.Name, session.Clients)
		for _, t := range session.Trainers {
			fmt.Fprintf(w, "  trainer %s: %s, epoch %d, step %d, lr %.4g, %.0f steps/s, %.1f MB\n",
				t.Name, t.State, t.Epoch, t.Step, t.LR, t.StepsPerSec, float64(t.Bytes)/1e6)
		}
		for _, d := range session.Data {
			fmt.Fprintf(w, "  data %s: %d rows, %.1f MB\n", d.Ref.Source, d.Rows, float64(d.Bytes)/1e6)
		}
		if len(session.Tensors) > 0 {
			fmt.Fprintf(w, "  tensors %s\n", strings.Join(session.Tensors, ", "))
		}
	}
}

func stop(_ context.Context, flags *flag.FlagSet, args []string) error {
	force := flags.Bool("force", false, "also when that loses trainers and data: they are not written down yet")
	if _, err := parse(flags, args, 0); err != nil {
		return err
	}
	pid, err := endCore(wire.DefaultPlace(), *force)
	switch {
	case wire.IsNoCore(err):
		fmt.Println("no core is running")
		return nil
	case err != nil:
		return err
	}
	fmt.Printf("the core, pid %d, has ended\n", pid)
	return nil
}

// endTimeout is more than a core takes to end.
const endTimeout = 20 * time.Second

// endCore asks the core of a place to end, and waits for it.
func endCore(place wire.Place, force bool) (pid int, err error) {
	conn, welcome, err := dial(place)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if _, err := conn.Call(&wire.Shutdown{Force: force}); err != nil {
		return welcome.PID, err
	}
	for end := time.Now().Add(endTimeout); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if place.Ended() {
			return welcome.PID, nil
		}
	}
	return welcome.PID, fmt.Errorf("the core, pid %d, is still computing something", welcome.PID)
}

func logs(_ context.Context, flags *flag.FlagSet, args []string) error {
	if _, err := parse(flags, args, 0); err != nil {
		return err
	}
	f, err := os.Open(wire.DefaultPlace().Log())
	if errors.Is(err, os.ErrNotExist) {
		fmt.Println("no core has run yet")
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(os.Stdout, f)
	return err
}

func version(_ context.Context, flags *flag.FlagSet, args []string) error {
	if _, err := parse(flags, args, 0); err != nil {
		return err
	}
	fmt.Printf("metalnb %s\n", wire.Version)
	conn, welcome, err := dial(wire.DefaultPlace())
	switch {
	case wire.IsNoCore(err):
		fmt.Println("core    none is running")
	case err != nil:
		fmt.Printf("core    %v\n", err)
	default:
		conn.Close()
		fmt.Printf("core    %s, pid %d\n", welcome.Version, welcome.PID)
	}
	return nil
}
