package kernelext

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/metalnb/metalnb/kernelext/nbformat"
)

// The test binary is also the metalnb that an installed kernel starts.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "kernel" {
		fmt.Fprintln(os.Stderr, Kernel(context.Background(), KernelOptions{ConnectionFile: os.Args[2], GoWork: ModuleRoot()}))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

var buildTools = sync.OnceValues(func() (Toolset, error) { return Tools(context.Background(), nil) })

// write makes a notebook of code cells and runs from its folder.
func write(t *testing.T, cells ...string) string {
	t.Helper()
	if _, err := buildTools(); err != nil {
		t.Fatal(err)
	}
	n := nbformat.New()
	for _, c := range cells {
		n.Add(nbformat.Code, c)
	}
	path := filepath.Join(t.TempDir(), "book.ipynb")
	if err := n.Write(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// private gives the test a folder for temporary files and fails it when something is left there.
func private(t *testing.T) {
	t.Helper()
	dir, err := os.MkdirTemp("", "kx")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", dir)
	t.Cleanup(func() {
		defer os.RemoveAll(dir)
		var left []os.DirEntry
		for range 100 {
			if left, err = os.ReadDir(dir); err == nil && len(left) == 0 || onlyPipes(left) {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Errorf("left behind: %v, %v", left, err)
	})
}

// onlyPipes says whether all that is left are a killed gonb's pipes, which can be found on Linux only.
func onlyPipes(left []os.DirEntry) bool {
	for _, e := range left {
		if runtime.GOOS == "linux" || e.Type() != os.ModeNamedPipe {
			return false
		}
	}
	return len(left) > 0
}

// output returns the text of all outputs of a code cell, counted from 1.
func output(n *nbformat.Notebook, number int) string {
	text := ""
	for _, o := range n.Cells()[number-1].Outputs() {
		text += nbformat.Text(o["text"])
		if data, ok := o["data"].(nbformat.Object); ok {
			text += nbformat.Text(data["text/plain"])
		}
	}
	return text
}
