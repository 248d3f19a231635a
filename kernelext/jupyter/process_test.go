package jupyter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"
)

// The test binary is also a small kernel, so that processes and sockets are real.
func TestMain(m *testing.M) {
	if mode := os.Getenv("FAKE_KERNEL"); mode != "" {
		fakeKernel(mode, os.Args[1])
		return
	}
	os.Exit(m.Run())
}

// fakeKernel answers every request with a reply; an execute_request does what its code says. Like gonb it answers control
// requests on the shell socket.
func fakeKernel(mode, file string) {
	if mode == "broken" {
		fmt.Fprintln(os.Stderr, "I0102 03:04:05 noise\n\x1b[31mno such port\x1b[0m")
		os.Exit(3)
	}
	conn, err := ReadConnection(file)
	if err != nil {
		panic(err)
	}
	if mode == "deaf" {
		signal.Ignore(syscall.SIGTERM)
		time.Sleep(time.Hour)
	}
	k := &fake{conn: conn, requests: make(chan *Message)}
	k.listen()
	for m := range k.requests {
		if m.Header.Type == "shutdown_request" {
			return
		}
		k.answer(m)
		k.send(k.pub, m, "status", map[string]any{"execution_state": "idle"}, conn.Key)
	}
}

type fake struct {
	conn       *Connection
	shell, pub zmq4.Socket
	requests   chan *Message
}

func (k *fake) listen() {
	ctx := context.Background()
	control, stdin, beat := zmq4.NewRouter(ctx), zmq4.NewRouter(ctx), zmq4.NewRep(ctx)
	k.shell, k.pub = zmq4.NewRouter(ctx), zmq4.NewPub(ctx)
	for port, s := range map[int]zmq4.Socket{
		k.conn.Shell: k.shell, k.conn.Control: control, k.conn.Stdin: stdin, k.conn.IOPub: k.pub, k.conn.Heartbeat: beat,
	} {
		if err := s.Listen(k.conn.Endpoint(port)); err != nil {
			panic(err)
		}
	}
	go func() {
		for {
			m, err := beat.Recv()
			if err != nil || beat.Send(m) != nil {
				return
			}
		}
	}()
	for _, s := range []zmq4.Socket{k.shell, control} {
		go func() {
			for {
				z, err := s.Recv()
				if err != nil {
					return
				}
				m, err := k.conn.Key.Decode(z.Frames)
				if err != nil {
					panic(err)
				}
				k.requests <- m
			}
		}()
	}
}

func (k *fake) answer(m *Message) {
	content := map[string]any{"status": "ok", "implementation": "fake"}
	switch m.Text("code") {
	case "die":
		fmt.Fprintln(os.Stderr, "out of luck")
		os.Exit(7)
	case "forge":
		k.send(k.pub, m, "stream", map[string]any{"name": "stdout", "text": "forged"}, "another key")
	}
	k.send(k.shell, m, strings.TrimSuffix(m.Header.Type, "request")+"reply", content, k.conn.Key)
}

func (k *fake) send(s zmq4.Socket, to *Message, kind string, content map[string]any, key Key) {
	m := NewRequest("kernel", kind, content)
	m.Parent = to.Header
	if s == k.shell {
		m.Identities = to.Identities
	}
	f, err := key.Encode(m)
	if err != nil {
		panic(err)
	}
	s.SendMulti(zmq4.NewMsgFrom(f...))
}

func start(t *testing.T, mode string) (*Process, error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if mode == "deaf" {
		cancel()
		ctx, cancel = context.WithTimeout(context.Background(), 300*time.Millisecond)
		defer cancel()
	}
	t.Setenv("TMPDIR", t.TempDir())
	p, err := Start(ctx, Command{Argv: []string{self, "{connection_file}"}, Env: []string{"FAKE_KERNEL=" + mode}})
	if p != nil {
		t.Cleanup(func() { p.Stop(0) })
	}
	return p, err
}

// wait returns the first message of a type that answers a request.
func wait(t *testing.T, p *Process, id, kind string) Event {
	t.Helper()
	for timeout := time.After(30 * time.Second); ; {
		select {
		case e := <-p.Events():
			if e.Err == nil && e.Message.Parent.ID == id && e.Message.Header.Type == kind {
				return e
			}
		case <-timeout:
			t.Fatalf("no %s came", kind)
		}
	}
}

