package server_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/metalnb/metalnb/display/render"
	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/runtime"
	"github.com/metalnb/metalnb/metalcore/server"
	"github.com/metalnb/metalnb/metalcore/socket"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// A stream tells of every epoch once, however quick they are, and ends with the
// chart's static picture.
func TestStreamIsComplete(t *testing.T) {
	c := start(t)
	conn := client(t, c)
	call[wire.Declared](t, conn, iris("a"))
	next := 1
	for _, show := range []bool{false, true} {
		if err := conn.Send(&wire.Train{Trainer: "a", Epochs: 40, Show: show}); err != nil {
			t.Fatal(err)
		}
		goal, shows := next+39, []*wire.Show{}
		for ended := false; !ended; {
			m, err := conn.Recv()
			if err != nil {
				t.Fatal(err)
			}
			switch m := m.(type) {
			case *wire.Event:
				if m.Info.Last.N != next || m.Info.Goal != goal {
					t.Fatalf("epoch %d of %d came, want %d of %d", m.Info.Last.N, m.Info.Goal, next, goal)
				}
				next++
			case *wire.Show:
				shows = append(shows, m)
			case *wire.Trained:
				ended = true
				if m.Info.Epoch != goal || m.Info.State != wire.StateFinished || m.Info.Step != int64(5*goal) {
					t.Errorf("at the end: %+v", m.Info)
				}
			}
		}
		if next != goal+1 {
			t.Errorf("the last epoch told of is %d of %d", next-1, goal)
		}
		if !show {
			continue
		}
		if len(shows) < 3 || shows[0].ID != "" || shows[1].ID == "" || shows[1].ID != shows[len(shows)-1].ID {
			t.Fatalf("%d pictures: want the library, and then one display that changes", len(shows))
		}
		if !has(shows[len(shows)-1], "image/png") {
			t.Error("the last chart has no static picture")
		}
	}
	if m := call[wire.Trained](t, conn, &wire.Watch{Trainer: "a"}); m.Info.Epoch != 80 {
		t.Errorf("a look at a training that has ended: %+v", m.Info)
	}
}

func has(m *wire.Show, mime string) bool {
	for _, item := range m.Items {
		if item.Type == mime && len(item.Data) > 0 {
			return true
		}
	}
	return false
}

// What a client owns ends with it: a Fit does, a Start does not, and whoever
// only watches changes nothing.
func TestDisconnectInAStream(t *testing.T) {
	c := start(t)
	other := client(t, c)
	call[wire.Declared](t, other, iris("a"))
	tr := c.Runtime().Trainers()[0]
	begin := func(req wire.Message) *wire.Conn {
		conn := client(t, c)
		if err := conn.Send(req); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Recv(); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	for _, show := range []bool{false, true} {
		begin(&wire.Train{Trainer: "a", Epochs: 10_000_000, Show: show}).Close()
		eventually(t, "training to stop", func() bool { return !tr.Running() })
	}
	at := tr.Info()
	if !strings.Contains(at.Note, "stopped after step") {
		t.Errorf("%+v", at)
	}
	begin(&wire.Train{Trainer: "a", Epochs: 10_000_000, Background: true}).Close()
	begin(&wire.Watch{Trainer: "a"}).Close()
	begin(&wire.Watch{Trainer: "a", Show: true}).Close()
	eventually(t, "the watchers to go", func() bool { return c.Runtime().Sessions()[0].Clients() == 1 })
	if !tr.Running() {
		t.Error("training in the background has stopped")
	}
	stopped := call[wire.Trained](t, other, &wire.Stop{Trainer: "a"}).Info
	if stopped.Step <= at.Step || stopped.State != wire.StateStopped {
		t.Errorf("it stood at step %d, and now %+v", at.Step, stopped)
	}
}

// Whoever waits when the core ends is told so.
func TestEndDuringStreams(t *testing.T) {
	c := start(t)
	conn := client(t, c)
	for _, name := range []string{"a", "b"} {
		d := iris(name)
		d.Spec.Batch = 1 // so that there are not thousands of epochs a second to read
		call[wire.Declared](t, conn, d)
	}
	call[wire.Trained](t, conn, &wire.Train{Trainer: "b", Epochs: 10_000_000, Background: true})
	ends := make(chan error, 3)
	for _, req := range []wire.Message{&wire.Train{Trainer: "a", Epochs: 10_000_000}, &wire.Watch{Trainer: "a"}, &wire.Watch{Trainer: "b", Show: true}} {
		w := client(t, c)
		if err := w.Send(req); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Recv(); err != nil { // an epoch, or the chart library
			t.Fatal(err)
		}
		go func() {
			for {
				m, err := w.Recv()
				if p, ok := m.(*wire.Problem); ok {
					err = p
				}
				if err != nil {
					ends <- err
					return
				}
			}
		}()
	}
	refused(t, conn, &wire.Shutdown{}, wire.CodeBusy, `trainer "a"`, `trainer "b"`, "--force")
	call[wire.OK](t, conn, &wire.Shutdown{Force: true})
	for range cap(ends) {
		isProblem(t, <-ends, wire.CodeCore, "the core ends", "run the cell again")
	}
	if _, err := conn.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("an idle connection ends with %v", err)
	}
	if err := c.End(); err != nil {
		t.Error(err)
	}
	if err := c.Begin(); err != nil {
		t.Fatal(err)
	}
}

