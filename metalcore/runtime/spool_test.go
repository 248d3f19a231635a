package runtime

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/feed/load"
)

// A table that does not fit in memory trains, comes back from the journal and
// trains on as one that does, bit for bit. No file is left of it.
func TestTableLargerThanMemory(t *testing.T) {
	const rows = 6000
	var text strings.Builder
	text.WriteString("a,b,c,d,kind\n")
	for i := range rows {
		fmt.Fprintf(&text, "%d,%d,0.%d,1,%c\n", i%7, i%5, i%11, 'x'+i%3)
	}
	path := filepath.Join(t.TempDir(), "t.csv")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	spec := load.Spec{Format: load.CSV, Paths: []string{path}}
	train := func(limit int64) string {
		dir, spool := t.TempDir(), filepath.Join(t.TempDir(), "spool")
		begin := func() (*Core, *Session) {
			c := New(cpu.New(1))
			c.Bound(MemoryOptions{Limit: limit, Spool: spool})
			c.Keep(JournalOptions{Dir: dir, Every: time.Hour, Declaration: declaration, Log: t.Logf})
			s, _ := c.Join("notebook")
			return c, s
		}
		if err := os.MkdirAll(filepath.Join(spool, "rows-of-one-that-was-killed"), 0o700); err != nil {
			t.Fatal(err)
		}
		c, s := begin()
		if err := s.LoadData(t.Context(), "mine", spec); err != nil {
			t.Fatal(err)
		}
		tr := keptTrainer(t, s, "0.01 mine", "created")
		if onDisk := tr.Spec().Data.Source != nil; onDisk != (limit > 0) {
			t.Errorf("with a limit of %d the rows are on the disk: %v", limit, onDisk)
		}
		finish(t, tr, 1)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		c, s = begin()
		defer c.Close()
		tr, err := s.Trainer("a")
		if err != nil {
			t.Fatal(err)
		}
		finish(t, tr, 1)
		if list, err := os.ReadDir(spool); err != nil || len(list) > 0 {
			t.Errorf("%v is left, %v", list, err)
		}
		return numbersOf(t, tr)
	}
	if train(256<<10) != train(0) {
		t.Error("the two trained to other numbers")
	}
	c := New(cpu.New(1))
	defer c.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c.Bound(MemoryOptions{Limit: 256 << 10, Spool: filepath.Join(file, "spool")})
	s, _ := c.Join("notebook")
	fails(t, s.LoadData(t.Context(), "mine", spec), Resource, "t.csv does not fit in memory", file, "free some space for", "METALNB_DIR")
}
