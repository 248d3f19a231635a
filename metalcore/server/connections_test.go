package server_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/server"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// hello is the bytes of a handshake.
func hello(version string, proto int) []byte {
	return framed(1, wire.Encode(&wire.Hello{Proto: proto, Version: version, Session: "notebook"}))
}

func framed(kind uint16, payload []byte) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(payload)+2))
	return append(binary.LittleEndian.AppendUint16(b, kind), payload...)
}

// Whatever bytes come, the connection ends and the core goes on.
func TestHostileBytes(t *testing.T) {
	c := start(t)
	known := hello(wire.Version, wire.Proto)
	status := framed(5, nil)
	for name, data := range map[string][]byte{
		"nothing":                    nil,
		"half a header":              known[:3],
		"half a hello":               known[:20],
		"a request before the hello": status,
		"a web browser":              []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
		"zeros":                      make([]byte, 1<<16),
		"a huge hello":               framed(1, make([]byte, 1<<20)),
		"a hello of no fields":       framed(1, nil),
		"garbage behind the hello":   append(known[:len(known):len(known)], "\xff\xff\xff\xff\xff\xff\xff"...),
		"a frame too large":          append(append(known[:len(known):len(known)], 0, 0, 0, 0x7f), 5, 0),
		"an unknown kind":            append(known[:len(known):len(known)], framed(9999, nil)...),
		"an answer for a request":    append(known[:len(known):len(known)], framed(5000, known)...),
		"a broken request":           append(known[:len(known):len(known)], framed(18, []byte("\x01\x02"))...),
		"a list that is too long":    append(known[:len(known):len(known)], framed(13, []byte("\xff\xff\xff\xff\xff\xff\xff\x7f"))...),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // some are waited for until the core loses its patience
			conn := raw(t, c)
			conn.Write(data) // may fail: the core may have hung up already
			if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the connection stays open")
			}
			works(t, c)
		})
	}
}

// A client that was known may be silent for any time, but not within a frame.
func TestHalfAFrame(t *testing.T) {
	c := start(t)
	silent, half := raw(t, c), raw(t, c)
	silent.Write(hello(wire.Version, wire.Proto))
	half.Write(append(hello(wire.Version, wire.Proto), framed(18, make([]byte, 100))[:30]...))
	works(t, c)
	sessions := c.Runtime().Sessions()
	clients := func(n int) func() bool {
		return func() bool { return len(sessions) == 1 && sessions[0].Clients() == n }
	}
	eventually(t, "both clients to be counted", func() bool { sessions = c.Runtime().Sessions(); return clients(2)() })
	said, err := io.ReadAll(half)
	if err != nil || !strings.Contains(string(said), "did not end in time") {
		t.Errorf("half a frame is answered by %q, %v", said, err)
	}
	eventually(t, "half a client to go", clients(1))
	silent.Close()
	eventually(t, "the session to go", clients(0))
}

// A frame may come in pieces, and one behind another.
func TestPieces(t *testing.T) {
	c := start(t)
	conn := raw(t, c)
	ask := framed(5, nil)
	for _, b := range append(append(hello(wire.Version, wire.Proto), ask...), ask...) {
		conn.Write([]byte{b})
	}
	answers := wire.NewConn(conn, wire.MaxFrame)
	for _, want := range []string{"*wire.Welcome", "*wire.Status", "*wire.Status"} {
		if m, err := answers.Recv(); err != nil || fmt.Sprintf("%T", m) != want {
			t.Fatalf("%T, %v", m, err)
		}
	}
}

