package nbformat

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// MaxBytes is the size of the largest notebook file that is read.
const MaxBytes = 256 << 20

var errTooLarge = fmt.Errorf("is larger than %d MB: clear its outputs in Jupyter first", MaxBytes>>20)

// Object is a JSON object as encoding/json decodes it, with numbers as json.Number.
type Object = map[string]any

// Notebook is a notebook in memory. Cells and metadata can be changed in place.
type Notebook struct {
	root  Object
	cells []*Cell
}

// Cell is one cell of a notebook.
type Cell struct {
	raw    Object
	source string
}

// The types of cells.
const (
	Code     = "code"
	Markdown = "markdown"
	Raw      = "raw"
)

// New returns an empty notebook of format 4.5.
func New() *Notebook {
	return &Notebook{root: Object{
		"nbformat": json.Number("4"), "nbformat_minor": json.Number("5"), "metadata": Object{},
	}}
}

// Add appends a cell of the given type.
func (n *Notebook) Add(kind, source string) *Cell {
	c := &Cell{source: source, raw: Object{"cell_type": kind, "metadata": Object{}}}
	if kind == Code {
		c.raw["execution_count"] = nil
		c.raw["outputs"] = []any{}
	}
	n.cells = append(n.cells, c)
	return c
}

// Read reads a notebook file.
func Read(path string) (*Notebook, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the notebook: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("cannot read the notebook: %w", err)
	}
	if info.Size() > MaxBytes {
		return nil, fmt.Errorf("%s %w", path, errTooLarge)
	}
	b, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read the notebook: %w", err)
	}
	n, err := Parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s %w", path, err)
	}
	return n, nil
}

