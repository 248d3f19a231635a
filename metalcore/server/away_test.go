package server_test

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/metalnb/metalnb/metalcore/server/servertest"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// startAway is start with a core that has trainings pause without their kernel.
func startAway(t *testing.T) *servertest.Core {
	t.Helper()
	c := start(t)
	if err := c.End(); err != nil {
		t.Fatal(err)
	}
	c.Away = true
	if err := c.Begin(); err != nil {
		t.Fatal(err)
	}
	return c
}

// kernel is a process that stands for one, until end is called.
func kernel(t *testing.T) (name string, end func()) {
	t.Helper()
	cmd := exec.Command("sleep", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end = func() {
		cmd.Process.Kill()
		cmd.Wait()
	}
	t.Cleanup(end)
	return wire.KernelName(cmd.Process.Pid, "dir"), end
}

// cellOf is a connection of a notebook's cell that the kernel runs.
func cellOf(t *testing.T, c *servertest.Core, session, kernel string) *wire.Conn {
	t.Helper()
	conn, _, err := wire.Dial(c.Place, &wire.Hello{Proto: wire.Proto, Version: wire.Version, PID: os.Getpid(), Session: session, Kernel: kernel})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	call[wire.Status](t, conn, &wire.StatusRequest{}) // the core has taken the kernel down
	return conn
}

// paused reports whether the notebook's training is.
func paused(t *testing.T, conn *wire.Conn) bool {
	t.Helper()
	return call[wire.Run](t, conn, &wire.AskTrainer{Trainer: "a", Brief: true}).Info.State == wire.StatePaused
}

// A training in the background pauses when the last kernel of its notebook has
// ended; the notebook that comes back is told, once, and lets it go on. Those of
// other notebooks, and of programs without a kernel, train on.
func TestTrainingWithoutItsKernel(t *testing.T) {
	c := startAway(t)
	first, endFirst := kernel(t)
	second, endSecond := kernel(t)
	third, _ := kernel(t)
	conns := map[string]*wire.Conn{}
	for session, kernel := range map[string]string{"one": first, "two": first, "here": third, "none": "", "far": wire.KernelName(1<<30, "dir")} {
		conns[session] = cellOf(t, c, session, kernel)
		call[wire.Declared](t, conns[session], iris("a"))
		call[wire.Trained](t, conns[session], &wire.Train{Trainer: "a", Epochs: 1 << 20, Background: true})
	}
	cellOf(t, c, "two", second)
	endFirst()
	eventually(t, "the training to pause", func() bool { return paused(t, conns["one"]) })
	if paused(t, conns["two"]) {
		t.Error("a training is paused although its notebook has another kernel")
	}
	endSecond()
	eventually(t, "the other training to pause", func() bool { return paused(t, conns["two"]) })
	for _, session := range []string{"here", "none", "far"} {
		if paused(t, conns[session]) {
			t.Errorf("the training of %s is paused", session)
		}
	}
	back := cellOf(t, c, "one", third)
	said := []string{}
	for range 2 {
		said = append(said, call[wire.Declared](t, back, iris("a")).Say)
	}
	if fmt.Sprintf("%q", said) != `["its training is paused since the notebook's kernel ended; t.Resume() lets it go on" ""]` {
		t.Errorf("the notebook is told %q", said)
	}
	call[wire.Trained](t, back, &wire.Resume{Trainer: "a"})
	eventually(t, "the training to go on", func() bool { return !paused(t, back) })
}
