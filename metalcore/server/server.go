// Package server lets notebooks talk to the core: it listens on a unix socket
// in a private directory, shakes hands, answers requests, streams the progress
// of training, and ends the core when nobody needs it any more.
package server

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/metalnb/metalnb/metalcore/runtime"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// Options are the settings of a server.
type Options struct {
	Place    wire.Place
	Renderer Renderer
	Idle     time.Duration // end after so long without a client and without anything to keep; never when 0
	Log      *log.Logger
}

// ErrRunning is returned by Run when another core serves the place.
var ErrRunning = errors.New("a core is running already")

// maxClients bounds the connections.
const maxClients = 512

// Server serves one core.
type Server struct {
	Options
	core    *runtime.Core
	welcome wire.Welcome
	started time.Time
	end     context.CancelCauseFunc

	mu      sync.Mutex
	clients map[net.Conn]bool
	since   time.Time // the last time that somebody was connected or something was kept
}

// Run serves the core until ctx ends, somebody asks for its end, or it is idle.
// It returns ErrRunning when another core has the place. The core is not
// closed.
func Run(ctx context.Context, core *runtime.Core, opts Options) error {
	lock, err := acquire(opts.Place)
	if err != nil {
		return err
	}
	defer lock.Close()
	os.Remove(opts.Place.Socket()) // of a core that was killed
	listener, err := net.Listen("unix", opts.Place.Socket())
	if err != nil {
		return err
	}
	if err := os.Chmod(opts.Place.Socket(), 0o600); err != nil {
		listener.Close()
		return err
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	now := time.Now()
	s := &Server{Options: opts, core: core, started: now, since: now, end: end, clients: map[net.Conn]bool{}}
	s.welcome = wire.Welcome{
		Proto: wire.Proto, Version: wire.Version, PID: os.Getpid(), Started: now.UnixNano(),
		Address: opts.Place.Socket(), Device: core.Device().Info().Name,
	}
	s.Log.Printf("core %s, pid %d, on %s, listens at %s", wire.Version, os.Getpid(), s.welcome.Device, s.welcome.Address)
	go s.watchIdle(ctx)
	stop := context.AfterFunc(ctx, func() { listener.Close() })
	defer stop()
	err = s.accept(ctx, listener)
	s.Log.Printf("core ends: %v", context.Cause(ctx))
	return err
}

func (s *Server) accept(ctx context.Context, listener net.Listener) error {
	var handlers sync.WaitGroup
	for {
		conn, err := listener.Accept()
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			s.Log.Printf("accept: %v", err) // out of files, perhaps: let some be closed
			time.Sleep(50 * time.Millisecond)
			continue
		}
		if !s.admit(conn) {
			conn.Close()
			continue
		}
		handlers.Go(func() {
			defer s.dismiss(conn)
			s.serve(ctx, conn)
		})
	}
	s.mu.Lock()
	for conn := range s.clients {
		conn.SetReadDeadline(time.Now()) // ends its Recv; answers under way still go out
	}
	s.mu.Unlock()
	handlers.Wait()
	return nil
}

func (s *Server) admit(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.clients) >= maxClients {
		s.Log.Printf("refused a connection: there are %d", len(s.clients))
		return false
	}
	s.clients[conn] = true
	return true
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
	tick := time.NewTicker(max(s.Idle/10, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		held := !s.core.Empty()
		s.mu.Lock()
		if held || len(s.clients) > 0 {
			s.since = time.Now()
		}
		idle := time.Since(s.since) >= s.Idle
		s.mu.Unlock()
		if idle {
			s.end(fmt.Errorf("idle for %v, with nothing to keep", s.Idle))
			return
		}
	}
}

// lockWait bounds the wait for a core that is ending.
const lockWait = 10 * time.Second

// acquire makes the place and takes its lock, which the system gives back when
// this process ends, however it ends. While another process has it, it waits
// for that to end or to answer, and returns ErrRunning when it answers.
func acquire(place wire.Place) (*os.File, error) {
	if err := place.Make(); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(place.Lock(), os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(lockWait); ; time.Sleep(10 * time.Millisecond) {
		err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return lock, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) || time.Now().After(deadline) {
			lock.Close()
			return nil, fmt.Errorf("lock %s: %w", place.Lock(), err)
		}
		conn, _, err := wire.Dial(place, &wire.Hello{Proto: wire.Proto, Version: wire.Version, PID: os.Getpid()})
		if err == nil {
			conn.Close()
			lock.Close()
			return nil, ErrRunning
		}
	}
}
