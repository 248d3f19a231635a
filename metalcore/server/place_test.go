package server_test

import (
	"os"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// A core whose directory is removed, with the journal in it, is found again with all
// that it has, which is written down when it ends.
func TestRemovedDirectory(t *testing.T) {
	c := start(t)
	if err := c.End(); err != nil {
		t.Fatal(err)
	}
	c.Journal = time.Hour
	if err := c.Begin(); err != nil {
		t.Fatal(err)
	}
	conn := client(t, c)
	call[wire.Declared](t, conn, iris("a"))
	call[wire.Trained](t, conn, &wire.Train{Trainer: "a", Epochs: 1, Background: true})
	watch(t, conn, "a")
	step := call[wire.Run](t, conn, &wire.AskTrainer{Trainer: "a", Brief: true}).Info.Step
	for _, path := range []string{c.Place.Socket(), string(c.Place), c.Place.Lock()} {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		if path == c.Place.Lock() {
			os.Remove(c.Place.Socket())
		}
		eventually(t, "the core to be there again", func() bool {
			again, _, err := wire.Dial(c.Place, &wire.Hello{Proto: wire.Proto, Version: wire.Version})
			if err == nil {
				again.Close()
			}
			return err == nil
		})
		if c.Place.Ended() {
			t.Errorf("without %s nobody has the lock", path)
		}
	}
	if d := call[wire.Declared](t, client(t, c), iris("a")); d.Outcome != "attached" || d.Info.Step != step {
		t.Errorf("it is %q at step %d, and had %d", d.Outcome, d.Info.Step, step)
	}
	if err := c.End(); err != nil {
		t.Fatal(err)
	}
	if err := c.Begin(); err != nil {
		t.Fatal(err)
	}
	if d := call[wire.Declared](t, client(t, c), iris("a")); d.Info.Step != step {
		t.Errorf("the next core has it at step %d, and it had %d", d.Info.Step, step)
	}
}
