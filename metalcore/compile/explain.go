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

// Explain is the compiled program for people.
func (r *Report) Explain() string { return Explain(r.program, nil) }

// Explain is a program for people: each instruction with the bytes that it
// reads and writes, its ops and its layers, and what all of them move in a
// step. Times, as backend.Timed gives them for one step of the program, add a
// column; nil leaves it out.
func Explain(p *plan.Program, times []time.Duration) string {
	var b strings.Builder
	var bytes int64
	var total time.Duration
	line := func(number string, at int, read, written int64, result, what string) {
		fmt.Fprintf(&b, "%4s", number)
		if times != nil {
			fmt.Fprintf(&b, " %8.1f", float64(times[at].Nanoseconds())/1e3)
			total += times[at]
		}
		fmt.Fprintf(&b, " %10d %10d  %-18s %s\n", read, written, result, what)
		bytes += read + written
	}
	if times != nil {
		fmt.Fprintf(&b, "%4s %8s %10s %10s  %-18s %s\n", "#", "us", "read", "written", "result", "ops")
	} else {
		fmt.Fprintf(&b, "%4s %10s %10s  %-18s %s\n", "#", "read", "written", "result", "ops")
	}
	for i := range p.Steps {
		s := &p.Steps[i]
		read, written := Moved(s)
		line(fmt.Sprint(i), i, read, written, s.Values[len(s.Values)-1].Type(), Label(s))
	}
	if n := len(p.Copies); n > 0 {
		var moved int64
		for _, c := range p.Copies {
			moved += c.From.Bytes()
		}
		line("end", len(p.Steps), moved, moved, "", fmt.Sprintf("copies of %d results", n))
	}
	fmt.Fprintf(&b, "%d instructions move %d bytes in a step; arena %d bytes (%d without sharing)\n",
		len(p.Steps)+len(p.Copies), bytes, p.Arena, p.Unshared())
	if times != nil {
		fmt.Fprintf(&b, "a step takes %.1f us\n", float64(total.Nanoseconds())/1e3)
	}
	return b.String()
}

// Moved returns the bytes of an instruction's operands and of its results.
func Moved(s *plan.Step) (read, written int64) {
	for _, v := range s.Reads {
		read += v.Bytes()
	}
	for _, v := range s.Writes {
		written += v.Bytes()
	}
	return read, written
}

// Label names an instruction: its ops, and its layers if there are any.
func Label(s *plan.Step) string {
	label := strings.Join(opsOf(s.Values), " ")
	if s.Fused() {
		label = fmt.Sprintf("fused %d: %s", len(s.Values), label)
	}
	var layers []string
	for _, v := range s.Values {
		if v.Layer != "" && !slices.Contains(layers, v.Layer) {
			layers = append(layers, v.Layer)
		}
	}
	if len(layers) > 0 {
		label += " (" + strings.Join(layers, ", ") + ")"
	}
	return label
}
