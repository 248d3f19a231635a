package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/metalnb/metalnb/metalcore/socket"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// dialTimeout is less than cells wait for an answer to their Hello.
const dialTimeout = 3 * time.Second

// Relay answers at a place in the stead of a core on another machine.
type Relay struct {
	Place  wire.Place
	Target *Target
	Idle   time.Duration // end after so long without a client; never when 0
	Log    *log.Logger

	clients atomic.Int64
	end     context.CancelCauseFunc
}

// Run carries messages until ctx ends, the core has been told to end or is not there
// any more, or nobody has been there for long. It returns socket.ErrRunning when another relay has the
// place.
func (r *Relay) Run(ctx context.Context) error {
	lock, err := socket.Acquire(r.Place)
	if err != nil {
		return err
	}
	defer lock.Close()
	listener, err := socket.Listen(r.Place)
	if err != nil {
		return err
	}
	ctx, r.end = context.WithCancelCause(ctx)
	defer r.end(nil)
	defer context.AfterFunc(ctx, func() { listener.Close() })()
	r.Log.Printf("relay %s to the core at %s listens at %s", wire.Version, r.Target.Address, r.Place.Socket())
	go r.watch(ctx)
	var all sync.WaitGroup
	socket.Accept(ctx, listener, r.Log.Printf, func(conn net.Conn) {
		r.clients.Add(1)
		all.Go(func() {
			defer r.clients.Add(-1)
			defer conn.Close()
			defer context.AfterFunc(ctx, func() { conn.Close() })()
			if err := r.serve(ctx, conn); err != nil {
				r.Log.Print(err)
			}
		})
	})
	all.Wait()
	r.Log.Printf("relay ends: %v", context.Cause(ctx))
	return nil
}

// watch ends the relay when nobody needs it, and removes tensors that nobody
// fetched.
func (r *Relay) watch(ctx context.Context) {
	const old = 10 * time.Minute
	since, swept := time.Now(), time.Time{}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		now := time.Now()
		if now.Sub(swept) > old {
			r.Place.Sweep(now.Add(-old))
			swept = now
		}
		if r.clients.Load() > 0 {
			since = now
		}
		if r.Idle > 0 && now.Sub(since) >= r.Idle {
			r.end(fmt.Errorf("idle for %v", r.Idle))
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// serve carries the messages of one client.
func (r *Relay) serve(ctx context.Context, nc net.Conn) error {
	nc.SetReadDeadline(time.Now().Add(enterTimeout))
	near := connOf(ctx, nc, wire.MaxFrame)
	m, err := near.Recv()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		near.Send(wire.Misunderstood(err))
		return err
	}
	nc.SetReadDeadline(time.Time{})
	hello, ok := m.(*wire.Hello)
	if !ok {
		return fmt.Errorf("the first message is a %T, not a Hello", m)
	}
	if p := socket.Stranger(nc); p != nil {
		near.Send(p)
		return p
	}
	t, answer, err := r.enter(ctx, near, hello)
	if err != nil {
		p, ok := errors.AsType[*wire.Problem](err)
		if !ok {
			p = &wire.Problem{Code: wire.CodeCore, Message: fmt.Sprintf("the core at %s hung up: %v", r.Target.Address, err),
				Remedy: "look at what it wrote in its terminal"}
		}
		near.Send(p)
		if errors.Is(err, errGone) && r.clients.Load() == 1 { // the next cell starts another relay
			r.end(p)
		}
		return p
	}
	if err := near.Send(answer); err != nil {
		t.far.Close()
		return err
	}
	return t.run()
}

// enter goes to the core on the other machine, and returns its answer to Hello.
func (r *Relay) enter(ctx context.Context, near *wire.Conn, hello *wire.Hello) (*tunnel, wire.Message, error) {
	conn, err := r.Target.dial(dialTimeout)
	if err != nil {
		return nil, nil, err
	}
	far := connOf(ctx, conn, wire.MaxFrame)
	conn.SetReadDeadline(time.Now().Add(dialTimeout))
	for _, m := range []wire.Message{&wire.Enter{Token: r.Target.Token}, hello} {
		if err == nil {
			err = far.Send(m)
		}
	}
	var answer wire.Message
	if err == nil {
		answer, err = far.Recv()
	}
	if p, ok := answer.(*wire.Problem); ok {
		err = p
	}
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	conn.SetReadDeadline(time.Time{})
	t := &tunnel{place: r.Place, near: near, far: far, refuse: func(p *wire.Problem) error { return near.Send(p) }}
	r.endWithCore(t)
	return t, answer, nil
}

// endWithCore has the relay end when the core has agreed to.
func (r *Relay) endWithCore(t *tunnel) {
	var asked atomic.Bool
	t.sent = func(m wire.Message) {
		_, shutdown := m.(*wire.Shutdown)
		asked.Store(shutdown)
	}
	t.got = func(m wire.Message) {
		if _, ok := m.(*wire.OK); ok && asked.Load() {
			r.end(errors.New("the core was asked to stop"))
		}
	}
}
