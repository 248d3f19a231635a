package kernelext

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/metalnb/metalnb/kernelext/jupyter"
	"github.com/metalnb/metalnb/kernelext/nbformat"
)

// cells executes the code cells and returns the error of the first that failed and must not.
func (r *runner) cells(ctx context.Context) error {
	var todo []*nbformat.Cell
	recs := map[*nbformat.Cell]*nbformat.Recording{}
	for _, c := range r.book.Cells() {
		if c.Type() != nbformat.Code || tagged(c, "skip-execution") {
			continue
		}
		// Also cells that will not be reached lose their outputs: those belong to another run.
		recs[c] = r.rec.Begin(c)
		if strings.TrimSpace(c.Source()) != "" {
			todo = append(todo, c)
		}
	}
	for i, c := range todo {
		res := CellResult{Number: i + 1, Title: title(c.Source())}
		begin := time.Now()
		failed, cause := r.execute(ctx, c, recs[c])
		res.Time = time.Since(begin)
		recs[c].Flush()
		if failed || cause != nil {
			e := &CellError{Number: i + 1, Of: len(todo), Title: res.Title, Detail: detail(c), Cause: cause}
			res.Err = e
		}
		r.result.Cells = append(r.result.Cells, res)
		r.report(res, len(todo))
		if cause != nil || failed && !r.AllowErrors && !tagged(c, "raises-exception") {
			return res.Err
		}
	}
	return nil
}

const (
	interruptAgain = time.Second      // gonb forgets an interrupt that arrives while it compiles
	interruptLimit = 15 * time.Second // then the kernel is stopped
	idleLimit      = 10 * time.Second // a kernel that loses its idle status does not hold us up
)

// execute runs one cell. It says whether the cell failed, or why it could not run to its end.
func (r *runner) execute(ctx context.Context, c *nbformat.Cell, rec *nbformat.Recording) (failed bool, cause error) {
	if ctx.Err() != nil {
		return false, fmt.Errorf("it was not started: %w", ctx.Err())
	}
	id, err := r.kernel.Execute(c.Source(), false)
	if err != nil {
		return false, err
	}
	r.running[id] = rec
	var deadline, again, giveUp, quiet <-chan time.Time
	if r.Timeout > 0 {
		deadline = time.After(r.Timeout)
	}
	cancelled := ctx.Done()
	interrupt := func(why error) {
		cause, cancelled, deadline = why, nil, nil
		again, giveUp = time.After(0), time.After(interruptLimit)
	}
	for replied, idle := false, false; !replied || !idle; {
		select {
		case e := <-r.kernel.Events():
			reply, ended := r.take(e, id)
			if reply != nil {
				replied, failed = true, reply.Text("status") != "ok"
				rec.SetCount(reply.Content["execution_count"])
			}
			idle = idle || ended
			if asksInput(e) {
				interrupt(errors.New("it asks for input, and nobody is there to answer; read from a file instead"))
			}
			if replied {
				quiet = time.After(idleLimit)
			}
		case <-quiet:
			idle = true
		case <-r.kernel.Done():
			return true, r.died(id, rec)
		case <-cancelled:
			interrupt(fmt.Errorf("it was interrupted: %w", ctx.Err()))
		case <-deadline:
			interrupt(&TimeoutError{r.Timeout})
		case <-again:
			if err := r.kernel.Interrupt(); err != nil {
				return true, errors.Join(cause, err)
			}
			again = time.After(interruptAgain)
		case <-giveUp:
			r.mark(rec, "Interrupted", cause)
			return true, cause
		}
	}
	if cause != nil && !failed {
		r.mark(rec, "Interrupted", cause)
	}
	return failed, cause
}

// take records an event. It returns the reply to the request id, and whether the kernel has become idle behind it.
func (r *runner) take(e jupyter.Event, id string) (reply *jupyter.Message, idle bool) {
	m := e.Message
	if m == nil {
		fmt.Fprintln(r.Log, e.Err)
		return nil, false
	}
	kind, mine := m.Header.Type, m.Parent.ID == id
	switch {
	case kind == "update_display_data":
		// Whatever cell it comes from, the output may be in another one.
		r.rec.Update(m.Content)
	case kind == "execute_reply" && mine:
		return m, false
	case kind == "status":
		return nil, mine && m.Text("execution_state") == "idle"
	case e.Channel == jupyter.IOPub:
		// Output of an earlier cell that still runs something goes into that cell.
		if rec := r.running[m.Parent.ID]; rec != nil {
			rec.Apply(kind, m.Content)
		}
	}
	return nil, false
}

func asksInput(e jupyter.Event) bool {
	return e.Message != nil && e.Message.Header.Type == "input_request"
}

// died records what the kernel had still sent and says how it ended.
func (r *runner) died(id string, rec *nbformat.Recording) error {
	for wait := time.After(200 * time.Millisecond); ; {
		select {
		case e := <-r.kernel.Events():
			r.take(e, id)
			continue
		case <-wait:
		}
		err := r.kernel.Dead()
		r.mark(rec, "KernelDied", err)
		return err
	}
}

// mark leaves an error output in the cell, so that a reader of the notebook sees that it did not run to its end.
func (r *runner) mark(rec *nbformat.Recording, name string, err error) {
	text := err.Error()
	rec.Apply("error", nbformat.Object{"ename": name, "evalue": text, "traceback": []any{name + ": " + text}})
}

func tagged(c *nbformat.Cell, tag string) bool {
	tags, _ := c.Metadata()["tags"].([]any)
	return slices.Contains(tags, any(tag))
}

// detail returns what a failed cell printed about its error: the end of stderr and the traceback.
func detail(c *nbformat.Cell) string {
	const most = 40
	var lines []string
	for _, o := range c.Outputs() {
		text := ""
		switch {
		case o["output_type"] == "stream" && o["name"] == "stderr":
			text = nbformat.Text(o["text"])
		case o["output_type"] == "error":
			trace, _ := o["traceback"].([]any)
			for _, line := range trace {
				text += nbformat.Text(line) + "\n"
			}
			if len(trace) == 0 {
				text = nbformat.Text(o["ename"]) + ": " + nbformat.Text(o["evalue"])
			}
		}
		for line := range strings.Lines(text) {
			lines = append(lines, strings.TrimRight(line, "\r\n"))
		}
	}
	lines = slices.Compact(lines)
	if len(lines) > most {
		lines = append([]string{"..."}, lines[len(lines)-most:]...)
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}
