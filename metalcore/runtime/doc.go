// Package runtime owns what the core keeps alive: the device, the sessions of
// notebooks, and in each session the trainers, data and tensors by name.
//
// A Journal writes trainers down while they train, each in a file of its own, in
// a folder for each notebook; the data that users gave lie beside them, once for
// each content. A core that begins reads nothing of that. The first request for a
// trainer that is not there restores it, so that what sleeps costs no memory.
package runtime

import "fmt"

// Code says what kind of thing went wrong.
type Code string

// The codes of errors.
const (
	BadRequest Code = "bad-request"
	Unknown    Code = "unknown-name"
	Changed    Code = "changed"
	Busy       Code = "busy"
	BadData    Code = "bad-data"
	Diverged   Code = "diverged"
	Resource   Code = "resource"
)

// Error is what a user did that cannot be done, and what he can do instead.
type Error struct {
	Code    Code
	Message string
	Remedy  string
	Err     error
}

func (e *Error) Error() string {
	if e.Remedy == "" {
		return e.Message
	}
	return e.Message + "\n" + e.Remedy
}

// Unwrap returns the error it came from.
func (e *Error) Unwrap() error { return e.Err }

func errorf(code Code, remedy, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Remedy: remedy}
}

// wrap gives an error of a layer below its code.
func wrap(code Code, remedy string, err error) *Error {
	return &Error{Code: code, Message: err.Error(), Remedy: remedy, Err: err}
}
