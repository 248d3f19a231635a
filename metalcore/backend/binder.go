package backend

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/plan"
)

// Binder checks what is bound to a program, for devices.
type Binder struct {
	device string
	prog   *plan.Program
	writes []int // the states that the program updates
	bound  map[Buffer]bool
}

// NewBinder returns a binder for runs of p; errors begin with the device's kind.
func NewBinder(device string, p *plan.Program) *Binder {
	b := &Binder{device: device, prog: p, bound: map[Buffer]bool{}}
	for _, u := range p.Graph.Updates {
		b.writes = append(b.writes, p.StateIndex(u.State.Name))
	}
	return b
}

// Errorf is an error that names device and program.
func (b *Binder) Errorf(format string, args ...any) error {
	return fmt.Errorf("%s: program %s "+format, append([]any{b.device, b.prog.Graph.Name}, args...)...)
}

// Check fails unless there is a buffer for each input, state and output, and
// what the run writes is bound only once.
func (b *Binder) Check(x Bindings) error {
	p := b.prog
	if len(x.Inputs) != len(p.Inputs) || len(x.States) != len(p.States) || len(x.Outputs) != len(p.Outputs) {
		return b.Errorf("needs %d inputs, %d states and %d outputs, got %d, %d and %d",
			len(p.Inputs), len(p.States), len(p.Outputs), len(x.Inputs), len(x.States), len(x.Outputs))
	}
	clear(b.bound)
	for i, o := range x.Outputs {
		if b.bound[o] {
			return b.Errorf("has an output %s that shares its buffer with another one", p.Outputs[i].Name)
		}
		b.bound[o] = true
	}
	for _, i := range b.writes {
		if b.bound[x.States[i]] {
			return b.Errorf("has a state %s that shares its buffer with another result", p.States[i].Name)
		}
		b.bound[x.States[i]] = true
	}
	for i, in := range x.Inputs {
		if b.bound[in] {
			return b.Errorf("has an input %s that shares its buffer with a result", p.Inputs[i].Name)
		}
	}
	return nil
}

// Label names what a place is for.
func (b *Binder) Label(p plan.Place) string {
	switch p.Kind {
	case plan.Input:
		return "input " + b.prog.Inputs[p.Index].Name
	case plan.State:
		return "state " + b.prog.States[p.Index].Name
	}
	return "output " + b.prog.Outputs[p.Index].Name
}

// Buffer is what is bound to an input, a state or an output.
func (b *Binder) Buffer(x Bindings, p plan.Place) Buffer {
	switch p.Kind {
	case plan.Input:
		return x.Inputs[p.Index]
	case plan.State:
		return x.States[p.Index]
	}
	return x.Outputs[p.Index]
}
