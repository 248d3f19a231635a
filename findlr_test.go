package main

import (
	"os"
	"testing"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// An interrupt ends a range test, which leaves nothing behind.
func TestInterruptFindLR(t *testing.T) {
	p := place(t)
	cmd := start(t, p, "find-lr")
	out := lines(t, cmd)
	next(t, out)
	conn, _, err := wire.Connect(p, &wire.Hello{Proto: wire.Proto, Version: wire.Version})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	programs := func() (n int) {
		m, err := conn.Call(&wire.AskMemory{})
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range m.(*wire.Memory).Holders {
			n += h.Programs
		}
		return n
	}
	eventually(t, "the test to begin", func() bool { return programs() > 0 })
	cmd.Process.Signal(os.Interrupt)
	contains(t, "the program", rest(t, out), "the range test of searched has ended; the trainer is as it was")
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit code %d", code)
	}
	eventually(t, "the core to end the test", func() bool { return programs() == 0 })
}
