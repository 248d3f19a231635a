package render

import (
	"fmt"
	"image/color"
	"math"
	"strconv"
	"strings"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// Confusion returns a confusion matrix as a heat map: matrix[i][j] counts the
// rows of class i that were predicted as class j. A cell's colour is its share
// of its row, blue on the diagonal, red off it. The last column is the recall of
// each class (the share of its rows that were found), the last row the precision
// (the share of its predictions that were right), the corner the accuracy.
// Without class names the classes are numbered.
func (r *Renderer) Confusion(matrix [][]int, classes []string) ([]wire.Item, error) {
	m, err := newConfusion(matrix, classes)
	if err != nil {
		return nil, err
	}
	return bundle(frame(m.html()), m.png(), m.table().text()), nil
}

// confusion is a matrix with what follows from it.
type confusion struct {
	counts    [][]int
	classes   []string
	rows      []int // sums
	recall    []float64
	precision []float64
	accuracy  float64
	total     int
}

func newConfusion(matrix [][]int, classes []string) (*confusion, error) {
	n := len(matrix)
	if n == 0 {
		return nil, fmt.Errorf("a confusion matrix without classes: give a square matrix of counts")
	}
	if classes == nil {
		for i := range n {
			classes = append(classes, strconv.Itoa(i))
		}
	}
	if len(classes) != n {
		return nil, fmt.Errorf("%d class names for a confusion matrix of %d classes: give one for each row", len(classes), n)
	}
	m := &confusion{counts: matrix, classes: classes, rows: make([]int, n)}
	columns, right := make([]int, n), 0
	for i, row := range matrix {
		if len(row) != n {
			return nil, fmt.Errorf("row %d of the confusion matrix has %d counts, and there are %d rows: it must be square", i, len(row), n)
		}
		for j, k := range row {
			if k < 0 {
				return nil, fmt.Errorf("the confusion matrix holds %d in row %d, column %d: counts cannot be negative", k, i, j)
			}
			m.rows[i] += k
			columns[j] += k
			m.total += k
		}
		right += row[i]
	}
	for i := range n {
		m.recall = append(m.recall, share(matrix[i][i], m.rows[i]))
		m.precision = append(m.precision, share(matrix[i][i], columns[i]))
	}
	m.accuracy = share(right, m.total)
	return m, nil
}

// share is a part of a whole, NaN when there is no whole.
func share(part, whole int) float64 { return float64(part) / float64(whole) }

// percent writes a share; what is not defined is a dash.
func percent(x float64) string {
	if math.IsNaN(x) {
		return "–"
	}
	return strconv.FormatFloat(100*x, 'f', 1, 64) + "%"
}

// heat is the colour of a cell and its opacity; an error is always seen.
func (m *confusion) heat(i, j int) (hex string, alpha float64) {
	if m.counts[i][j] == 0 {
		return colorTrain, 0
	}
	part := share(m.counts[i][j], m.rows[i])
	if i == j {
		return colorTrain, 0.08 + 0.52*part
	}
	return colorBad, 0.14 + 0.5*math.Sqrt(part)
}

func (m *confusion) headline() string {
	return fmt.Sprintf("accuracy %s of %s", percent(m.accuracy), plural(m.total, "row"))
}

func (m *confusion) html() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<div class="head"><b>%s</b> <span class="dim">rows: actual class, columns: predicted class</span></div>`+"\n", m.headline())
	b.WriteString(`<table class="heat">` + "\n<thead>\n<tr><th></th>")
	for _, c := range m.classes {
		fmt.Fprintf(&b, `<th align="right">%s</th>`, esc(c))
	}
	b.WriteString(`<th align="right">recall</th></tr>` + "\n</thead>\n<tbody>\n")
	for i, row := range m.counts {
		fmt.Fprintf(&b, `<tr><th align="right">%s</th>`, esc(m.classes[i]))
		for j, k := range row {
			hex, alpha := m.heat(i, j)
			c := rgb(hex, 1)
			if k == 0 {
				b.WriteString(`<td align="right" class="cell"></td>`)
				continue
			}
			fmt.Fprintf(&b, `<td align="right" class="cell" style="background-color:rgba(%d,%d,%d,%.2f)" title="%s">%d</td>`,
				c.R, c.G, c.B, alpha, esc(m.tell(i, j)), k)
		}
		fmt.Fprintf(&b, `<td align="right">%s</td></tr>`+"\n", percent(m.recall[i]))
	}
	b.WriteString(`<tr class="sum"><th align="right">precision</th>`)
	for _, p := range m.precision {
		fmt.Fprintf(&b, `<td align="right">%s</td>`, percent(p))
	}
	fmt.Fprintf(&b, `<td align="right"><b>%s</b></td></tr>`+"\n</tbody>\n</table>\n", percent(m.accuracy))
	return b.String()
}

// tell says what a cell means.
func (m *confusion) tell(i, j int) string {
	return fmt.Sprintf("%d of %d rows of %s predicted as %s", m.counts[i][j], m.rows[i], m.classes[i], m.classes[j])
}

// table is the matrix as text.
func (m *confusion) table() *table {
	t := &table{head: []string{"actual \\ predicted"}, right: []bool{false}}
	for _, c := range append(append([]string{}, m.classes...), "recall") {
		t.head, t.right = append(t.head, c), append(t.right, true)
	}
	for i, row := range m.counts {
		cells := []string{m.classes[i]}
		for _, k := range row {
			cells = append(cells, strconv.Itoa(k))
		}
		t.add("", append(cells, percent(m.recall[i]))...)
	}
	last := []string{"precision"}
	for _, p := range m.precision {
		last = append(last, percent(p))
	}
	t.add("sum", append(last, percent(m.accuracy))...)
	return t
}

// png draws the heat map.
func (m *confusion) png() []byte {
	const size, row = 11, 25 * sharp
	measure := newCanvas(1, 1)
	name, cell := measure.measure("precision", -size), 48*sharp
	for _, c := range m.classes {
		w := min(measure.measure(plain(c), -size), 110*sharp)
		name, cell = max(name, w), max(cell, min(w, 80*sharp)+10*sharp)
	}
	name += 10 * sharp
	n, ink := len(m.classes), rgb(colorText, 1)
	c := newCanvas(name+cell*(n+1), row*(n+3))
	base := row - 8*sharp
	c.text(m.headline(), 0, base, 0, -size, ink)
	at := func(i, j int) (int, int) { return name + j*cell, (i + 2) * row }
	write := func(s string, i, j int, size float64) {
		x, y := at(i, j)
		c.text(c.fit(s, size, cell), x+cell/2, y+base, 0.5, size, ink)
	}
	for i, class := range m.classes {
		_, y := at(i, 0)
		c.text(c.fit(class, -size, name-8*sharp), name-8*sharp, y+base, 1, -size, ink)
		write(class, -1, i, -size)
		write(percent(m.recall[i]), i, n, size)
		write(percent(m.precision[i]), n, i, size)
		for j, k := range m.counts[i] {
			x, y := at(i, j)
			hex, alpha := m.heat(i, j)
			if k > 0 {
				c.fill(x+1, y+1, cell-2, row-2, onWhite(rgb(hex, alpha)))
				c.text(strconv.Itoa(k), x+cell/2, y+base, 0.5, size, color.Black)
			}
		}
	}
	write("recall", -1, n, -size)
	_, y := at(n, 0)
	c.text("precision", name-8*sharp, y+base, 1, -size, ink)
	write(percent(m.accuracy), n, n, -size)
	return c.png()
}
