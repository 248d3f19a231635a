package load

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/metalnb/metalnb/metalcore/feed"
)

// parquetShare bounds what the columns of a Parquet file take unpacked, by the
// memory that their numbers may take: words take more than their numbers.
const parquetShare = 4

// readParquet reads a table of flat columns.
func readParquet(in *reading, name string, s *Spec) (*feed.Set, error) {
	f, err := os.Open(s.Paths[0])
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	b, err := tableOfParquet(in, f, info.Size(), s)
	if err != nil {
		return nil, err
	}
	return b.set(name, s)
}

// tableOfParquet reads all rows. The library may panic on a file that is
// damaged, which is said as an error.
func tableOfParquet(in *reading, r io.ReaderAt, size int64, s *Spec) (b *table, err error) {
	file := base(s.Paths[0])
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s is damaged: %v", file, p)
		}
	}()
	if err := checkFooter(r, size); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	f, err := parquet.OpenFile(r, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var names []string
	for _, field := range f.Root().Columns() {
		if !field.Leaf() || field.Repeated() {
			return nil, fmt.Errorf("%s: column %q is a list or a structure: only columns of numbers and words can be read", file, field.Name())
		}
		names = append(names, field.Name())
	}
	if err := checkUnpacked(in, f); err != nil {
		return nil, err
	}
	if err := checkPages(in, r, f); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if b, err = newTable(s, s.Paths[0], "row", names, in); err != nil {
		return nil, err
	}
	row := 0
	for _, group := range f.RowGroups() {
		if row, err = b.addGroup(group, row); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// checkFooter reads the description at the end of a file, for whose parts the
// library takes memory unasked.
func checkFooter(r io.ReaderAt, size int64) error {
	var end [8]byte
	if size < 12 {
		return errors.New("this is no Parquet file: it has only a few bytes")
	}
	if _, err := r.ReadAt(end[:], size-8); err != nil {
		return err
	}
	n := int64(binary.LittleEndian.Uint32(end[:]))
	if string(end[4:]) != "PAR1" || n > size-12 {
		return errors.New("this is no whole Parquet file: its end does not describe it")
	}
	return described(bufio.NewReader(io.NewSectionReader(r, size-8-n, n)), int(n), &format.FileMetaData{})
}

// checkUnpacked refuses a file whose columns say that they are too large.
func checkUnpacked(in *reading, f *parquet.File) error {
	sum := int64(0)
	for _, group := range f.Metadata().RowGroups {
		for _, column := range group.Columns {
			if codec := column.MetaData.Codec; codec != format.Uncompressed && codec != format.Snappy && codec != format.Gzip && codec != format.Zstd && codec != format.Lz4Raw {
				return fmt.Errorf("columns packed by %v cannot be read: use snappy, gzip, zstd, lz4_raw or none", codec)
			}
			n := column.MetaData.TotalUncompressedSize
			if n < 0 || n > math.MaxInt64-sum {
				return fmt.Errorf("a column says that it has %d bytes", n)
			}
			sum += n
		}
	}
	return in.within("the table, unpacked,", sum, parquetShare)
}

// addGroup adds rows, which are numbered on from row.
func (b *table) addGroup(group parquet.RowGroup, row int) (int, error) {
	rows := group.Rows()
	defer rows.Close()
	buf := make([]parquet.Row, 256)
	for {
		n, err := rows.ReadRows(buf)
		for _, values := range buf[:n] {
			if len(values) != len(b.names) {
				return row, fmt.Errorf("%s, row %d has %d columns instead of %d", b.file, row, len(values), len(b.names))
			}
			if err := b.add(row, func(col int) cell { return cellOf(values[col]) }); err != nil {
				return row, err
			}
			row++
		}
		if err == io.EOF {
			return row, nil
		}
		if err == nil {
			err = b.in.ctx.Err()
		}
		if err != nil {
			return row, fmt.Errorf("%s, row %d: %w", b.file, row, err)
		}
	}
}

// cellOf is a value of Parquet. Words that are numbers count as such.
func cellOf(v parquet.Value) cell {
	number := func(x float64, word string) cell { return cell{word: word, number: x, numeric: true, missing: x != x} }
	if v.IsNull() {
		return cell{missing: true}
	}
	switch v.Kind() {
	case parquet.Boolean:
		if v.Boolean() {
			return number(1, "true")
		}
		return number(0, "false")
	case parquet.Int32:
		return number(float64(v.Int32()), strconv.Itoa(int(v.Int32())))
	case parquet.Int64:
		return number(float64(v.Int64()), strconv.FormatInt(v.Int64(), 10))
	case parquet.Float:
		return number(float64(v.Float()), "")
	case parquet.Double:
		return number(v.Double(), "")
	}
	return parse(string(v.ByteArray()))
}
