package feed

import (
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed builtin
var files embed.FS

// builtins are the sets that come with metalnb, each loaded at most once.
var builtins = map[string]func() (*Set, error){
	"digits": sync.OnceValues(loadDigits),
	"iris":   sync.OnceValues(loadIris),
}

// Names lists the built-in sets.
func Names() []string {
	var names []string
	for name := range builtins {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Builtin returns a set that comes with metalnb; it is the same one each time.
//
//   - "digits": 1,797 handwritten digits, x f32 [8,8,1] in 0..1, ten classes.
//   - "iris": 150 flowers, x f32 [4] in cm, three classes.
func Builtin(name string) (*Set, error) {
	load, ok := builtins[name]
	if !ok {
		return nil, fmt.Errorf("there is no built-in data %q: there are %s; did you mean %q?",
			name, strings.Join(Names(), ", "), nearest(name, Names()))
	}
	return load()
}

func loadDigits() (*Set, error) {
	packed, err := files.Open("builtin/digits.csv.gz")
	if err != nil {
		return nil, err
	}
	defer packed.Close()
	plain, err := gzip.NewReader(packed)
	if err != nil {
		return nil, err
	}
	x, y, err := readTable(plain, 64, 1.0/16)
	if err != nil {
		return nil, fmt.Errorf("digits: %w", err)
	}
	x.Shape = []int{x.Len(), 8, 8, 1}
	s, err := NewSet("digits", x, y, nil)
	if err != nil {
		return nil, err
	}
	s.About = "Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, UCI, CC BY 4.0"
	return s, nil
}

func loadIris() (*Set, error) {
	text, err := files.ReadFile("builtin/iris.csv")
	if err != nil {
		return nil, err
	}
	head, body, _ := strings.Cut(string(text), "\n")
	fields := strings.Split(strings.TrimSpace(head), ",")
	x, y, err := readTable(strings.NewReader(body), 4, 1)
	if err != nil {
		return nil, fmt.Errorf("iris: %w", err)
	}
	s, err := NewSet("iris", x, y, fields[2:])
	if err != nil {
		return nil, err
	}
	s.About = "Iris, R. A. Fisher 1936, public domain"
	return s, nil
}

// readTable reads lines of width numbers, which it scales, and a label.
func readTable(r io.Reader, width int, scale float32) (x, y Array, err error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return x, y, err
	}
	table := csv.NewReader(bytes.NewReader(text))
	table.FieldsPerRecord = width + 1
	lines, err := table.ReadAll()
	if err != nil {
		return x, y, err
	}
	var xs []float32
	var ys []int32
	for _, line := range lines {
		for _, field := range line[:width] {
			v, err := strconv.ParseFloat(field, 32)
			if err != nil {
				return x, y, err
			}
			xs = append(xs, float32(v)*scale)
		}
		label, err := strconv.ParseInt(line[width], 10, 32)
		if err != nil {
			return x, y, err
		}
		ys = append(ys, int32(label))
	}
	return FromF32(xs, len(lines), width), FromI32(ys, len(lines)), nil
}

// nearest returns the candidate that takes the fewest edits to reach.
func nearest(name string, candidates []string) string {
	return slices.MinFunc(candidates, func(a, b string) int { return edits(name, a) - edits(name, b) })
}

// edits is the Levenshtein distance.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