// serve runs a server in a place of the test's own.
func serve(t *testing.T, place wire.Place, idle time.Duration) (core *runtime.Core, ended chan error) {
	core, ended = runtime.New(cpu.New(1)), make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		ended <- server.Run(ctx, core, server.Options{Place: place, Renderer: render.New(), Idle: idle, Log: log.New(io.Discard, "", 0)})
	}()
	t.Cleanup(func() {
		cancel()
		<-finished
	})
	return core, ended
}

func TestOneCoreAPlace(t *testing.T) {
	c := start(t)
	_, ended := serve(t, c.Place, 0)
	if err := <-ended; !errors.Is(err, socket.ErrRunning) {
		t.Errorf("a second core: %v", err)
	}
}

// A socket that a killed core left is no obstacle.
func TestStaleSocket(t *testing.T) {
	place := wire.Place(filepath.Join(t.TempDir(), "core"))
	if err := place.Make(); err != nil {
		t.Fatal(err)
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: place.Socket(), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	listener.Close()
	serve(t, place, 0)
	eventually(t, "the core to answer", func() bool {
		conn, _, err := wire.Dial(place, &wire.Hello{Proto: wire.Proto, Version: wire.Version})
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

// A core ends by itself, but not while somebody is connected or it keeps
// something.
func TestIdle(t *testing.T) {
	place := wire.Place(filepath.Join(t.TempDir(), "core"))
	const idle = 500 * time.Millisecond
	core, ended := serve(t, place, idle)
	var conn *wire.Conn
	eventually(t, "the core to answer", func() (ok bool) {
		var err error
		conn, _, err = wire.Dial(place, &wire.Hello{Proto: wire.Proto, Version: wire.Version, Session: "notebook"})
		return err == nil
	})
	stays := func(why string) {
		t.Helper()
		select {
		case err := <-ended:
			t.Fatalf("it ended (%v) %s", err, why)
		case <-time.After(2 * idle):
		}
	}
	stays("while a client was connected")
	call[wire.Declared](t, conn, iris("a"))
	conn.Close()
	stays("while it kept a trainer")
	if err := core.Sessions()[0].Drop("a"); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestStatus(t *testing.T) {
	c := start(t)
	conn := client(t, c)
	call[wire.Declared](t, conn, iris("a"))
	x := wire.Tensor{DType: "f32", Shape: []int{2, 1}, Data: make([]byte, 8)}
	call[wire.DataInfo](t, conn, &wire.PutData{Name: "mine", X: x, Y: x})
	call[wire.Tensors](t, conn, &wire.Compute{Graph: graph(double, 2, 1), Inputs: []wire.Operand{{Name: "x", X: x}}, Store: "kept"})
	s := call[wire.Status](t, conn, &wire.StatusRequest{})
	if len(s.Sessions) != 1 || s.Resident <= 0 || s.DeviceBytes <= 0 || s.Welcome.PID <= 0 || s.Log != c.Place.Log() {
		t.Fatalf("%+v", s)
	}
	got := s.Sessions[0]
	if got.Name != "notebook" || got.Clients != 1 || len(got.Trainers) != 1 || len(got.Data) != 1 || got.Data[0].Rows != 2 || got.Tensors[0] != "kept" {
		t.Errorf("%+v", got)
	}
}
