// Package socket is the door of a place: one process at a time has the place's
// lock and listens at its socket, and only programs of its own user are let in.
package socket

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// ErrRunning is returned by Acquire when another process serves the place.
var ErrRunning = errors.New("a core is running already")

// lockWait bounds the wait for a core that is ending.
const lockWait = 10 * time.Second

// Acquire makes the place and takes its lock, which the system gives back when
// this process ends, however it ends. While another process has it, it waits
// for that to end or to answer, and returns ErrRunning when it answers.
func Acquire(place wire.Place) (*os.File, error) {
	if err := place.Make(); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(place.Lock(), os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w (free some space, or set %s to another directory)", err, wire.EnvDir)
	}
	for deadline := time.Now().Add(lockWait); ; time.Sleep(10 * time.Millisecond) {
		err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return lock, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) || time.Now().After(deadline) {
			lock.Close()
			return nil, fmt.Errorf("lock %s, of a core that has too many connections or has not ended yet: %w", place.Lock(), err)
		}
		conn, _, err := wire.Dial(place, &wire.Hello{Proto: wire.Proto, Version: wire.Version, PID: os.Getpid()})
		if err == nil {
			conn.Close()
			lock.Close()
			return nil, ErrRunning
		}
		if p, ok := errors.AsType[*wire.Problem](err); ok && p.Code == wire.CodeVersion {
			lock.Close()
			return nil, err
		}
	}
}

// Listen makes the socket, in the place of one whose process was killed. The
// caller has the lock.
func Listen(place wire.Place) (net.Listener, error) {
	os.Remove(place.Socket())
	listener, err := net.Listen("unix", place.Socket())
	if err != nil {
		return nil, fmt.Errorf("%w (free some space, or set %s to another directory)", err, wire.EnvDir)
	}
	if err := os.Chmod(place.Socket(), 0o600); err != nil {
		listener.Close()
		return nil, err
	}
	return listener, nil
}

// Stranger is the problem with a connection from a process of another user, nil
// for one of this user's. The directory keeps strangers out; this holds where
// somebody has opened it to them.
func Stranger(conn net.Conn) *wire.Problem {
	uid, err := peer(conn)
	return stranger(uid, err)
}

func stranger(uid int, err error) *wire.Problem {
	who := fmt.Sprintf("user %d", uid)
	switch {
	case err != nil:
		who = fmt.Sprintf("an unknown user (%v)", err)
	case uid == os.Geteuid():
		return nil
	}
	return &wire.Problem{Code: wire.CodeStranger, Message: fmt.Sprintf("this core serves user %d, and you are %s", os.Geteuid(), who),
		Remedy: "use a core of your own: unset " + wire.EnvDir + ", or set it to a directory of yours"}
}

// peer is the user of the process at the other end of a unix socket.
func peer(conn net.Conn) (uid int, err error) {
	unix, ok := conn.(*net.UnixConn)
	if !ok {
		return 0, fmt.Errorf("%T is no unix socket", conn)
	}
	raw, err := unix.SyscallConn()
	if err != nil {
		return 0, err
	}
	failed := raw.Control(func(fd uintptr) { uid, err = user(int(fd)) })
	return uid, errors.Join(failed, err)
}
