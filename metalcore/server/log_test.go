package server

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// A core may live for months: its log must not fill the disk.
func TestLogIsBounded(t *testing.T) {
	f, err := os.OpenFile(filepath.Join(t.TempDir(), "core.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, line := LogTo(f), bytes.Repeat([]byte("x"), 1<<16)
	for range 3 * maxLog / len(line) {
		if n, err := w.Write(line); n != len(line) || err != nil {
			t.Fatal(n, err)
		}
		if info, err := f.Stat(); err != nil || info.Size() == 0 || info.Size() > maxLog+2*int64(len(line)) {
			t.Fatalf("%d bytes, %v", info.Size(), err)
		}
	}
}
