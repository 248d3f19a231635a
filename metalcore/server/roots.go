package server

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/metalnb/metalnb/metalcore/runtime"
)

// Roots are the folders that a core reads a client's files from, and writes them to;
// nil is any. Every path that comes over the wire goes through Resolve, or Place. Tensors that are handed over
// have names, and no paths; see wire.OpenExchanged.
type Roots []string

// Resolve returns the path without links, when it leads into one of the roots. A
// file that is not there is left to whoever opens it, and of those elsewhere nothing
// is told.
func (r Roots) Resolve(path string) (string, error) {
	if !filepath.IsAbs(path) {
		return "", &runtime.Error{Code: runtime.BadRequest, Message: "the path " + path + " is not absolute"}
	}
	if r == nil {
		return path, nil
	}
	path = filepath.Clean(path)
	if !r.hold(path, filepath.Clean) {
		return "", r.refusal(path)
	}
	real, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return path, nil
	}
	if err != nil || !r.hold(real, resolved) {
		return "", r.refusal(path)
	}
	return real, nil
}

// Place is Resolve for a file that is to be written: in the place of what is there,
// be it a link.
func (r Roots) Place(path string) (string, error) {
	dir, err := r.Resolve(filepath.Dir(path))
	return filepath.Join(dir, filepath.Base(path)), err
}

// hold reports whether a path is one of the roots, in the form that of gives them,
// or below one.
func (r Roots) hold(path string, of func(string) string) bool {
	for _, root := range r {
		if below, err := filepath.Rel(of(root), path); err == nil && filepath.IsLocal(below) {
			return true
		}
	}
	return false
}

// resolved is a root without links.
func resolved(root string) string {
	if real, err := filepath.EvalSymlinks(root); err == nil {
		return real
	}
	return root
}

func (r Roots) refusal(path string) error {
	where := "it uses none"
	if len(r) > 0 {
		where = "it uses those in " + strings.Join(r, " and ")
	}
	return &runtime.Error{Code: runtime.BadRequest, Message: fmt.Sprintf("this core may not use the file %s: %s", path, where),
		Remedy: "the core's `metalnb core --data` names the folders; or read the file in the cell, and pass its numbers to nb.Data; t.Checkpoint needs no path"}
}
