package compile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
)

// What the environment may ask of every compilation.
const (
	// EnvSkip names passes to leave out, separated by commas: "fuse,schedule".
	EnvSkip = "METALNB_SKIP"
	// EnvDump names a directory; the graph after each pass is written there, a
	// file for each, numbered in the order of the compilations.
	EnvDump = "METALNB_DUMP"
)

// environ adds what the environment asks for, and returns the directory for
// dumps, empty for none.
func (o *Options) environ() (dir string) {
	if list := os.Getenv(EnvSkip); list != "" {
		o.Skip = append(o.Skip[:len(o.Skip):len(o.Skip)], strings.Split(list, ",")...)
	}
	dir = os.Getenv(EnvDump)
	o.Dump = o.Dump || dir != ""
	return dir
}

var dumps atomic.Int64 // the number of the last compilation that was dumped

// save writes the dumps of all passes to a directory.
func (r *Report) save(dir string) error {
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("compile: %s: %w", EnvDump, err)
	}
	number := dumps.Add(1)
	for i, p := range r.Passes {
		name := fmt.Sprintf("%04d-%d-%s.txt", number, i+1, p.Name)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(p.line()+p.Text), 0o644); err != nil {
			return fmt.Errorf("compile: %s: %w", EnvDump, err)
		}
	}
	return nil
}
