package ir

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// String prints the graph, one value a line, in the form that Parse reads:
//
//	graph "model"
//	%0 = input "x" f32[B,64]
//	%1 = state "dense.w" f32[64,10] {init="he_normal" train=true} layer "dense"
//	%2 = matmul %0 %1 f32[B,10] {ta=false tb=false} layer "dense" at "cell.go":12
//	output "y" %2
//
// A line holds the op, the name of an input or state, the operands, the type,
// the attributes in order of their names, the layer and the position. An update
// line is the number of the state and that of its new value. Numbers are exact;
// a float always has a point, an exponent, or is NaN or infinite.
func (g *Graph) String() string { return g.text(true) }

// Canonical prints the graph without positions: two models of the same text are
// the same model, wherever in a notebook they were written.
func (g *Graph) Canonical() string { return g.text(false) }

func (g *Graph) text(positions bool) string {
	var b strings.Builder
	b.WriteString("graph " + strconv.Quote(g.Name) + "\n")
	number := make(map[*Value]int, len(g.Values))
	ref := func(v *Value) string {
		if n, ok := number[v]; ok {
			return "%" + strconv.Itoa(n)
		}
		return "%?" // of a graph that Check rejects
	}
	for i, v := range g.Values {
		b.WriteString("%" + strconv.Itoa(i) + " = " + v.Op)
		if v.Name != "" {
			b.WriteString(" " + strconv.Quote(v.Name))
		}
		for _, in := range v.In {
			b.WriteString(" " + ref(in))
		}
		b.WriteString(" " + v.Type())
		writeAttrs(&b, v.Attrs)
		if v.Layer != "" {
			b.WriteString(" layer " + strconv.Quote(v.Layer))
		}
		if positions && v.Pos != (Pos{}) {
			b.WriteString(" at " + strconv.Quote(v.Pos.File) + ":" + strconv.Itoa(v.Pos.Line))
		}
		b.WriteString("\n")
		number[v] = i
	}
	for _, o := range g.Outputs {
		b.WriteString("output " + strconv.Quote(o.Name) + " " + ref(o.Value) + "\n")
	}
	for _, u := range g.Updates {
		b.WriteString("update " + ref(u.State) + " " + ref(u.New) + "\n")
	}
	return b.String()
}

func writeAttrs(b *strings.Builder, attrs Attrs) {
	if len(attrs) == 0 {
		return
	}
	sep := " {"
	for _, key := range slices.Sorted(maps.Keys(attrs)) {
		b.WriteString(sep + key + "=" + attrText(attrs[key]))
		sep = " "
	}
	b.WriteString("}")
}

func attrText(x any) string {
	switch x := x.(type) {
	case int:
		return strconv.Itoa(x)
	case []int:
		parts := make([]string, len(x))
		for i, n := range x {
			parts[i] = strconv.Itoa(n)
		}
		return "[" + strings.Join(parts, ",") + "]"
	case float64:
		s := strconv.FormatFloat(x, 'g', -1, 64)
		if !strings.ContainsAny(s, ".eIN") {
			s += ".0"
		}
		return s
	case string:
		return strconv.Quote(x)
	case bool:
		return strconv.FormatBool(x)
	}
	return "?" // no such type: see Attrs
}
