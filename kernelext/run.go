package kernelext

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/metalnb/metalnb/kernelext/jupyter"
	"github.com/metalnb/metalnb/kernelext/nbformat"
)

// RunOptions says what to run and where to leave the results.
type RunOptions struct {
	Notebook    string        // the notebook to execute; its folder is the cells' working directory
	Out         string        // where to write the executed notebook, may be Notebook itself; "" for nowhere
	HTML        string        // where to write it as a web page; "" for nowhere
	Kernel      string        // name of an installed kernel; "" for the gonb that metalnb builds
	Env         []string      // added to the kernel's environment, and so to the cells'
	GoWork      string        // source tree that the cells use, see ModuleRoot; "" for none
	Timeout     time.Duration // per cell, 0 for none
	AllowErrors bool          // go on behind a cell that fails
	Log         io.Writer     // gets a line per cell and the error of a cell that fails; may be nil
}

// Result is what a run leaves, also one that failed.
type Result struct {
	Notebook *nbformat.Notebook // with the outputs
	Ready    time.Duration      // from the start of the kernel until it answered
	Cells    []CellResult       // those that ran, in order
}

// CellResult says how one code cell did.
type CellResult struct {
	Number int           // counts the code cells that are not empty, from 1
	Title  string        // the first words of its source
	Time   time.Duration // from sending the cell until the kernel was idle again
	Err    error         // a *CellError, nil when the cell succeeded
}

// CellError says that a cell failed, and how.
type CellError struct {
	Number, Of int    // which cell, of how many
	Title      string // the first words of its source
	Detail     string // what the cell printed as its error, for people
	Cause      error  // context.Canceled, a *TimeoutError, a *jupyter.DeadError, or nil when the cell's own code failed
}

func (e *CellError) Error() string {
	what := "failed"
	if e.Cause != nil {
		what = "did not finish: " + e.Cause.Error()
	}
	return fmt.Sprintf("cell %d of %d (%s) %s", e.Number, e.Of, e.Title, what)
}

// Unwrap returns the cause.
func (e *CellError) Unwrap() error { return e.Cause }

// TimeoutError says that a cell ran longer than it was allowed to.
type TimeoutError struct{ Limit time.Duration }

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("it ran longer than the %v a cell is given; allow more time or make the cell do less", e.Limit)
}

// Run executes a notebook and writes it with its outputs. It stops at the first cell that fails, unless errors are allowed
// or the cell has the tag raises-exception. The executed notebook and the page are written in any case; the error of a cell
// is a *CellError. When ctx ends, the running cell is interrupted, and what there is until then is written.
func Run(ctx context.Context, o RunOptions) (*Result, error) {
	book, err := nbformat.Read(o.Notebook)
	if err != nil {
		return nil, err
	}
	for _, path := range []string{o.Out, o.HTML} {
		if err := writable(path); err != nil {
			return nil, err
		}
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	r := &runner{RunOptions: o, book: book, result: &Result{Notebook: book}, running: map[string]*nbformat.Recording{}}
	if err := r.start(ctx); err != nil {
		return r.result, err
	}
	failure := r.cells(ctx)
	r.stop()
	for _, rec := range r.running {
		rec.Flush()
	}
	return r.result, errors.Join(failure, r.write())
}

type runner struct {
	RunOptions
	book    *nbformat.Notebook
	result  *Result
	kernel  *jupyter.Process
	log     *gonbLog
	rec     nbformat.Recorder
	running map[string]*nbformat.Recording // by the id of the request
}

const stopGrace = 8 * time.Second // gonb kills a cell 5 s after it was interrupted

func (r *runner) start(ctx context.Context) error {
	c, meta, err := r.command(ctx)
	if err != nil {
		return err
	}
	begin := time.Now()
	if r.kernel, err = jupyter.Start(ctx, c); err != nil {
		r.log.clean()
		return err
	}
	r.result.Ready = time.Since(begin)
	if _, ok := r.book.Metadata()["kernelspec"]; !ok || r.Kernel != "" {
		r.book.Metadata()["kernelspec"] = meta
	}
	if info, ok := r.kernel.Info["language_info"]; ok {
		r.book.Metadata()["language_info"] = info
	}
	return nil
}

// command says how to start the kernel, and what the notebook's metadata says about it.
func (r *runner) command(ctx context.Context) (jupyter.Command, nbformat.Object, error) {
	none := jupyter.Command{}
	path, err := filepath.Abs(r.Notebook)
	if err != nil {
		return none, nil, err
	}
	r.log = &gonbLog{}
	c := jupyter.Command{Dir: filepath.Dir(path), Env: r.Env, Log: r.log}
	if r.Kernel != "" {
		spec, err := jupyter.FindSpec(r.Kernel)
		if err != nil {
			return none, nil, err
		}
		c.Argv = spec.Argv
		c.SignalInterrupt = spec.InterruptMode != "message"
		for name, value := range spec.Env {
			c.Env = append(c.Env, name+"="+os.ExpandEnv(value))
		}
		return c, specMetadata(r.Kernel, spec.DisplayName, spec.Language), nil
	}
	if lang := r.book.Language(); lang != "" && lang != "go" {
		return none, nil, fmt.Errorf("%s is in %s, and metalnb runs Go: name an installed kernel for it", r.Notebook, lang)
	}
	tools, err := Tools(ctx, func(line string) { fmt.Fprintln(r.Log, line) })
	if err != nil {
		return none, nil, err
	}
	c.Argv, err = tools.argv("{connection_file}", r.GoWork)
	// Errors as text: a page or a terminal cannot show gonb's boxes, which are made for JupyterLab.
	c.Argv = append(c.Argv, "-raw_error")
	c.Env = tools.environ(r.Env)
	return c, specMetadata(DefaultName, DefaultDisplay, "go"), err
}

func specMetadata(name, display, language string) nbformat.Object {
	return nbformat.Object{"name": name, "display_name": display, "language": language}
}

// stop ends the kernel and removes what gonb leaves behind when it was killed.
func (r *runner) stop() {
	pipes := cellPipes(r.kernel.Pid())
	r.kernel.Stop(stopGrace)
	for _, path := range pipes {
		if info, err := os.Lstat(path); err == nil && info.Mode().Type() == os.ModeNamedPipe {
			os.Remove(path)
		}
	}
	r.log.clean()
}

func (r *runner) write() error {
	var errs []error
	if r.Out != "" {
		errs = append(errs, r.book.Write(r.Out))
	}
	if r.HTML != "" {
		var page bytes.Buffer
		err := WriteHTML(&page, r.book)
		if err == nil {
			err = nbformat.WriteFile(r.HTML, page.Bytes())
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// writable finds out before the work, not after it, that a result cannot be written.
func writable(path string) error {
	if path == "" {
		return nil
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("cannot write %s: it is not a file; give the name of a file", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".metalnb-*")
	if err != nil {
		return fmt.Errorf("cannot write %s: %w; choose another folder", path, err)
	}
	f.Close()
	return os.Remove(f.Name())
}

// title returns the first words of a cell that say what it does.
func title(source string) string {
	first := ""
	for line := range strings.Lines(source) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if first == "" {
			first = line
		}
		if !strings.HasPrefix(line, "%") && !strings.HasPrefix(line, "//") && !strings.HasPrefix(line, "import") {
			first = line
			break
		}
	}
	if r := []rune(first); len(r) > 60 {
		return strings.TrimSpace(string(r[:57])) + "..."
	}
	return first
}
