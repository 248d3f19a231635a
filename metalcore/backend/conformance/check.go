package conformance

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/metalnb/metalnb/metalcore/backend"
)

// Result is what a run of the suite found.
type Result struct {
	Cases    int // graphs that were run
	Failures []Failure
}

// Failure is a case that failed. Part names it, and Text is the first thing
// that is wrong with it.
type Failure struct{ Part, Text string }

// Check is Run for programs. When ctx ends, so does the suite, and its result
// is that of the cases until then.
func Check(ctx context.Context, dev backend.Device, options ...Option) Result {
	r := &recorder{ctx: ctx, failures: new([]Failure)}
	cases := run(ctx, r, dev, options)
	return Result{Cases: cases, Failures: *r.failures}
}

// recorder is a T that keeps what fails.
type recorder struct {
	ctx      context.Context
	name     string
	failed   bool
	failures *[]Failure
}

// Helper is of use to *testing.T only.
func (*recorder) Helper() {}

// Failed reports whether this part has failed.
func (r *recorder) Failed() bool { return r.failed }

// Error and Errorf record a failure; Fatal and Fatalf end the part, too. What
// fails because the context has ended is none.
func (r *recorder) Error(args ...any) {
	if r.ctx.Err() == nil {
		r.failed = true
		*r.failures = append(*r.failures, Failure{r.name, strings.TrimSuffix(fmt.Sprintln(args...), "\n")})
	}
}
func (r *recorder) Errorf(format string, args ...any) { r.Error(fmt.Sprintf(format, args...)) }
func (r *recorder) Fatal(args ...any)                 { r.Error(args...); runtime.Goexit() }
func (r *recorder) Fatalf(format string, args ...any) { r.Fatal(fmt.Sprintf(format, args...)) }

// Run runs a part in a goroutine of its own, which Fatal can end. A panic is a
// failure.
func (r *recorder) Run(name string, part func(T)) bool {
	inner := &recorder{ctx: r.ctx, name: strings.TrimPrefix(r.name+"/"+name, "/"), failures: r.failures}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer func() {
			if p := recover(); p != nil {
				inner.Errorf("panic: %v\n%s", p, debug.Stack())
			}
		}()
		part(inner)
	}()
	<-ended
	r.failed = r.failed || inner.failed
	return !inner.failed
}
