package socket

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// accepted is the listener's side of a connection that dial makes.
func accepted(t *testing.T, dial func(path string) (net.Conn, error)) net.Conn {
	t.Helper()
	place := wire.Place(filepath.Join(t.TempDir(), "core"))
	if err := place.Make(); err != nil {
		t.Fatal(err)
	}
	listener, err := Listen(place)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	if info, err := os.Stat(place.Socket()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket is open to others: %v, %v", info.Mode(), err)
	}
	client, err := dial(place.Socket())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestOwnUserIsLetIn(t *testing.T) {
	conn := accepted(t, func(path string) (net.Conn, error) { return net.Dial("unix", path) })
	if p := Stranger(conn); p != nil {
		t.Error(p)
	}
}

func TestOthersAreRefused(t *testing.T) {
	for name, p := range map[string]*wire.Problem{
		"another user": stranger(os.Geteuid()+1, nil),
		"nobody":       stranger(os.Geteuid(), errors.New("no such call")),
		"another kind": Stranger(&net.TCPConn{}),
	} {
		if p == nil || p.Code != wire.CodeStranger || !strings.Contains(p.Error(), wire.EnvDir) {
			t.Errorf("%s: %v", name, p)
		}
	}
}

// Credentials that are not those of a peer are nobody's, and so refused: of a layout
// that is not known, or never filled in, which would be root's.
func TestCredentials(t *testing.T) {
	own := uint32(os.Geteuid())
	for _, c := range []struct {
		version, uid uint32
		groups       int16
		in           bool
	}{
		{0, own, 1, true}, {0, own, xucredGroups, true}, {0, own + 1, 1, false}, {0, 1<<32 - 2, 1, false},
		{1, own, 1, false}, {0, own, 0, false}, {0, 0, 0, false}, {0, own, -1, false}, {0, own, xucredGroups + 1, false},
	} {
		if p := stranger(credUser(c.version, c.uid, c.groups)); (p == nil) != c.in {
			t.Errorf("%+v: %v", c, p)
		}
	}
}

// A place has one owner at a time.
func TestAcquire(t *testing.T) {
	place := wire.Place(filepath.Join(t.TempDir(), "core"))
	lock, err := Acquire(place)
	if err != nil {
		t.Fatal(err)
	}
	if place.Ended() {
		t.Error("the lock is not held")
	}
	lock.Close()
	if !place.Ended() {
		t.Error("the lock is not free")
	}
	os.Remove(place.Lock())
	if err := os.Symlink("elsewhere", place.Lock()); err != nil {
		t.Fatal(err)
	}
	if _, err := Acquire(place); err == nil {
		t.Error("a link was followed")
	}
}
