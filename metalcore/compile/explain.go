package compile

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// text is the graph, followed by a line for each group with the lines of its
// members.
func (p *program) text() string {
	var b strings.Builder
	b.WriteString(p.graph.String())
	for _, members := range p.groups {
		fmt.Fprintf(&b, "group of %s: %s\n", members[0].Type(), strings.Join(opsOf(members), " "))
	}
	return b.String()
}

func opsOf(values []*ir.Value) []string {
	names := make([]string, len(values))
	for i, v := range values {
		names[i] = v.Op
	}
	return names
}

// Explanation is a compiled program for people.
type Explanation struct {
	Name     string
	Passes   []PassReport
	Kernels  []Kernel // in the order in which they run
	Copies   int      // of results, at the end of a step
	Copied   int64    // their bytes
	Params   int      // numbers that are trained
	Arena    int64    // bytes
	Unshared int64    // what the arena would be if no two values shared memory
	Timed    bool     // the kernels' times are measured
	Copying  time.Duration
	Plan     string // the place of every value
}

// Kernel is one instruction of a program.
type Kernel struct {
	Ops           []string
	Layers        []string
	States        []string // that it gives their next values
	Epilogue      string   // what a product does to its result as it writes it: "bias", "bias relu"
	Result        string   // type and shape of its last value
	Read, Written int64    // bytes
	FLOPs         int64
	Time          time.Duration
}

// Explain tells what all passes made. Times, as backend.Timed gives them for
// one step of the program, are those of the kernels and at last of the copies;
// they may be nil.
func (r *Report) Explain(times []time.Duration) *Explanation {
	p := r.program
	e := &Explanation{Name: p.Graph.Name, Passes: r.Passes, Copies: len(p.Copies), Arena: p.Arena, Unshared: p.Unshared(),
		Timed: times != nil, Plan: p.String()}
	for i := range p.Steps {
		k := kernel(p, &p.Steps[i])
		if e.Timed {
			k.Time = times[i]
		}
		e.Kernels = append(e.Kernels, k)
	}
	if e.Timed {
		e.Copying = times[len(p.Steps)]
	}
	for _, c := range p.Copies {
		e.Copied += c.From.Bytes()
	}
	for _, v := range p.States {
		if v.Bool(ir.AttrTrain) {
			e.Params += v.Shape.Elems()
		}
	}
	return e
}

func kernel(p *plan.Program, s *plan.Step) Kernel {
	k := Kernel{Ops: opsOf(s.Values), Result: s.Values[len(s.Values)-1].Type(), FLOPs: FLOPs(s)}
	for _, v := range s.Values {
		if v.Layer != "" && !slices.Contains(k.Layers, v.Layer) {
			k.Layers = append(k.Layers, v.Layer)
		}
	}
	for _, v := range s.Reads {
		k.Read += read(s, v)
	}
	for _, v := range s.Writes {
		k.Written += v.Bytes()
		if at := p.Places[v]; at.Kind == plan.State {
			k.States = append(k.States, p.States[at.Index].Name)
		}
	}
	if e, ok := s.Epilogue(); ok {
		ops := opsOf(e.Rest)
		if e.ReLU {
			ops = slices.Insert(ops, 0, "relu")
		}
		if e.Bias != nil {
			ops = slices.Insert(ops, 0, "bias")
		}
		k.Epilogue = strings.Join(ops, " ")
	}
	return k
}

// read is how much of an operand a step reads: of a table that rows are gathered
// from, no more than the rows.
func read(s *plan.Step, v *ir.Value) int64 {
	for _, x := range s.Values {
		if x.Op == "gather" && x.In[0] == v {
			return min(v.Bytes(), x.Bytes())
		}
	}
	return v.Bytes()
}

// Label names a kernel: its ops, its layers if there are any, and the first
// state that it updates.
func (k *Kernel) Label() string {
	label := strings.Join(k.Ops, " ")
	switch {
	case k.Epilogue != "":
		label = k.Ops[0] + " + " + k.Epilogue
	case len(k.Ops) > 1:
		label = fmt.Sprintf("fused %d: %s", len(k.Ops), label)
	}
	if len(k.Layers) > 0 {
		label += " (" + strings.Join(k.Layers, ", ") + ")"
	}
	switch n := len(k.States); {
	case n > 1:
		label += fmt.Sprintf(" -> %s and %d more", k.States[0], n-1)
	case n == 1:
		label += " -> " + k.States[0]
	}
	return label
}

// Total is a kernel that stands for all of them and the copies.
func (e *Explanation) Total() Kernel {
	sum := Kernel{Read: e.Copied, Written: e.Copied, Time: e.Copying}
	for _, k := range e.Kernels {
		sum.Read += k.Read
		sum.Written += k.Written
		sum.FLOPs += k.FLOPs
		sum.Time += k.Time
	}
	return sum
}

// String is the explanation as text: a line for each kernel, between what the
// passes did and the sums.
func (e *Explanation) String() string {
	var b strings.Builder
	for _, p := range e.Passes {
		b.WriteString(p.line())
	}
	all := e.Total()
	line := func(number, micros string, flops, read, written any, result, what string) {
		fmt.Fprintf(&b, "%4s ", number)
		if e.Timed {
			fmt.Fprintf(&b, "%9s ", micros)
		}
		fmt.Fprintf(&b, "%11v %10v %10v  %-18s %s\n", flops, read, written, result, what)
	}
	line("#", "us", "FLOPs", "read", "written", "result", "kernel")
	for i, k := range e.Kernels {
		line(fmt.Sprint(i), micros(k.Time), k.FLOPs, k.Read, k.Written, k.Result, k.Label())
	}
	if e.Copies > 0 {
		line("end", micros(e.Copying), 0, e.Copied, e.Copied, "", fmt.Sprintf("copies of %d results", e.Copies))
	}
	line("sum", micros(all.Time), all.FLOPs, all.Read, all.Written, "", fmt.Sprintf("%d kernels", len(e.Kernels)))
	fmt.Fprintf(&b, "%d parameters; arena %d bytes (%d without sharing)\n", e.Params, e.Arena, e.Unshared)
	return b.String()
}

func micros(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d.Nanoseconds())/1e3) }
