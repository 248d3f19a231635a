package compile

import (
	"fmt"
	"slices"
	"strings"

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

// Explain is the program for people: each instruction with the bytes that it
// reads and writes, its ops and its layers, and what all of them move in a
// step.
func (r *Report) Explain() string {
	var b strings.Builder
	p := r.program
	var total int64
	fmt.Fprintf(&b, "%4s %10s %10s  %-18s %s\n", "#", "read", "written", "result", "ops")
	for i := range p.Steps {
		s := &p.Steps[i]
		read, written := Moved(s)
		total += read + written
		fmt.Fprintf(&b, "%4d %10d %10d  %-18s %s\n", i, read, written, s.Values[len(s.Values)-1].Type(), Label(s))
	}
	for _, c := range p.Copies {
		total += 2 * c.From.Bytes()
		fmt.Fprintf(&b, " end %10d %10d  %-18s copy to %s\n", c.From.Bytes(), c.From.Bytes(), c.From.Type(), c.To)
	}
	fmt.Fprintf(&b, "%d instructions move %d bytes in a step; arena %d bytes (%d without sharing)\n",
		len(p.Steps)+len(p.Copies), total, p.Arena, p.Unshared())
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
