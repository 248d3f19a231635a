package control

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/socket"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// A core that hangs up, because too many programs use it, is not one that is not
// there.
func TestBusyCore(t *testing.T) {
	dir, err := os.MkdirTemp("", "mnb-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	place := wire.Place(dir + "/core")
	if _, _, err := Dial(place); !wire.IsNoCore(err) {
		t.Errorf("without a core: %v", err)
	}
	lock, err := socket.Acquire(place)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	listener, err := socket.Listen(place)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	defer func(d time.Duration) { busyWait = d }(busyWait)
	busyWait = 50 * time.Millisecond
	for _, force := range []bool{false, true} {
		if _, err := End(place, force); err == nil || wire.IsNoCore(err) || !strings.Contains(err.Error(), "too many connections") {
			t.Errorf("with one that hangs up: %v", err)
		}
	}
	lock.Close()
	if _, err := Status(place); !wire.IsNoCore(err) {
		t.Errorf("when it has ended: %v", err)
	}
}
