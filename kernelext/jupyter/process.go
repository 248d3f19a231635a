package jupyter

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Command says how to start a kernel.
type Command struct {
	Argv []string  // program and arguments; {connection_file} is replaced
	Env  []string  // added to this process's environment, the last of a name wins
	Dir  string    // working directory
	Log  io.Writer // gets a copy of what the kernel prints itself (not what cells print); may be nil

	// SignalInterrupt says that the kernel is interrupted by SIGINT and not by a message (interrupt_mode in its spec).
	SignalInterrupt bool
}

// DeadError says that a kernel ended while somebody still needed it.
type DeadError struct {
	Program string // first word of the command
	State   string // exit status or signal
	Tail    string // the end of what it printed
}

func (e *DeadError) Error() string {
	s := fmt.Sprintf("the kernel %s died (%s)", e.Program, e.State)
	if e.Tail == "" {
		return s + "; it printed nothing"
	}
	return s + "; it printed last:\n" + e.Tail
}

// Process is a kernel that runs as our child, with a client connected to it.
type Process struct {
	*Client
	Info map[string]any // content of the kernel_info_reply

	cmd    *exec.Cmd
	signal bool
	dir    string
	tail   tail
	done   chan struct{}
	once   sync.Once
}

// Start starts a kernel on unix sockets in a private directory and waits until it is ready. The caller ends it with Stop.
func Start(ctx context.Context, c Command) (*Process, error) {
	dir, file, conn, err := newIPC()
	if err != nil {
		return nil, err
	}
	p := &Process{dir: dir, signal: c.SignalInterrupt, done: make(chan struct{})}
	argv := make([]string, len(c.Argv))
	for i, a := range c.Argv {
		argv[i] = strings.ReplaceAll(a, "{connection_file}", file)
	}
	p.cmd = exec.Command(argv[0], argv[1:]...)
	p.cmd.Dir = c.Dir
	p.cmd.Env = append(os.Environ(), c.Env...)
	p.cmd.Stderr = &p.tail
	if c.Log != nil {
		p.cmd.Stderr = io.MultiWriter(&p.tail, c.Log)
	}
	p.cmd.Stdout = p.cmd.Stderr
	p.cmd.SysProcAttr = childAttr()
	// A grandchild may keep our pipe open after the kernel has ended.
	p.cmd.WaitDelay = 200 * time.Millisecond
	if err := p.run(); err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("cannot start the kernel %s: %w", argv[0], err)
	}
	alive, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-p.done:
			cancel()
		case <-alive.Done():
		}
	}()
	if p.Client, err = Dial(alive, conn); err == nil {
		p.Info, err = p.Client.Ready(alive)
	}
	if err == nil {
		// What it printed while it started would only hide what it prints when it fails later.
		p.tail.reset()
		return p, nil
	}
	if p.Exited() {
		err = p.Dead()
	} else if ctx.Err() != nil {
		err = fmt.Errorf("the kernel %s did not become ready: %w%s", argv[0], ctx.Err(), p.tail.quoted())
	}
	p.Stop(0)
	return nil, err
}

// run starts the process from a thread that lives as long as the process: Linux signals the child when the thread ends.
func (p *Process) run() error {
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.cmd.Wait()
			close(p.done)
		}
	}()
	return <-started
}

// Interrupt asks the kernel to interrupt what it runs, in the way that it wants to be asked.
func (p *Process) Interrupt() error {
	if p.signal {
		return p.cmd.Process.Signal(syscall.SIGINT)
	}
	return p.Client.Interrupt()
}

// Pid returns the process's id, which is also the id of its process group.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exited says whether the process has ended.
func (p *Process) Exited() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Dead returns the error that describes the end of the process. Call it after Done.
func (p *Process) Dead() error {
	<-p.done
	return &DeadError{Program: filepath.Base(p.cmd.Path), State: p.cmd.ProcessState.String(), Tail: p.tail.String()}
}

// Stop ends the kernel: it asks, waits up to grace, then insists. Processes that the kernel started in its own group end
// too, and the sockets are removed. Stop can be called more than once.
func (p *Process) Stop(grace time.Duration) {
	p.once.Do(func() {
		if p.Client != nil && grace > 0 && !p.Exited() {
			p.Client.Shutdown()
			p.drain(grace)
		}
		group := -p.cmd.Process.Pid
		if !p.Exited() {
			syscall.Kill(group, syscall.SIGTERM)
			p.drain(2 * time.Second)
		}
		// What is left of the group: a kernel that hangs, cells it did not wait for, a language server.
		syscall.Kill(group, syscall.SIGKILL)
		<-p.done
		if p.Client != nil {
			p.Client.Close()
		}
		os.RemoveAll(p.dir)
	})
}

// drain reads messages until the process ends: a kernel that cannot publish cannot end.
func (p *Process) drain(limit time.Duration) {
	timeout := time.After(limit)
	var events <-chan Event
	if p.Client != nil {
		events = p.Events()
	}
	for {
		select {
		case <-events:
		case <-p.done:
			return
		case <-timeout:
			return
		}
	}
}

const tailBytes = 8 << 10

// tail keeps the end of what is written to it.
type tail struct {
	mu sync.Mutex
	b  []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	if n := len(t.b) - tailBytes; n > 0 {
		t.b = append(t.b[:0], t.b[n:]...)
	}
	return len(p), nil
}

func (t *tail) reset() {
	t.mu.Lock()
	t.b = nil
	t.mu.Unlock()
}

var (
	// A line of a common Go logger that is no error: I, the date, the time.
	infoLine = regexp.MustCompile(`(?m)^I\d{4} .*\n?`)
	colour   = regexp.MustCompile("\x1b\\[[0-9;]*m")
)

// String returns at most the last 20 lines, without informational ones and without colours.
func (t *tail) String() string {
	t.mu.Lock()
	b := bytes.ToValidUTF8(t.b, []byte("?"))
	t.mu.Unlock()
	b = bytes.TrimSpace(infoLine.ReplaceAll(colour.ReplaceAll(b, nil), nil))
	lines := strings.Split(string(b), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

func (t *tail) quoted() string {
	if s := t.String(); s != "" {
		return "; it printed last:\n" + s
	}
	return ""
}
