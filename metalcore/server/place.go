package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"time"

	"github.com/metalnb/metalnb/metalcore/socket"
)

// placeTick is how often the core looks whether it can be found; a variable so that
// tests are quick.
var placeTick = 10 * time.Second

// stay has the core listen anew when its socket is gone, perhaps with all of its
// directory, as systems clean up among temporary files. It ends the core, which then
// writes down what it has, when another one has come in its place.
func (s *Server) stay(ctx context.Context, take func(net.Conn)) {
	mine, said := there(s.Place.Socket()), ""
	every(ctx, placeTick, func() {
		if now := there(s.Place.Socket()); ctx.Err() != nil || now != nil && os.SameFile(mine, now) {
			return
		}
		err := s.listenAgain(ctx, take)
		switch {
		case errors.Is(err, socket.ErrRunning):
			s.end(fmt.Errorf("%s was removed, and another core has come in its place", s.Place))
		case err == nil:
			mine, said = there(s.Place.Socket()), ""
			s.Log.Printf("%s was removed: the core listens there again", s.Place.Socket())
		case err.Error() != said:
			said = err.Error()
			s.Log.Printf("%s was removed, and the core cannot listen there again: %v", s.Place.Socket(), err)
		}
	})
}

// there is what is at a path; nil for nothing.
func there(path string) fs.FileInfo {
	info, err := os.Lstat(path)
	if err != nil {
		return nil
	}
	return info
}

func (s *Server) listenAgain(ctx context.Context, take func(net.Conn)) error {
	mine, err := s.lock.Stat()
	if now := there(s.Place.Lock()); err != nil || now == nil || !os.SameFile(mine, now) {
		lock, err := socket.Acquire(s.Place)
		if err != nil {
			return err
		}
		s.lock.Close()
		s.lock = lock
	}
	if err := s.Place.Make(); err != nil {
		return err
	}
	listener, err := socket.Listen(s.Place)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { listener.Close() })
	go socket.Accept(ctx, listener, s.Log.Printf, take)
	return nil
}
