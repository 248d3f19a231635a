package nbformat

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The wanted file was written by Python's nbformat from the same notebook.
func TestEncodeWritesWhatJupyterWrites(t *testing.T) {
	n, err := Read("testdata/messy.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/messy.want")
	if err != nil {
		t.Fatal(err)
	}
	got := n.Encode()
	if !bytes.Equal(got, want) {
		a, b := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
		for i := range min(len(a), len(b)) {
			if a[i] != b[i] {
				t.Fatalf("line %d\n got %q\nwant %q", i+1, a[i], b[i])
			}
		}
		t.Fatalf("%d lines, want %d", len(a), len(b))
	}
	again, err := Parse(got)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again.Encode(), got) {
		t.Error("writing twice gives another file")
	}
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	doc := func(cells string) string {
		return `{"nbformat":4,"nbformat_minor":5,"metadata":{},"cells":` + cells + `}`
	}
	code := func(outputs string) string {
		return doc(`[{"cell_type":"code","metadata":{},"source":"","execution_count":null,"outputs":` + outputs + `}]`)
	}
	cases := []struct{ name, text, want string }{
		{"empty", " \n", "is empty"},
		{"web page", "<!DOCTYPE html><html>", "download the raw"},
		{"text", "package main", "not a JSON object"},
		{"list", "[]", "not a JSON object"},
		{"cut off", doc("[]")[:40], "cut off"},
		{"merge conflict", doc("[]") + "\n<<<<<<< HEAD", "more text behind"},
		{"other JSON", `{"name":"x"}`, "no number nbformat"},
		{"nbformat 3", `{"nbformat":3,"nbformat_minor":0,"worksheets":[]}`, "nbconvert"},
		{"nbformat 5", `{"nbformat":5,"nbformat_minor":0}`, "newer than the 4"},
		{"minor is a text", `{"nbformat":4,"nbformat_minor":"5"}`, "nbformat_minor"},
		{"no cells", `{"nbformat":4,"nbformat_minor":5,"metadata":{}}`, "no list of cells"},
		{"metadata is a list", `{"nbformat":4,"nbformat_minor":5,"metadata":[],"cells":[]}`, "metadata"},
		{"cell is a number", doc("[1]"), "cell 1 is not an object"},
		{"cell without a type", doc(`[{"source":""}]`), "type <nil>"},
		{"cell type", doc(`[{"cell_type":"heading","source":""}]`), "heading"},
		{"source is a number", doc(`[{"cell_type":"raw","source":""},{"cell_type":"raw","source":7}]`), "cell 2 has a source"},
		{"source holds a number", doc(`[{"cell_type":"raw","source":["a",7]}]`), "a source"},
		{"cell metadata", doc(`[{"cell_type":"raw","source":"","metadata":7}]`), "metadata"},
		{"outputs is an object", code(`{}`), "outputs"},
		{"output is a text", code(`["x"]`), "not an object"},
		{"output type", code(`[{"output_type":"pyout"}]`), "pyout"},
		{"stream without text", code(`[{"output_type":"stream","name":"stdout"}]`), "without a text"},
		{"display without data", code(`[{"output_type":"display_data"}]`), "without data"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse([]byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want a word about %q", err, c.want)
			}
		})
	}
}

func TestReadRefusesWhatIsTooLarge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "big.ipynb")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	// A sparse file: it takes no room on the disk.
	if err := os.Truncate(path, MaxBytes+10); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); err == nil || !strings.Contains(err.Error(), "clear its outputs") {
		t.Errorf("got %v", err)
	}
	if _, err := Read(filepath.Join(t.TempDir(), "no.ipynb")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

func TestNewCellsGetIDs(t *testing.T) {
	n := New()
	n.Add(Markdown, "# T")
	n.Add(Code, "x")
	n.Add(Code, "x")
	first := n.Encode()
	seen := map[string]bool{}
	for _, c := range n.Cells() {
		if len(c.ID()) != 8 || seen[c.ID()] {
			t.Errorf("id %q", c.ID())
		}
		seen[c.ID()] = true
	}
	if !bytes.Equal(n.Encode(), first) {
		t.Error("the ids change")
	}
	if _, err := Parse(first); err != nil {
		t.Error(err)
	}
}

func TestFormat44KeepsCellsWithoutIDs(t *testing.T) {
	n, err := Parse([]byte(`{"nbformat":4,"nbformat_minor":4,"metadata":{},"cells":[{"cell_type":"raw","metadata":{},"source":"x"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(n.Encode(), []byte(`"id"`)) {
		t.Error("format 4.4 has no ids")
	}
}

func TestWriteLeavesNoHalfFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "n.ipynb")
	if err := os.WriteFile(path, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	n := New()
	if err := n.Write(path); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(path); !bytes.Equal(b, n.Encode()) {
		t.Error("the file was not replaced")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v; want that of the old file", info.Mode(), err)
	}
	// A folder in the place of the file cannot be replaced.
	other := filepath.Join(dir, "folder")
	if err := os.MkdirAll(filepath.Join(other, "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := n.Write(other); err == nil || !strings.Contains(err.Error(), "nothing was changed") {
		t.Errorf("got %v", err)
	}
	if err := n.Write(filepath.Join(dir, "missing", "n.ipynb")); err == nil || !strings.Contains(err.Error(), "another folder") {
		t.Errorf("got %v", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("left behind: %v", entries)
	}
}

func FuzzParse(f *testing.F) {
	if b, err := os.ReadFile("testdata/messy.ipynb"); err == nil {
		f.Add(b)
	}
	f.Add([]byte(`{"nbformat":4,"nbformat_minor":5,"cells":[{"cell_type":"code","source":"x"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := Parse(b)
		if err != nil {
			return
		}
		text := n.Encode()
		again, err := Parse(text)
		if err != nil {
			t.Fatalf("cannot read what was written: %v\n%s", err, text)
		}
		if !bytes.Equal(again.Encode(), text) {
			t.Fatalf("writing twice gives another file\n%s", text)
		}
	})
}
