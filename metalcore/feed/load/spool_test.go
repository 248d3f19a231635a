package load

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// measure is a row of a table in Parquet.
type measure struct {
	A    float64  `parquet:"a"`
	B    *float64 `parquet:"b,optional"`
	City string   `parquet:"city"`
	Kind string   `parquet:"kind"`
}

// packed is a file that gzip has packed.
func packed(t *testing.T, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// archived is an .npz file with arrays of f8.
func archived(t *testing.T, arrays map[string][]int) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, shape := range arrays {
		text := fmt.Sprintf("{'descr': '>f8', 'fortran_order': False, 'shape': (%s,), }\n", strings.Trim(strings.ReplaceAll(fmt.Sprint(shape), " ", ", "), "[]"))
		w, err := z.Create(name + ".npy")
		if err != nil {
			t.Fatal(err)
		}
		content := append(binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(text))), text...)
		n := 1
		for _, d := range shape {
			n *= d
		}
		for i := range n {
			content, _ = binary.Append(content, binary.BigEndian, float64(i)/2)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// largeSpecs are files of each format with some thousand rows.
func largeSpecs(t *testing.T) map[string]Spec {
	t.Helper()
	const rows = 3000
	rng := rand.New(rand.NewPCG(1, 2))
	cities := []string{"Rome", "Oslo", "Bern"}
	var text strings.Builder
	text.WriteString("a,b,city,kind\n")
	var table []measure
	for i := range rows {
		a, city, kind := rng.Float64(), cities[rng.IntN(3)], string(rune('p'+rng.IntN(4)))
		m := measure{A: a, City: city, Kind: kind}
		b := ""
		if x := rng.NormFloat64(); i%7 != 3 {
			m.B, b = &x, fmt.Sprint(x)
		}
		if i%100 == 99 {
			text.WriteString("1,broken\n")
		}
		fmt.Fprintf(&text, "%v,%s,%s,%s\n", a, b, city, kind)
		table = append(table, m)
	}
	var columns bytes.Buffer
	if err := parquet.Write(&columns, table); err != nil {
		t.Fatal(err)
	}
	csv := written(t, "t.csv.gz", packed(t, []byte(text.String())))
	idx := append([]byte("\x00\x00\x08\x03"), 0, 0, 0x0b, 0xb8, 0, 0, 0, 6, 0, 0, 0, 5)
	for range rows * 30 {
		idx = append(idx, byte(rng.IntN(256)))
	}
	labels := append([]byte("\x00\x00\x08\x01"), 0, 0, 0x0b, 0xb8)
	for range rows {
		labels = append(labels, byte(rng.IntN(4)))
	}
	npz := written(t, "a.npz", archived(t, map[string][]int{"x": {rows, 3, 2}, "y": {rows}}))
	return map[string]Spec{
		"numbers":         {Format: CSV, Paths: []string{csv}, Table: Table{Columns: []string{"a", "a", "a"}}, Skip: true},
		"means and words": {Format: CSV, Paths: []string{csv}, Table: Table{OneHot: []string{"city"}, Missing: MissingMean}, Skip: true},
		"left out":        {Format: CSV, Paths: []string{csv}, Table: Table{OneHot: []string{"city"}, Missing: MissingSkip}, Skip: true},
		"parquet":         {Format: Parquet, Paths: []string{written(t, "t.parquet", columns.Bytes())}, Table: Table{OneHot: []string{"city"}, Missing: MissingMean}},
		"idx":             {Format: IDX, Paths: []string{written(t, "x.gz", packed(t, idx)), written(t, "y.idx", labels)}},
		"npz":             {Format: NumPy, Paths: []string{npz, npz}, Keys: []string{"x", "y"}},
	}
}

// empty fails if a directory has something in it.
func empty(t *testing.T, dir string) {
	t.Helper()
	if list, err := os.ReadDir(dir); err != nil || len(list) > 0 {
		t.Errorf("%v is left, %v", list, err)
	}
}

// Rows that do not fit in memory are those that are read into it, bit for bit.
func TestRowsOnTheDisk(t *testing.T) {
	for name, s := range largeSpecs(t) {
		dir := t.TempDir()
		want := loaded(t, s)
		set, err := Load(t.Context(), "set", s, Room{Memory: 24 << 10, Dir: dir})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		empty(t, dir)
		if set.Source == nil || want.Source != nil {
			t.Errorf("%s: what is read is in memory, or what should be is not", name)
			continue
		}
		got, err := set.Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got.X.String() != want.X.String() || !bytes.Equal(got.X.Data, want.X.Data) || !bytes.Equal(got.Y.Data, want.Y.Data) ||
			!slices.Equal(got.Classes, want.Classes) || got.About != want.About || got.Faults() != want.Faults() || got.Weighted() != want.Weighted() {
			t.Errorf("%s: %v, %v %q %q, %d faults; want %v, %v %q %q, %d", name, got.X, got.Y, got.Classes, got.About, got.Faults(),
				want.X, want.Y, want.Classes, want.About, want.Faults())
		}
		some, err := set.Rows("some", []int{2999 - 430, 0, 7})
		if err == nil {
			some, err = some.Load(t.Context())
		}
		if err != nil || !bytes.Equal(some.X.Row(2).Data, want.X.Row(7).Data) {
			t.Errorf("%s: chosen rows are others, %v", name, err)
		}
	}
}

// The disk has no room, or cannot be used: that is said, and nothing is left.
func TestNoRoomOnTheDisk(t *testing.T) {
	for name, s := range largeSpecs(t) {
		dir := t.TempDir()
		_, err := Load(t.Context(), "set", s, Room{Memory: 24 << 10, Dir: dir, Disk: 5000})
		if tooLarge, ok := errors.AsType[*LimitError](err); !ok || tooLarge.Dir != dir || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: got %v", name, err)
		}
		empty(t, dir)
		file := written(t, "file", nil)
		_, err = Load(t.Context(), "set", s, Room{Memory: 24 << 10, Dir: file})
		if _, ok := errors.AsType[*SpoolError](err); !ok || !strings.Contains(err.Error(), "does not fit in memory, and its rows cannot be put in "+file) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	in := begin(t.Context(), Room{Memory: 10, Dir: t.TempDir()})
	s := in.spool("all", 4)
	if err := s.add(make([]byte, 12)); err != nil {
		t.Fatal(err)
	}
	s.file.Close() // as a disk that fails
	s.add(make([]byte, 4))
	if err := s.end(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// hooked calls do after each so many bytes.
type hooked struct {
	io.Reader
	left, every int
	do          func()
}

func (h *hooked) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	if h.left -= n; h.left <= 0 {
		h.left = h.every
		h.do()
	}
	return n, err
}

// However much is read, memory has what there is room for.
func TestMemoryWhileReading(t *testing.T) {
	const rows, width, room = 5000, 400, 256 << 10
	line := strings.Repeat("0.5,", width) + "1\n"
	dir := t.TempDir()
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	most := uint64(0)
	watch := func() {
		runtime.GC()
		runtime.ReadMemStats(&now)
		most = max(most, now.HeapAlloc)
		empty(t, dir)
	}
	in := begin(t.Context(), Room{Memory: room, Dir: dir})
	r := &hooked{Reader: io.MultiReader(strings.NewReader(line), &repeated{text: line, left: rows - 1}), every: 1 << 20, do: watch}
	s := &Spec{Format: CSV, Paths: []string{"t.csv"}, Table: Table{NoHeader: true}}
	b, err := tableOfText(in, r, "t.csv", s)
	if err != nil {
		t.Fatal(err)
	}
	set, err := b.set("set", s)
	if err != nil || set.Len() != rows || b.read.OnDisk() != rows*width*4 {
		t.Fatalf("%v, %d rows, %d bytes on the disk", err, set.Len(), b.read.OnDisk())
	}
	if taken := int64(most) - int64(before.HeapAlloc); taken > 2*room+4*spoolBytes {
		t.Errorf("%d bytes were taken for %d", taken, b.read.OnDisk())
	}
}

// repeated is a text that comes so often.
type repeated struct {
	text     string
	left, at int
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.at == len(r.text) {
		r.at, r.left = 0, r.left-1
	}
	if r.left <= 0 {
		return 0, io.EOF
	}
	n := copy(p, r.text[r.at:])
	r.at += n
	return n, nil
}

// A reading that is stopped ends, and what it has put on the disk is gone.
func TestReadingIsStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	dir := t.TempDir()
	in := begin(ctx, Room{Memory: 100 << 10, Dir: dir})
	line := strings.Repeat("0.5,", 100) + "1\n"
	r := &hooked{Reader: &repeated{text: line, left: 1 << 30}, left: 1 << 20, every: 1 << 30, do: cancel}
	b, err := tableOfText(in, r, "t.csv", &Spec{Table: Table{NoHeader: true}})
	if !errors.Is(err, context.Canceled) || b != nil {
		t.Errorf("got %v", err)
	}
	empty(t, dir)
	in.drop()
	if _, err := in.spools[0].file.Stat(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("the file is open: %v", err)
	}
	faulty := csvSpec(t, "a,b,c,d\n"+strings.Repeat("1,2,3,4\n", 1000)+"x,2,3,4\n", Table{})
	before := files(t)
	if _, err := Load(t.Context(), "set", faulty, Room{Memory: 10_000, Dir: dir}); err == nil || !strings.Contains(err.Error(), "line 1002") {
		t.Errorf("got %v", err)
	}
	if n := files(t); n != before {
		t.Errorf("%d files are open, and %d were before", n, before)
	}
}

// files is the number of files that this process has open, where the system tells.
func files(t *testing.T) int {
	list, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Log(err)
	}
	return len(list)
}
