package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/control"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// The binary of the tests is also the metalnb that they start, and the programs
// that use it: its first word says which.
func TestMain(m *testing.M) {
	word := ""
	if len(os.Args) > 1 {
		word = os.Args[1]
	}
	if program, ok := programs[word]; ok {
		program(os.Args[2:])
		os.Exit(0)
	}
	if os.Getenv(asCommand) != "" || slices.ContainsFunc(commands, func(c command) bool { return c.name == word }) {
		main()
	}
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	os.Setenv(wire.EnvBinary, self)
	os.Exit(m.Run())
}

// asCommand is set where the test binary must be metalnb whatever its words.
const asCommand = "METALNB_TEST_COMMAND"

// place is the directory of a core for one test, which ends with it. Its path
// is short enough for a socket.
func place(t *testing.T) wire.Place {
	t.Helper()
	dir, err := os.MkdirTemp("", "mnb-")
	if err != nil {
		t.Fatal(err)
	}
	p := wire.Place(filepath.Join(dir, "core"))
	t.Cleanup(func() {
		if _, err := control.End(p, true); err != nil && !wire.IsNoCore(err) {
			t.Errorf("end the core: %v", err)
		}
		os.RemoveAll(dir)
	})
	return p
}

// start prepares a process of the test binary whose core is at a place.
func start(t *testing.T, p wire.Place, words ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Getenv(wire.EnvBinary), words...)
	cmd.Env = append(os.Environ(), wire.EnvDir+"="+string(p), "METALNB_SESSION=/test/book.ipynb", asCommand+"=yes")
	return cmd
}

// metalnb runs a command to its end.
func metalnb(t *testing.T, p wire.Place, words ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := start(t, p, words...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(err)
	} else if ok {
		code = exit.ExitCode()
	}
	return out.String(), errs.String(), code
}

// eventually waits for something that must come, however slow the machine.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// gone says that a process has ended, also where nobody buries it.
func gone(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return true
	}
	state, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	return err != nil || bytes.HasPrefix(bytes.TrimSpace(state), []byte("Z"))
}

// contains reports each word that a text lacks.
func contains(t *testing.T, what, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%s does not say %q:\n%s", what, w, text)
		}
	}
}

