package checkpoint

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
)

func sample(text string) *File {
	return &File{
		Meta: map[string]string{"what": text, "quote": "\"<\n>\" ü"},
		Arrays: []Array{
			{"dense_1.kernel", "F32", []int{2, 3}, bytes.Repeat([]byte{1, 2, 3, 4}, 6)},
			{"none", "I64", []int{0, 5}, []byte{}},
			{"step", "I32", []int{}, []byte{9, 0, 0, 0}},
			{"flags", "BOOL", []int{3}, []byte{0, 1, 1}},
		},
	}
}

func same(t *testing.T, got, want *File) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v came back as %+v", want, got)
	}
}

// written is the bytes of a file.
func written(t *testing.T, f *File) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a")
	if err := Write(path, f); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func parse(data []byte, summed bool) (*File, error) {
	return read(bytes.NewReader(data), int64(len(data)), 1<<20, summed)
}

func TestFilesComeBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.safetensors")
	if _, err := Read(path, 0); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	for _, text := range []string{"first", "second", "third"} {
		if err := Write(path, sample(text)); err != nil {
			t.Fatal(err)
		}
	}
	for p, text := range map[string]string{path: "third", Before(path): "second"} {
		f, err := Read(p, 0)
		if err != nil {
			t.Fatal(err)
		}
		same(t, f, sample(text))
		if meta, err := ReadMeta(p); err != nil || meta["what"] != text {
			t.Errorf("%v, %v", meta, err)
		}
	}
	if err := Replace(path, sample("fourth")); err != nil {
		t.Fatal(err)
	}
	if f, err := Read(Before(path), 0); err != nil || f.Meta["what"] != "second" {
		t.Errorf("Replace touched the file before: %v", err)
	}
	if _, err := Read(path, 10); err == nil || !strings.Contains(err.Error(), "are allowed") || errors.Is(err, ErrDamaged) {
		t.Errorf("more than the limit: %v", err)
	}
	if err := errors.Join(Remove(path), Remove(path)); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 0 {
		t.Errorf("%v is left", left)
	}
}

// No byte of a file can be lost, or become another one, unnoticed.
func TestDamageIsSeen(t *testing.T) {
	data := written(t, sample("x"))
	if f, err := parse(data, true); err != nil {
		t.Fatal(err)
	} else {
		same(t, f, sample("x"))
	}
	for n := range data {
		if _, err := parse(data[:n], true); !errors.Is(err, ErrDamaged) {
			t.Errorf("cut after %d of %d bytes: %v", n, len(data), err)
		}
		bad := bytes.Clone(data)
		bad[n] ^= 1
		if _, err := parse(bad, true); !errors.Is(err, ErrDamaged) {
			t.Errorf("byte %d is another one: %v", n, err)
		}
	}
	if _, err := parse(append(data, 0), true); !errors.Is(err, ErrDamaged) {
		t.Errorf("a byte more: %v", err)
	}
}

// foreign is a file as other programs write it.
func foreign(header string, data int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, data)...)
}

