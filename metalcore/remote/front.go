package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/metalnb/metalnb/metalcore/socket"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// Limits of what comes before a client is known.
const (
	mostUnknown = 64 // connections
	mostKnown   = 256
	enterLimit  = 16 << 10 // bytes of a frame; Hello holds paths
)

// IdentityPath is where the core of a place keeps its key and token.
func IdentityPath(place wire.Place) string { return filepath.Join(place.Journal(), "remote.pem") }

// Front lets clients on other machines in to the core of a place.
type Front struct {
	Place    wire.Place
	Identity *Identity
	Limit    int64 // bytes of a tensor; none when 0
	Log      *log.Logger

	listener net.Listener
}

// Listen opens the front at an address like :7070, and returns what clients need
// to know.
func (f *Front) Listen(address string) (*Target, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("--listen %s: give host:port, or :port for all addresses of this machine", address)
	}
	if f.listener, err = net.Listen("tcp", address); err != nil {
		return nil, fmt.Errorf("--listen %s: %w", address, err)
	}
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		if host, err = os.Hostname(); err != nil {
			return nil, err
		}
	}
	_, port, err := net.SplitHostPort(f.listener.Addr().String())
	if err != nil {
		return nil, err
	}
	return f.Identity.Target(net.JoinHostPort(host, port))
}

// endTimeout is how long clients may take the last answers when the core ends.
const endTimeout = 3 * time.Second

// Serve lets clients in until ctx ends, and those that are in go when the core
// lets them go.
func (f *Front) Serve(ctx context.Context) {
	late, tooLate := context.WithCancel(context.Background())
	defer tooLate()
	defer context.AfterFunc(ctx, func() {
		f.listener.Close()
		time.AfterFunc(endTimeout, tooLate)
	})()
	unknown, known := make(chan struct{}, mostUnknown), make(chan struct{}, mostKnown)
	var all sync.WaitGroup
	defer all.Wait()
	logf := func(format string, args ...any) { f.Log.Printf("remote: "+format, args...) }
	socket.Accept(ctx, f.listener, logf, func(conn net.Conn) {
		select {
		case unknown <- struct{}{}:
		default:
			conn.Close()
			return
		}
		all.Go(func() {
			defer conn.Close()
			defer context.AfterFunc(late, func() { conn.Close() })()
			t, err := f.enter(ctx, conn)
			<-unknown
			if err != nil {
				logf("%v: %v", conn.RemoteAddr(), err)
				return
			}
			f.carry(t, conn, known)
		})
	})
}

// carry serves a client that is known.
func (f *Front) carry(t *tunnel, conn net.Conn, known chan struct{}) {
	select {
	case known <- struct{}{}:
	default:
		t.far.Send(&wire.Problem{Code: wire.CodeResource, Message: fmt.Sprintf("the core has %d connections from other machines already", mostKnown),
			Remedy: "end programs that use it"})
		t.near.Close()
		return
	}
	defer func() { <-known }()
	f.Log.Printf("remote: %v came in", conn.RemoteAddr())
	if err := t.run(); err != nil {
		f.Log.Printf("remote: %v: %v", conn.RemoteAddr(), err)
	}
}

// enter lets a client in who knows the token and is of our version.
func (f *Front) enter(ctx context.Context, nc net.Conn) (*tunnel, error) {
	nc.SetDeadline(time.Now().Add(enterTimeout))
	conn := tls.Server(nc, f.Identity.config())
	if err := conn.HandshakeContext(ctx); err != nil {
		if e, ok := errors.AsType[tls.RecordHeaderError](err); ok && e.Conn != nil && printable(e.RecordHeader[:]) {
			e.Conn.Write([]byte("HTTP/1.0 400 Bad Request\r\n\r\nthis port wants TLS\n"))
		}
		return nil, err
	}
	far := wire.NewConn(socket.Patient{Conn: conn, Ctx: ctx, Patience: frameTimeout}, enterLimit)
	first, err := far.Recv()
	if err != nil {
		return nil, err
	}
	second, err := far.Recv() // before anything is answered, so that the answer is not lost with what is unread
	if err != nil {
		return nil, err
	}
	enter, ok := first.(*wire.Enter)
	hello, ok2 := second.(*wire.Hello)
	if p := f.refusal(enter, hello, ok && ok2); p != nil {
		far.Send(p)
		return nil, p
	}
	near, err := f.core()
	if err == nil {
		err = near.Send(hello)
	}
	if err != nil {
		far.Send(&wire.Problem{Code: wire.CodeCore, Message: "the core is ending", Remedy: "start it again on its machine"})
		return nil, err
	}
	nc.SetDeadline(time.Time{})
	far.SetLimit(wire.MaxFrame)
	far.SetPatience(frameTimeout)
	t := &tunnel{place: f.Place, near: near, far: far, limit: f.Limit}
	t.refuse = func(p *wire.Problem) error { return t.far.Send(p) }
	return t, nil
}

// refusal is why somebody is not let in.
func (f *Front) refusal(enter *wire.Enter, hello *wire.Hello, ok bool) *wire.Problem {
	switch {
	case !ok || !f.Identity.knows(enter.Token):
		return &wire.Problem{Code: wire.CodeStranger, Message: "the core does not know this token", Remedy: "set " + wire.EnvCore + " to what the core printed when it began"}
	case hello.Proto != wire.Proto || hello.Version != wire.Version:
		return &wire.Problem{Code: wire.CodeVersion,
			Message: fmt.Sprintf("this program is made with metalnb %s (protocol %d), and the core on the other machine with %s (protocol %d)", hello.Version, hello.Proto, wire.Version, wire.Proto),
			Remedy:  "install the same version on both"}
	}
	return nil
}

// core connects to the core itself, which may be about to begin.
func (f *Front) core() (*wire.Conn, error) {
	for end := time.Now().Add(enterTimeout / 2); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("unix", f.Place.Socket())
		if err == nil {
			return wire.NewConn(conn, wire.MaxFrame), nil
		}
		if time.Now().After(end) {
			return nil, err
		}
	}
}

// printable reports whether somebody sent text, as a browser does.
func printable(head []byte) bool {
	return !strings.ContainsFunc(string(head), func(r rune) bool { return r < ' ' || r > '~' })
}
