package main

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/metalnb/metalnb/metalcore/control"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// A program on one machine uses the core of another, which prints what it needs
// to be told; relays are started and ended as cores are.
func TestCoreOfAnotherMachine(t *testing.T) {
	far, near := place(t), place(t)
	out := lines(t, start(t, far, "core", "--dir", string(far), "--listen", "127.0.0.1:0", "--device", "cpu"))
	var target string
	for target == "" {
		line := next(t, out)
		if after, ok := strings.CutPrefix(line, "export "+wire.EnvCore+"='"); ok {
			target = strings.TrimSuffix(after, "'")
		}
	}
	eventually(t, "the core to answer", func() bool {
		conn, _, err := control.Dial(far)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	pid := corePID(t, far)
	t.Cleanup(func() { endRelays(t, near) })
	t.Setenv(wire.EnvCore, target) // of all processes from here on
	said, err := start(t, near, "hand-over").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	contains(t, "the program", string(said), "of 1000000 the last is 1\n", "steps 45")
	stdout, stderr, code := metalnb(t, near, "status")
	if code != 0 {
		t.Error(stderr)
	}
	contains(t, "status", stdout, far.Socket(), "pid "+strconv.Itoa(pid), "trainer far: finished, epoch 1, step 45")
	stdout, _, _ = metalnb(t, near, "logs")
	contains(t, "the relay's log", stdout, "relay "+wire.Version, "127.0.0.1:")
	if strings.Contains(stdout, "token") {
		t.Error("the relay logs its token")
	}
	if left, err := os.ReadDir(near.Exchange()); err == nil && len(left) > 0 {
		t.Errorf("%d files are left", len(left))
	}
	stdout, stderr, code = metalnb(t, near, "stop", "--force")
	if code != 0 {
		t.Error(stderr)
	}
	contains(t, "stop", stdout, "pid "+strconv.Itoa(pid)+", has ended")
	eventually(t, "the core to be gone", func() bool { return gone(pid) })
	_, stderr, code = metalnb(t, near, "status")
	if code != 1 {
		t.Error("a core that is not there tells its status")
	}
	contains(t, "status", stderr, "cannot be reached", "metalnb core --listen")
}

// endRelays ends the relays of a place, which no longer have a core to end with.
func endRelays(t *testing.T, near wire.Place) {
	t.Helper()
	list, err := exec.Command("ps", "-axo", "pid=,args=").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(list)) {
		if pid, err := strconv.Atoi(strings.Fields(line)[0]); err == nil && strings.Contains(line, "relay --dir "+string(near)) {
			syscall.Kill(pid, syscall.SIGTERM)
			eventually(t, "a relay to end", func() bool { return gone(pid) })
		}
	}
}

// What cannot work is said at once.
func TestBadTargets(t *testing.T) {
	p := place(t)
	for _, c := range []struct{ target, line, says string }{
		{"box:7070", "status", "is no address"},
		{"tls://box:7070?pin=short&token=short", "version", "has no whole"},
		{"", "core --listen 7070", "give host:port"},
		{"", "core --listen 192.0.2.1:1", "192.0.2.1"},
		{"", "relay", "is no address"},
	} {
		t.Setenv(wire.EnvCore, c.target)
		stdout, stderr, _ := metalnb(t, p, strings.Fields(c.line)...)
		contains(t, c.line, stdout+stderr, c.says)
	}
	t.Setenv(wire.EnvCore, "")
	if _, _, err := control.Dial(p); !wire.IsNoCore(err) {
		t.Error(err)
	}
}
