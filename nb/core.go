package nb

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// EnvSession overrides the name of the session, which is the notebook's path.
const EnvSession = "METALNB_SESSION"

// sessionName says which notebook this program belongs to: Jupyter tells the
// notebook's path in JPY_SESSION_NAME; otherwise it is the folder.
func sessionName() string {
	dir, err := os.Getwd()
	if err != nil {
		dir = "."
	}
	name := cmp.Or(os.Getenv(EnvSession), os.Getenv("JPY_SESSION_NAME"), dir)
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, filepath.Base(name))
	}
	return name
}

// kernelName tells the kernel that runs this program as a cell, its parent, from
// others; it is empty without one.
func kernelName() string {
	dir := os.Getenv("GONB_TMP_DIR")
	if dir == "" {
		return ""
	}
	return wire.KernelName(os.Getppid(), dir)
}

// core is this program's link to the core: idle connections, made when a call
// needs one more, and how often one was lost. What was declared before that
// may have to be declared again, to another core.
var core struct {
	sync.Mutex
	idle []*wire.Conn
	lost int
}

// losses is how often a connection was lost so far.
func losses() int {
	core.Lock()
	defer core.Unlock()
	return core.lost
}

// lose closes a connection that failed, and the idle ones, which may have
// failed with it.
func lose(conn *wire.Conn) {
	conn.Close()
	core.Lock()
	defer core.Unlock()
	for _, c := range core.idle {
		c.Close()
	}
	core.idle, core.lost = nil, core.lost+1
}

// borrow returns an idle connection or a new one, starting the core if need be.
func borrow() (*wire.Conn, error) {
	core.Lock()
	if n := len(core.idle); n > 0 {
		conn := core.idle[n-1]
		core.idle = core.idle[:n-1]
		core.Unlock()
		return conn, nil
	}
	core.Unlock()
	conn, _, err := wire.Connect(wire.DefaultPlace(), &wire.Hello{
		Proto: wire.Proto, Version: wire.Version, PID: os.Getpid(), Session: sessionName(),
		Kernel: kernelName(),
	})
	return conn, err
}

func giveBack(conn *wire.Conn) {
	core.Lock()
	core.idle = append(core.idle, conn)
	core.Unlock()
}

// stream sends a request and hands every answer to each, until that returns
// true for the last one.
func stream(req wire.Message, each func(wire.Message) (last bool, err error)) error {
	conn, err := borrow()
	if err != nil {
		return err
	}
	if err := conn.Send(req); err != nil {
		lose(conn)
		return err
	}
	for {
		m, err := conn.Recv()
		if err != nil {
			lose(conn)
			return err
		}
		if p, ok := m.(*wire.Problem); ok {
			giveBack(conn)
			return p
		}
		last, err := each(m)
		if err != nil {
			conn.Close() // the rest of the stream is not wanted
			return err
		}
		if last {
			giveBack(conn)
			return nil
		}
	}
}

// call sends a request that has one answer, of type *T.
func call[T any](req wire.Message) (*T, error) {
	var out *T
	err := stream(req, func(m wire.Message) (bool, error) {
		reply, ok := any(m).(*T)
		if !ok {
			return false, fmt.Errorf("%T in answer to %T: %w", m, req, wire.ErrFrame)
		}
		out = reply
		return true, nil
	})
	return out, err
}

// mustCall is call that raises its error.
func mustCall[T any](req wire.Message) *T {
	out, err := call[T](req)
	must(err)
	return out
}
