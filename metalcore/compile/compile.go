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
// The environment can ask for the same where no program can be changed: see
// EnvSkip and EnvDump.
type Options struct {
	Skip []string // names of passes to leave out
	Dump bool     // keep the graph's text after each pass in the report
}

// program is a graph on its way through the passes: its values, and which of
// them are computed together.
type program struct {
	graph  *ir.Graph
	groups []plan.Group
}

// pass rewrites a program. The graph that it is given is not changed.
type pass struct {
	name string
	doc  string
	run  func(p *program) error
}

// rewrite makes a pass of a function from graph to graph, which knows nothing
// of groups.
func rewrite(f func(g *ir.Graph) (*ir.Graph, error)) func(p *program) error {
	return func(p *program) (err error) {
		p.graph, err = f(p.graph)
		return err
	}
}

// passes run from top to bottom; planning, which makes the program, follows.
var passes = []pass{
	{"fold", "compute what depends on constants only", rewrite(fold)},
	{"simplify", "leave out ops that change nothing, and join ops that move elements", rewrite(simplify)},
	{"cse", "compute equal values once", rewrite(cse)},
	{"dce", "drop what no result needs", rewrite(dce)},
	{"fuse", "compute elementwise values together, in one pass over memory", fuse},
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
	{"dce", "fuse", "a value that nobody needs would be computed in a group"},
	{"fuse", "schedule", "what is put in order are groups"},
	{"schedule", planPass, "the plan is for one order"},
}

// PassReport is what one pass did.
type PassReport struct {
	Name, Doc     string
	Skipped       bool
	Time          time.Duration
	Before, After int    // values in the graph
	Groups        int    // groups of values that are computed together
	Text          string // the graph after it, if Options.Dump
}

// Report is what all passes did, in order.
type Report struct {
	Passes []PassReport
	Arena  int64 // bytes

	program *plan.Program
}

// String is a line for each pass, followed by the graph if it was dumped.
func (r *Report) String() string {
	var b strings.Builder
	for _, p := range r.Passes {
		b.WriteString(p.line())
		b.WriteString(p.Text)
	}
	fmt.Fprintf(&b, "arena %d bytes\n", r.Arena)
	return b.String()
}

func (p *PassReport) line() string {
	if p.Skipped {
		return fmt.Sprintf("%-9s skipped: %s\n", p.Name, p.Doc)
	}
	return fmt.Sprintf("%-9s %9.3f ms %5d -> %5d values %5d groups: %s\n", p.Name, p.Time.Seconds()*1e3, p.Before, p.After, p.Groups, p.Doc)
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
	dir := opts.environ()
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
	r, w := &Report{}, &program{graph: g}
	for _, p := range passes {
		if err := r.run(p, w, opts); err != nil {
			return nil, nil, fmt.Errorf("compile: pass %s: %w", p.name, err)
		}
	}
	planning := pass{planPass, "give every value a place in memory", func(w *program) (err error) {
		if r.program, err = plan.New(w.graph, w.groups...); err == nil {
			w.graph = r.program.Graph
		}
		return err
	}}
	if err := r.run(planning, w, opts); err != nil {
		return nil, nil, fmt.Errorf("compile: %w", err)
	}
	r.Arena = r.program.Arena
	return r.program, r, r.save(dir)
}

// run runs one pass, unless it is to be skipped, and notes what it did.
func (r *Report) run(p pass, w *program, opts Options) error {
	line := PassReport{Name: p.name, Doc: p.doc, Before: len(w.graph.Values), Skipped: slices.Contains(opts.Skip, p.name)}
	if !line.Skipped {
		start := time.Now()
		if err := p.run(w); err != nil {
			return err
		}
		line.Time = time.Since(start)
	}
	line.After, line.Groups = len(w.graph.Values), len(w.groups)
	switch {
	case !opts.Dump || line.Skipped:
	case r.program != nil:
		line.Text = r.program.String()
	default:
		line.Text = w.text()
	}
	r.Passes = append(r.Passes, line)
	return nil
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
