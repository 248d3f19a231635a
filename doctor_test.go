package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestDoctor(t *testing.T) {
	p := place(t)
	path := filepath.Join(t.TempDir(), "report.txt")
	stdout, stderr, code := metalnb(t, p, "doctor", "--quick", "--seconds", "0.1", "--device", "cpu", "--out", path)
	report, err := os.ReadFile(path)
	if code != 0 || err != nil || string(report) != stdout {
		t.Fatalf("exit code %d, %v\n%s\nthe file has\n%s%s", code, err, stdout, report, stderr)
	}
	contains(t, "the report", stdout, "conformance  ok", "train W3     ok", "9 ok, 0 failed")
	if _, err := os.Stat(path + ".last"); err == nil {
		t.Error("the program compiled last was left")
	}
}

// An interrupt ends it with what is known by then.
func TestDoctorInterrupted(t *testing.T) {
	cmd := start(t, place(t), "doctor", "--quick", "--device", "cpu", "--seconds", "1000", "--out", filepath.Join(t.TempDir(), "r"))
	path := cmd.Args[len(cmd.Args)-1]
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := func() string { report, _ := os.ReadFile(path); return string(report) }
	eventually(t, "the first training", func() bool { return strings.HasSuffix(read(), "train W1     ") })
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if cmd.Wait(); cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("exit code %d", cmd.ProcessState.ExitCode())
	}
	contains(t, "the report", read(), "train W1     not made  interrupted", "memory       not made", "close        ok", "summary")
}
