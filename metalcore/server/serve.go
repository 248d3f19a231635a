package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"strings"
	"time"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/runtime"
	"github.com/metalnb/metalnb/metalcore/socket"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// Limits of what a client may send before it is known, and at once.
const (
	helloLimit = 16 << 10 // bytes of the first frame, which holds paths
	maxWaiting = 8        // requests that wait while one is answered
)

// Limits of our patience with a client; variables so that tests are quick.
var (
	helloTimeout = 5 * time.Second  // for the first frame
	frameTimeout = 30 * time.Second // to send the rest of a frame that began
	writeTimeout = 30 * time.Second // to take a frame
)

// client is one connection, after the handshake.
type client struct {
	*wire.Conn
	server  *Server
	session *runtime.Session // nil for those that only ask for the status
	kernel  string
	gone    <-chan struct{} // closed when the other side is
	ctx     context.Context // the server's
	handed  []wire.Tensor   // those in files that the client was sent
	maker   *feed.Maker     // of the stream that the client opened
	offered bool            // the client waits to be asked for rows, or brings some
}

// errGone says that nobody is there to be told anything.
var errGone = errors.New("the client is gone")

// lost is the error of a request that cannot be answered to its end, because
// the client is gone or the server ends.
func (c *client) lost() error {
	if c.ctx.Err() == nil {
		return errGone
	}
	return &wire.Problem{Code: wire.CodeCore, Message: fmt.Sprintf("the core ends: %v", context.Cause(c.ctx)),
		Remedy: "run the cell again: a new core starts by itself"}
}

// Send writes a message. Its error is errGone, unless nothing was written
// because the message is too large.
func (c *client) Send(m wire.Message) error {
	err := c.Conn.Send(m)
	switch {
	case errors.Is(err, wire.ErrTooLarge):
		return &runtime.Error{Code: runtime.Resource, Message: err.Error(), Remedy: "ask for less at once", Err: err}
	case err != nil:
		return fmt.Errorf("%w: %w", errGone, err)
	}
	return nil
}

// serve speaks with one client until it goes away.
func (s *Server) serve(ctx context.Context, nc net.Conn, full bool) {
	nc.SetReadDeadline(time.Now().Add(helloTimeout))
	conn := wire.NewConn(socket.Patient{Conn: nc, Ctx: ctx, Patience: writeTimeout}, helloLimit)
	hello, err := s.shake(conn, refusal(nc, full))
	if err != nil {
		s.Log.Printf("handshake: %v", err)
		return
	}
	nc.SetReadDeadline(time.Time{})
	if ctx.Err() != nil {
		return
	}
	conn.SetLimit(wire.MaxFrame)
	conn.SetPatience(frameTimeout)
	c := &client{Conn: conn, server: s, kernel: hello.Kernel, ctx: ctx}
	if hello.Session != "" {
		session, leave := s.core.Join(hello.Session)
		defer leave()
		c.session = session
		if s.Away {
			s.kernels.met(hello.Session, hello.Kernel)
		}
	}
	defer c.tidy()
	requests, gone := pump(conn, s.Log.Printf)
	c.gone = gone
	for req := range requests {
		err := c.answer(req)
		c.discard(req)
		if err != nil {
			s.Log.Printf("pid %d: %v", hello.PID, err)
			break
		}
	}
	nc.Close()
	for req := range requests { // lets the pump end
		c.discard(req)
	}
}

// discard removes the files of a request's tensors that were not imported.
func (c *client) discard(req wire.Message) {
	for _, t := range wire.TensorsOf(req) {
		t.Discard(c.server.Place)
	}
}

// tidy removes the files that the client was sent and did not fetch, and says
// that it makes no more rows.
func (c *client) tidy() {
	if c.maker != nil {
		c.maker.Leave()
	}
	for i := range c.handed {
		c.handed[i].Discard(c.server.Place)
	}
}

