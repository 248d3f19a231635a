package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/control"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// lines starts a program and hands out what it prints, line by line; the
// channel is closed when it prints no more.
func lines(t *testing.T, cmd *exec.Cmd) <-chan string {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	ch := make(chan string, 1000)
	go func() {
		defer close(ch)
		for s := bufio.NewScanner(out); s.Scan(); {
			select {
			case ch <- s.Text():
			default: // nobody reads every epoch
			}
		}
	}()
	return ch
}

// next is the next line of a program, which must come.
func next(t *testing.T, ch <-chan string) string {
	t.Helper()
	select {
	case s, ok := <-ch:
		if !ok {
			t.Fatal("the program ended without a word")
		}
		return s
	case <-time.After(30 * time.Second):
		t.Fatal("the program hangs")
		return ""
	}
}

// rest is what a program still prints until it ends.
func rest(t *testing.T, ch <-chan string) string {
	t.Helper()
	var b strings.Builder
	for end := time.After(30 * time.Second); ; {
		select {
		case s, ok := <-ch:
			if !ok {
				return b.String()
			}
			b.WriteString(s + "\n")
		case <-end:
			t.Fatal("the program hangs")
		}
	}
}

// corePID asks the core of a place for its process.
func corePID(t *testing.T, p wire.Place) int {
	t.Helper()
	conn, welcome, err := control.Dial(p)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	return welcome.PID
}

