package load

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/metalnb/metalnb/metalcore/feed"
)

// mostRecord bounds the bytes of one row of a text, which is held in memory.
const mostRecord = 1 << 20

// textShare bounds a text by the memory that its numbers may take.
const textShare = 16

// open opens a file, and what is in it if it is packed by gzip.
func open(path string) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r := bufio.NewReaderSize(f, 1<<16)
	if head, err := r.Peek(2); err != nil || !bytes.Equal(head, []byte{0x1f, 0x8b}) {
		return opened{r, f}, nil
	}
	unpacked, err := gzip.NewReader(r)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", base(path), err)
	}
	return opened{unpacked, f}, nil
}

// opened is what is read of a file, which it closes.
type opened struct {
	io.Reader
	file *os.File
}

// Close closes the file.
func (o opened) Close() error { return o.file.Close() }

// readCSV reads a table of text, RFC 4180.
func readCSV(in *reading, name string, s *Spec) (*feed.Set, error) {
	f, err := open(s.Paths[0])
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := tableOfText(in, f, s.Paths[0], s)
	if err != nil {
		return nil, err
	}
	return b.set(name, s)
}

func tableOfText(in *reading, r io.Reader, path string, s *Spec) (*table, error) {
	guard := &recordGuard{r: r, in: in}
	buffered := bufio.NewReaderSize(guard, 1<<16)
	head, _ := buffered.Peek(1 << 14)
	if bytes.HasPrefix(head, []byte("\ufeff")) {
		buffered.Discard(3)
	}
	lines := csv.NewReader(buffered)
	lines.ReuseRecord, lines.TrimLeadingSpace, lines.FieldsPerRecord = true, true, -1
	var err error
	if lines.Comma, err = comma(s.Table.Comma, head); err != nil {
		return nil, err
	}
	var b *table
	for first := true; ; first = false {
		record, err := lines.Read()
		if err == io.EOF && b != nil {
			return b, nil
		}
		if err == nil {
			err = in.ctx.Err()
		}
		if err != nil {
			return nil, textFault(base(path), err)
		}
		guard.record = 0
		if first {
			if b, err = newTable(s, path, "line", columnNames(record, s.Table.NoHeader), in); err != nil {
				return nil, err
			}
			if !s.Table.NoHeader {
				continue
			}
		}
		line, _ := lines.FieldPos(0)
		if len(record) != len(b.names) {
			err := b.leaveOut(fmt.Errorf("%s, line %d has %d fields, and the first line %d", b.file, line, len(record), len(b.names)))
			if err != nil {
				return nil, err
			}
			continue
		}
		if err := b.add(line, func(col int) cell { return parse(record[col]) }); err != nil {
			return nil, err
		}
	}
}

// textFault says where a text is no table.
func textFault(file string, err error) error {
	if p, ok := errors.AsType[*csv.ParseError](err); ok {
		return fmt.Errorf("%s, line %d: %w", file, p.Line, p.Err)
	}
	if err == io.EOF {
		return fmt.Errorf("%s is empty", file)
	}
	return fmt.Errorf("%s: %w", file, err)
}

// columnNames are those of the first line, or numbers from 1.
func columnNames(record []string, number bool) []string {
	names := make([]string, len(record))
	for i, field := range record {
		if names[i] = strings.TrimSpace(field); number {
			names[i] = strconv.Itoa(i + 1)
		}
	}
	return names
}

// comma is what separates fields: what the first line has most of.
func comma(given string, head []byte) (rune, error) {
	if given != "" {
		r, size := utf8.DecodeRuneInString(given)
		if size != len(given) || r == '"' || r == '\r' || r == '\n' || r == utf8.RuneError {
			return 0, fmt.Errorf("fields cannot be separated by %q: use one character", given)
		}
		return r, nil
	}
	line, _, _ := bytes.Cut(head, []byte("\n"))
	best := ','
	for _, r := range ";\t|" {
		if bytes.Count(line, []byte(string(r))) > bytes.Count(line, []byte(string(best))) {
			best = r
		}
	}
	return best, nil
}

// recordGuard fails where a row, or the whole text, is too long to be one.
type recordGuard struct {
	r      io.Reader
	in     *reading
	record int   // bytes since the last row
	all    int64 // bytes so far
}

// Read reads on.
func (g *recordGuard) Read(p []byte) (int, error) {
	n, err := g.r.Read(p)
	g.record += n
	g.all += int64(n)
	if g.record > mostRecord {
		return 0, fmt.Errorf("a row of more than %d bytes: is this a table of text?", mostRecord)
	}
	if err := g.in.within("the text", g.all, textShare); err != nil {
		return 0, err
	}
	return n, err
}
