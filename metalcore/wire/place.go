package wire

import (
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Place is the private directory in which the core of this user on this
// machine can be found.
type Place string

// EnvDir overrides the directory of the core.
const EnvDir = "METALNB_DIR"

// DefaultPlace is where programs find the core: OwnPlace, or, when $METALNB_CORE
// names a core on another machine, a directory in it, where a relay answers.
func DefaultPlace() Place {
	target := os.Getenv(EnvCore)
	if target == "" {
		return OwnPlace()
	}
	h := fnv.New64a()
	h.Write([]byte(target))
	return Place(filepath.Join(string(OwnPlace()), fmt.Sprintf("far-%x", h.Sum64())))
}

// Relayed reports whether a relay, and not the core, is to answer at the place.
func (p Place) Relayed() bool { return os.Getenv(EnvCore) != "" && p == DefaultPlace() }

// OwnPlace is where a core of this machine is: $METALNB_DIR, or metalnb in
// $XDG_RUNTIME_DIR, or a directory of this user among the temporary files.
func OwnPlace() Place {
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

// Journal is where trainers are written down: in the core's directory, but for
// the default one, which need not outlive this run of the machine. Then it is
// metalnb in $XDG_STATE_HOME or ~/.local/state.
func (p Place) Journal() string {
	own := filepath.Join(string(p), "journal")
	if os.Getenv(EnvDir) != "" || p != OwnPlace() {
		return own
	}
	state := os.Getenv("XDG_STATE_HOME")
	if home, err := os.UserHomeDir(); state == "" && err == nil {
		state = filepath.Join(home, ".local", "state")
	}
	if state == "" {
		return own
	}
	return filepath.Join(state, "metalnb")
}

// Spool is where rows of data lie that do not fit in memory: on the disk that has
// the journal, because a core's directory may be in memory itself.
func (p Place) Spool() string { return filepath.Join(p.Journal(), "spool") }

// maxSocketPath is what the shortest of the systems' sockaddr_un holds.
const maxSocketPath = 103

// check refuses a path that is too long for a socket.
func (p Place) check() error {
	if n := len(p.Socket()); n > maxSocketPath {
		return fmt.Errorf("the socket's path %s has %d bytes, and systems allow %d: set %s to a shorter directory",
			p.Socket(), n, maxSocketPath, EnvDir)
	}
	return nil
}

// Make creates the directory, closes it to others, and refuses one that is not
// this user's or in which others may have left something.
func (p Place) Make() error {
	if err := p.check(); err != nil {
		return err
	}
	if p.Relayed() {
		if err := OwnPlace().Make(); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(string(p), 0o700); err != nil {
		return p.unwritable(err)
	}
	if err := p.mine(string(p)); err != nil {
		return err
	}
	if list, err := os.ReadDir(string(p)); err == nil && len(list) > 0 && p.open() {
		return p.errOpen()
	}
	if err := os.Chmod(string(p), 0o700); err != nil {
		return err
	}
	if err := os.MkdirAll(p.Exchange(), 0o700); err != nil {
		return p.unwritable(err)
	}
	return p.mine(p.Exchange())
}

// mine refuses what is not a directory of this user.
func (p Place) mine(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int(st.Uid) != os.Getuid() {
		return fmt.Errorf("%s is not a directory of yours: remove it, or set %s to another one", dir, EnvDir)
	}
	return nil
}

// open reports whether others may write to the directory.
func (p Place) open() bool {
	info, err := os.Lstat(string(p))
	return err == nil && info.Mode().Perm()&0o022 != 0
}

func (p Place) errOpen() error {
	return fmt.Errorf("other users may write to %s, so what is in it may be theirs: remove it, or have a look and close it with `chmod 700 %s`", p, p)
}

// trusted refuses a directory whose socket another user may have made: he would
// get what a cell sends.
func (p Place) trusted() error {
	if err := p.mine(string(p)); err != nil {
		return err
	}
	if p.open() {
		return p.errOpen()
	}
	return nil
}

// unwritable adds to an error of writing what can be done about it.
func (p Place) unwritable(err error) error {
	return fmt.Errorf("%w (free some space for %s, or set %s to another directory)", err, p, EnvDir)
}

// Sweep removes tensors that nobody fetched since the given time: their
// readers, or those who meant to send them, have died.
func (p Place) Sweep(before time.Time) (removed int) {
	list, _ := os.ReadDir(p.Exchange())
	for _, entry := range list {
		info, err := entry.Info()
		if err != nil || !strings.HasPrefix(entry.Name(), tensorPrefix) || !info.ModTime().Before(before) {
			continue
		}
		if os.Remove(filepath.Join(p.Exchange(), entry.Name())) == nil {
			removed++
		}
	}
	return removed
}

// Ended reports whether no core has the place's lock, which a core keeps to its
// very end.
func (p Place) Ended() bool {
	f, err := os.OpenFile(p.Lock(), os.O_RDWR, 0)
	if err != nil {
		return true
	}
	defer f.Close()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) == nil
}

// errNoCore says that nobody listens.
var errNoCore = errors.New("no core is running")

// IsNoCore reports whether the error of Dial says that no core is running.
func IsNoCore(err error) bool { return errors.Is(err, errNoCore) }
