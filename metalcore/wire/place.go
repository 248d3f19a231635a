package wire

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// Place is the private directory in which the core of this user on this
// machine can be found.
type Place string

// EnvDir overrides the directory of the core.
const EnvDir = "METALNB_DIR"

// DefaultPlace is $METALNB_DIR, or metalnb in $XDG_RUNTIME_DIR, or a directory
// of this user among the temporary files.
func DefaultPlace() Place {
	if dir := os.Getenv(EnvDir); dir != "" {
		return Place(dir)
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		return Place(filepath.Join(dir, "metalnb"))
	}
	return Place(filepath.Join(os.TempDir(), "metalnb-"+strconv.Itoa(os.Getuid())))
}

// Socket, Lock and Log are the paths of the core's files; Exchange is where
// large tensors pass between cell and core.
func (p Place) Socket() string   { return filepath.Join(string(p), "core.sock") }
func (p Place) Lock() string     { return filepath.Join(string(p), "core.lock") }
func (p Place) Log() string      { return filepath.Join(string(p), "core.log") }
func (p Place) Exchange() string { return filepath.Join(string(p), "exchange") }

// maxSocketPath is what the shortest of the systems' sockaddr_un holds.
const maxSocketPath = 103

// Make creates the directory, and refuses one that others could write to.
func (p Place) Make() error {
	if n := len(p.Socket()); n > maxSocketPath {
		return fmt.Errorf("the socket's path %s has %d bytes, and systems allow %d: set %s to a shorter directory",
			p.Socket(), n, maxSocketPath, EnvDir)
	}
	if err := os.MkdirAll(p.Exchange(), 0o700); err != nil {
		return err
	}
	info, err := os.Lstat(string(p))
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int(st.Uid) != os.Getuid() {
		return fmt.Errorf("%s is not a directory of yours: remove it, or set %s to another one", p, EnvDir)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return os.Chmod(string(p), 0o700)
	}
	return nil
}

// errNoCore says that nobody listens.
var errNoCore = errors.New("no core is running")

// IsNoCore reports whether the error of Dial says that no core is running.
func IsNoCore(err error) bool { return errors.Is(err, errNoCore) }
