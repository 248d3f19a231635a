package server_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/metalnb/metalnb/metalcore/server"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// No path leads out of the roots, by dots or by links.
func TestRoots(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"data/in.csv", "data/deep/in.csv", "data-of-others/out.csv", "out.csv"} {
		path := filepath.Join(dir, name)
		os.MkdirAll(filepath.Dir(path), 0o700)
		if err := os.WriteFile(path, []byte("x,y\n1,2\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{
		"data/file": "../out.csv", "data/folder": "..", "data/inner": "deep/in.csv", "data/loop": "loop", "data/far": dir + "/out.csv", "also": "data",
	} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	data := server.Roots{filepath.Join(dir, "data")}
	for _, c := range []struct {
		roots server.Roots
		path  string
		want  string // within dir; refused when empty
	}{
		{data, "data/in.csv", "data/in.csv"},
		{data, "data", "data"},
		{data, "data/deep/../in.csv", "data/in.csv"},
		{data, "data/inner", "data/deep/in.csv"},
		{data, "data/none.csv", "data/none.csv"},
		{data, "data/../out.csv", ""},
		{data, "out.csv", ""},
		{data, "data-of-others/out.csv", ""},
		{data, "data/file", ""},
		{data, "data/far", ""},
		{data, "data/folder/out.csv", ""},
		{data, "data/folder/data/in.csv", "data/in.csv"}, // back in again
		{data, "data/loop", ""},
		{server.Roots{}, "data/in.csv", ""},
		{server.Roots{filepath.Join(dir, "also")}, "also/in.csv", "data/in.csv"}, // a root may be a link
		{server.Roots{filepath.Join(dir, "also")}, "also/far", ""},
		{nil, "out.csv", "out.csv"},
	} {
		got, err := c.roots.Resolve(filepath.Join(dir, "x") + "/../" + c.path)
		if c.want == "" {
			if err == nil || strings.Contains(err.Error(), "no such file") {
				t.Errorf("%s in %v: %s, %v", c.path, c.roots, got, err)
			}
		} else if err != nil || filepath.Clean(got) != filepath.Join(dir, c.want) {
			t.Errorf("%s in %v: %s, %v", c.path, c.roots, got, err)
		}
	}
	for path, want := range map[string]string{
		"data/new": "data/new", "data/in.csv": "data/in.csv", "data/file": "data/file", "also/new": "", "data/deep/new": "data/deep/new",
		"new": "", "data/../new": "", "data/folder/new": "", "data/folder/data/new": "data/new", "data/loop/new": "",
	} {
		got, err := data.Place(filepath.Join(dir, path))
		if want == "" && err == nil || want != "" && (err != nil || got != filepath.Join(dir, want)) {
			t.Errorf("%s may be written as %q, %v", path, got, err)
		}
	}
	for _, path := range []string{"", "in.csv", "../data/in.csv", "~/in.csv"} {
		if _, err := data.Resolve(path); err == nil {
			t.Errorf("%q is taken", path)
		}
	}
}

// Files are read and written within the roots only.
func TestFilesOutsideTheRoots(t *testing.T) {
	c := start(t)
	conn := client(t, c)
	file := filepath.Join(t.TempDir(), "in.csv")
	if err := os.WriteFile(file, []byte("a,b\n1,2\n3,4\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	req := &wire.LoadData{Name: "table", Format: "csv", Paths: []string{file}, Label: "b"}
	call[wire.DataInfo](t, conn, req)
	call[wire.Declared](t, conn, iris("a"))
	save := &wire.Save{Trainer: "a", Path: filepath.Join(filepath.Dir(file), "a.safetensors")}
	restore := &wire.Restore{Trainer: "a", Path: save.Path}
	call[wire.Checkpoints](t, conn, save)
	call[wire.Trained](t, conn, restore)
	for mode, path := range map[os.FileMode]string{0o400: "kept", os.ModeDir: "folder", os.ModeSymlink: "link"} {
		path = filepath.Join(filepath.Dir(file), path+".safetensors")
		switch mode {
		case os.ModeDir:
			os.Mkdir(path, 0o700)
		case os.ModeSymlink:
			os.Symlink(file, path)
		default:
			os.WriteFile(path, []byte("mine"), mode)
		}
		refused(t, conn, &wire.Save{Trainer: "a", Path: path}, wire.CodeBadRequest, path, "may be replaced")
	}
	pipe := filepath.Join(filepath.Dir(file), "pipe.safetensors")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, conn, &wire.Restore{Trainer: "a", Path: pipe}, wire.CodeBadRequest, "is no file")
	refused(t, conn, &wire.LoadData{Name: "pipe", Format: "csv", Paths: []string{pipe}, Label: "b"}, wire.CodeData, "neither a file nor")
	if err := c.End(); err != nil {
		t.Fatal(err)
	}
	c.Roots = server.Roots{filepath.Dir(filepath.Dir(file)) + "/elsewhere"}
	if err := c.Begin(); err != nil {
		t.Fatal(err)
	}
	conn = client(t, c)
	refused(t, conn, req, wire.CodeBadRequest, file, "elsewhere", "--data", "nb.Data")
	call[wire.Declared](t, conn, iris("a"))
	for _, req := range []wire.Message{save, restore} {
		refused(t, conn, req, wire.CodeBadRequest, "elsewhere", "t.Checkpoint")
	}
	out := t.TempDir()
	if err := os.MkdirAll(c.Roots[0], 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(out, filepath.Join(c.Roots[0], "link")); err != nil {
		t.Fatal(err)
	}
	beyond := filepath.Join(c.Roots[0], "link", "deep", "a.safetensors")
	refused(t, conn, &wire.Save{Trainer: "a", Name: "best", Path: beyond}, wire.CodeBadRequest, "a name or a path")
	refused(t, conn, &wire.Save{Trainer: "a", Path: beyond}, wire.CodeResource, "is not written")
	if list, err := os.ReadDir(out); len(list) > 0 || err != nil {
		t.Errorf("beyond a link lie %v, %v", list, err)
	}
}
