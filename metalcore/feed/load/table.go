package load

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
)

// Table says how the columns of a table become x and y.
type Table struct {
	Label    string   // the column of y; the last one if empty
	Columns  []string // of x, in this order; all others if there are none
	OneHot   []string // columns of words, of which each becomes a column of 0 and 1
	Missing  string   // what to do with a number that is missing: "", an error, MissingSkip or MissingMean
	Numbers  bool     // labels that are whole numbers are targets of a regression, not classes
	NoHeader bool     // CSV: the first line has numbers; columns are called "1", "2", ...
	Comma    string   // CSV: what separates fields; found out if empty
}

// What is done with missing numbers, beside being an error.
const (
	MissingSkip = "skip" // leave the row out
	MissingMean = "mean" // take the mean of the column
)

// mostWords bounds the different words of a column.
const mostWords = 1 << 16

// cell is one field of a table: a number, a word, or nothing.
type cell struct {
	word    string
	number  float64
	numeric bool // the word is a number
	missing bool
}

// parse makes a cell of a word.
func parse(word string) cell {
	word = strings.TrimSpace(word)
	switch strings.ToLower(word) {
	case "", "na", "n/a", "nan", "null", "none", "?":
		return cell{missing: true}
	case "true":
		return cell{word: word, number: 1, numeric: true}
	case "false":
		return cell{word: word, number: 0, numeric: true}
	}
	x, err := strconv.ParseFloat(word, 64)
	return cell{word: word, number: x, numeric: err == nil && !strings.ContainsAny(word, "_xX")}
}

// words numbers the different words of a column as they come.
type words map[string]int

func (w words) number(word string) (int, error) {
	if n, ok := w[word]; ok {
		return n, nil
	}
	if len(w) == mostWords {
		return 0, fmt.Errorf("has more than %d different words", mostWords)
	}
	w[strings.Clone(word)] = len(w)
	return len(w) - 1, nil
}

// ranks says which place each word's number has when the words are in order,
// which it returns too.
func (w words) ranks() (ranks []int, sorted []string) {
	sorted = slices.Sorted(maps.Keys(w))
	ranks = make([]int, len(w))
	for rank, word := range sorted {
		ranks[w[word]] = rank
	}
	return ranks, sorted
}

// table collects the rows of x and y.
type table struct {
	Table
	file    string
	row     string // how errors call a row: "line" or "row"
	in      *reading
	names   []string
	x       []int // columns of x
	y       int   // that of y
	oneHot  map[int]words
	read    *spool    // of x as it is read, f32
	data    []byte    // its row that is read
	gaps    []int     // columns of it whose number is missing
	sums    []float64 // of the columns
	missing []int     // numbers in them
	rows    int
	skipped int   // rows in which something is missing
	skip    bool  // leave out faulty rows
	faults  int   // rows that are left out as faulty
	first   error // of the first of them

	numeric bool // all labels are numbers
	numbers []float32
	words   words // of y, nil once they are too many for classes
	ids     []int32
}

func newTable(s *Spec, file, row string, names []string, in *reading) (*table, error) {
	t := s.Table
	b := &table{Table: t, skip: s.Skip, file: base(file), row: row, in: in, names: names, oneHot: map[int]words{}, words: words{}, numeric: true}
	find := func(name string) (int, error) {
		i := slices.Index(names, name)
		if i < 0 {
			return 0, fmt.Errorf("%s has no column %q: it has %s", b.file, name, some(names))
		}
		if slices.Index(names[i+1:], name) >= 0 {
			return 0, fmt.Errorf("%s has more than one column %q: give them different names", b.file, name)
		}
		return i, nil
	}
	if len(names) < 2 {
		return nil, fmt.Errorf("%s has the columns %q: there must be one of y and at least one of x; if they are separated by something else, say so by Comma", b.file, names)
	}
	var err error
	if b.y = len(names) - 1; t.Label != "" {
		if b.y, err = find(t.Label); err != nil {
			return nil, err
		}
	}
	for _, name := range t.Columns {
		i, err := find(name)
		if err != nil {
			return nil, err
		}
		b.x = append(b.x, i)
	}
	for i := 0; len(t.Columns) == 0 && i < len(names); i++ {
		if i != b.y {
			b.x = append(b.x, i)
		}
	}
	for _, name := range t.OneHot {
		i, err := find(name)
		if err != nil {
			return nil, err
		}
		b.oneHot[i] = words{}
	}
	if t.Missing != "" && t.Missing != MissingSkip && t.Missing != MissingMean {
		return nil, fmt.Errorf("missing numbers cannot be %q: use %q or %q", t.Missing, MissingSkip, MissingMean)
	}
	b.sums, b.missing = make([]float64, len(b.x)), make([]int, len(b.x))
	b.read = in.spool(b.file, 4*len(b.x))
	return b, nil
}

