package wire

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// EnvBinary names the metalnb binary that starts the core.
const EnvBinary = "METALNB_BIN"

// Binary finds the metalnb binary: $METALNB_BIN, then the PATH, then where
// `go install` puts it.
func Binary() (string, error) {
	if bin := os.Getenv(EnvBinary); bin != "" {
		if !executable(bin) {
			return "", fmt.Errorf("%s says %s, which is not an executable file", EnvBinary, bin)
		}
		return bin, nil
	}
	dirs := filepath.SplitList(os.Getenv("PATH"))
	dirs = append(dirs, os.Getenv("GOBIN"))
	for _, gopath := range filepath.SplitList(os.Getenv("GOPATH")) {
		dirs = append(dirs, filepath.Join(gopath, "bin"))
	}
	if home, err := os.UserHomeDir(); err == nil {
		dirs = append(dirs, filepath.Join(home, "go", "bin"))
	}
	for _, dir := range dirs {
		if bin := filepath.Join(dir, "metalnb"); dir != "" && executable(bin) {
			return bin, nil
		}
	}
	return "", errors.New("the metalnb binary, which keeps your models alive between cells, is not installed: " +
		"run `go install github.com/metalnb/metalnb@latest`, or set " + EnvBinary + " to its path")
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

// launchTimeout bounds the wait for a new core to listen.
const launchTimeout = 15 * time.Second

// Connect returns a connection to the core of a place, and starts the core if
// there is none, or if one of another version that holds nothing went away.
func Connect(place Place, hello *Hello) (*Conn, *Welcome, error) {
	conn, welcome, err := Dial(place, hello)
	for end := time.Now().Add(launchTimeout); replaced(err) && time.Now().Before(end); {
		time.Sleep(time.Millisecond) // until it has ended, or another cell has started a new one
		conn, welcome, err = Dial(place, hello)
	}
	if !IsNoCore(err) {
		return conn, welcome, err
	}
	if err := place.Make(); err != nil {
		return nil, nil, err
	}
	bin, err := Binary()
	if err != nil {
		return nil, nil, err
	}
	exited, err := launch(place, bin)
	if err != nil {
		return nil, nil, fmt.Errorf("start the core with %s: %w", bin, err)
	}
	for deadline := time.Now().Add(launchTimeout); ; {
		conn, welcome, err := Dial(place, hello)
		if replaced(err) {
			return nil, nil, fmt.Errorf("%s is of another version than this program: %w\n"+
				"install version %s of it, or set %s to one of that version", bin, err, hello.Version, EnvBinary)
		}
		if !IsNoCore(err) {
			return conn, welcome, err
		}
		select {
		case ok := <-exited:
			if !ok {
				return nil, nil, fmt.Errorf("the core ended as it started; %s", tail(place.Log()))
			}
			exited = nil // another cell's core was first
		case <-time.After(2 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return nil, nil, fmt.Errorf("the core did not start within %v; %s", launchTimeout, tail(place.Log()))
		}
	}
}

// replaced reports whether a core of another version made room for a new one.
func replaced(err error) bool {
	p, ok := errors.AsType[*Problem](err)
	return ok && p.Code == CodeReplaced
}

// launch starts a core, or a relay to one, in a session of its own, so that it outlives the
// kernel, with no stream of the cell, which gonb would wait for. The channel
// tells when it exits, and whether without an error.
func launch(place Place, bin string) (<-chan bool, error) {
	log, err := os.OpenFile(place.Log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, place.unwritable(err)
	}
	defer log.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	what := "core"
	if place.Relayed() {
		what = "relay"
	}
	proc, err := os.StartProcess(bin, []string{bin, what, "--dir", string(place)}, &os.ProcAttr{
		Dir:   string(place),
		Files: []*os.File{null, log, log},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return nil, err
	}
	exited := make(chan bool, 1)
	go func() {
		state, err := proc.Wait()
		exited <- err == nil && state.Success()
	}()
	return exited, nil
}

// tail quotes the last lines of a log.
func tail(path string) string {
	data, _ := os.ReadFile(path)
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	if lines[0] == "" {
		return "it wrote nothing to " + path + ": is the disk full?"
	}
	return "the end of " + path + ":\n" + strings.Join(lines[max(0, len(lines)-8):], "\n")
}
