package server

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"sync"
	"time"

	"github.com/metalnb/metalnb/metalcore/backend/device"
	"github.com/metalnb/metalnb/metalcore/runtime"
	"github.com/metalnb/metalnb/metalcore/socket"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// Options are the settings of a server.
type Options struct {
	Place    wire.Place
	Renderer Renderer
	Devices  device.Table  // that the core may be told to use
	Idle     time.Duration // end after so long without a client and without anything to keep; never when 0
	Journal  Journal
	Memory   runtime.MemoryOptions
	Roots    Roots // that a client's files are read from
	Away     bool  // have trainings pause when the kernel of their notebook ends
	Log      *log.Logger
}

// Journal says how trainers are written down.
type Journal struct {
	Every time.Duration // how long a training may go unwritten; only checkpoints are written when 0
	Age   time.Duration // files so much older than the latest are removed; never when 0
	Bytes int64         // that the files may take when the core begins; any number when 0

	Resume bool // have trainers that come back go on, where they were training
}

// maxClients bounds the connections. Those beyond are told so, and half as many
// again are closed at once.
const maxClients = 512

// endTimeout is how long connections may take to end when the server does.
const endTimeout = 3 * time.Second

// An exchanged file that is older than exchangeAge will not be fetched.
const exchangeAge = 10 * time.Minute

// Server serves one core.
type Server struct {
	Options
	core    *runtime.Core
	welcome wire.Welcome
	started time.Time
	kernels kernels
	end     context.CancelCauseFunc
	lock    *os.File // of the place

	mu      sync.Mutex
	clients map[net.Conn]bool
	since   time.Time // the last time that somebody was connected or something was kept
}

// Run serves the core until ctx ends, somebody asks for its end, or it is idle.
// It returns socket.ErrRunning when another core has the place. In the end it closes
// the core, and only then gives the place free.
func Run(ctx context.Context, core *runtime.Core, opts Options) (err error) {
	lock, err := socket.Acquire(opts.Place)
	if err != nil {
		return errors.Join(err, core.Close())
	}
	s := &Server{Options: opts, core: core, lock: lock, clients: map[net.Conn]bool{}}
	defer func() { s.lock.Close() }() // which may be another by then
	defer func() { err = errors.Join(err, closeSoon(core)) }()
	listener, err := socket.Listen(opts.Place)
	if err != nil {
		return err
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	now := time.Now()
	s.started, s.since, s.end = now, now, end
	s.welcome = wire.Welcome{
		Proto: wire.Proto, Version: wire.Version, PID: os.Getpid(), Started: now.UnixNano(),
		Address: opts.Place.Socket(),
	}
	s.Log.Printf("core %s, pid %d, on %s, listens at %s", wire.Version, os.Getpid(), core.Device().Info().Name, s.welcome.Address)
	opts.Memory.Log, opts.Memory.Spool = s.Log.Printf, opts.Place.Spool()
	core.Bound(opts.Memory)
	core.Keep(runtime.JournalOptions{Dir: opts.Place.Journal(), Every: opts.Journal.Every, Age: opts.Journal.Age, Bytes: opts.Journal.Bytes, Resume: opts.Journal.Resume,
		Declaration: redeclaration, Log: s.Log.Printf})
	go s.watchIdle(ctx)
	go s.sweep(ctx)
	if s.Away {
		go s.watchKernels(ctx)
	}
	stop := context.AfterFunc(ctx, func() { listener.Close() })
	defer stop()
	s.accept(ctx, listener)
	s.Log.Printf("core ends: %v", context.Cause(ctx))
	return nil
}

// closeTimeout is how long a computation may hold up the end of the core.
const closeTimeout = 5 * time.Second

// closeSoon closes the core, unless a computation takes too long for that. It
// takes the time that it needs to write trainers down.
func closeSoon(core *runtime.Core) error {
	closed := make(chan error, 1)
	go func() { closed <- core.Close() }()
	for {
		select {
		case err := <-closed:
			return err
		case <-time.After(closeTimeout):
			if !core.Saving() {
				return errors.New("ended in the middle of a computation")
			}
		}
	}
}

// alone reports whether nobody is connected.
func (s *Server) alone() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.clients) == 0
}

// sweep removes exchanged files whose readers have died, now and from time to
// time, and what the core keeps of memory for clients that are gone.
func (s *Server) sweep(ctx context.Context) {
	sweep := func() {
		if n := s.Place.Sweep(time.Now().Add(-exchangeAge)); n > 0 {
			s.Log.Printf("removed %d exchanged files that nobody fetched", n)
		}
		if s.alone() {
			s.core.Trim()
		}
	}
	sweep()
	every(ctx, exchangeAge, sweep)
}

// accept serves clients until ctx ends. Then it gives those that are connected
// a while to take the answers that are on their way.
func (s *Server) accept(ctx context.Context, listener net.Listener) {
	var handlers sync.WaitGroup
	take := func(conn net.Conn) {
		n := s.admit(conn)
		if n > maxClients+maxClients/2 {
			s.dismiss(conn)
			return
		}
		handlers.Go(func() {
			defer s.dismiss(conn)
			s.serve(ctx, conn, n > maxClients)
		})
	}
	staying := make(chan struct{})
	go func() { defer close(staying); s.stay(ctx, take) }()
	socket.Accept(ctx, listener, s.Log.Printf, take)
	<-staying
	s.each(func(conn net.Conn) { conn.SetReadDeadline(time.Now()) }) // ends its Recv; answers under way still go out
	late := time.AfterFunc(endTimeout, func() { s.each(func(conn net.Conn) { conn.Close() }) })
	defer late.Stop()
	ended := make(chan struct{})
	go func() { handlers.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(2 * endTimeout):
		s.Log.Printf("a request is still being computed")
	}
}

// each calls f for every connection.
func (s *Server) each(f func(net.Conn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.clients {
		f(conn)
	}
}

// admit counts a connection and returns how many there are.
func (s *Server) admit(conn net.Conn) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients[conn] = true
	return len(s.clients)
}

func (s *Server) dismiss(conn net.Conn) {
	conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.clients, conn)
	s.since = time.Now()
}

// watchIdle ends the server when it has been of no use for long enough. What a
// notebook keeps here is not written down, so a core that holds anything stays.
func (s *Server) watchIdle(ctx context.Context) {
	if s.Idle <= 0 {
		return
	}
	every(ctx, max(s.Idle/10, time.Millisecond), func() {
		held := !s.core.Empty()
		s.mu.Lock()
		if held || len(s.clients) > 0 {
			s.since = time.Now()
		}
		idle := time.Since(s.since) >= s.Idle
		s.mu.Unlock()
		if idle {
			s.end(fmt.Errorf("idle for %v, with nothing to keep", s.Idle))
		}
	})
}

// every calls f from time to time until ctx ends.
func every(ctx context.Context, d time.Duration, f func()) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if ctx.Err() == nil {
			f()
		}
	}
}