// some lists the first names.
func some(names []string) string {
	const most = 20
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// add appends a row; number is its line or row in the file.
func (b *table) add(number int, at func(column int) cell) error {
	b.data, b.gaps = b.data[:0], b.gaps[:0]
	err := b.cells(number, at)
	switch {
	case err == errMissing:
		b.skipped++
		return nil
	case err != nil:
		return b.leaveOut(err)
	}
	b.rows++
	b.count()
	if err := b.in.inMemory().within("the labels of "+b.file, labelBytes*int64(b.rows), 1); err != nil {
		return err
	}
	return b.read.add(b.data)
}

// labelBytes is what a label takes, as a number and as a class.
const labelBytes = 8

// count adds a row to the sums from which means are made.
func (b *table) count() {
	for i := range b.sums {
		b.sums[i] += float64(numberAt(b.data, i))
	}
	for _, i := range b.gaps {
		b.missing[i]++
		putNumber(b.data, i, gap)
	}
}

// gap stands where a number is missing, until the mean is known. No number that
// is read is NaN.
var gap = float32(math.NaN())

func numberAt(data []byte, i int) float32 {
	return math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
}

func putNumber(data []byte, i int, x float32) {
	binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(x))
}

// errMissing says that a row is left out because something is missing in it.
var errMissing = errors.New("something is missing")

// leaveOut counts a faulty row if such are skipped.
func (b *table) leaveOut(err error) error {
	if !b.skip {
		return err
	}
	if b.faults++; b.faults == 1 {
		b.first = err
	}
	return nil
}

// cells appends the cells of a row.
func (b *table) cells(number int, at func(column int) cell) error {
	for i, col := range b.x {
		c := at(col)
		x, err := b.value(col, c)
		switch {
		case err != nil:
			return b.fault(number, col, err)
		case c.missing && b.Missing == MissingSkip:
			return errMissing
		case c.missing && b.Missing == "":
			return b.fault(number, col, fmt.Errorf("has no number: fill it in, leave the column out by Columns, or set Missing to %q or %q", MissingSkip, MissingMean))
		case c.missing && b.oneHot[col] == nil:
			b.gaps = append(b.gaps, i)
		}
		b.data = binary.LittleEndian.AppendUint32(b.data, math.Float32bits(x))
	}
	label := at(b.y)
	if label.missing && b.Missing == MissingSkip {
		return errMissing
	}
	if err := b.label(label); err != nil {
		return b.fault(number, b.y, err)
	}
	return nil
}

func (b *table) fault(number, col int, err error) error {
	return fmt.Errorf("%s, %s %d, column %q %w", b.file, b.row, number, b.names[col], err)
}

// value is a cell as a number.
func (b *table) value(col int, c cell) (float32, error) {
	w, x := b.oneHot[col], float32(c.number)
	switch {
	case w != nil && c.missing:
		return -1, nil // none of the words
	case w != nil:
		if c.word == "" {
			c.word = strconv.FormatFloat(c.number, 'g', -1, 64)
		}
		n, err := w.number(c.word)
		return float32(n), err
	case c.missing:
		return 0, nil
	case !c.numeric:
		return 0, fmt.Errorf("holds %q, which is no number: leave the column out by Columns, or name it in OneHot if it has few different words", short(c.word))
	case math.IsInf(float64(x), 0) || math.IsNaN(float64(x)):
		return 0, fmt.Errorf("holds %s, which is too large", c.word)
	}
	return x, nil
}

