// Package load reads files into sets: tables (csv.go, parquet.go, table.go),
// arrays of NumPy (npy.go), images in the format of MNIST (idx.go) and folders of
// pictures (images.go).
//
// Files come from anywhere. What they say of their sizes is checked against what
// there is, and against a limit, before memory is taken for it; and memory is
// taken as data comes. An error names the file and the line or row.
//
// Rows that are too many for memory go to a file of the core's as they come
// (spool.go), and are read from there when they are needed. Those of images and of
// .npy files stay where they are.
package load

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/metalnb/metalnb/metalcore/feed"
)

// The formats.
const (
	CSV     = "csv"
	Parquet = "parquet"
	NumPy   = "numpy"
	IDX     = "idx"
	Images  = "images"
)

// Spec says which files are read, and how.
type Spec struct {
	Format string
	Paths  []string // of x and y; one of a table or a folder
	Keys   []string // of x and y within an .npz, or two
	Table  Table
	Images Pictures
	// Classes names the classes of labels that are numbers.
	Classes []string
	// Skip leaves out rows that cannot be read, and counts them.
	Skip bool
	// Lazy leaves rows where they are until they are needed, also if they
	// would fit in memory; without it only those that do not fit.
	Lazy bool
}

// Load reads a set. Of its rows no more are in memory than there is room for; the
// labels all are.
func Load(ctx context.Context, name string, s Spec, room Room) (set *feed.Set, err error) {
	readers := map[string]func(*reading, string, *Spec) (*feed.Set, error){
		CSV: readCSV, Parquet: readParquet, NumPy: readNumPy, IDX: readIDX, Images: readImages}
	read := readers[s.Format]
	if read == nil {
		return nil, fmt.Errorf("there is no format %q", s.Format)
	}
	if want := len(s.Paths); want != 1 && s.single() || want != 2 && !s.single() {
		return nil, fmt.Errorf("%s: %d paths", s.Format, want)
	}
	in := begin(ctx, room)
	defer func() {
		if set == nil || set.Source == nil {
			in.drop()
		}
	}()
	if set, err = read(in, name, &s); err != nil {
		return nil, plain(err)
	}
	if set.Source == nil || s.Lazy || room.Memory > 0 && set.Bytes() > room.Memory {
		return set, nil
	}
	return set.Load(ctx)
}

func (s *Spec) single() bool { return s.Format == CSV || s.Format == Parquet || s.Format == Images }

// plain says of a file that is not there what a user can do.
func plain(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok && errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no %s: a path that begins with no / is looked for beside the notebook", p.Path)
	}
	return err
}

// LimitError says that data is larger than it may be.
type LimitError struct {
	What        string
	Size, Limit int64
	Dir         string // which has a part of the room; empty for what must be in memory
}

func (e *LimitError) Error() string {
	where := "it"
	if e.Dir != "" {
		where = "it, in memory and in " + e.Dir
	}
	return fmt.Sprintf("%s takes %.3g GB, and there are %.3g GB at most for %s", e.What, float64(e.Size)/1e9, float64(e.Limit)/1e9, where)
}

// Stamp tells whether files and settings are those of another time: by names,
// sizes and times of change.
func (s Spec) Stamp() (string, error) {
	h := fnv.New128a()
	fmt.Fprintf(h, "%#v", s)
	add := func(path string, info fs.FileInfo) {
		fmt.Fprintf(h, "%q %d %d\n", path, info.Size(), info.ModTime().UnixNano())
	}
	for _, path := range s.Paths {
		info, err := os.Stat(path)
		if err != nil {
			return "", plain(err)
		}
		if !info.IsDir() && !info.Mode().IsRegular() { // a pipe, whose opening may wait for ever
			return "", fmt.Errorf("%s is neither a file nor a folder", base(path))
		}
		if add(path, info); !info.IsDir() {
			continue
		}
		err = filepath.WalkDir(path, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			info, err := d.Info()
			if err == nil {
				add(path, info)
			}
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}

// base is how errors call a file.
func base(path string) string { return filepath.Base(path) }

// rows is an array whose elements lie in a file where they do not fit in memory.
type rows struct {
	feed.Array
	in *spool
}

// pair makes a set of arrays x and y, x with at least one number in a row.
func pair(name string, s *Spec, x rows, y feed.Array) (set *feed.Set, err error) {
	if len(x.Shape) == 1 {
		x.Shape = append(x.Shape, 1)
	}
	if x.in.file == nil {
		set, err = feed.NewSet(name, x.Array, y, s.Classes)
	} else {
		set, err = feed.NewSourced(name, x.in, x.Array, y, s.Classes)
	}
	if err != nil {
		return nil, err
	}
	set.Skip, set.About = s.Skip, about(s)
	return set, nil
}

func about(s *Spec) string {
	var names []string
	for _, p := range s.Paths {
		names = append(names, base(p))
	}
	return "read from " + strings.Join(names, " and ")
}
