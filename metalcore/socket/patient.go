package socket

import (
	"context"
	"net"
	"time"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// Patient is a connection whose writes have a deadline, so that a peer that does
// not read blocks nobody for long, and whose reads end with the context, whatever
// their deadline, once that of the connection below has been set.
type Patient struct {
	net.Conn
	Ctx      context.Context
	Patience time.Duration // with a write of a few bytes
}

// Write fails when the peer does not take the bytes in time.
func (p Patient) Write(b []byte) (int, error) {
	p.SetWriteDeadline(time.Now().Add(p.Patience + wire.Allowance(len(b))))
	return p.Conn.Write(b)
}

// SetReadDeadline sets the time at which a read fails.
func (p Patient) SetReadDeadline(t time.Time) error {
	if err := p.Conn.SetReadDeadline(t); err != nil || p.Ctx.Err() == nil {
		return err
	}
	return p.Conn.SetReadDeadline(time.Now())
}
