package remote

import (
	"bytes"
	"context"
	"errors"
	"log"
	"net"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/server/servertest"
	"github.com/metalnb/metalnb/metalcore/wire"
)

func init() {
	enterTimeout = 2 * time.Second
	frameTimeout = 2 * time.Second
}

// lines is a log that tests read.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// far is a core that lets others in, with all that its front and relays logged.
type far struct {
	core   *servertest.Core
	front  *Front
	target *Target
	log    *lines
}

// listen starts a core with a front. When the test ends nothing may be left of
// it, and the token must not have been logged.
func listen(t testing.TB, change func(*Front)) *far {
	t.Helper()
	routines := goruntime.NumGoroutine()
	c, err := servertest.Start()
	if err != nil {
		t.Fatal(err)
	}
	f := &far{core: c, log: &lines{}}
	t.Cleanup(func() {
		eventually(t, "the goroutines to end", func() bool { return goruntime.NumGoroutine() <= routines })
		if strings.Contains(f.log.String(), f.target.Token) {
			t.Error("the token is in the log")
		}
	})
	id, err := LoadIdentity(IdentityPath(c.Place))
	if err != nil {
		t.Fatal(err)
	}
	f.front = &Front{Place: c.Place, Identity: id, Log: log.New(f.log, "", 0)}
	if change != nil {
		change(f.front)
	}
	if f.target, err = f.front.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f.front.Serve(ctx)
	}()
	t.Cleanup(func() {
		eventually(t, "the core's exchanged files to be gone", func() bool { return exchanged(t, c.Place) == 0 })
		cancel()
		<-ended
		if err := c.End(); err != nil {
			t.Error(err)
		}
		c.Remove()
	})
	return f
}

// relayed starts a relay that knows the core.
func (f *far) relayed(t testing.TB) wire.Place { return f.relay(t, *f.target) }

// relay starts a relay to what it takes for a core; it ends with the test.
func (f *far) relay(t testing.TB, target Target) wire.Place {
	t.Helper()
	dir, err := os.MkdirTemp("", "mnb-")
	if err != nil {
		t.Fatal(err)
	}
	place := wire.Place(filepath.Join(dir, "relay"))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- (&Relay{Place: place, Target: &target, Log: log.New(f.log, "", 0)}).Run(ctx) }()
	t.Cleanup(func() {
		eventually(t, "the relay's exchanged files to be gone", func() bool { return exchanged(t, place) == 0 })
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		os.RemoveAll(dir)
	})
	eventually(t, "the relay to listen", func() bool {
		conn, err := net.Dial("unix", place.Socket())
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return place
}

func exchanged(t testing.TB, place wire.Place) int {
	t.Helper()
	list, err := os.ReadDir(place.Exchange())
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// eventually waits for something that must come, however slow the machine.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			stacks := make([]byte, 1<<16)
			t.Fatalf("waited in vain for %s\n%s", what, stacks[:goruntime.Stack(stacks, true)])
		}
	}
}

// hello is that of a notebook.
func hello() *wire.Hello {
	return &wire.Hello{Proto: wire.Proto, Version: wire.Version, PID: os.Getpid(), Session: "notebook"}
}

// client is a connection of a cell.
func client(t testing.TB, place wire.Place) *wire.Conn {
	t.Helper()
	conn, _, err := wire.Dial(place, hello())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// call sends a request whose answer is of type *T.
func call[T any](t testing.TB, conn *wire.Conn, req wire.Message) *T {
	t.Helper()
	m, err := conn.Call(req)
	out, ok := any(m).(*T)
	if err != nil || !ok {
		t.Fatalf("%T: %T, %v", req, m, err)
	}
	return out
}

// isProblem holds an error to be a problem of that code which says all the words.
func isProblem(t testing.TB, err error, code string, words ...string) {
	t.Helper()
	p, ok := errors.AsType[*wire.Problem](err)
	if !ok || p.Code != code {
		t.Fatalf("got %v, want a problem %s", err, code)
	}
	for _, w := range words {
		if !strings.Contains(p.Error(), w) {
			t.Errorf("the problem does not say %q: %v", w, p)
		}
	}
}
