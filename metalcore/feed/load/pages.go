package load

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
	"github.com/pierrec/lz4/v4"
)

// The library takes memory for what headers say, and unpacks pages to whatever size
// they have. So the pages of a file are looked through before it reads them.

// described reads a description in the file's compact Thrift, whose parts are no
// larger than all of it.
func described(r io.Reader, most int, to any) error {
	return thrift.NewDecoder(bounded{new(thrift.CompactProtocol).NewReader(r), most}).Decode(to)
}

// bounded is a reader that takes memory only for what can be there.
type bounded struct {
	plainReader
	most int
}

type plainReader = thrift.Reader // which has a method of its name

var errHeader = errors.New("a description in it has a part that is larger than all of it")

// ReadBytes reads a length and as many bytes.
func (b bounded) ReadBytes() ([]byte, error) {
	n, err := b.ReadLength()
	if err == nil && n > b.most {
		err = errHeader
	}
	if err != nil {
		return nil, err
	}
	data := make([]byte, n)
	_, err = io.ReadFull(b.Reader(), data)
	return data, err
}

// ReadString is ReadBytes for a text.
func (b bounded) ReadString() (string, error) {
	data, err := b.ReadBytes()
	return string(data), err
}

// ReadList reads the head of a list.
func (b bounded) ReadList() (thrift.List, error) {
	l, err := b.plainReader.ReadList()
	if err == nil && int64(l.Size) > int64(b.most) {
		err = errHeader
	}
	return l, err
}

// mostPageHeader bounds the header of a page, which may hold a few values.
const mostPageHeader = 1 << 20

// checkPages refuses a file whose pages are too large to be unpacked, or unpack to
// more than they say. Of each column a page is in memory at a time, and its words.
func checkPages(in *reading, r io.ReaderAt, f *parquet.File) error {
	for _, group := range f.Metadata().RowGroups {
		sum := int64(0)
		for i := range group.Columns {
			c := &columnPages{in: in, meta: &group.Columns[i].MetaData, rows: group.NumRows}
			if err := c.check(r); err != nil {
				return fmt.Errorf("column %q: %w", c.meta.PathInSchema, err)
			}
			sum += c.page + c.words
		}
		if err := in.inMemory().within("a part of each column, unpacked,", sum, parquetShare); err != nil {
			return err
		}
	}
	return nil
}

// columnPages are the pages of a column in a group of rows.
type columnPages struct {
	in          *reading
	meta        *format.ColumnMetaData
	rows        int64 // that are still to come
	page, words int64 // memory of the largest page of data, and of one of words
}

func (c *columnPages) check(r io.ReaderAt) error {
	at := c.meta.DataPageOffset
	if d := c.meta.DictionaryPageOffset; d != 0 {
		at = d
	}
	if at < 0 || c.meta.TotalCompressedSize < 0 {
		return errors.New("its place in the file is none")
	}
	left := bufio.NewReader(io.NewSectionReader(r, at, c.meta.TotalCompressedSize))
	for {
		if _, err := left.Peek(1); err == io.EOF && c.rows == 0 {
			return nil
		}
		if err := c.in.ctx.Err(); err != nil {
			return err
		}
		var h format.PageHeader
		if err := described(left, mostPageHeader, &h); err != nil {
			return err
		}
		if err := c.checkPage(&h, left); err != nil {
			return err
		}
	}
}

// valueBytes is what a value takes in memory.
const valueBytes = 8

// checkPage checks the page behind its header, and reads it.
func (c *columnPages) checkPage(h *format.PageHeader, r io.Reader) error {
	values, levels, packed := int64(h.DataPageHeader.V.NumValues), int64(0), true
	switch h.Type {
	case format.DictionaryPage:
		values = int64(h.DictionaryPageHeader.V.NumValues)
	case format.DataPageV2:
		v2 := &h.DataPageHeaderV2.V
		values, levels = int64(v2.NumValues), int64(v2.RepetitionLevelsByteLength)+int64(v2.DefinitionLevelsByteLength)
		packed = !v2.IsCompressed.Valid || v2.IsCompressed.V
	}
	size, unpacked := int64(h.CompressedPageSize), int64(h.UncompressedPageSize)
	if values < 0 || size < 0 || levels < 0 || levels > min(size, unpacked) {
		return errors.New("a page says that it has sizes that cannot be")
	}
	need := max(unpacked, valueBytes*values)
	switch h.Type {
	case format.DictionaryPage:
		c.words = max(c.words, need)
	case format.DataPage, format.DataPageV2:
		if c.page, c.rows = max(c.page, need), c.rows-values; c.rows < 0 || values == 0 {
			return fmt.Errorf("a page says that it has %d rows, which are not there", values)
		}
	}
	if err := c.in.inMemory().within("a page, unpacked,", need, parquetShare); err != nil {
		return err
	}
	data, err := io.ReadAll(io.LimitReader(r, size))
	if err == nil && int64(len(data)) < size {
		err = io.ErrUnexpectedEOF
	}
	if err == nil && packed {
		err = unpacks(c.meta.Codec, data[levels:], unpacked-levels)
	}
	return err
}

// unpacks reports whether data unpack to so many bytes at most.
func unpacks(codec format.CompressionCodec, data []byte, most int64) (err error) {
	n := int64(0)
	switch codec {
	case format.Snappy:
		var size int
		size, err = snappy.DecodedLen(data)
		n = int64(size)
	case format.Gzip:
		var r *gzip.Reader
		if r, err = gzip.NewReader(bytes.NewReader(data)); err == nil {
			n, err = io.Copy(io.Discard, io.LimitReader(r, most+1))
		}
	case format.Zstd:
		const mostWindow = 64 << 20
		var r *zstd.Decoder
		if r, err = zstd.NewReader(bytes.NewReader(data), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(mostWindow)); err == nil {
			n, err = io.Copy(io.Discard, io.LimitReader(r, most+1))
			r.Close()
		}
	case format.Lz4Raw: // of which the library would try ever more memory, were it damaged
		var size int
		size, err = lz4.UncompressBlock(data, make([]byte, most))
		n = int64(size)
	}
	if err == nil && n > most {
		err = fmt.Errorf("a page unpacks to more than the %d bytes that it says", most)
	}
	return err
}
