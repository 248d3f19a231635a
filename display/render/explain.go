package render

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// Explained returns what a program was compiled to: a table of its kernels, the
// slowest ones marked, and folded away below it the passes of the compiler and
// the plan of the memory.
func (r *Renderer) Explained(e *wire.Explained) []wire.Item {
	var all wire.Kernel
	for _, k := range e.Kernels {
		all.Micros += k.Micros
		all.FLOPs += k.FLOPs
		all.Read += k.Read
		all.Written += k.Written
	}
	t := &table{head: []string{"#", "kernel", "result", "FLOPs", "read", "written"}, right: []bool{true, false, false, true, true, true}}
	line := func(class, number string, k wire.Kernel) {
		cells := []string{number, cut(k.Label), k.Result, count(k.FLOPs), size(k.Read), size(k.Written)}
		if e.Timed {
			cells = append(cells, fmt.Sprintf("%.1f", k.Micros), percent(k.Micros/max(all.Micros, 1e-9)))
		}
		t.add(class, cells...)
	}
	if e.Timed {
		t.head, t.right = append(t.head, "µs", "share"), append(t.right, true, true)
	}
	for i, k := range e.Kernels {
		class := ""
		if k.Micros > all.Micros/10 {
			class = "mark"
		}
		line(class, strconv.Itoa(i), k)
	}
	all.Label = plural(len(e.Kernels), "kernel")
	line("sum", "", all)

	facts := fmt.Sprintf("%s, arena %s (%s without sharing)", plural(e.Params, "parameter"), size(e.Arena), size(e.Unshared))
	if e.Timed && all.Micros > 0 {
		facts += fmt.Sprintf(", %.1f µs a step, %.3g GFLOP/s", all.Micros, float64(all.FLOPs)/all.Micros/1e3)
	}
	var page strings.Builder
	fmt.Fprintf(&page, "<div class=\"head\"><b>%s</b> <span class=\"dim\">%s</span></div>\n", esc(e.Name), facts)
	page.WriteString(t.html())
	foldAway(&page, "passes of the compiler", passTable(e.Passes).html())
	foldAway(&page, "plan of the memory", "<pre>"+esc(e.Plan)+"</pre>\n")
	return bundle(frame(page.String()), nil, plain(e.Name)+"\n"+plainLines(e.Text))
}

func passTable(passes []wire.Pass) *table {
	t := &table{head: []string{"pass", "values", "groups", "µs", "what it does"}, right: []bool{false, true, true, true, false}}
	for _, p := range passes {
		if p.Skipped {
			t.add("", p.Name, "", "", "", "skipped: "+p.Doc)
			continue
		}
		t.add("", p.Name, fmt.Sprintf("%d → %d", p.Before, p.After), strconv.Itoa(p.Groups), fmt.Sprintf("%.0f", p.Micros), p.Doc)
	}
	return t
}

// plainLines is plain for a text of several lines.
func plainLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = plain(l)
	}
	return strings.Join(lines, "\n")
}

// cut shortens what many fused ops make long; the text has it whole.
func cut(label string) string {
	const most = 90
	if r := []rune(label); len(r) > most {
		return string(r[:most]) + "…"
	}
	return label
}

// foldAway adds a part that opens with a click.
func foldAway(b *strings.Builder, title, part string) {
	fmt.Fprintf(b, "<details><summary>%s</summary>\n%s</details>\n", esc(title), part)
}