func TestForeignFiles(t *testing.T) {
	data := foreign(`{"b":{"dtype":"F16","shape":[2],"data_offsets":[4,8]},"__metadata__":{"format":"pt"},"a":{"dtype":"I32","shape":[],"data_offsets":[0,4]}}  `, 8)
	f, err := parse(data, false)
	if err != nil {
		t.Fatal(err)
	}
	same(t, f, &File{Meta: map[string]string{"format": "pt"}, Arrays: []Array{
		{"a", "I32", []int{}, make([]byte, 4)}, {"b", "F16", []int{2}, make([]byte, 4)}}})
	if _, err := parse(data, true); !errors.Is(err, ErrDamaged) {
		t.Errorf("without a checksum: %v", err)
	}
	entry := func(dtype, shape, offsets string) string {
		return `{"a":{"dtype":"` + dtype + `","shape":` + shape + `,"data_offsets":` + offsets + `}}`
	}
	for _, bad := range []struct {
		header string
		data   int
		text   string
	}{
		{entry("F32", "[2]", "[0,8]"), 7, "from 0 to 8 of 7"},
		{entry("F32", "[2]", "[0,8]"), 9, "take 8 bytes"},
		{entry("F32", "[2]", "[1,9]"), 9, "begins at 1"},
		{entry("F32", "[3]", "[0,8]"), 8, "takes 12 bytes"},
		{entry("F32", "[-2]", "[0,8]"), 8, "cannot have the shape"},
		{entry("F32", "[4611686018427387904,4]", "[0,0]"), 0, "cannot have the shape"},
		{entry("F32", "[1099511627776]", "[0,4398046511104]"), 8, "of 8"},
		{entry("F8_E4M3", "[8]", "[0,8]"), 8, "unknown type"},
		{entry("F32", "[2]", "[8,0]"), 8, "from 8 to 0"},
		{entry("F32", "[2]", "[-8,0]"), 8, "from -8"},
		{entry("F32", "2", "[0,8]"), 8, "cannot unmarshal"},
		{`{"__metadata__":{"a":1}}`, 0, "its texts"},
		{`[1]`, 0, "not JSON"},
		{`{"a":`, 0, "not JSON"},
	} {
		if _, err := parse(foreign(bad.header, bad.data), false); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), bad.text) {
			t.Errorf("%s: %v, want %q", bad.header, err, bad.text)
		}
	}
	long := foreign(`{}`, 0)
	binary.LittleEndian.PutUint64(long, 1<<62)
	if _, err := parse(long, false); !errors.Is(err, ErrDamaged) {
		t.Errorf("a header of 2^62 bytes: %v", err)
	}
}

func TestWhatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	if err := Write(path, sample("good")); err != nil {
		t.Fatal(err)
	}
	for text, spoil := range map[string]func(*File){
		"has 4 bytes":  func(f *File) { f.Arrays[2].Shape = []int{2} },
		"there twice":  func(f *File) { f.Arrays[1].Name, f.Arrays[1] = "step", f.Arrays[2] },
		"UTF-8":        func(f *File) { f.Meta["a"] = "\xff" },
		"unknown type": func(f *File) { f.Arrays[0].Type = "F31" },
	} {
		f := sample("bad")
		spoil(f)
		if err := Write(path, f); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%v, want %q", err, text)
		}
	}
	if err := Write(filepath.Join(dir, "none", "a"), sample("x")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
	if f, err := Read(path, 0); err != nil || f.Meta["what"] != "good" {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".a.123"+unfinished), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	Sweep(dir)
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("%v is left", left)
	}
	if _, err := Read(dir, 0); err == nil {
		t.Error("a directory was read")
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(pipe, 0); err == nil || !strings.Contains(err.Error(), "is no file") {
		t.Errorf("a pipe: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(foreign(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8))
	f.Add(foreign(`{"__metadata__":{"crc32c":"00000000"}}`, 0))
	f.Add(foreign(`{"a":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104]}}`, 8))
	dir := f.TempDir()
	if err := Write(filepath.Join(dir, "a"), sample("x")); err != nil {
		f.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "a"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := parse(data, false)
		if err != nil {
			return
		}
		delete(file.Meta, "crc32c")
		sum := int64(0)
		for _, a := range file.Arrays {
			n, err := a.bytes()
			if err != nil || n != int64(len(a.Data)) {
				t.Fatalf("%q of the shape %v has %d bytes: %v", a.Name, a.Shape, len(a.Data), err)
			}
			sum += n
		}
		if sum > int64(len(data)) {
			t.Fatalf("%d bytes of arrays out of %d", sum, len(data))
		}
		if again, err := parse(written(t, file), true); err == nil && len(again.Arrays) != len(file.Arrays) {
			t.Fatalf("%d arrays became %d", len(file.Arrays), len(again.Arrays))
		}
	})
}
