// Package control speaks with a core from outside of notebooks: it asks what the
// core is doing, prints that, and ends it.
package control

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// busyWait is how long a core that begins or ends is waited for; a variable so that
// tests are quick.
var busyWait = 2 * time.Second

// Dial connects to the core that runs; wire.IsNoCore tells the error that none
// does. The connection belongs to no session. A relay to a core on another
// machine is started if need be.
func Dial(place wire.Place) (*wire.Conn, *wire.Welcome, error) {
	hello := &wire.Hello{Proto: wire.Proto, Version: wire.Version, PID: os.Getpid()}
	if place.Relayed() {
		return wire.Connect(place, hello)
	}
	for end := time.Now().Add(busyWait); ; time.Sleep(10 * time.Millisecond) {
		conn, welcome, err := wire.Dial(place, hello)
		switch {
		case !wire.IsNoCore(err) || place.Ended():
			return conn, welcome, err
		case time.Now().After(end):
			return nil, nil, fmt.Errorf("a core is there, for it has the lock %s, and it hangs up: it has too many connections, or has not ended yet. "+
				"End programs that use it, and look at what it says with `metalnb logs`", place.Lock())
		}
	}
}

// Status asks what the core is doing.
func Status(place wire.Place) (*wire.Status, error) {
	return ask[wire.Status](place, &wire.StatusRequest{})
}

// Memory asks who holds how much of the core's memory.
func Memory(place wire.Place) (*wire.Memory, error) {
	return ask[wire.Memory](place, &wire.AskMemory{})
}

func ask[T any](place wire.Place, request wire.Message) (*T, error) {
	conn, _, err := Dial(place)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	m, err := conn.Call(request)
	if err != nil {
		return nil, err
	}
	answer, ok := any(m).(*T)
	if !ok {
		return nil, fmt.Errorf("%T in answer to a %T: %w", m, request, wire.ErrFrame)
	}
	return answer, nil
}

// Print writes a status for people.
func Print(w io.Writer, s *wire.Status) {
	age := time.Since(time.Unix(0, s.Welcome.Started)).Round(time.Second)
	fmt.Fprintf(w, "core %s at %s\n", s.Welcome.Version, s.Welcome.Address)
	fmt.Fprintf(w, "  pid %d, up %v, on %s\n", s.Welcome.PID, age, s.Welcome.Device)
	fmt.Fprintf(w, "  memory %.1f MB, of which %.1f MB in device buffers\n", float64(s.Resident)/1e6, float64(s.DeviceBytes)/1e6)
	fmt.Fprintf(w, "  journal %s\n", s.Journal)
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

// endTimeout is more than a core takes to end.
const endTimeout = 20 * time.Second

// End asks the core of a place to end and waits for it. Without force the core
// refuses when that would lose something.
func End(place wire.Place, force bool) (pid int, err error) {
	conn, welcome, err := Dial(place)
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

// Stop is End, which says before it does it by force what is lost or stopped.
func Stop(w io.Writer, place wire.Place, force bool) (pid int, err error) {
	pid, err = End(place, false)
	if held, ok := errors.AsType[*wire.Problem](err); ok && held.Code == wire.CodeBusy && force {
		fmt.Fprintln(w, held.Message)
		return End(place, true)
	}
	return pid, err
}
