// Package plan gives every value of a graph its place: states, inputs and
// outputs in buffers of their own, everything else at an offset of one arena,
// where values that are never alive together share memory.
package plan

import "github.com/metalnb/metalnb/metalcore/ir"

// Kind says which memory a value lies in.
type Kind uint8

// The kinds of memory.
const (
	Arena  Kind = iota + 1 // at Place.Offset of the arena
	Input                  // buffer Place.Index of the inputs
	State                  // buffer Place.Index of the states
	Output                 // buffer Place.Index of the outputs
	Inside                 // in no memory: only the values of its own step read it
)

// Place is where a value lies.
type Place struct {
	Kind   Kind
	Index  int   // which buffer, for all kinds but Arena
	Offset int64 // in bytes, for Arena
}

// Copy moves a value at the end of a step to the state or output it is for,
// where it could not be computed in place.
type Copy struct {
	From *ir.Value
	To   Place
}

// Program is a graph with all batch dimensions bound, in the order in which it
// runs, cut into steps, and a place for every value.
//
// A reshape lies where its operand lies and needs no instruction. Constants and
// iotas keep their place in the arena for good: a device writes them once,
// before the first step. Results that share memory with an operand are those
// of InPlace ops and of groups. The buffers bound to outputs and to updated states are
// written while a step runs, so each must be bound only once.
type Program struct {
	Graph   *ir.Graph
	Steps   []Step      // the instructions, in order
	Inputs  []*ir.Value // the graph's inputs, in the order of Bindings.Inputs
	States  []*ir.Value
	Outputs []ir.Output
	Places  map[*ir.Value]Place
	Copies  []Copy // at the end of each step
	Arena   int64  // bytes
}

// InputIndex returns the position of the input of that name, -1 when there is
// none. StateIndex does so for states.
func (p *Program) InputIndex(name string) int { return index(p.Inputs, name) }

// StateIndex returns the position of the state of that name, or -1.
func (p *Program) StateIndex(name string) int { return index(p.States, name) }

func index(vs []*ir.Value, name string) int {
	for i, v := range vs {
		if v.Name == name {
			return i
		}
	}
	return -1
}