// where asks, from a process of its own, how many steps a trainer has taken.
func where(t *testing.T, p wire.Place, name string) (steps int, running bool) {
	t.Helper()
	out, err := start(t, p, "steps", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	said := strings.Split(strings.TrimSpace(string(out)), "\n") // of a trainer that came back, too
	if _, err := fmt.Sscan(said[len(said)-1], &steps, &running); err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	return steps, running
}

// Cells that start the core at once get one.
func TestOneCore(t *testing.T) {
	p := place(t)
	together(t, p)
}

// together has several processes connect at once, and returns the core's pid.
func together(t *testing.T, p wire.Place) string {
	t.Helper()
	var outs []<-chan string
	for range 8 {
		cmd := start(t, p, "connect")
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		outs = append(outs, lines(t, cmd))
		defer in.Close()
	}
	first := next(t, outs[0])
	for _, out := range outs[1:] {
		if pid := next(t, out); pid != first {
			t.Errorf("one reached %s, another %s", first, pid)
		}
	}
	eventually(t, "the cores that were too late to end", func() bool {
		list, err := exec.Command("ps", "-axo", "args=").Output()
		return err == nil && strings.Count(string(list), "core --dir "+string(p)) == 1
	})
	return first
}

// What a killed core left is no obstacle to the next: socket, lock file, or
// other files in their places.
func TestLeftovers(t *testing.T) {
	p := place(t)
	pid := together(t, p)
	n, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	syscall.Kill(n, syscall.SIGKILL)
	eventually(t, "the core to be gone", func() bool { return gone(n) })
	if _, err := os.Lstat(p.Socket()); err != nil {
		t.Fatal("a killed core should leave its socket: ", err)
	}
	if again := together(t, p); again == pid {
		t.Error("a dead core answered")
	}
	if _, err := control.End(p, false); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{p.Socket(), p.Lock()} {
		if err := os.WriteFile(path, []byte("rubbish"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	together(t, p)
}

// A core that has the lock but does not answer is waited for, while it is
// dying.
func TestLockOfADyingCore(t *testing.T) {
	p := place(t)
	if err := p.Make(); err != nil {
		t.Fatal(err)
	}
	lock, err := os.OpenFile(p.Lock(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	out := lines(t, start(t, p, "connect"))
	select {
	case s := <-out:
		t.Errorf("%q, while the lock was held", s)
	case <-time.After(300 * time.Millisecond):
	}
	lock.Close()
	if pid := next(t, out); pid != strconv.Itoa(corePID(t, p)) {
		t.Error(pid)
	}
}

// old runs a core of another version at a place.
func old(t *testing.T, p wire.Place) *exec.Cmd {
	t.Helper()
	cmd := start(t, p, "old-core", "--dir", string(p))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go cmd.Wait()
	eventually(t, "the old core to answer", func() bool {
		conn, _, err := control.Dial(p)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return cmd
}

func TestCoreOfAnotherVersion(t *testing.T) {
	p := place(t)
	cmd := old(t, p)
	pid := next(t, lines(t, start(t, p, "connect")))
	if pid == strconv.Itoa(cmd.Process.Pid) || pid != strconv.Itoa(corePID(t, p)) {
		t.Errorf("the core of the old version, %d, was not replaced by %s", cmd.Process.Pid, pid)
	}
	eventually(t, "the old core to end", func() bool { return gone(cmd.Process.Pid) })

	p = place(t)
	cmd = old(t, p)
	conn, _, err := wire.Dial(p, &wire.Hello{Proto: wire.Proto, Version: "0.0.1-old", Session: "s"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	x := wire.Tensor{DType: "f32", Shape: []int{1, 1}, Data: make([]byte, 4)}
	if _, err := conn.Call(&wire.PutData{Name: "precious", X: x, Y: x}); err != nil {
		t.Fatal(err)
	}
	message := next(t, lines(t, start(t, p, "connect")))
	contains(t, "the error", message, "error", "0.0.1-old", wire.Version, "precious", strconv.Itoa(cmd.Process.Pid))
	if gone(cmd.Process.Pid) {
		t.Error("the core that held something is gone")
	}
	stdout, _, code := metalnb(t, p, "status")
	if code != 0 {
		t.Error("a core of another version tells its status all the same")
	}
	contains(t, "status", stdout, "0.0.1-old", "data precious")
}

// When the installed binary is of another version than the program, no core
// will ever do: the error says so, at once.
func TestBinaryOfAnotherVersion(t *testing.T) {
	p := place(t)
	_, _, err := wire.Connect(p, &wire.Hello{Proto: wire.Proto, Version: "9.9.9", Session: "s"})
	if err == nil {
		t.Fatal("connected")
	}
	contains(t, "the error", err.Error(), "another version", "9.9.9", wire.Version, wire.EnvBinary)
}

// A client whose core is killed is told at once, and its next call starts a new
// one.
func TestCoreKilled(t *testing.T) {
	p := place(t)
	out := lines(t, start(t, p, "try-fit", "t"))
	next(t, out) // an epoch
	pid := corePID(t, p)
	syscall.Kill(pid, syscall.SIGKILL)
	said := rest(t, out)
	contains(t, "the client", said, "code core", "went away", "run the cell again", "sum 6", "then <nil>")
	if corePID(t, p) == pid {
		t.Error("the dead core answers")
	}
}

// An interrupt stops training between two steps, and another process goes on
// exactly there.
func TestInterrupt(t *testing.T) {
	for _, program := range []string{"fit", "try-fit"} {
		t.Run(program, func(t *testing.T) {
			p := place(t)
			cmd := start(t, p, program, "t", strconv.Itoa(forever))
			out := lines(t, cmd)
			next(t, out)
			cmd.Process.Signal(os.Interrupt)
			said := rest(t, out)
			err := cmd.Wait()
			contains(t, "the program", said, "stopped at ", "epoch ", "t.Fit goes on from there")
			if program == "try-fit" {
				contains(t, "the error", said, "code interrupted", "then <nil>")
			} else if code := cmd.ProcessState.ExitCode(); code != 130 {
				t.Errorf("exit code %d, %v", code, err)
			}
			stopped, running := where(t, p, "t")
			if running || !strings.Contains(said, fmt.Sprintf("(%d steps in all)", stopped)) {
				t.Errorf("it stands at step %d, and the program said\n%s", stopped, said)
			}
			if err := start(t, p, "fit", "t", "1").Run(); err != nil {
				t.Fatal(err)
			}
			// The rest of the epoch counts as one: 1437 rows are 45 steps of 32.
			now, _ := where(t, p, "t")
			if now <= stopped || now > stopped+45 || now%45 != 0 {
				t.Errorf("from step %d one epoch more led to step %d", stopped, now)
			}
		})
	}
}

func TestKilledClients(t *testing.T) {
	p := place(t)
	cmd := start(t, p, "fit", "fits", strconv.Itoa(forever))
	next(t, lines(t, cmd))
	cmd.Process.Kill()
	eventually(t, "the training of a killed Fit to stop", func() bool {
		_, running := where(t, p, "fits")
		return !running
	})
	first, _ := where(t, p, "fits")
	if second, _ := where(t, p, "fits"); first != second || first == 0 {
		t.Errorf("it went from step %d to %d", first, second)
	}
	// One that called Start, with all of its process group: its core lives on.
	p = place(t)
	cmd = start(t, p, "lead-a-group", "started")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	next(t, lines(t, cmd))
	syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	from, running := where(t, p, "started")
	eventually(t, "training to go on", func() bool {
		now, _ := where(t, p, "started")
		return now > from
	})
	if !running {
		t.Error("training stopped with the client that began it")
	}
}

func TestSignalsOfTheCore(t *testing.T) {
	p := place(t)
	if err := start(t, p, "start-training", "t").Run(); err != nil {
		t.Fatal(err)
	}
	pid := corePID(t, p)
	for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGHUP} {
		syscall.Kill(pid, s)
	}
	if _, running := where(t, p, "t"); !running || corePID(t, p) != pid {
		t.Error("a signal of a terminal disturbed the core")
	}
	waiting, err := net.Dial("unix", p.Socket()) // one that says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer waiting.Close()
	syscall.Kill(pid, syscall.SIGTERM)
	eventually(t, "SIGTERM to end the core", func() bool { return gone(pid) })
	if _, err := os.Lstat(p.Socket()); err == nil {
		t.Error("the socket is left")
	}
	waiting.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.ReadAll(waiting); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Error(err)
	}
}

func TestIdleCoreEnds(t *testing.T) {
	p := place(t)
	cmd := start(t, p, "core", "--dir", string(p), "--idle", "100ms")
	done := make(chan error, 1)
	go func() { done <- cmd.Run() }()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		cmd.Process.Kill()
		t.Error("an idle core stays")
	}
	stdout, _, _ := metalnb(t, p, "status")
	contains(t, "status", stdout, "no core")
}
