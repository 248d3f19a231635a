package nb

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/wire"
	"github.com/metalnb/metalnb/nb/pipe"
)

// Error is what every function of this package raises.
type Error struct {
	Code    string // one of the Code constants
	Message string // what happened
	Remedy  string // what to do
	File    string // the line of the user's program
	Line    int
	Err     error // what it came from, if anything
}

// The codes of errors.
const (
	CodeShape       = "shape"             // shapes or types do not fit an operation
	CodeArgument    = wire.CodeBadRequest // an argument is wrong
	CodeUnknown     = wire.CodeUnknown    // no trainer, data or tensor of that name
	CodeChanged     = wire.CodeChanged    // a declaration differs from what is there
	CodeBusy        = wire.CodeBusy       // the trainer is training
	CodeData        = wire.CodeData       // shapes, labels or numbers of the data
	CodeDiverged    = wire.CodeDiverged   // the loss became NaN or infinite
	CodeVersion     = wire.CodeVersion    // core and program are of different versions
	CodeResource    = wire.CodeResource   // memory or disk
	CodeCore        = "core"              // the core cannot be reached, or went away
	CodeInterrupted = "interrupted"       // by Ctrl-C or the notebook's stop button
	CodeInternal    = wire.CodeInternal   // our fault
)

// Error tells all of it on a few lines.
func (e *Error) Error() string {
	s := "metalnb: " + e.Message
	if e.File != "" {
		s += fmt.Sprintf("\n    at %s:%d", e.File, e.Line)
	}
	if e.Remedy != "" {
		s += "\n    " + e.Remedy
	}
	return s
}

// Unwrap returns the error it came from.
func (e *Error) Unwrap() error { return e.Err }

// trying counts the calls of Try that are running.
var trying atomic.Int32

// Try runs f and returns the *Error that ended it, nil when none did. Programs
// use it around calls that may fail; f must not raise errors from goroutines
// that it starts.
func Try(f func()) (err error) {
	trying.Add(1)
	defer trying.Add(-1)
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *Error:
			err = r
		default:
			panic(r)
		}
	}()
	f()
	return nil
}

// fail raises err at the user's line: in a cell as a report that ends it, else
// as a panic.
func fail(err error) {
	e := toError(err)
	pos, declaring := userLine()
	if e.File == "" {
		e.File, e.Line = pos.File, pos.Line
	}
	if trying.Load() > 0 {
		panic(e)
	}
	if e.Code == CodeInterrupted {
		fmt.Println(e.Message)
		if pipe.Available() {
			os.Exit(0) // the cell did what its user wanted
		}
		os.Exit(130) // as shells say of programs that SIGINT ended
	}
	if !pipe.Available() {
		panic(e)
	}
	pipe.Sync()
	if declaring {
		e.Remedy = strings.TrimPrefix(e.Remedy+"\n    ", "\n    ") +
			"gonb runs this declaration in every cell: correct it in its own cell, or take it back with %rm and its name"
	}
	// In one write, in which gonb finds the place and adds cell and line.
	io.WriteString(os.Stderr, e.Error()+"\n")
	os.Exit(1)
}

// Fail raises an error of the given code, with what happened and what to do,
// at the user's line. It is for packages that are built on this one.
func Fail(code, remedy, message string) {
	fail(&Error{Code: code, Message: message, Remedy: remedy})
}

// must is fail for an error that may be nil.
func must(err error) {
	if err != nil {
		fail(err)
	}
}

// argument raises an error about what the user passed.
func argument(remedy, format string, args ...any) {
	fail(&Error{Code: CodeArgument, Message: fmt.Sprintf(format, args...), Remedy: remedy})
}

// toError makes an *Error of what the layers below return.
func toError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if p, ok := errors.AsType[*wire.Problem](err); ok {
		return &Error{Code: p.Code, Message: p.Message, Remedy: p.Remedy, Err: err}
	}
	if o, ok := errors.AsType[*op.Error](err); ok {
		return &Error{Code: CodeShape, Message: o.Error(), Err: err}
	}
	if isLost(err) {
		return &Error{Code: CodeCore, Message: "the core went away while this call waited for it",
			Remedy: "run the cell again: a new core starts by itself; `metalnb logs` may say what happened", Err: err}
	}
	return &Error{Code: CodeCore, Message: err.Error(), Err: err}
}

// isLost reports whether an error says that the other side is gone.
func isLost(err error) bool {
	for _, gone := range []error{io.EOF, io.ErrUnexpectedEOF, os.ErrClosed, syscall.EPIPE, syscall.ECONNRESET} {
		if errors.Is(err, gone) {
			return true
		}
	}
	return false
}

// modulePath is what the names of this module's functions begin with.
const modulePath = "github.com/metalnb/metalnb/"

// userPos is the innermost line on the stack that is not of this module's
// packages for users, or of the runtime.
func userPos() ir.Pos {
	pos, _ := userLine()
	return pos
}

// userLine is userPos, and whether the line is a declaration at the top level.
func userLine() (pos ir.Pos, declaring bool) {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		frame, more := frames.Next()
		if !ours(frame) && !strings.HasPrefix(frame.Function, "runtime.") {
			return ir.Pos{File: frame.File, Line: frame.Line}, frame.Function == "main.init"
		}
		if !more {
			return ir.Pos{}, false
		}
	}
}

// ownDir is the folder of this package's source. A function that a function of
// ours returned may have been inlined into the user's code, and has a name there.
var ownDir = func() string {
	_, file, _, _ := runtime.Caller(0)
	return path.Dir(file) + "/"
}()

func ours(frame runtime.Frame) bool {
	if strings.HasPrefix(frame.File, ownDir) && !strings.HasSuffix(frame.File, "_test.go") {
		return true
	}
	rest, ok := strings.CutPrefix(frame.Function, modulePath)
	if !ok {
		return false
	}
	for _, pkg := range []string{"nb.", "display.", "datasets.", "metalcore/"} {
		if strings.HasPrefix(rest, pkg) {
			return true
		}
	}
	return false
}