func TestProcessRunsTalksAndStops(t *testing.T) {
	before := runtime.NumGoroutine()
	p, err := start(t, "good")
	if err != nil {
		t.Fatal(err)
	}
	if p.Info["implementation"] != "fake" {
		t.Errorf("kernel info %v", p.Info)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for range 3 {
		if err := p.Ping(ctx); err != nil {
			t.Fatal(err)
		}
	}
	id, err := p.Execute("fine", false)
	if err != nil {
		t.Fatal(err)
	}
	wait(t, p, id, "execute_reply")
	id, err = p.Send(Control, "interrupt_request", nil)
	if err != nil {
		t.Fatal(err)
	}
	if e := wait(t, p, id, "interrupt_reply"); e.Channel != Shell {
		t.Errorf("the reply came on %s", e.Channel)
	}
	p.Stop(10 * time.Second)
	if state := p.cmd.ProcessState; !state.Success() {
		t.Errorf("the kernel ended with %v", state)
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	for end := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}

func TestForgedMessagesAreReported(t *testing.T) {
	p, err := start(t, "good")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Execute("forge", false); err != nil {
		t.Fatal(err)
	}
	for timeout := time.After(30 * time.Second); ; {
		select {
		case e := <-p.Events():
			var fe *FrameError
			if errors.As(e.Err, &fe) {
				return
			}
			if e.Message.Header.Type == "stream" {
				t.Fatal("a forged message was believed")
			}
		case <-timeout:
			t.Fatal("the forged message was not reported")
		}
	}
}

func TestDeathIsNoticed(t *testing.T) {
	p, err := start(t, "good")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Execute("die", false); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.Done():
	case <-time.After(30 * time.Second):
		t.Fatal("the death went unnoticed")
	}
	var dead *DeadError
	if err := p.Dead(); !errors.As(err, &dead) || dead.Tail != "out of luck" || dead.State != "exit status 7" {
		t.Errorf("got %#v", err)
	}
}

func TestStartReportsAKernelThatFails(t *testing.T) {
	_, err := start(t, "broken")
	var dead *DeadError
	if !errors.As(err, &dead) || dead.Tail != "no such port" {
		t.Errorf("got %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestStartGivesUpOnAKernelThatIsSilent(t *testing.T) {
	if _, err := start(t, "deaf"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the deadline", err)
	}
}

func TestStartNamesAMissingProgram(t *testing.T) {
	_, err := Start(context.Background(), Command{Argv: []string{"/does/not/exist"}})
	if err == nil || !strings.Contains(err.Error(), "/does/not/exist") {
		t.Errorf("got %v", err)
	}
}

func TestReadConnectionRefuses(t *testing.T) {
	for name, c := range map[string]struct{ content, want string }{
		"no JSON":   {"hello", "Jupyter writes this file"},
		"transport": {`{"transport":"pigeon"}`, "pigeon"},
		"scheme":    {`{"transport":"ipc","key":"k","signature_scheme":"md5"}`, "md5"},
	} {
		path := filepath.Join(t.TempDir(), "kernel.json")
		if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadConnection(path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want a word about %q", name, err, c.want)
		}
	}
}

func TestFindSpec(t *testing.T) {
	data := t.TempDir()
	t.Setenv("JUPYTER_DATA_DIR", data)
	t.Setenv("JUPYTER_PATH", "")
	dir := filepath.Join(data, "kernels", "Mine")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(v any) {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "kernel.json"), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(Spec{Argv: []string{"{resource_dir}/run", "{connection_file}"}, Language: "go"})
	s, err := FindSpec("mine")
	if err != nil {
		t.Fatal(err)
	}
	if s.Argv[0] != dir+"/run" || s.Argv[1] != "{connection_file}" {
		t.Errorf("argv %q", s.Argv)
	}
	if _, err := FindSpec("other"); err == nil || !strings.Contains(err.Error(), "Mine") {
		t.Errorf("the error does not name the kernels there are: %v", err)
	}
	write(Spec{})
	if _, err := FindSpec("mine"); err == nil || !strings.Contains(err.Error(), "argv") {
		t.Errorf("a kernel without a program: %v", err)
	}
}
