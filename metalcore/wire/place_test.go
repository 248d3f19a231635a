package wire

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

func TestPlaceIsPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "core")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := Place(dir).Make(); err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(dir); info.Mode().Perm() != 0o700 {
		t.Errorf("others can get at the core's directory: %v", info.Mode())
	}
	if err := os.Chmod(dir, 0o770); err != nil {
		t.Fatal(err)
	}
	if err := Place(dir).Make(); err == nil || !strings.Contains(err.Error(), "chmod 700") {
		t.Errorf("a directory in which others may have left something: %v", err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	if err := Place(link).Make(); err == nil || !strings.Contains(err.Error(), EnvDir) {
		t.Errorf("a link in the place of the directory: %v", err)
	}
	if err := Place("/" + strings.Repeat("long/", 30)).Make(); err == nil || !strings.Contains(err.Error(), "shorter") {
		t.Errorf("a path too long for a socket: %v", err)
	}
}

// A socket that another user may have made is not spoken to, and a link does not
// take the place of the exchange directory.
func TestStrangePlaces(t *testing.T) {
	dir := t.TempDir()
	place := Place(dir)
	listener, err := net.Listen("unix", place.Socket())
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Dial(place, &Hello{}); err == nil || !strings.Contains(err.Error(), "chmod 700") {
		t.Errorf("a socket of anybody: %v", err)
	}
	place = Place(filepath.Join(t.TempDir(), "core"))
	if err := os.Mkdir(string(place), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(dir, place.Exchange()); err != nil {
		t.Fatal(err)
	}
	if err := place.Make(); err == nil || !strings.Contains(err.Error(), "exchange") {
		t.Errorf("a link in the place of the exchange directory: %v", err)
	}
}

func TestNoCore(t *testing.T) {
	place := Place(t.TempDir())
	if _, _, err := Dial(place, &Hello{}); !IsNoCore(err) {
		t.Errorf("no socket: %v", err)
	}
	if err := os.WriteFile(place.Socket(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Dial(place, &Hello{}); !IsNoCore(err) {
		t.Errorf("a file that nobody listens at: %v", err)
	}
}

func TestBinary(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	t.Setenv("PATH", dir)
	t.Setenv("GOBIN", "")
	t.Setenv("GOPATH", "")
	t.Setenv(EnvBinary, "")
	if _, err := Binary(); err == nil || !strings.Contains(err.Error(), "go install") {
		t.Errorf("no binary: %v", err)
	}
	bin := filepath.Join(dir, "metalnb")
	if err := os.WriteFile(bin, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := Binary(); got != bin || err != nil {
		t.Errorf("on the PATH: %v, %v", got, err)
	}
	t.Setenv(EnvBinary, dir)
	if _, err := Binary(); err == nil {
		t.Error("a directory was taken for the binary")
	}
}

func TestLaunchFailure(t *testing.T) {
	dir := t.TempDir()
	bin := filepath.Join(dir, "metalnb")
	if err := os.WriteFile(bin, []byte("#!/bin/sh\necho the disk is full >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv(EnvBinary, bin)
	_, _, err := Connect(Place(filepath.Join(dir, "core")), &Hello{})
	if err == nil || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("a core that ends at once: %v", err)
	}
}

func TestTensorsInFiles(t *testing.T) {
	place := Place(filepath.Join(t.TempDir(), "core")) // where no core has been yet
	data := bytes.Repeat([]byte{1, 2, 3, 4}, 100_000)
	x := Tensor{DType: "f32", Shape: []int{1000, 100}, Data: data}
	if err := x.Export(place); err != nil || x.File == "" || x.Data != nil {
		t.Fatalf("not exported: %v", err)
	}
	y := x
	if err := y.Import(place); err != nil || !bytes.Equal(y.Data, data) {
		t.Fatalf("not imported: %v", err)
	}
	if left, _ := os.ReadDir(place.Exchange()); len(left) > 0 {
		t.Errorf("%d files left behind", len(left))
	}
	small := Tensor{DType: "i32", Shape: []int{1}, Data: data[:4]}
	if err := small.Export(place); err != nil || small.File != "" {
		t.Errorf("a small tensor went to a file: %v", err)
	}
}

func TestHostileTensors(t *testing.T) {
	place := Place(filepath.Join(t.TempDir(), "core"))
	if err := place.Make(); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(string(place), "secret")
	os.WriteFile(secret, make([]byte, 8), 0o600)
	os.WriteFile(filepath.Join(place.Exchange(), "tensor-short"), make([]byte, 4), 0o600)
	os.Symlink(secret, filepath.Join(place.Exchange(), "tensor-link"))
	for name, x := range map[string]Tensor{
		"a path":          {DType: "f32", Shape: []int{2}, File: "../secret"},
		"a link":          {DType: "f32", Shape: []int{2}, File: "tensor-link"},
		"not there":       {DType: "f32", Shape: []int{2}, File: "tensor-none"},
		"too short":       {DType: "f32", Shape: []int{2}, File: "tensor-short"},
		"type":            {DType: "f64", Shape: []int{1}, Data: make([]byte, 4)},
		"negative":        {DType: "f32", Shape: []int{-1}, Data: make([]byte, 4)},
		"absurd":          {DType: "f32", Shape: []int{1 << 40, 1 << 40}, Data: make([]byte, 4)},
		"bytes and shape": {DType: "f32", Shape: []int{3}, Data: make([]byte, 4)},
	} {
		if err := x.Import(place); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := os.Stat(secret); err != nil {
		t.Error("a file outside the exchange directory was removed")
	}
}

// Sweep removes what is old, and only exchanged tensors.
func TestSweep(t *testing.T) {
	place := Place(filepath.Join(t.TempDir(), "core"))
	if err := place.Make(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"tensor-old", "tensor-new", "other"} {
		path := filepath.Join(place.Exchange(), name)
		if err := os.WriteFile(path, []byte("1234"), 0o600); err != nil {
			t.Fatal(err)
		}
		if name != "tensor-new" {
			os.Chtimes(path, time.Time{}, time.Now().Add(-time.Hour))
		}
	}
	if n := place.Sweep(time.Now().Add(-time.Minute)); n != 1 {
		t.Errorf("%d files were removed", n)
	}
	if left, _ := os.ReadDir(place.Exchange()); len(left) != 2 || left[1].Name() != "tensor-new" {
		t.Errorf("left: %v", left)
	}
}

// A place is free once no core has its lock.
func TestEnded(t *testing.T) {
	place := Place(filepath.Join(t.TempDir(), "core"))
	if !place.Ended() {
		t.Error("a core ends that never was")
	}
	if err := place.Make(); err != nil {
		t.Fatal(err)
	}
	lock, err := os.Create(place.Lock())
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if place.Ended() {
		t.Error("a core has ended that holds the lock")
	}
	lock.Close()
	if !place.Ended() {
		t.Error("a core that let its lock go has not ended")
	}
}

func TestPages(t *testing.T) {
	page := os.Getpagesize()
	for _, n := range []int{1, page, page + 1, 300 << 10} {
		data := pages(n)
		at := uintptr(unsafe.Pointer(&data[0]))
		if len(data) != n || cap(data)%page != 0 || cap(data) < n || at%uintptr(page) != 0 {
			t.Errorf("%d bytes lie at %d, with room for %d", n, at, cap(data))
		}
	}
}

func TestKernelPID(t *testing.T) {
	for name, want := range map[string]int{KernelName(123, "/tmp/a b"): 123, "7": 7, "": 0, "/tmp/a": 0, "-1 x": 0, "99999999999999999999 x": 0, " 5": 0} {
		if got := KernelPID(name); got != want {
			t.Errorf("%q is of process %d, want %d", name, got, want)
		}
	}
}
