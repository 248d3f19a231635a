package nb

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// Table says how the columns of a table become x and y.
type Table struct {
	Label    string   // the column of y; the last one
	Columns  []string // of x, in this order; all others
	OneHot   []string // columns of words, of which each becomes a column of 0 and 1
	Missing  Missing  // what is done where a number is missing: that is an error
	Numbers  bool     // whole numbers as labels are targets of a regression, not classes
	NoHeader bool     // CSV: the first line has no names; columns are called "1", "2", ...
	Comma    string   // CSV: what separates fields; found out
	Skip     bool     // leave out rows that cannot be read; DataInfo.Skipped counts them
}

// Missing says what is done with a row in which something is missing: a field
// that is empty, NA, NaN, null or ?.
type Missing string

// What can be done with it, beside being an error.
const (
	MissingSkip Missing = "skip" // leave the row out
	MissingMean Missing = "mean" // take the mean of the column
)

// CSV is the data of a table of text with names in its first line, packed by
// gzip or not. The last column is y: words and whole numbers are classes, unless
// these are more than a thousand different ones; other numbers are targets. The
// core reads the file, when the data is first used, and again when it has
// changed. Rows that do not fit in memory go to a file of the core's meanwhile,
// which is gone with the data. A path that is not absolute begins at the
// notebook's folder.
func CSV(path string) *Dataset { return CSVWith(path, Table{}) }

// CSVWith is CSV with all settings.
func CSVWith(path string, c Table) *Dataset { return c.files("csv", path) }

// Parquet is the data of a table in a Parquet file, with flat columns. See CSV.
func Parquet(path string) *Dataset { return ParquetWith(path, Table{}) }

// ParquetWith is Parquet with all settings.
func ParquetWith(path string, c Table) *Dataset { return c.files("parquet", path) }

func (c Table) files(format, path string) *Dataset {
	return files(wire.LoadData{Format: format, Paths: []string{path}, Skip: c.Skip, Label: c.Label, Columns: c.Columns, OneHot: c.OneHot,
		Missing: string(c.Missing), Numbers: c.Numbers, NoHeader: c.NoHeader, Comma: c.Comma})
}

// Arrays are the settings of data in files of arrays.
type Arrays struct {
	Classes []string // names of the classes, of labels that are whole numbers
	Lazy    bool     // NumPyWith: leave the rows of x in the file until they are needed, also if they fit in memory
}

// NumPy is the data of two files that numpy.save wrote: x with a row for each
// example, y with its label or target. All types of numbers and both byte orders
// can be read; they become f32, i32, i64, f16, u8 or bool, what holds them best.
// Of an x that is too large for memory, rows are read when they are needed.
func NumPy(x, y string) *Dataset { return NumPyWith(x, y, Arrays{}) }

// NumPyWith is NumPy with all settings.
func NumPyWith(x, y string, c Arrays) *Dataset {
	return files(wire.LoadData{Format: "numpy", Paths: []string{x, y}, Classes: c.Classes, Lazy: c.Lazy})
}

// NPZ is the data of two arrays in a file that numpy.savez wrote. Large ones are
// kept as those of CSV.
func NPZ(path, x, y string, classes ...string) *Dataset {
	return files(wire.LoadData{Format: "numpy", Paths: []string{path, path}, Keys: []string{x, y}, Classes: classes})
}

// IDX is the data of two files as those of MNIST, packed by gzip or not: images
// [N, height, width], which become u8 [N, height, width, 1], and labels [N]. Large
// ones are kept as those of CSV.
func IDX(images, labels string, classes ...string) *Dataset {
	return files(wire.LoadData{Format: "idx", Paths: []string{images, labels}, Classes: classes})
}

// Pictures are the settings of ImagesWith.
type Pictures struct {
	Height, Width int  // what all are scaled to, bicubic; all must have the size of the first one when 0
	Gray          bool // one channel instead of three
	Skip          bool // leave out those that cannot be read; DataInfo.Skipped counts them
	Lazy          bool // leave them in their files until they are needed, also if they fit in memory
}

// Images is the data of a folder of pictures, PNG or JPEG, with a folder in it
// for each class, which it names. They become u8 [N, height, width, 3] and all
// must have one size. Photos stand upright, as their Exif says. What does not fit
// in memory is read when it is needed, by several goroutines and ahead of the steps
// of training.
func Images(dir string) *Dataset { return ImagesWith(dir, Pictures{}) }

// ImagesWith is Images with all settings.
func ImagesWith(dir string, c Pictures) *Dataset {
	return files(wire.LoadData{Format: "images", Paths: []string{dir}, Skip: c.Skip, Lazy: c.Lazy, Height: c.Height, Width: c.Width, Gray: c.Gray})
}

// files is data that the core reads.
func files(msg wire.LoadData) *Dataset {
	for i, path := range msg.Paths {
		if path == "" {
			argument("give the path of a file", "%s: a path is empty", msg.Format)
		}
		full, err := filepath.Abs(path)
		must(err)
		msg.Paths[i] = full
	}
	msg.Name = nameOf(&msg)
	return brought(msg.Name, func() error {
		_, err := call[wire.DataInfo](&msg)
		return err
	})
}

// nameOf is made of the names of the files and of the settings that are not those
// of the zero value, so that files that are read in two ways are two sets.
func nameOf(m *wire.LoadData) string {
	var parts []string
	for i, path := range m.Paths {
		if i == 0 || path != m.Paths[0] {
			parts = append(parts, shortPath(path))
		}
	}
	for _, setting := range []struct {
		name  string
		value any
	}{
		{"keys", m.Keys}, {"classes", m.Classes}, {"skip", m.Skip}, {"lazy", m.Lazy}, {"label", m.Label}, {"columns", m.Columns},
		{"onehot", m.OneHot}, {"missing", m.Missing}, {"numbers", m.Numbers}, {"noheader", m.NoHeader}, {"comma", m.Comma},
		{"height", m.Height}, {"width", m.Width}, {"gray", m.Gray},
	} {
		if text := fmt.Sprint(setting.value); text != "" && text != "[]" && text != "false" && text != "0" {
			parts = append(parts, setting.name+"="+text)
		}
	}
	return strings.Join(parts, " ")
}

// shortPath is a path as seen from the folder of the program, if it is below.
func shortPath(path string) string {
	dir, err := os.Getwd()
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}