// Whoever speaks a language that is not known yet is told so, in one that stays.
func TestFutureHello(t *testing.T) {
	c := start(t)
	future := wire.Encode(&wire.Hello{Proto: wire.Proto + 7, Version: "9.9.9", Session: "notebook"})
	for name, data := range map[string][]byte{
		"a longer hello": framed(1, append(future, 1, 2, 3)),
		"another hello":  framed(60_000, future),
	} {
		conn := raw(t, c)
		conn.Write(data)
		m, err := wire.NewConn(conn, wire.MaxFrame).Recv()
		if p, ok := m.(*wire.Problem); !ok || p.Code != wire.CodeBadRequest || !strings.Contains(p.Remedy, "same version") {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
}

func TestUnknownRequests(t *testing.T) {
	c := start(t)
	conn := client(t, c)
	refused(t, conn, &wire.Tensors{}, wire.CodeUnknown)
	refused(t, conn, &wire.Watch{Trainer: "none"}, wire.CodeUnknown, `"none"`, "nb.NewTrainer")
	refused(t, conn, &wire.Train{Trainer: "none", Epochs: 1}, wire.CodeUnknown)
	stranger, _, err := wire.Dial(c.Place, &wire.Hello{Proto: wire.Proto, Version: "0.0.0"})
	if err != nil {
		t.Fatal("who only asks for the status may be of any version: ", err)
	}
	defer stranger.Close()
	call[wire.Status](t, stranger, &wire.StatusRequest{})
	refused(t, stranger, iris("a"), wire.CodeBadRequest, "session")
}

func TestSlowReader(t *testing.T) {
	c := start(t)
	slow := client(t, c)
	ones := graph(func(x *ir.Value) *ir.Value { return op.Add(op.Sum(x, false), ir.Const(1, ir.F32, 60_000)) }, 1)
	req := &wire.Compute{Graph: ones, Inputs: []wire.Operand{{Name: "x", X: wire.Tensor{DType: "f32", Shape: []int{1}, Data: make([]byte, 4)}}}}
	for range server.MaxWaiting {
		if err := slow.Send(req); err != nil {
			t.Fatal(err)
		}
	}
	works(t, c) // while the slow one does not read
	eventually(t, "the core to lose its patience", func() bool { return len(c.Runtime().Sessions()) == 0 })
	var err error
	for n := 0; err == nil && n <= server.MaxWaiting; n++ {
		_, err = slow.Recv()
	}
	if err == nil {
		t.Error("all answers came, though nobody read them in time")
	}
}

// Requests that come during a stream wait for its end; too many of them end the
// connection, and the training it owns.
func TestRequestsDuringAStream(t *testing.T) {
	c := start(t)
	conn := client(t, c)
	call[wire.Declared](t, conn, iris("a"))
	for _, req := range []wire.Message{&wire.Train{Trainer: "a", Epochs: 20}, &wire.StatusRequest{}, &wire.AskTrainer{Trainer: "a"}} {
		if err := conn.Send(req); err != nil {
			t.Fatal(err)
		}
	}
	epochs := 0
	for {
		m, err := conn.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if _, ended := m.(*wire.Trained); ended {
			break
		}
		epochs++
	}
	status, _ := conn.Recv()
	run, _ := conn.Recv()
	if _, ok := status.(*wire.Status); !ok || epochs != 20 || len(run.(*wire.Run).Epochs) != 20 {
		t.Fatalf("%d epochs, then %T and %T", epochs, status, run)
	}
	conn.Send(&wire.Train{Trainer: "a", Epochs: 10_000_000})
	for range server.MaxWaiting + 1 {
		conn.Send(&wire.StatusRequest{})
	}
	var err error
	var last wire.Message
	for err == nil {
		var m wire.Message
		if m, err = conn.Recv(); err == nil {
			last = m
		}
	}
	if p, ok := last.(*wire.Problem); ok && !strings.Contains(p.Message, "at once") {
		t.Errorf("the last message is %v", p)
	}
	tr := c.Runtime().Trainers()[0]
	eventually(t, "training to stop", func() bool { return !tr.Running() })
}

func TestManyConnections(t *testing.T) {
	c := start(t)
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() { works(t, c) })
	}
	all.Wait()
	var conns []*wire.Conn
	defer func() {
		for _, conn := range conns {
			conn.Close()
		}
	}()
	eventually(t, "all connections to be used", func() bool {
		conn, _, err := wire.Dial(c.Place, &wire.Hello{Proto: wire.Proto, Version: wire.Version})
		if err == nil {
			conns = append(conns, conn)
		}
		for len(conns) < server.MaxClients && err == nil {
			if conn, _, err = wire.Dial(c.Place, &wire.Hello{Proto: wire.Proto, Version: wire.Version}); err == nil {
				conns = append(conns, conn)
			}
		}
		return len(conns) == server.MaxClients // some of those before may still have been going
	})
	_, _, err := wire.Dial(c.Place, &wire.Hello{Proto: wire.Proto, Version: wire.Version})
	isProblem(t, err, wire.CodeResource, "connections")
	for _, conn := range conns {
		conn.Close()
	}
	eventually(t, "room for another client", func() bool {
		conn, _, err := wire.Dial(c.Place, &wire.Hello{Proto: wire.Proto, Version: wire.Version})
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

func TestOtherVersions(t *testing.T) {
	c := start(t)
	conn := client(t, c)
	call[wire.Declared](t, conn, iris("precious"))
	for name, h := range map[string]*wire.Hello{
		"version":  {Proto: wire.Proto, Version: "9.9.9", Session: "notebook"},
		"protocol": {Proto: wire.Proto + 1, Version: wire.Version, Session: "notebook"},
		"future":   {Proto: wire.Proto + 1, Version: "9.9.9"},
	} {
		_, _, err := wire.Dial(c.Place, h)
		isProblem(t, err, wire.CodeVersion, h.Version, wire.Version, "precious", "metalnb stop --force")
		if t.Failed() {
			t.Fatal(name)
		}
	}
	call[wire.OK](t, conn, &wire.Drop{Trainer: "precious"})
	_, _, err := wire.Dial(c.Place, &wire.Hello{Proto: wire.Proto, Version: "9.9.9", Session: "notebook"})
	isProblem(t, err, wire.CodeReplaced)
	eventually(t, "the core to end", func() bool {
		_, _, err := wire.Dial(c.Place, &wire.Hello{Proto: wire.Proto, Version: wire.Version})
		return wire.IsNoCore(err)
	})
	if err := c.End(); err != nil {
		t.Error(err)
	}
	if err := c.Begin(); err != nil { // for what start checks at the end
		t.Fatal(err)
	}
}
