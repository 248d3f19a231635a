package wire

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// shakeTimeout bounds the wait for a core to take and answer a connection.
const shakeTimeout = 5 * time.Second

// Dial connects to the core of a place and shakes hands. The error satisfies
// IsNoCore when there is none.
func Dial(place Place, hello *Hello) (*Conn, *Welcome, error) {
	if err := place.check(); err != nil {
		return nil, nil, err
	}
	f, err := dialUnix(place.Socket())
	if err != nil {
		return nil, nil, err
	}
	if err := place.trusted(); err != nil {
		f.Close()
		return nil, nil, err
	}
	f.SetDeadline(time.Now().Add(shakeTimeout))
	conn := NewConn(f, MaxFrame)
	m, err := conn.Call(hello)
	if err != nil {
		conn.Close()
		if _, ok := errors.AsType[*Problem](err); ok {
			return nil, nil, err
		}
		if hungUp(err) {
			return nil, nil, fmt.Errorf("%w: the one at %s hangs up, because it is ending or has too many connections", errNoCore, place.Socket())
		}
		return nil, nil, fmt.Errorf("the core at %s does not answer (%w): `metalnb logs` may say why, `metalnb stop` ends it", place.Socket(), err)
	}
	welcome, ok := m.(*Welcome)
	if !ok {
		conn.Close()
		return nil, nil, fmt.Errorf("%w: %T in answer to Hello", ErrFrame, m)
	}
	f.SetDeadline(time.Time{})
	return conn, welcome, nil
}

// hungUp reports whether the other side closed the connection.
func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}

// dialUnix connects to a unix socket without package net, which would cost
// every cell tens of milliseconds of link time.
func dialUnix(path string) (*os.File, error) {
	deadline := time.Now().Add(shakeTimeout)
	for {
		fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
		if err != nil {
			return nil, os.NewSyscallError("socket", err)
		}
		syscall.CloseOnExec(fd)
		syscall.SetNonblock(fd, true) // so that os.File obeys deadlines
		err = syscall.Connect(fd, &syscall.SockaddrUnix{Name: path})
		if err == nil {
			return os.NewFile(uintptr(fd), path), nil
		}
		syscall.Close(fd)
		switch {
		case err == syscall.ENOENT || err == syscall.ECONNREFUSED || err == syscall.ENOTDIR:
			return nil, fmt.Errorf("%w at %s", errNoCore, path)
		case err != syscall.EAGAIN && err != syscall.EINTR || time.Now().After(deadline):
			return nil, fmt.Errorf("connect to the core at %s: %w", path, err)
		}
		time.Sleep(time.Millisecond) // its queue of connections is full
	}
}
