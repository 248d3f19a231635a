package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// Writing that fails, on either side, is an error that says what to do; nothing
// is left behind, and the core goes on.
func TestFullDisk(t *testing.T) {
	p := place(t)
	out, err := start(t, p, "full-disk").Output() // its core has the same limit
	if err != nil {
		t.Fatal(err)
	}
	said := string(out)
	for _, part := range []string{"answer", "argument", "data"} {
		_, after, _ := strings.Cut(said, part+" metalnb: ")
		message, _, _ := strings.Cut(after, "\n")
		contains(t, part, message, "hand over a tensor of 4000000 bytes", "free some space", wire.EnvDir)
	}
	contains(t, "the program", said, "sum 100", "small <nil>")
	if left, err := os.ReadDir(p.Exchange()); err != nil || len(left) > 0 {
		t.Errorf("%d files are left, %v", len(left), err)
	}
	corePID(t, p)
}

// A trainer that does not fit the disk says so, and trains on.
func TestFullJournal(t *testing.T) {
	p := place(t)
	out, err := start(t, p, "full-journal").Output()
	if err != nil {
		t.Fatal(err)
	}
	contains(t, "the program", string(out), "trainer wide: running", "not written down: write ", "file too large", "it trains on")
	log, _, _ := metalnb(t, p, "logs")
	if n := strings.Count(log, `trainer "wide" of /test/book.ipynb is not written down: `); n != 1 {
		t.Errorf("the log says it %d times:\n%s", n, log)
	}
	eventually(t, "no part of a file to be left", func() bool {
		left, err := filepath.Glob(filepath.Join(p.Journal(), "book-*", ".*"))
		return err == nil && len(left) == 0
	})
}

// A directory that cannot be made is an error that names the way out.
func TestNoPlace(t *testing.T) {
	p := place(t)
	if err := os.WriteFile(string(p), nil, 0o600); err != nil {
		// Its parent is the test's own, so this works for every user.
		t.Fatal(err)
	}
	_, _, err := wire.Connect(p+"/below", &wire.Hello{Proto: wire.Proto, Version: wire.Version})
	if err == nil {
		t.Fatal("connected")
	}
	contains(t, "the error", err.Error(), wire.EnvDir)
	_, _, err = wire.Connect(wire.Place("/"+strings.Repeat("long/", 40)), &wire.Hello{})
	contains(t, "the error", err.Error(), "shorter", wire.EnvDir)
}
