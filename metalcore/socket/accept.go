package socket

import (
	"context"
	"net"
	"time"
)

// Accept hands the listener's connections to take, one after the other, until
// ctx has ended and the listener is closed.
func Accept(ctx context.Context, listener net.Listener, logf func(format string, args ...any), take func(net.Conn)) {
	for {
		conn, err := listener.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				conn.Close()
			}
			return
		case err != nil:
			logf("accept: %v", err) // out of files, perhaps: let some be closed
			time.Sleep(50 * time.Millisecond)
		default:
			take(conn)
		}
	}
}
