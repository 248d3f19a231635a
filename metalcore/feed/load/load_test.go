package load

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
)

func data(name string) string { return filepath.Join("testdata", name) }

// written writes a file and returns its path.
func written(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func loaded(t *testing.T, s Spec) *feed.Set {
	t.Helper()
	set, err := Load(t.Context(), "set", s, Room{Memory: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// csvSpec is the specification of a table with the given text.
func csvSpec(t *testing.T, text string, table Table) Spec {
	return Spec{Format: CSV, Paths: []string{written(t, "t.csv", []byte(text))}, Table: table}
}

func TestCSV(t *testing.T) {
	cases := []struct {
		name, text string
		table      Table
		x          string
		y          string
		classes    string
	}{
		{"classes by name", "a,b,kind\n1,2,dog\n3,4,cat\n", Table{}, "[1 2 3 4]", "[1 0]", "[cat dog]"},
		{"classes by number", "a,b,kind\n1,2,5\n3,4,3\n", Table{}, "[1 2 3 4]", "[1 0]", "[3 5]"},
		{"numbers", "a,b,price\n1,2,5.5\n3,4,3\n", Table{}, "[1 2 3 4]", "[5.5 3]", "[]"},
		{"numbers on demand", "a,b,price\n1,2,5\n3,4,3\n", Table{Numbers: true}, "[1 2 3 4]", "[5 3]", "[]"},
		{"label and columns", "a,b,c\n1,2,5\n3,4,3\n", Table{Label: "a", Columns: []string{"c"}}, "[5 3]", "[0 1]", "[1 3]"},
		{"one hot", "a,b,c\nx,2,5.5\ny,4,3\nx,4,3\n", Table{OneHot: []string{"a"}}, "[1 0 2 0 1 4 1 0 4]", "[5.5 3 3]", "[]"},
		{"left out", "a,b,c\n1,,5.5\n2,4,3.5\n3,4,\n", Table{Missing: MissingSkip}, "[2 4]", "[3.5]", "[]"},
		{"filled in", "a,b,c\n1,,5.5\n2,4,3\n3,8,1\n", Table{Missing: MissingMean}, "[1 6 2 4 3 8]", "[5.5 3 1]", "[]"},
		{"no header, semicolons", "1;2;5.5\n3;4;3\n", Table{NoHeader: true}, "[1 2 3 4]", "[5.5 3]", "[]"},
		{"tabs, quotes, a mark, CRLF", "\ufeff\"a\"\t\"the \"\"b\"\"\"\tc\r\n1\t2\t\"x\ny\"\r\n\r\n3\t4\tz\r\n", Table{}, "[1 2 3 4]", "[0 1]", "[x\ny z]"},
		{"a separator of one's own", "a|b|c\n1|2|true\n3|4|false\n", Table{Comma: "|"}, "[1 2 3 4]", "[1 0]", "[0 1]"},
	}
	for _, c := range cases {
		set := loaded(t, csvSpec(t, c.text, c.table))
		if x, y := fmt.Sprint(set.X.Numbers()), fmt.Sprint(set.Y.Numbers()); x != c.x || y != c.y || fmt.Sprint(set.Classes) != c.classes {
			t.Errorf("%s: x is %s, y %s, the classes %q", c.name, x, y, set.Classes)
		}
	}
}

func TestCSVFaults(t *testing.T) {
	cases := []struct {
		text  string
		table Table
		want  string
	}{
		{"a,b\n1,2\nxyz,3\n", Table{}, `t.csv, line 3, column "a" holds "xyz", which is no number`},
		{"a,b\n1,2\n,3\n", Table{}, `t.csv, line 3, column "a" has no number: fill it in`},
		{"a,b\n1,2\n1,NA\n", Table{}, `t.csv, line 3, column "b" has no label`},
		{"a,b\n1,2\n1,2,3\n", Table{}, "t.csv, line 3 has 3 fields, and the first line 2"},
		{"a,b\n1,2\n1e40,2\n", Table{}, `line 3, column "a" holds 1e40, which is too large`},
		{"a,b\n1,\"2\n", Table{}, `t.csv, line 2: extraneous or missing " in quoted-field`},
		{"a,b\n1,2\n", Table{Label: "c"}, `t.csv has no column "c": it has a, b`},
		{"a,a,b\n1,2,3\n", Table{Columns: []string{"a"}}, `more than one column "a"`},
		{"a\n1\n", Table{}, "there must be one of y and at least one of x"},
		{"a,b\n", Table{}, "t.csv has no rows"},
		{"", Table{}, "t.csv is empty"},
		{"a,b\n,2\n", Table{Missing: MissingSkip}, "t.csv has no rows (1 were left out"},
		{"a,b\n1,x\n", Table{Numbers: true}, `column "b" holds "x", which is no number`},
		{"a,b\n1,2\n", Table{Missing: "zero"}, `missing numbers cannot be "zero"`},
		{"a,b\n1,2\n", Table{Comma: "ab"}, `fields cannot be separated by "ab"`},
	}
	for _, c := range cases {
		if _, err := Load(t.Context(), "set", csvSpec(t, c.text, c.table), Room{Memory: 1 << 20}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want %q", c.text, err, c.want)
		}
	}
}

// Rows that cannot be read are left out and counted, if that is wanted.
func TestSkippedRows(t *testing.T) {
	s := csvSpec(t, "a,b\n1,2\nx,3\n4\n5,6\n", Table{})
	s.Skip = true
	set := loaded(t, s)
	if set.Len() != 2 || set.Faults() != 2 {
		t.Errorf("%d rows, and %d were skipped", set.Len(), set.Faults())
	}
	if want := `without 2 faulty rows, of which the first: t.csv, line 3, column "a" holds "x"`; !strings.Contains(set.About, want) {
		t.Errorf("got %q, want %q", set.About, want)
	}
	s = csvSpec(t, "a,b\nx,3\ny,4\n", Table{})
	s.Skip = true
	_, err := Load(t.Context(), "d", s, Room{})
	if want := `t.csv: all rows are faulty, the first: t.csv, line 2, column "a"`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestParquet(t *testing.T) {
	for _, codec := range []string{"none", "snappy", "gzip", "zstd", "lz4"} {
		s := Spec{Format: Parquet, Paths: []string{data("table_" + codec + ".parquet")}, Table: Table{OneHot: []string{"city"}, Missing: MissingSkip}}
		set := loaded(t, s)
		// Of large one is missing; city is Bern, Oslo, Rome.
		want := "[1 10 0.5 1 0 0 1 2 20 1.5 0 0 1 0 4 40 3.5 1 1 0 0]"
		if x, y := fmt.Sprint(set.X.Numbers()), fmt.Sprint(set.Y.I32s()); x != want || y != "[1 0 2]" || fmt.Sprint(set.Classes) != "[a b c]" {
			t.Errorf("%s: x is %s, y %s, the classes %q", codec, x, y, set.Classes)
		}
		s.Table.Missing = ""
		if _, err := Load(t.Context(), "set", s, Room{Memory: 1 << 30}); err == nil || !strings.Contains(err.Error(), `row 2, column "large" has no number`) {
			t.Errorf("got %v", err)
		}
	}
	s := Spec{Format: Parquet, Paths: []string{data("nested.parquet")}}
	if _, err := Load(t.Context(), "set", s, Room{}); err == nil || !strings.Contains(err.Error(), `column "a" is a list or a structure`) {
		t.Errorf("got %v", err)
	}
	s.Paths[0] = data("files.py")
	if _, err := Load(t.Context(), "set", s, Room{}); err == nil || !strings.Contains(err.Error(), "files.py: this is no whole Parquet file") {
		t.Errorf("a program was read as Parquet: %v", err)
	}
}

// Element i of each array is i.
func TestNumPyTypes(t *testing.T) {
	types := map[string]ir.DType{"f2": ir.F16, "f4": ir.F32, "f8": ir.F32, "i1": ir.I32, "i2": ir.I32, "i4": ir.I32, "i8": ir.I64,
		"u1": ir.U8, "u2": ir.I32, "u4": ir.I64, "u8": ir.I64}
	for kind, dtype := range types {
		for _, order := range []string{"little", "big"} {
			for _, layout := range "CF" {
				key := fmt.Sprintf("%s_%s_%c", kind, order, layout)
				a, err := fileNPY(begin(t.Context(), Room{}), data("arrays.npz"), key)
				if err != nil {
					t.Fatal(err)
				}
				if a.DType != dtype || !a.Shape.Equal(ir.Shape{2, 3, 4}) {
					t.Errorf("%s is %v", key, a)
				}
				for i, x := range a.Numbers() {
					if x != float64(i) {
						t.Errorf("%s: element %d is %v", key, i, x)
						break
					}
				}
			}
		}
	}
	a, err := fileNPY(begin(t.Context(), Room{}), data("arrays.npz"), "bool")
	if err != nil || a.DType != ir.Bool || a.Numbers()[7] != 1 || a.Numbers()[8] != 0 {
		t.Errorf("bools are %v (%v)", a.Numbers(), err)
	}
}

func TestNumPy(t *testing.T) {
	s := Spec{Format: NumPy, Paths: []string{data("x.npy"), data("y.npy")}, Classes: []string{"a", "b", "c"}}
	eager := loaded(t, s)
	s.Lazy = true
	lazy := loaded(t, s)
	if eager.Source != nil || lazy.Source == nil {
		t.Fatal("lazy is eager, or eager lazy")
	}
	inMemory, err := lazy.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range []*feed.Set{eager, inMemory} {
		if got := fmt.Sprint(set.X.Numbers(), set.Y.I32s(), set.Classes); got != "[0 0.5 1 1.5 2 2.5 3 3.5 4 4.5 5 5.5] [0 2 1 2] [a b c]" {
			t.Errorf("got %s", got)
		}
	}
	s = Spec{Format: NumPy, Paths: []string{data("arrays.npz"), data("arrays.npz")}, Keys: []string{"u1_little_C", "nothing"}}
	if _, err := Load(t.Context(), "set", s, Room{Memory: 1 << 20}); err == nil || !strings.Contains(err.Error(), `arrays.npz: it has no array "nothing": there are f2_little_C`) {
		t.Errorf("got %v", err)
	}
	s = Spec{Format: NumPy, Paths: []string{data("objects.npy"), data("y.npy")}}
	if _, err := Load(t.Context(), "set", s, Room{Memory: 1 << 20}); err == nil || !strings.Contains(err.Error(), "structures and objects cannot be read") {
		t.Errorf("got %v", err)
	}
}

func TestIDX(t *testing.T) {
	set := loaded(t, Spec{Format: IDX, Paths: []string{data("images.idx.gz"), data("labels.idx")}})
	if set.X.String() != "u8[5,3,2,1]" || set.X.Numbers()[29] != 29 || fmt.Sprint(set.Y.I32s()) != "[0 1 2 1 0]" {
		t.Errorf("got %v, %v", set.X, set.Y.I32s())
	}
}

// bomb is n zeros, packed.
func bomb(t *testing.T, head []byte, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	w.Write(head)
	for zeros := make([]byte, 1<<20); n > 0; n -= len(zeros) {
		w.Write(zeros[:min(n, len(zeros))])
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What a small file says or unpacks to costs no more than the limit.
func TestBombs(t *testing.T) {
	const limit = 1 << 20
	npy := func(shape string) []byte {
		text := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': %s, }\n", shape)
		return append(binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(text))), text...)
	}
	cases := map[string]Spec{
		"a shape of terabytes":   {Format: NumPy, Paths: []string{written(t, "x.npy", npy("(1000000000000,)")), data("y.npy")}},
		"a shape that overflows": {Format: NumPy, Paths: []string{written(t, "x.npy", npy("(99999999999, 99999999999, 99999999999)")), data("y.npy")}},
		"images of 4e9 x 4e9":    {Format: IDX, Paths: []string{written(t, "x.idx", []byte("\x00\x00\x08\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")), data("labels.idx")}},
		"32 MB of pixels":        {Format: IDX, Paths: []string{written(t, "x.gz", bomb(t, []byte("\x00\x00\x08\x02\x00\x00\x80\x00\x00\x00\x04\x00"), 1<<25)), data("labels.idx")}},
		"32 MB in a row":         {Format: CSV, Paths: []string{written(t, "x.csv.gz", bomb(t, []byte("a,b\n"), 1<<25))}},
		"32 MB of empty rows":    {Format: CSV, Paths: []string{written(t, "x.csv.gz", bombOf(t, "a,b\n", "\n", 1<<25))}},
		"32 MB of rows":          {Format: CSV, Paths: []string{written(t, "x.csv.gz", bombOf(t, "a,b\n", "1,2\n", 1<<25))}},
	}
	for name, s := range cases {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := Load(t.Context(), "set", s, Room{Memory: limit}); err == nil {
			t.Errorf("%s: nothing was said", name)
		} else if _, tooLarge := errors.AsType[*LimitError](err); !tooLarge && !strings.Contains(err.Error(), "row of more than") && !strings.Contains(err.Error(), "shape") {
			t.Errorf("%s: got %v", name, err)
		}
		runtime.ReadMemStats(&after)
		allocated := after.TotalAlloc - before.TotalAlloc
		if allocated > 16*limit {
			t.Errorf("%s took %d bytes", name, allocated)
		}
	}
}

func bombOf(t *testing.T, head, line string, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	w.Write([]byte(head))
	for lines := []byte(strings.Repeat(line, 1<<18)); n > 0; n -= len(lines) {
		w.Write(lines)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Files that are the same have the same stamp, whatever is read of them.
func TestStamp(t *testing.T) {
	root := folderOf(t, map[string][]byte{"a/1.png": asPNG(t, uniform(2, 2, color.White))})
	s := Spec{Format: Images, Paths: []string{root}}
	stamp := func() string {
		t.Helper()
		text, err := s.Stamp()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	first := stamp()
	if stamp() != first {
		t.Error("another stamp although nothing changed")
	}
	if err := os.WriteFile(filepath.Join(root, "a/2.png"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	second := stamp()
	s.Images.Gray = true
	if second == first || stamp() == second {
		t.Error("the stamp is the same although something changed")
	}
	s.Paths = []string{data("nothing")}
	if _, err := s.Stamp(); err == nil || !strings.Contains(err.Error(), "there is no testdata/nothing: a path") {
		t.Errorf("got %v", err)
	}
}
