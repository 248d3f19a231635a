// Package backend is the small interface between the engine and a device. A
// device allocates buffers and compiles planned programs; an executable runs
// many steps of its program in one call, without a word to the host between
// them. The suite in conformance holds every device against the CPU.
package backend

import (
	"fmt"
	"time"

	"github.com/metalnb/metalnb/metalcore/plan"
)

// Info describes a device.
type Info struct {
	Name      string // as people know it: "CPU (2 threads)"
	Kind      string // "cpu", "metal", "cuda"
	Family    string // of the chip, or of its instructions: "apple8", "sm_90", "avx512"
	Threads   int    // of a CPU
	Memory    int64  // bytes that all buffers together may take; 0 when unknown
	MaxBuffer int64  // bytes of one buffer; 0 when only Memory bounds them
	Unified   bool   // its memory is the host's
	Limits    string // of a kernel, for people: "1024 threads, 32 KB shared"
}

// Device allocates memory and compiles programs. Its methods may be called
// from several goroutines.
type Device interface {
	Info() Info
	// Alloc returns a buffer of the given size in bytes, all zero.
	Alloc(bytes int64) (Buffer, error)
	// Compile prepares a program; an op, type or shape the device does not
	// have is an *UnsupportedError.
	Compile(p *plan.Program) (Executable, error)
	Close() error
}

// Unified is a device that can work on the host's memory.
type Unified interface {
	Device
	// Wrap returns a buffer that is the given memory, without a copy of it. The
	// memory must not change while the buffer is there. It fails where it cannot
	// be used so, such as when it does not begin with a page.
	Wrap(data []byte) (Buffer, error)
}

// Owner says whose memory something is, for people: "trainer", the notebook's
// path, and its name there.
type Owner struct {
	Kind, Session, Name string
	Number              int64 // tells two of one name apart
}

func (o Owner) String() string {
	switch {
	case o == Owner{}:
		return "the core"
	case o.Name == "":
		return o.Kind
	case o.Session == "":
		return fmt.Sprintf("%s %q", o.Kind, o.Name)
	}
	return fmt.Sprintf("%s %q of %s", o.Kind, o.Name, o.Session)
}

// Accounts is a device that keeps accounts of whose its memory is.
type Accounts interface {
	Device
	// For is the same device; what is made there belongs to the owner.
	For(Owner) Device
}

// For is the device for an owner, where it keeps accounts.
func For(dev Device, o Owner) Device {
	if a, ok := dev.(Accounts); ok {
		return a.For(o)
	}
	return dev
}

// Buffer is memory on a device. Upload and Download copy between it and the
// host, from the given offset in bytes; they fail on a range outside it.
type Buffer interface {
	Len() int64
	Upload(offset int64, src []byte) error
	Download(offset int64, dst []byte) error
	Free()
}

// Bindings are the buffers of one run, in the order of Program.Inputs, .States
// and .Outputs. A buffer may be larger than its value.
type Bindings struct {
	Inputs  []Buffer
	States  []Buffer
	Outputs []Buffer
}

// Executable is a compiled program with its arena. One run is in flight at a
// time.
type Executable interface {
	// Submit starts the given number of steps, one after the other: each reads
	// the inputs and states, and at its end writes the outputs and takes over
	// the states' new values.
	Submit(b Bindings, steps int) Completion
	// Bytes is the memory that the program holds, until it is freed.
	Bytes() int64
	Free()
}

// Timed is an Executable that can measure how long its instructions take. That
// costs a little, so it is off until it is switched on.
type Timed interface {
	Executable
	// Measure switches the measurement on, which begins anew, or off. It waits
	// for a run in flight.
	Measure(on bool)
	// Times returns the mean time of each of Program.Steps, and last of all
	// copies of results, over the steps that were measured; nil if there were
	// none.
	Times() []time.Duration
}

// Completion is a run in flight.
type Completion interface {
	// Wait returns when all steps have ended, with the error that ended them
	// early if there was one.
	Wait() error
}

// UnavailableError says that there is no device of a kind, and why.
type UnavailableError struct{ Kind, Why string }

func (e *UnavailableError) Error() string { return "there is no " + e.Kind + " device: " + e.Why }

// UnsupportedError says that a device cannot run an op.
type UnsupportedError struct {
	Device, Op, Layer, Why string
}

func (e *UnsupportedError) Error() string {
	s := e.Device + " cannot run " + e.Op
	if e.Layer != "" {
		s += " of layer " + e.Layer
	}
	return s + ": " + e.Why
}
