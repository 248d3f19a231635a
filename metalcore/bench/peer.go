package bench

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
)

//go:embed peers/*.py
var scripts embed.FS

// peerSeconds is how long a round of a peer lasts.
const peerSeconds = 0.3

// setting is what a peer's process begins with.
type setting struct {
	threads int
	memory  bool // freed memory is kept, not given back to the system
}

func (s setting) String() string {
	text := fmt.Sprintf("%dT", s.threads)
	if s.memory {
		text += ", malloc keeps"
	}
	return text
}

// env are the variables that libraries read when they are loaded.
func (s setting) env() []string {
	env := os.Environ()
	for _, name := range []string{"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"} {
		env = append(env, name+"="+strconv.Itoa(s.threads))
	}
	if s.memory { // the largest that glibc takes
		env = append(env, "MALLOC_MMAP_THRESHOLD_=33554432", "MALLOC_TRIM_THRESHOLD_=1000000000", "MALLOC_TOP_PAD_=67108864")
	}
	return env
}

// peer is a Python process that answers questions; see peers/torch.py.
type peer struct {
	setting
	cmd *exec.Cmd
	in  io.WriteCloser
	out *json.Decoder
}

type question struct {
	Work    string  `json:"work"`
	Way     string  `json:"way,omitempty"`
	Seconds float64 `json:"seconds,omitempty"`
}

type answer struct {
	Name    string   `json:"name"`
	Missing string   `json:"missing"`
	Ways    []string `json:"ways"`
	Rate    float64  `json:"rate"`
}

func startPeer(ctx context.Context, python, script string, s setting) (p *peer, hello answer, err error) {
	cmd := exec.CommandContext(ctx, python, "-W", "ignore", script, strconv.Itoa(s.threads))
	cmd.Env, cmd.Stderr = s.env(), os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, hello, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, hello, err
	}
	if err := cmd.Start(); err != nil {
		return nil, hello, err
	}
	p = &peer{s, cmd, in, json.NewDecoder(out)}
	if hello, err = p.answer(); err != nil {
		p.close()
	}
	return p, hello, err
}

func (p *peer) answer() (a answer, err error) {
	if err := p.out.Decode(&a); err != nil {
		return a, fmt.Errorf("%s ended without an answer: %w", filepath.Base(p.cmd.Args[3]), err)
	}
	return a, nil
}

func (p *peer) ask(q question) (answer, error) {
	if err := json.NewEncoder(p.in).Encode(q); err != nil {
		return answer{}, err
	}
	return p.answer()
}

// close ends the process, which has nothing more to read.
func (p *peer) close() {
	p.in.Close()
	p.cmd.Wait()
}

// missingError says that a Python lacks a library.
type missingError struct{ python, why string }

func (e *missingError) Error() string { return fmt.Sprintf("%s: %s; not compared", e.python, e.why) }

// framework is a library of Python's, in a process for each setting.
type framework struct {
	name, script string
	peers        []*peer
}

func newFramework(ctx context.Context, o *Options, dir, script string) (*framework, error) {
	text, err := scripts.ReadFile("peers/" + script)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, script)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return nil, err
	}
	f := &framework{script: script}
	for _, threads := range o.Threads {
		for _, memory := range []bool{false, true} {
			p, hello, err := startPeer(ctx, o.Python, path, setting{threads, memory})
			if err == nil {
				f.peers = append(f.peers, p)
			}
			if err == nil && hello.Missing != "" {
				err = &missingError{o.Python, hello.Missing}
			}
			if err != nil {
				f.close()
				return nil, err
			}
			f.name = hello.Name
		}
	}
	return f, nil
}

func (f *framework) close() {
	for _, p := range f.peers {
		p.close()
	}
}

// best is the fastest way of all processes to do the work. Each is tried twice,
// and not at once.
func (f *framework) best(work string) (*entrant, error) {
	var all []*entrant
	for _, p := range f.peers {
		a, err := p.ask(question{Work: work})
		if err != nil {
			return nil, err
		}
		for _, way := range a.Ways {
			all = append(all, p.entrant(work, way))
		}
	}
	var found *entrant
	top := 0.0
	for _, e := range slices.Concat(all, all) {
		rate, err := e.round()
		if err != nil {
			return nil, err
		}
		if rate > top {
			top, found = rate, e
		}
	}
	if found == nil {
		return nil, errors.New(f.name + " has no way to run it")
	}
	return found, nil
}

// entrant is a way of the process to do the work.
func (p *peer) entrant(work, way string) *entrant {
	return &entrant{what: p.String() + ", " + way, racer: &racer{close: func() {}, round: func() (float64, error) {
		a, err := p.ask(question{work, way, peerSeconds})
		return a.Rate, err
	}}}
}
