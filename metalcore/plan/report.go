package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// Unshared is the size in bytes that the arena would have if no two values
// shared memory.
func (p *Program) Unshared() int64 {
	var sum int64
	for _, v := range p.Graph.Values {
		if p.Places[v].Kind == Arena && v.Op != "reshape" {
			sum += aligned(v.Bytes())
		}
	}
	return sum
}

// String is the plan for people: a head line, then a line for each value with
// its position, the last position that reads it, its place, its size and how
// it is computed, then the copies at the end of a step.
func (p *Program) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "program %s: arena %d bytes (%d without sharing), inputs %d, states %d, outputs %d, copies %d\n",
		p.Graph.Name, p.Arena, p.Unshared(), len(p.Inputs), len(p.States), len(p.Outputs), len(p.Copies))
	fmt.Fprintf(&b, "%4s %5s  %-14s %9s  %s\n", "#", "until", "place", "bytes", "value")
	pos := make(map[*ir.Value]int, len(p.Graph.Values))
	for i, v := range p.Graph.Values {
		pos[v] = i
	}
	until := p.lastReads(pos)
	for i, v := range p.Graph.Values {
		fmt.Fprintf(&b, "%4d %5s  %-14s %9d  %s\n", i, until[i], p.Places[v], v.Bytes(), describe(v, pos))
	}
	for _, c := range p.Copies {
		fmt.Fprintf(&b, " end        %-14s %9d  copy of %%%d\n", c.To, c.From.Bytes(), pos[c.From])
	}
	return b.String()
}

// lastReads writes for each value the position of its last reader: "end" for
// results of the step, "-" for what nobody reads.
func (p *Program) lastReads(pos map[*ir.Value]int) []string {
	until := make([]string, len(p.Graph.Values))
	for i := range until {
		until[i] = "-"
	}
	for i, v := range p.Graph.Values {
		for _, in := range v.In {
			until[pos[in]] = fmt.Sprint(i)
		}
	}
	for _, o := range p.Outputs {
		until[pos[o.Value]] = "end"
	}
	for _, u := range p.Graph.Updates {
		until[pos[u.New]] = "end"
	}
	return until
}

func describe(v *ir.Value, pos map[*ir.Value]int) string {
	var b strings.Builder
	b.WriteString(v.Type() + " " + v.Op)
	for _, in := range v.In {
		fmt.Fprintf(&b, " %%%d", pos[in])
	}
	keys := make([]string, 0, len(v.Attrs))
	for k := range v.Attrs {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		fmt.Fprintf(&b, " %s=%v", k, v.Attrs[k])
	}
	if v.Name != "" {
		fmt.Fprintf(&b, " %q", v.Name)
	}
	if v.Layer != "" {
		fmt.Fprintf(&b, " (layer %s)", v.Layer)
	}
	return b.String()
}

// String prints a place as "arena 128" or "state 2".
func (p Place) String() string {
	switch p.Kind {
	case Arena:
		return fmt.Sprintf("arena %d", p.Offset)
	case Input:
		return fmt.Sprintf("input %d", p.Index)
	case State:
		return fmt.Sprintf("state %d", p.Index)
	case Output:
		return fmt.Sprintf("output %d", p.Index)
	case Inside:
		return "inside"
	}
	return "nowhere"
}
