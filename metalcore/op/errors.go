package op

import (
	"strings"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// Error says that operands or attributes do not fit an op.
type Error struct {
	Code   Code
	Op     string
	Types  []string // of the operands, like f32[B,10]
	Why    string   // what does not fit, in numbers
	Remedy string   // what to do
}

// Error prints op, operands, reason and remedy. The element type f32 goes
// without saying when all operands have it.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if len(e.Types) > 0 {
		b.WriteString(": ")
		b.WriteString(joinTypes(e.Types))
	}
	b.WriteString(": ")
	b.WriteString(e.Why)
	if e.Remedy != "" {
		b.WriteString("; ")
		b.WriteString(e.Remedy)
	}
	return b.String()
}

func joinTypes(types []string) string {
	short := make([]string, len(types))
	for i, t := range types {
		rest, ok := strings.CutPrefix(t, "f32")
		if !ok {
			return strings.Join(types, " x ")
		}
		short[i] = rest
	}
	return strings.Join(short, " x ")
}

// Try runs f and returns the *Error that a builder in it panicked with, or nil.
// Other panics go on.
func Try(f func()) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case *Error:
			err = p
		default:
			panic(p)
		}
	}()
	f()
	return nil
}

func fail(v *ir.Value, code Code, why, remedy string) error {
	e := &Error{Code: code, Op: v.Op, Why: why, Remedy: remedy}
	for _, in := range v.In {
		if in == nil {
			e.Types = append(e.Types, "nil")
			continue
		}
		e.Types = append(e.Types, in.Type())
	}
	return e
}
