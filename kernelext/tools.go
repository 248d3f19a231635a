package kernelext

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// The programs that cells need and their versions. A test holds them equal to those in gonb/go.mod.
const (
	gonbPackage      = "github.com/janpfeifer/gonb"
	gonbVersion      = "v0.11.4"
	goimportsPackage = "golang.org/x/tools/cmd/goimports"
	goimportsVersion = "v0.52.0"
)

// Toolset holds the paths of the programs that turn cells into running programs.
type Toolset struct {
	Gonb      string // the kernel
	Goimports string // gonb runs it on each cell
	Go        string // the go command

	flags string // what go env says GOFLAGS is
}

// Tools finds gonb and goimports at their pinned versions in the user's cache, or builds them there, which takes a minute
// on a cold machine. Several processes may call it at once. Progress, which may be nil, gets a line for each slow step.
func Tools(ctx context.Context, progress func(string)) (Toolset, error) {
	if progress == nil {
		progress = func(string) {}
	}
	t, version, err := goCommand(ctx)
	if err != nil {
		return t, err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return t, fmt.Errorf("no place for gonb: %w; set XDG_CACHE_HOME to a folder that can be written", err)
	}
	all := filepath.Join(cache, "metalnb", "tools")
	dir := filepath.Join(all, fmt.Sprintf("gonb-%s_goimports-%s_%s", gonbVersion, goimportsVersion, version))
	t.Gonb, t.Goimports = filepath.Join(dir, "gonb"), filepath.Join(dir, "goimports")
	if t.built() {
		return t, nil
	}
	if err := os.MkdirAll(all, 0o755); err != nil {
		return t, fmt.Errorf("no place for gonb: %w; set XDG_CACHE_HOME to a folder that can be written", err)
	}
	unlock, err := lock(ctx, filepath.Join(all, "lock"), progress)
	if err != nil {
		return t, err
	}
	defer unlock()
	if t.built() {
		return t, nil
	}
	progress("building gonb " + gonbVersion + " and goimports " + goimportsVersion + " (once)")
	return t, t.build(ctx, all, dir)
}

func (t Toolset) built() bool {
	for _, path := range []string{t.Gonb, t.Goimports} {
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			return false
		}
	}
	return true
}

// build installs into a temporary folder and renames it, so that dir is complete or absent.
func (t Toolset) build(ctx context.Context, all, dir string) error {
	// A build that was killed leaves its folder; we hold the lock, so nobody builds now.
	left, _ := filepath.Glob(filepath.Join(all, ".build-*"))
	for _, d := range left {
		os.RemoveAll(d)
	}
	tmp, err := os.MkdirTemp(all, ".build-")
	if err != nil {
		return fmt.Errorf("cannot build gonb: %w", err)
	}
	defer os.RemoveAll(tmp)
	if nested := filepath.Join(ModuleRoot(), "kernelext", "gonb"); isFile(filepath.Join(nested, "go.mod")) {
		err = t.install(ctx, nested, tmp, "tool")
	} else {
		err = errors.Join(t.install(ctx, tmp, tmp, gonbPackage+"@"+gonbVersion),
			t.install(ctx, tmp, tmp, goimportsPackage+"@"+goimportsVersion))
	}
	if err != nil {
		return err
	}
	os.RemoveAll(dir)
	if err := os.Rename(tmp, dir); err != nil {
		return fmt.Errorf("cannot keep gonb: %w", err)
	}
	return os.Chmod(dir, 0o755)
}

// install runs go install in dir with programs going to bin. The user's settings for cross-compiling, workspaces and
// vendoring are for his own code and would break it.
func (t Toolset) install(ctx context.Context, dir, bin, what string) error {
	cmd := exec.CommandContext(ctx, t.Go, "install", what)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOBIN="+bin, "GOWORK=off", "GOFLAGS="+cleanFlags(t.flags), "GO111MODULE=on", "GOOS=", "GOARCH=")
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return fmt.Errorf("building gonb was stopped: %w", ctx.Err())
	}
	if err != nil {
		return fmt.Errorf("cannot build gonb, the Go kernel: go install %s in %s: %w\n%s\n"+
			"The first build downloads modules: check the network, or set GOPROXY to a mirror that this machine reaches",
			what, dir, err, lastLines(out, 8))
	}
	return nil
}

// goFolders are where go usually is.
var goFolders = []string{"/usr/local/go/bin", "/opt/homebrew/bin", "/usr/lib/go/bin"}

// goCommand finds go and asks it for its version and flags.
func goCommand(ctx context.Context) (Toolset, string, error) {
	path, err := exec.LookPath("go")
	// A Jupyter that was started from a desktop does not have the shell's PATH.
	for _, dir := range append([]string{filepath.Join(os.Getenv("GOROOT"), "bin")}, goFolders...) {
		if err != nil && filepath.IsAbs(dir) && isFile(filepath.Join(dir, "go")) {
			path, err = filepath.Join(dir, "go"), nil
		}
	}
	if err != nil {
		return Toolset{}, "", fmt.Errorf("cells are compiled by Go, and the go command was not found: %w; "+
			"install Go from https://go.dev/dl and put it on the PATH", err)
	}
	if path, err = filepath.Abs(path); err != nil {
		return Toolset{}, "", err
	}
	cmd := exec.CommandContext(ctx, path, "env", "GOVERSION", "GOFLAGS")
	cmd.Dir = os.TempDir()
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.Output()
	version, flags, _ := strings.Cut(strings.TrimRight(string(out), "\n"), "\n")
	if err != nil || version == "" {
		return Toolset{}, "", fmt.Errorf("%s env GOVERSION failed: %w; is this a whole Go installation?", path, err)
	}
	// A development version has spaces and a date in it.
	version = strings.Map(func(r rune) rune {
		if strings.ContainsRune(" /:+", r) {
			return '-'
		}
		return r
	}, version)
	return Toolset{Go: path, flags: flags}, version, nil
}

// lock waits until this process holds the lock file, which the system frees when a process dies.
func lock(ctx context.Context, path string, progress func(string)) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("cannot lock the tools: %w", err)
	}
	for first := true; ; first = false {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if err != syscall.EWOULDBLOCK && err != syscall.EINTR {
			f.Close()
			return nil, fmt.Errorf("cannot lock %s: %w", path, err)
		}
		if first {
			progress("waiting for another metalnb that builds gonb")
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("waiting for another metalnb that builds gonb: %w", ctx.Err())
		}
	}
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func lastLines(b []byte, n int) string {
	all := strings.Split(string(bytes.TrimSpace(b)), "\n")
	return strings.Join(all[max(0, len(all)-n):], "\n")
}