// pump receives a client's messages. Some may wait while one is answered, so
// that the end of the connection is seen meanwhile.
func pump(conn *wire.Conn, log func(string, ...any)) (<-chan wire.Message, <-chan struct{}) {
	requests, gone := make(chan wire.Message, maxWaiting), make(chan struct{})
	go func() {
		defer close(requests)
		defer close(gone)
		for {
			m, err := conn.Recv()
			if errors.Is(err, wire.ErrFrame) {
				conn.Send(wire.Misunderstood(err))
				log("%v", err)
			}
			if err != nil {
				return
			}
			select {
			case requests <- m:
			default:
				conn.Send(&wire.Problem{Code: wire.CodeBadRequest, Message: fmt.Sprintf("more than %d requests at once", maxWaiting),
					Remedy: "wait for an answer before the next request"})
				log("a client sent more than %d requests at once", maxWaiting)
				return
			}
		}
	}()
	return requests, gone
}

// greeting is the answer to Hello.
func (s *Server) greeting() wire.Welcome {
	w := s.welcome
	w.Device = s.core.Device().Info().Name
	return w
}

// refusal is what a connection is told in answer to its Hello when it cannot be
// served.
func refusal(conn net.Conn, full bool) *wire.Problem {
	if p := socket.Stranger(conn); p != nil || !full {
		return p
	}
	return &wire.Problem{Code: wire.CodeResource, Message: fmt.Sprintf("the core has %d connections already", maxClients),
		Remedy: "end programs that use it, or end the core with `metalnb stop`"}
}

// shake answers Hello. A core of another version than the program's ends when
// nothing is lost by that, so that the program can start its own.
func (s *Server) shake(conn *wire.Conn, refused *wire.Problem) (*wire.Hello, error) {
	m, err := conn.Recv()
	if errors.Is(err, wire.ErrFrame) {
		conn.Send(wire.Misunderstood(err))
	}
	if err != nil {
		return nil, err
	}
	hello, ok := m.(*wire.Hello)
	if !ok {
		err := fmt.Errorf("the first message is a %T, not a Hello", m)
		conn.Send(&wire.Problem{Code: wire.CodeBadRequest, Message: err.Error()})
		return nil, err
	}
	if refused != nil {
		conn.Send(refused)
		return nil, refused
	}
	if hello.Proto == wire.Proto && (hello.Version == wire.Version || hello.Session == "") {
		welcome := s.greeting()
		return hello, conn.Send(&welcome)
	}
	p := &wire.Problem{Code: wire.CodeVersion,
		Message: fmt.Sprintf("this program is made with metalnb %s (protocol %d), and the core that runs (pid %d, for %v) is %s (protocol %d) and holds %s",
			hello.Version, hello.Proto, s.welcome.PID, time.Since(s.started).Round(time.Second), wire.Version, wire.Proto, s.holdings()),
		Remedy: "use the same version for both, or end the core with `metalnb stop --force`, which drops what it holds, and run the cell again"}
	if len(s.core.Losses()) == 0 {
		p.Code = wire.CodeReplaced
		s.end(fmt.Errorf("replaced by version %s", hello.Version))
	}
	conn.Send(p)
	return nil, errors.New(p.Message)
}

// mostNamed is how many things a message names.
const mostNamed = 20

// holdings names what would be lost if the core ended.
func (s *Server) holdings() string {
	parts := s.core.Losses()
	if len(parts) == 0 {
		return "nothing"
	}
	if n := len(parts); n > mostNamed {
		parts = append(parts[:mostNamed], fmt.Sprintf("and %d more", n-mostNamed))
	}
	return strings.Join(parts, ", ")
}

// answer handles one request. The error is one of the connection; what is
// wrong with the request goes to the client as a Problem.
func (c *client) answer(req wire.Message) error {
	reply, err := c.guarded(req)
	if err == nil {
		err = c.Send(reply)
	}
	if err == nil || errors.Is(err, errGone) {
		return err
	}
	return c.Send(problem(err))
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
