package load

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// page is a page of a column as a file has it.
func page(t *testing.T, unpacked, values int32, data []byte) []byte {
	t.Helper()
	h := format.PageHeader{Type: format.DataPage, UncompressedPageSize: unpacked, CompressedPageSize: int32(len(data))}
	h.DataPageHeader.Valid, h.DataPageHeader.V.NumValues = true, values
	head, err := thrift.Marshal(new(thrift.CompactProtocol), &h)
	if err != nil {
		t.Fatal(err)
	}
	return append(head, data...)
}

// What pages say and unpack to costs no more than there is room for.
func TestPageBombs(t *testing.T) {
	const limit = 1 << 20
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	zeros := make([]byte, 32<<20)
	cases := []struct {
		name, want string
		codec      format.CompressionCodec
		rows       int64
		content    []byte
	}{
		{"a page of 2 GB", "a page, unpacked, takes 2.15 GB", format.Uncompressed, 10, page(t, math.MaxInt32, 10, []byte("0123456789"))},
		{"2e9 rows in a page", "a page, unpacked, takes 17.2 GB", format.Uncompressed, math.MaxInt32, page(t, 10, math.MaxInt32, []byte("0123456789"))},
		{"more rows than there are", "11 rows, which are not there", format.Uncompressed, 10, page(t, 10, 11, []byte("0123456789"))},
		{"no rows for ever", "0 rows, which are not there", format.Uncompressed, 10, page(t, 0, 0, nil)},
		{"fewer rows than there are", "EOF", format.Uncompressed, 10, page(t, 10, 9, []byte("0123456789"))},
		{"half a page", "unexpected EOF", format.Uncompressed, 10, page(t, 10, 10, []byte("0123456789"))[:20]},
		{"gzip of 32 MB", "unpacks to more than the 100 bytes", format.Gzip, 10, page(t, 100, 10, bomb(t, nil, len(zeros)))},
		{"zstd of 32 MB", "unpacks to more than the 100 bytes", format.Zstd, 10, page(t, 100, 10, z.EncodeAll(zeros, nil))},
		{"snappy of 4 GB", "unpacks to more than the 100 bytes", format.Snappy, 10, page(t, 100, 10, binary.AppendUvarint(nil, math.MaxUint32))},
		{"lz4 of more than it says", "lz4", format.Lz4Raw, 10, page(t, 5, 10, []byte("\xa00123456789"))},
		{"damaged lz4", "lz4", format.Lz4Raw, 10, page(t, 100, 10, []byte("\xff\xff\xff"))},
	}
	for _, c := range cases {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		meta := &format.ColumnMetaData{Codec: c.codec, TotalCompressedSize: int64(len(c.content))}
		err := (&columnPages{in: begin(t.Context(), Room{Memory: limit}), meta: meta, rows: c.rows}).check(bytes.NewReader(c.content))
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 16*limit { // zstd has a window of 8 MB
			t.Errorf("%s took %d bytes", c.name, took)
		}
	}
	var text struct {
		Text string `thrift:"1"`
	}
	if err := described(strings.NewReader("\x18\xff\xff\xff\xff\x07"), 100, &text); !errors.Is(err, errHeader) {
		t.Errorf("a text of 2 GB: %v", err)
	}
	var list struct {
		List []int32 `thrift:"1"`
	}
	if err := described(strings.NewReader("\x19\xf5\xff\xff\xff\xff\x07"), 100, &list); !errors.Is(err, errHeader) {
		t.Errorf("a list of 2e9: %v", err)
	}
}

// However a file is damaged, reading it ends. Its pages are packed by LZ4, of which
// the library knows no end.
func TestDamagedParquet(t *testing.T) {
	whole, err := os.ReadFile(data("table_lz4.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for at := range whole {
		content := bytes.Clone(whole)
		content[at] ^= 0xff
		s := &Spec{Format: Parquet, Paths: []string{"t.parquet"}, Table: Table{Missing: MissingMean}}
		if _, err := tableOfParquet(fuzzed(t), bytes.NewReader(content), int64(len(content)), s); err == nil {
			read++
		}
	}
	if read == 0 || read == len(whole) {
		t.Errorf("of %d damaged files %d were read", len(whole), read)
	}
}