// Parse parses the text of a notebook. Its errors say what the text is instead and what to do about it.
func Parse(b []byte) (*Notebook, error) {
	if len(b) > MaxBytes {
		return nil, errTooLarge
	}
	trimmed := bytes.TrimSpace(bytes.TrimPrefix(b, []byte("\ufeff")))
	switch {
	case len(trimmed) == 0:
		return nil, errors.New("is empty: a notebook is a JSON object, make one in Jupyter or copy an example")
	case trimmed[0] == '<':
		return nil, errors.New("is a web page and not a notebook: download the raw .ipynb file")
	}
	var root Object
	d := json.NewDecoder(bytes.NewReader(trimmed))
	d.UseNumber()
	if err := d.Decode(&root); err != nil {
		return nil, fmt.Errorf("is not a notebook: it is not a JSON object (%w); was it cut off or merged by hand?", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("is not a notebook: there is more text behind the JSON object")
	}
	n := &Notebook{root: root}
	return n, n.check()
}

// check holds the structure against what the rest of the package relies on.
func (n *Notebook) check() error {
	major, ok := number(n.root["nbformat"])
	switch {
	case !ok:
		return errors.New("is not a notebook: it has no number nbformat")
	case major < 4:
		return fmt.Errorf("has nbformat %d, which Jupyter wrote before 2015: convert it with "+
			"jupyter nbconvert --to notebook --nbformat 4", major)
	case major > 4:
		return fmt.Errorf("has nbformat %d, newer than the 4 that is understood here: save it as nbformat 4", major)
	}
	if _, ok := number(n.root["nbformat_minor"]); !ok {
		return errors.New("is not a notebook: it has no number nbformat_minor")
	}
	if n.root["metadata"] == nil {
		n.root["metadata"] = Object{}
	}
	if _, ok := n.root["metadata"].(Object); !ok {
		return errors.New("is not a notebook: its metadata is not an object")
	}
	cells, ok := n.root["cells"].([]any)
	if !ok {
		return errors.New("is not a notebook: it has no list of cells")
	}
	delete(n.root, "cells")
	for i, v := range cells {
		c, err := parseCell(v)
		if err != nil {
			return fmt.Errorf("is damaged: cell %d %w; open it in Jupyter to repair it", i+1, err)
		}
		n.cells = append(n.cells, c)
	}
	return nil
}

func parseCell(v any) (*Cell, error) {
	raw, ok := v.(Object)
	if !ok {
		return nil, errors.New("is not an object")
	}
	kind, _ := raw["cell_type"].(string)
	if kind != Code && kind != Markdown && kind != Raw {
		return nil, fmt.Errorf("has the type %v, want code, markdown or raw", raw["cell_type"])
	}
	source, ok := joined(raw["source"])
	if !ok {
		return nil, errors.New("has a source that is neither a text nor a list of lines")
	}
	delete(raw, "source")
	if raw["metadata"] == nil {
		raw["metadata"] = Object{}
	}
	if _, ok := raw["metadata"].(Object); !ok {
		return nil, errors.New("has metadata that is not an object")
	}
	if kind == Code {
		if err := checkOutputs(raw); err != nil {
			return nil, err
		}
	}
	return &Cell{raw: raw, source: source}, nil
}

func checkOutputs(raw Object) error {
	if raw["outputs"] == nil {
		raw["outputs"] = []any{}
	}
	if _, ok := raw["execution_count"]; !ok {
		raw["execution_count"] = nil
	}
	list, ok := raw["outputs"].([]any)
	if !ok {
		return errors.New("has outputs that are not a list")
	}
	for _, v := range list {
		o, ok := v.(Object)
		if !ok {
			return errors.New("has an output that is not an object")
		}
		switch kind, _ := o["output_type"].(string); kind {
		case "stream":
			if _, ok := joined(o["text"]); !ok {
				return errors.New("has a stream output without a text")
			}
		case "display_data", "execute_result":
			if _, ok := o["data"].(Object); !ok {
				return fmt.Errorf("has a %s output without data", kind)
			}
		case "error":
		default:
			return fmt.Errorf("has an output of the type %v", o["output_type"])
		}
	}
	return nil
}

// Cells returns the cells in order.
func (n *Notebook) Cells() []*Cell { return n.cells }

// Metadata returns the notebook's own metadata, such as kernelspec and language_info.
func (n *Notebook) Metadata() Object { return n.root["metadata"].(Object) }

// Language returns the name of the language that the notebook says it is in, "" if it does not.
func (n *Notebook) Language() string {
	for _, key := range []string{"kernelspec", "language_info"} {
		o, _ := n.Metadata()[key].(Object)
		field := map[string]string{"kernelspec": "language", "language_info": "name"}[key]
		if s, _ := o[field].(string); s != "" {
			return s
		}
	}
	return ""
}

// Type returns Code, Markdown or Raw.
func (c *Cell) Type() string { return c.raw["cell_type"].(string) }

// ID returns the cell's id, "" when it has none yet.
func (c *Cell) ID() string {
	id, _ := c.raw["id"].(string)
	return id
}

// Source returns the cell's text.
func (c *Cell) Source() string { return c.source }

// Metadata returns the cell's metadata.
func (c *Cell) Metadata() Object { return c.raw["metadata"].(Object) }

// Count returns the execution count of a code cell, 0 when it has not run.
func (c *Cell) Count() int {
	n, _ := number(c.raw["execution_count"])
	return n
}

// Outputs returns the outputs of a code cell. Texts in them may be strings or lists of lines: see Text.
func (c *Cell) Outputs() []Object {
	list, _ := c.raw["outputs"].([]any)
	out := make([]Object, len(list))
	for i, v := range list {
		out[i] = v.(Object)
	}
	return out
}

// Attachments returns the pictures that a markdown cell carries: file name to MIME bundle.
func (c *Cell) Attachments() Object {
	a, _ := c.raw["attachments"].(Object)
	return a
}

// Text returns a text that nbformat stores as a string or as a list of lines, "" for anything else.
func Text(v any) string {
	s, _ := joined(v)
	return s
}

// addIDs gives each cell without an id one, as format 4.5 wants. It depends on nothing but the notebook.
func (n *Notebook) addIDs() {
	if minor, _ := number(n.root["nbformat_minor"]); minor < 5 {
		return
	}
	used := map[string]bool{}
	for _, c := range n.cells {
		used[c.ID()] = true
	}
	for i, c := range n.cells {
		for try := 0; c.ID() == ""; try++ {
			sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %s", i, try, c.source))
			if id := hex.EncodeToString(sum[:4]); !used[id] {
				c.raw["id"] = id
				used[id] = true
			}
		}
	}
}

// Write stores the notebook, whole or not at all: a file that is already there is replaced only when all is written.
func (n *Notebook) Write(path string) error {
	return WriteFile(path, n.Encode())
}

// WriteFile replaces a file by content in one step, so that a full disk leaves the old file and no half one.
func WriteFile(path string, content []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("cannot write %s: %w; choose another folder or file", path, err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
			err = fmt.Errorf("cannot write %s: %w; nothing was changed", path, err)
		}
	}()
	if _, err = f.Write(content); err != nil {
		return err
	}
	mode := os.FileMode(0o644)
	if old, err := os.Stat(path); err == nil {
		mode = old.Mode().Perm()
	}
	if err = f.Chmod(mode); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func number(v any) (int, bool) {
	switch x := v.(type) {
	case json.Number:
		n, err := x.Int64()
		return int(n), err == nil
	case int:
		return x, true
	}
	return 0, false
}

func joined(v any) (string, bool) {
	switch x := v.(type) {
	case string:
		return x, true
	case []any:
		var b strings.Builder
		for _, line := range x {
			s, ok := line.(string)
			if !ok {
				return "", false
			}
			b.WriteString(s)
		}
		return b.String(), true
	}
	return "", false
}
