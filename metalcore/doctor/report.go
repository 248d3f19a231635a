package doctor

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
)

// report writes lines and counts verdicts. It keeps the first error of writing.
type report struct {
	w   io.Writer
	sum Summary
	err error
}

func (r *report) print(format string, args ...any) {
	if _, err := fmt.Fprintf(r.w, format, args...); r.err == nil {
		r.err = err
	}
}

func (r *report) line(format string, args ...any) { r.print(format+"\n", args...) }
func (r *report) section(name string)             { r.line("\n%s", name) }

// begin writes the name of a check, so that the last line of a report that ends
// too early tells during which; end writes what came of it.
func (r *report) begin(name string) { r.print("  %-12s ", name) }

func (r *report) end(f finding) {
	r.sum[f.verdict]++
	r.line("%-8s  %s", f.verdict, f.text)
	for _, line := range f.more {
		r.line("      %s", strings.ReplaceAll(line, "\n", "\n      "))
	}
}

// finding is what came of a check: a line, and what belongs below it.
type finding struct {
	verdict Verdict
	text    string
	more    []string
}

func ok(format string, args ...any) finding {
	return finding{verdict: OK, text: fmt.Sprintf(format, args...)}
}

func failed(format string, args ...any) finding {
	return finding{verdict: Failed, text: fmt.Sprintf(format, args...)}
}

func notHere(format string, args ...any) finding {
	return finding{verdict: NotHere, text: fmt.Sprintf(format, args...)}
}

// because is the finding of a check that an error ended, which is none of the
// device's when the context has ended.
func because(ctx context.Context, err error) finding {
	if ctx.Err() != nil {
		return finding{verdict: NotMade, text: "interrupted"}
	}
	return failed("%v", err)
}

func panicked(r any) finding {
	f := failed("panic: %v", r)
	f.more = []string{strings.TrimSpace(string(debug.Stack()))}
	return f
}

// most bounds how many problems of one check are told, and how long each is.
const (
	mostProblems = 40
	mostLines    = 15
)

// problems is the finding of a check of many things.
func problems(list []string, format string, args ...any) finding {
	f := ok(format, args...)
	if len(list) == 0 {
		return f
	}
	f.verdict = Failed
	f.text += fmt.Sprintf("; problems in %d places", len(list))
	for i, p := range list {
		if i == mostProblems {
			f.more = append(f.more, fmt.Sprintf("and %d more", len(list)-i))
			break
		}
		lines := strings.Split(strings.TrimSpace(p), "\n")
		if n := len(lines); n > mostLines {
			lines = append(lines[:mostLines], fmt.Sprintf("(%d lines more)", n-mostLines))
		}
		f.more = append(f.more, strings.Join(lines, "\n"))
	}
	return f
}

// bytes is a size for people.
func bytes(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%d bytes", n)
}
