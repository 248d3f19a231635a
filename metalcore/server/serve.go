package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"strings"
	"time"

	"github.com/metalnb/metalnb/metalcore/runtime"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// Limits of a client's patience with us and ours with it.
const (
	helloLimit   = 4 << 10          // bytes of the first frame
	helloTimeout = 5 * time.Second  // for the first frame
	writeTimeout = 30 * time.Second // for a client to take a frame
)

// client is one connection, after the handshake.
type client struct {
	*wire.Conn
	server  *Server
	session *runtime.Session // nil for those that only ask for the status
	kernel  string
	gone    <-chan struct{} // closed when the other side is
}

// deadlined gives each write its deadline, so that a client that does not read
// blocks nobody for long.
type deadlined struct{ net.Conn }

func (d deadlined) Write(b []byte) (int, error) {
	d.SetWriteDeadline(time.Now().Add(writeTimeout))
	return d.Conn.Write(b)
}

// serve speaks with one client until it goes away.
func (s *Server) serve(ctx context.Context, nc net.Conn) {
	nc.SetReadDeadline(time.Now().Add(helloTimeout))
	conn := wire.NewConn(deadlined{nc}, helloLimit)
	hello, err := s.shake(conn)
	if err != nil {
		s.Log.Printf("handshake: %v", err)
		return
	}
	nc.SetReadDeadline(time.Time{})
	if ctx.Err() != nil {
		return
	}
	conn.SetLimit(wire.MaxFrame)
	c := &client{Conn: conn, server: s, kernel: hello.Kernel}
	if hello.Session != "" {
		c.session = s.core.Session(hello.Session)
		defer c.session.Join()()
	}
	requests, gone := pump(conn, s.Log.Printf)
	c.gone = gone
	for req := range requests {
		if err := c.answer(req); err != nil {
			s.Log.Printf("pid %d: %v", hello.PID, err)
			break
		}
	}
	nc.Close()
	for range requests {
	} // lets the pump end
}

// pump receives a client's messages. One may wait while another is answered,
// so that the end of the connection is seen meanwhile.
func pump(conn *wire.Conn, log func(string, ...any)) (<-chan wire.Message, <-chan struct{}) {
	requests, gone := make(chan wire.Message, 1), make(chan struct{})
	go func() {
		defer close(requests)
		defer close(gone)
		for {
			m, err := conn.Recv()
			if errors.Is(err, wire.ErrFrame) {
				conn.Send(&wire.Problem{Code: wire.CodeBadRequest, Message: err.Error(),
					Remedy: "program and core must be of the same version of metalnb"})
				log("%v", err)
			}
			if err != nil {
				return
			}
			requests <- m
		}
	}()
	return requests, gone
}

// shake answers Hello. A core of another version than the program's ends when
// it holds nothing, so that the program can start its own.
func (s *Server) shake(conn *wire.Conn) (*wire.Hello, error) {
	m, err := conn.Recv()
	if err != nil {
		return nil, err
	}
	hello, ok := m.(*wire.Hello)
	if !ok {
		err := fmt.Errorf("the first message is a %T, not a Hello", m)
		conn.Send(&wire.Problem{Code: wire.CodeBadRequest, Message: err.Error()})
		return nil, err
	}
	if hello.Proto == wire.Proto && (hello.Version == wire.Version || hello.Session == "") {
		welcome := s.welcome
		return hello, conn.Send(&welcome)
	}
	p := &wire.Problem{Code: wire.CodeVersion,
		Message: fmt.Sprintf("this program is made with metalnb %s (protocol %d), and the core that runs (pid %d, for %v) is %s (protocol %d) and holds %s",
			hello.Version, hello.Proto, s.welcome.PID, time.Since(s.started).Round(time.Second), wire.Version, wire.Proto, s.holdings()),
		Remedy: "use the same version for both, or end the core with `metalnb stop --force`, which drops what it holds, and run the cell again"}
	if s.core.Empty() {
		p.Code = wire.CodeReplaced
		s.end(fmt.Errorf("replaced by version %s", hello.Version))
	}
	conn.Send(p)
	return nil, errors.New(p.Message)
}

// holdings names what would be lost if the core ended.
func (s *Server) holdings() string {
	var parts []string
	for _, t := range s.core.Trainers() {
		parts = append(parts, fmt.Sprintf("trainer %q (%d steps)", t.Spec().Name, t.Info().Step))
	}
	for _, session := range s.core.Sessions() {
		for _, name := range append(session.DataNames(), session.Tensors()...) {
			parts = append(parts, fmt.Sprintf("%q", name))
		}
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

// answer handles one request. The error is one of the connection; what is
// wrong with the request goes to the client as a Problem.
func (c *client) answer(req wire.Message) error {
	reply, err := c.guarded(req)
	if err != nil {
		return c.Send(problem(err))
	}
	if reply == nil { // the handler has sent it all
		return nil
	}
	err = c.Send(reply)
	if err != nil && !errors.Is(err, net.ErrClosed) && !errors.Is(err, io.ErrClosedPipe) {
		return fmt.Errorf("answer to %T: %w", req, err)
	}
	return err
}

// guarded turns a panic, which is a fault of ours, into an error, so that one
// request cannot end the core.
func (c *client) guarded(req wire.Message) (reply wire.Message, err error) {
	defer func() {
		if r := recover(); r != nil {
			c.server.Log.Printf("panic in %T: %v\n%s", req, r, debug.Stack())
			err = fmt.Errorf("internal error in %T: %v", req, r)
		}
	}()
	return c.handle(req)
}

// problem is an error as the client gets it.
func problem(err error) *wire.Problem {
	if e, ok := errors.AsType[*runtime.Error](err); ok {
		return &wire.Problem{Code: string(e.Code), Message: e.Message, Remedy: e.Remedy}
	}
	if p, ok := errors.AsType[*wire.Problem](err); ok {
		return p
	}
	return &wire.Problem{Code: wire.CodeInternal, Message: err.Error(),
		Remedy: "this is likely a fault of metalnb: `metalnb logs` has more of it"}
}
