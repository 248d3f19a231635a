package render

import (
	"strings"
	"unicode/utf8"
)

// table is rows of cells that become HTML or aligned text.
type table struct {
	head  []string
	right []bool // the columns of numbers
	rows  []row
}

// row is one line; class is the style of the row in HTML.
type row struct {
	cells []string
	class string
}

func (t *table) add(class string, cells ...string) {
	t.rows = append(t.rows, row{cells, class})
}

// html writes the table. The align attribute keeps numbers aligned where style
// sheets are dropped.
func (t *table) html() string {
	var b strings.Builder
	b.WriteString("<table>\n<thead>\n")
	t.line(&b, "th", row{cells: t.head})
	b.WriteString("</thead>\n<tbody>\n")
	for _, r := range t.rows {
		t.line(&b, "td", r)
	}
	b.WriteString("</tbody>\n</table>\n")
	return b.String()
}

func (t *table) line(b *strings.Builder, tag string, r row) {
	b.WriteString("<tr")
	if r.class != "" {
		b.WriteString(` class="` + r.class + `"`)
	}
	b.WriteString(">")
	for i, cell := range r.cells {
		b.WriteString("<" + tag)
		if t.right[i] {
			b.WriteString(` align="right"`)
		} else if cell != "" {
			b.WriteString(` style="text-align:left"`) // Jupyter's own style is right
		}
		b.WriteString(">" + esc(cell) + "</" + tag + ">")
	}
	b.WriteString("</tr>\n")
}

// widths are the columns' widths in characters.
func (t *table) widths() []int {
	w := make([]int, len(t.head))
	for _, r := range append([]row{{cells: t.head}}, t.rows...) {
		for i, cell := range r.cells {
			w[i] = max(w[i], utf8.RuneCountInString(cell))
		}
	}
	return w
}

// text writes the table in aligned columns.
func (t *table) text() string {
	var b strings.Builder
	w := t.widths()
	for _, r := range append([]row{{cells: t.head}}, t.rows...) {
		b.WriteString(strings.TrimRight(strings.Join(t.padded(r, w), "  "), " ") + "\n")
	}
	return b.String()
}

// boxed writes the table with lines around it; a row of class "sum" has a line
// above it.
func (t *table) boxed() string {
	var b strings.Builder
	w := t.widths()
	rule := func(left, cross, right string) {
		parts := make([]string, len(w))
		for i, n := range w {
			parts[i] = strings.Repeat("─", n+2)
		}
		b.WriteString(left + strings.Join(parts, cross) + right + "\n")
	}
	line := func(r row) {
		b.WriteString("│ " + strings.Join(t.padded(r, w), " │ ") + " │\n")
	}
	rule("┌", "┬", "┐")
	line(row{cells: t.head})
	rule("├", "┼", "┤")
	for _, r := range t.rows {
		if r.class == "sum" {
			rule("├", "┼", "┤")
		}
		line(r)
	}
	rule("└", "┴", "┘")
	return b.String()
}

// padded fills each cell of a row up to the width of its column.
func (t *table) padded(r row, widths []int) []string {
	out := make([]string, len(widths))
	for i := range widths {
		cell := ""
		if i < len(r.cells) {
			cell = plain(r.cells[i])
		}
		fill := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		if t.right[i] {
			out[i] = fill + cell
		} else {
			out[i] = cell + fill
		}
	}
	return out
}

// plain makes a name safe for a terminal: control characters could move the
// cursor or change colours.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '·'
		}
		return r
	}, s)
}