func TestBadCommands(t *testing.T) {
	p := place(t)
	folder := t.TempDir()
	notOne := filepath.Join(folder, "list.ipynb")
	python := filepath.Join(folder, "python.ipynb")
	for path, text := range map[string]string{
		notOne: `["no", "notebook"]`,
		python: `{"nbformat":4,"nbformat_minor":5,"metadata":{"kernelspec":{"name":"python3","language":"python","display_name":"P"}},"cells":[]}`,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		line string
		code int
		says string
	}{
		{"frobnicate", 2, `no command "frobnicate"`},
		{"run", 2, "notebook.ipynb"},
		{"run a.ipynb b.ipynb", 2, "notebook.ipynb"},
		{"run --fast a.ipynb", 2, "-fast"},
		{"run --timeout soon a.ipynb", 2, "soon"},
		{"run --in-place --out b.ipynb a.ipynb", 1, "two things"},
		{"run " + filepath.Join(folder, "none.ipynb"), 1, "none.ipynb"},
		{"run " + folder, 1, folder},
		{"run " + notOne, 1, "list.ipynb"},
		{"run " + python, 1, "python"},
		{"run --out " + filepath.Join(folder, "no", "such", "x.ipynb") + " notebooks/01-first-steps.ipynb", 1, "x.ipynb"},
		{"status now", 2, "metalnb status"},
		{"stop --hard", 2, "-hard"},
		{"core --idle never", 2, "never"},
		{"core --journal 5", 1, "give a time of 100ms at least, as 15s, or off"},
		{"core --device gpu", 1, "auto, metal, cuda, cpu"},
		{"doctor --device gpu", 1, "auto, metal, cuda, cpu"},
		{"doctor --seconds 0", 1, "more than 0 seconds"},
		{"doctor --out " + filepath.Join(folder, "no", "such"), 1, "such"},
		{"bench --device gpu --only W1", 1, "auto, metal, cuda, cpu"},
		{"bench --only W1,W0", 1, `nothing "W0"`},
		{"bench --threads 1,two", 1, `"two" is no number`},
		{"bench --threads 0", 1, "on 0 threads"},
		{"bench --rounds 0", 1, "0 rounds"},
		{"bench --vs python3 --only cells,gemm", 1, "use W1 to W6"},
		{"bench --vs " + filepath.Join(folder, "python") + " --only W1", 1, "no such file"},
		{"bench --only cells --cpuprofile " + filepath.Join(folder, "no", "such"), 1, "such"},
		{"kernel", 2, "connection-file"},
		{"kernel " + filepath.Join(folder, "none.json"), 1, "none.json"},
	} {
		stdout, stderr, code := metalnb(t, p, strings.Fields(c.line)...)
		if code != c.code || !strings.Contains(stderr, c.says) || strings.Contains(stderr, "panic") {
			t.Errorf("metalnb %s: exit code %d, want %d and %q\n%s%s", c.line, code, c.code, c.says, stdout, stderr)
		}
	}
	for _, line := range []string{"", "help", "--help", "run --help"} {
		if stdout, stderr, code := metalnb(t, p, strings.Fields(line)...); code != 0 || !strings.Contains(stdout+stderr, "metalnb run") {
			t.Errorf("metalnb %s: exit code %d\n%s%s", line, code, stdout, stderr)
		}
	}
	if left, _ := os.ReadDir(folder); len(left) != 2 {
		t.Errorf("%d files where two were", len(left))
	}
}

func TestWithoutACore(t *testing.T) {
	p := place(t)
	for command, want := range map[string]string{
		"status":  "no core is running",
		"stop":    "no core is running",
		"logs":    "no core has run yet",
		"version": "metalnb " + wire.Version + "\ncore    none is running",
	} {
		if stdout, stderr, code := metalnb(t, p, command); code != 0 || !strings.HasPrefix(stdout, want) || stderr != "" {
			t.Errorf("%s: %d\n%s%s", command, code, stdout, stderr)
		}
	}
	if _, err := os.Stat(string(p)); err == nil {
		t.Error("asking made a directory")
	}
}

func TestWithACore(t *testing.T) {
	p := place(t)
	background := start(t, p, "start-training", "precious")
	if out, err := background.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	stdout, _, _ := metalnb(t, p, "status")
	contains(t, "status", stdout, "core "+wire.Version+" at "+p.Socket(), "pid ", "MB", "session /test/book.ipynb, 0 connected", "trainer precious: running",
		"device memory: ", "trainer precious of /test/book.ipynb")
	leaks, _, _ := metalnb(t, p, "status", "--leaks")
	contains(t, "status --leaks", leaks, "all memory belongs to somebody")
	stdout, _, _ = metalnb(t, p, "version")
	contains(t, "version", stdout, "core    "+wire.Version+", pid ")
	stdout, _, _ = metalnb(t, p, "logs")
	contains(t, "logs", stdout, "listens at "+p.Socket(), `trainer "precious" created`)
	_, stderr, code := metalnb(t, p, "stop")
	if code != 1 {
		t.Errorf("stop threw a trainer away")
	}
	contains(t, "stop", stderr, `trainer "precious"`, "--force")
	stdout, stderr, code = metalnb(t, p, "stop", "--force")
	if code != 0 {
		t.Error(stderr)
	}
	contains(t, "stop --force", stdout, `the core holds trainer "precious" (training, `, "has ended")
	stdout, _, _ = metalnb(t, p, "status")
	contains(t, "status", stdout, "no core")
	stdout, _, _ = metalnb(t, p, "logs")
	contains(t, "logs", stdout, "core ends: asked to stop")
}
