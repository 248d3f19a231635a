package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/metalnb/metalnb/metalcore/socket"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// Our patience with a peer; variables so that tests are quick.
var (
	enterTimeout = 10 * time.Second // to come in
	frameTimeout = 30 * time.Second // to end a frame that began, or to take one
)

// pieceSize is the size of the pieces of a file.
const pieceSize = 1 << 20

// connOf is a connection for messages that does not wait for slow peers for ever.
func connOf(ctx context.Context, conn net.Conn, limit int) *wire.Conn {
	c := wire.NewConn(socket.Patient{Conn: conn, Ctx: ctx, Patience: frameTimeout}, limit)
	c.SetPatience(frameTimeout)
	return c
}

// tunnel is one of the two ends of a client's way to a core: it carries messages
// between a unix socket, whose large tensors lie in files, and the far machine.
type tunnel struct {
	place     wire.Place
	near, far *wire.Conn
	limit     int64                     // of the bytes of a tensor that comes; none when 0
	refuse    func(*wire.Problem) error // tells the client that a message could not be carried
	sent      func(wire.Message)        // is told what has been carried to the far machine, and
	got       func(wire.Message)        // from it

	name     string   // of the file that comes
	file     *os.File // nil when none does
	size     int64
	failed   error // why the file that came is not there
	received []string
}

// run carries messages until one of the two sides closes its connection.
func (t *tunnel) run() error {
	var both sync.WaitGroup
	var once sync.Once
	var first error
	for _, way := range []func() error{t.out, t.in} {
		both.Go(func() {
			err := way()
			once.Do(func() { first = err })
			t.near.Close()
			t.far.Close()
		})
	}
	both.Wait()
	t.tidy()
	if errors.Is(first, io.EOF) {
		return nil
	}
	return first
}

// out carries messages to the far machine, and tensors that lie in files ahead of
// theirs.
func (t *tunnel) out() error {
	for {
		m, err := t.near.Recv()
		if errors.Is(err, wire.ErrFrame) {
			t.near.Send(wire.Misunderstood(err))
		}
		if err != nil {
			return err
		}
		for _, x := range wire.TensorsOf(m) {
			if err := t.sendFile(x.File); err != nil {
				return err
			}
		}
		if t.sent != nil {
			t.sent(m)
		}
		if err := t.far.Send(m); err != nil {
			return err
		}
	}
}

// sendFile carries a file, if there is one: the core will say when there is not.
func (t *tunnel) sendFile(name string) error {
	if name == "" {
		return nil
	}
	f, _, err := wire.OpenExchanged(t.place, name)
	if err != nil {
		return nil
	}
	defer f.Close()
	piece := make([]byte, pieceSize)
	for n := 0; ; {
		if n, err = f.Read(piece); err != nil && err != io.EOF {
			return err
		}
		if n == 0 {
			return nil
		}
		if err := t.far.Send(&wire.Chunk{File: name, Data: piece[:n]}); err != nil {
			return err
		}
	}
}

// in carries messages from the far machine, and makes files of tensors.
func (t *tunnel) in() error {
	for {
		m, err := t.far.Recv()
		if errors.Is(err, wire.ErrFrame) {
			t.refuse(wire.Misunderstood(err))
		}
		if err != nil {
			return err
		}
		if piece, ok := m.(*wire.Chunk); ok {
			t.take(piece)
			continue
		}
		t.close()
		if err := t.failed; err != nil {
			t.failed = nil
			p := &wire.Problem{Code: wire.CodeResource, Message: fmt.Sprintf("a tensor could not be handed over between the machines: %v", err),
				Remedy: "free some space, or do it in parts"}
			if err := t.refuse(p); err != nil {
				return err
			}
			continue
		}
		if err := t.near.Send(m); err != nil {
			return err
		}
		if t.got != nil {
			t.got(m)
		}
	}
}

// take writes a piece to its file. What goes wrong is said in answer to the
// message that the file belongs to.
func (t *tunnel) take(piece *wire.Chunk) {
	if t.failed != nil {
		return
	}
	if t.file == nil || piece.File != t.name {
		t.close()
		t.name, t.size = piece.File, 0
		if t.file, t.failed = wire.CreateExchanged(t.place, piece.File); t.failed != nil {
			t.file = nil
			return
		}
		if t.received = append(t.received, piece.File); len(t.received) > mostReceived {
			discard(t.place, t.received[0])
			t.received = t.received[1:]
		}
	}
	if t.size += int64(len(piece.Data)); t.limit > 0 && t.size > t.limit {
		t.failed = fmt.Errorf("it is larger than the %.3g GB that one may be", float64(t.limit)/1e9)
	} else {
		_, t.failed = t.file.Write(piece.Data)
	}
	if t.failed != nil {
		t.close()
		discard(t.place, t.name)
	}
}

// mostReceived is how many files may lie there for a client; those before have
// been fetched, unless he sends them for nothing.
const mostReceived = 1000

// close ends the file that comes.
func (t *tunnel) close() {
	if t.file == nil {
		return
	}
	if err := t.file.Close(); t.failed == nil {
		t.failed = err
	}
	t.file = nil
}

// tidy removes the files that nobody has fetched.
func (t *tunnel) tidy() {
	t.close()
	for _, name := range t.received {
		discard(t.place, name)
	}
}

func discard(place wire.Place, name string) {
	x := wire.Tensor{File: name}
	x.Discard(place)
}
