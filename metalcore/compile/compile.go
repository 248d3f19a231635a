// Package compile turns a graph into a program that a device can run: a list
// of named passes, each of which rewrites the graph without changing what it
// computes, and in the end an order and a plan of the memory.
//
// No pass changes what happens to NaN and infinities: x*0 and x-x stay what
// they are, because a number that went wrong must be seen in the loss.
package compile

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// Options change what Compile does. The zero value is what everybody wants.
type Options struct {
	Skip []string // names of passes to leave out
	Dump bool     // keep the graph's text after each pass in the report
}

// pass rewrites a graph. What it is given is not changed.
type pass struct {
	name string
	doc  string
	run  func(g *ir.Graph) (*ir.Graph, error)
}

// passes run from top to bottom; planning, which makes the program, follows.
var passes = []pass{
	{"fold", "compute what depends on constants only", fold},
	{"simplify", "leave out ops that change nothing, and join ops that move elements", simplify},
	{"cse", "compute equal values once", cse},
	{"dce", "drop what no result needs", dce},
	{"schedule", "choose the order that needs the smallest arena", schedule},
}

// planPass is the name of the last step, which cannot be skipped.
const planPass = "plan"

// order says which pass must come before which, and why. A test holds the list
// to it.
var order = []struct{ before, after, why string }{
	{"fold", "simplify", "simplify knows a neutral operand only as a constant"},
	{"simplify", "cse", "simplified values are equal more often"},
	{"cse", "dce", "what became a copy of another value is dropped"},
	{"dce", "schedule", "dead values would be given a place in the order"},
	{"schedule", planPass, "the plan is for one order"},
}

// PassReport is what one pass did.
type PassReport struct {
	Name          string
	Skipped       bool
	Time          time.Duration
	Before, After int    // values in the graph
	Text          string // the graph after it, if Options.Dump
}

// Report is what all passes did, in order.
type Report struct {
	Passes []PassReport
	Arena  int64 // bytes
}

// String is a line for each pass, followed by the graph if it was dumped.
func (r *Report) String() string {
	var b strings.Builder
	for _, p := range r.Passes {
		if p.Skipped {
			fmt.Fprintf(&b, "%-9s skipped\n", p.Name)
			continue
		}
		fmt.Fprintf(&b, "%-9s %4d -> %4d values %10v\n", p.Name, p.Before, p.After, p.Time.Round(time.Microsecond))
		b.WriteString(p.Text)
	}
	fmt.Fprintf(&b, "arena %d bytes\n", r.Arena)
	return b.String()
}

// Passes returns the names of the passes that may be skipped, in their order.
func Passes() []string {
	var names []string
	for _, p := range passes {
		names = append(names, p.name)
	}
	return names
}

// Compile makes a program of a graph whose batch is bound. The report is nil
// only if there is an error. Inputs that no result needs are not among the
// program's inputs.
func Compile(g *ir.Graph, opts Options) (*plan.Program, *Report, error) {
	for _, name := range opts.Skip {
		if !slices.Contains(Passes(), name) {
			return nil, nil, fmt.Errorf("compile: there is no pass %q to skip; there are %s", name, strings.Join(Passes(), ", "))
		}
	}
	if err := op.Check(g); err != nil {
		return nil, nil, fmt.Errorf("compile: graph %s: %w", g.Name, err)
	}
	if err := decided(g); err != nil {
		return nil, nil, fmt.Errorf("compile: graph %s: %w", g.Name, err)
	}
	r := &Report{}
	for _, p := range passes {
		line := PassReport{Name: p.name, Before: len(g.Values), After: len(g.Values), Skipped: slices.Contains(opts.Skip, p.name)}
		if !line.Skipped {
			start := time.Now()
			next, err := p.run(g)
			if err != nil {
				return nil, nil, fmt.Errorf("compile: pass %s: %w", p.name, err)
			}
			g = next
			line.Time, line.After = time.Since(start), len(g.Values)
			if opts.Dump {
				line.Text = g.String()
			}
		}
		r.Passes = append(r.Passes, line)
	}
	start := time.Now()
	p, err := plan.New(g)
	if err != nil {
		return nil, nil, fmt.Errorf("compile: %w", err)
	}
	line := PassReport{Name: planPass, Time: time.Since(start), Before: len(g.Values), After: len(p.Graph.Values)}
	if opts.Dump {
		line.Text = p.String()
	}
	r.Passes, r.Arena = append(r.Passes, line), p.Arena
	return p, r, nil
}

// decided reports a value that is one thing in training and another one
// elsewhere, which no device can know.
func decided(g *ir.Graph) error {
	for _, v := range g.Values {
		if row := op.Lookup(v.Op); row != nil && row.Class == op.Choice {
			return fmt.Errorf("%s of layer %q (%s) is not decided: use op.Resolve first, as a trainer does", v.Op, v.Layer, v.Pos)
		}
	}
	return nil
}

// dce keeps what outputs and updates need. Making a graph does just that.
func dce(g *ir.Graph) (*ir.Graph, error) {
	return ir.NewGraph(g.Name, g.Outputs, g.Updates), nil
}