// short is the beginning of a word.
func short(word string) string {
	const most = 40
	if len(word) > most {
		return strings.ToValidUTF8(word[:most], "") + "…"
	}
	return word
}

// label adds a label. Words and numbers are both kept for as long as it is not
// known which of the two the column has.
func (b *table) label(c cell) error {
	x := float32(c.number)
	number := c.numeric && !math.IsInf(float64(x), 0) && !math.IsNaN(float64(x))
	switch {
	case c.missing:
		return fmt.Errorf("has no label: fill it in, or set Missing to %q", MissingSkip)
	case !number && (b.Numbers || b.words == nil):
		return fmt.Errorf("holds %q, which is no number", short(c.word))
	case !number:
		b.numeric, b.numbers = false, nil
	}
	if b.numeric {
		b.numbers = append(b.numbers, x)
	}
	if b.words == nil {
		return nil
	}
	n, err := b.words.number(c.word)
	if err != nil && !b.numeric {
		return fmt.Errorf("%w: they cannot all be classes", err)
	}
	if b.ids = append(b.ids, int32(n)); err != nil {
		b.words, b.ids = nil, nil
	}
	return nil
}

// set makes the set of the rows.
func (b *table) set(name string, s *Spec) (*feed.Set, error) {
	switch {
	case b.rows == 0 && b.faults > 0:
		return nil, fmt.Errorf("%s: all rows are faulty, the first: %w", b.file, b.first)
	case b.rows == 0:
		return nil, fmt.Errorf("%s has no rows (%d were left out because numbers are missing)", b.file, b.skipped)
	}
	if err := b.read.end(); err != nil {
		return nil, err
	}
	y, classes := b.classes()
	if len(s.Classes) > 0 {
		if len(s.Classes) != len(classes) {
			return nil, fmt.Errorf("%s: %d class names, and the column %q has %d classes: %s", b.file, len(s.Classes), b.names[b.y], len(classes), some(classes))
		}
		classes = s.Classes
	}
	set, err := b.made(name, y, classes)
	if err != nil {
		return nil, err
	}
	if set.About = about(s); b.skipped > 0 {
		set.About += fmt.Sprintf(", without %d rows in which something is missing", b.skipped)
	}
	if b.faults > 0 {
		set.LeaveOut(b.faults)
		set.About += fmt.Sprintf(", without %d faulty rows, of which the first: %v", b.faults, b.first)
	}
	return set, nil
}

// made makes the set: of the rows as they were read, or with a source that makes
// theirs of them.
func (b *table) made(name string, y feed.Array, classes []string) (*feed.Set, error) {
	x := feed.Array{DType: ir.F32, Shape: ir.Shape{b.rows, len(b.x)}, Data: b.read.data}
	src, width := b.source()
	switch {
	case src == nil && b.read.file == nil:
		return feed.NewSet(name, x, y, classes)
	case src == nil:
		return feed.NewSourced(name, b.read, x, y, classes)
	}
	x.Shape[1], x.Data = width, nil
	return feed.NewSourced(name, src, x, y, classes)
}

// mostClasses is how many different whole numbers are taken for classes.
const mostClasses = 1000

// classes are the labels: words are classes in the order of the alphabet, whole
// numbers are classes in their order if there are few; other numbers are
// targets.
func (b *table) classes() (y feed.Array, names []string) {
	if !b.numeric {
		ranks, names := b.words.ranks()
		for i, id := range b.ids {
			b.ids[i] = int32(ranks[id])
		}
		return feed.FromI32(b.ids, b.rows), names
	}
	places := map[float32]int32{}
	for _, x := range b.numbers {
		if places[x] = 0; b.Numbers || x != float32(int32(x)) || x < 0 || len(places) > mostClasses {
			return feed.FromF32(b.numbers, b.rows), nil
		}
	}
	for i, x := range slices.Sorted(maps.Keys(places)) {
		places[x] = int32(i)
		names = append(names, strconv.Itoa(int(x)))
	}
	labels := make([]int32, b.rows)
	for i, x := range b.numbers {
		labels[i] = places[x]
	}
	return feed.FromI32(labels, b.rows), names
}
