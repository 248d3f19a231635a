package checkpoint

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"
	"syscall"
)

// ErrDamaged is wrapped by the errors of files that are not what was written.
var ErrDamaged = errors.New("the file is damaged")

// Read reads a file that Write wrote, whose arrays may take limit bytes; any
// number when it is 0.
func Read(path string, limit int64) (*File, error) { return open(path, limit, true) }

// Import reads a file of the format safetensors, which need not have a checksum.
func Import(path string, limit int64) (*File, error) { return open(path, limit, false) }

// ReadMeta reads the texts of a file, without a look at its arrays.
func ReadMeta(path string) (map[string]string, error) {
	f, size, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	_, meta, _, err := readHead(f, size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return meta, nil
}

func open(path string, limit int64, summed bool) (*File, error) {
	f, size, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	out, err := read(f, size, limit, summed)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return out, nil
}

func openFile(path string) (*os.File, int64, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // of a pipe, too, nobody waits for
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no file of arrays", path)
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

// readHead reads up to the numbers and checks that they take just the rest of the
// file, array by array.
func readHead(r io.Reader, size int64) (head []byte, meta map[string]string, arrays []Array, err error) {
	var length [lengthSize]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, nil, nil, damaged("it ends in its first bytes")
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n < 2 || n > maxHeader || int64(n) > size-lengthSize {
		return nil, nil, nil, damaged("its header should have %d bytes, and the file has %d", n, size)
	}
	head = append(length[:], make([]byte, n)...)
	if _, err := io.ReadFull(r, head[lengthSize:]); err != nil {
		return nil, nil, nil, damaged("it ends in its header")
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(head[lengthSize:], &raw); err != nil {
		return nil, nil, nil, damaged("its header is not JSON: %v", err)
	}
	if text, ok := raw[metaKey]; ok {
		if err := json.Unmarshal(text, &meta); err != nil {
			return nil, nil, nil, damaged("its texts: %v", err)
		}
		delete(raw, metaKey)
	}
	arrays, err = layout(raw, size-int64(len(head)))
	return head, meta, arrays, err
}

// layout gives each array its place, without its bytes but as long.
func layout(raw map[string]json.RawMessage, size int64) ([]Array, error) {
	type place struct {
		Array
		begin, end int64
	}
	var places []place
	for name, text := range raw {
		var e entry
		if err := json.Unmarshal(text, &e); err != nil {
			return nil, damaged("%q: %v", name, err)
		}
		p := place{Array{Name: name, Type: e.DType, Shape: e.Shape}, e.Offsets[0], e.Offsets[1]}
		n, err := p.bytes()
		if err != nil {
			return nil, damaged("%v", err)
		}
		if p.begin < 0 || p.end > size || p.end-p.begin != n {
			return nil, damaged("%q of the shape %v takes %d bytes, from %d to %d of %d", name, e.Shape, n, p.begin, p.end, size)
		}
		places = append(places, p)
	}
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end), cmp.Compare(a.Name, b.Name))
	})
	at, arrays := int64(0), make([]Array, len(places))
	for i, p := range places {
		if p.begin != at {
			return nil, damaged("%q begins at %d, and the array before it ends at %d", p.Name, p.begin, at)
		}
		at, arrays[i] = p.end, p.Array
	}
	if at != size {
		return nil, damaged("its arrays take %d bytes, and it has %d", at, size)
	}
	return arrays, nil
}

func read(r io.Reader, size, limit int64, summed bool) (*File, error) {
	head, meta, arrays, err := readHead(r, size)
	if err != nil {
		return nil, err
	}
	sum := ""
	if bytes.HasPrefix(head[lengthSize:], []byte(start)) && len(head) > sumAt+sumSize {
		sum = string(head[sumAt : sumAt+sumSize])
		copy(head[sumAt:], "00000000")
		delete(meta, "crc32c")
	} else if summed {
		return nil, damaged("it has no checksum")
	}
	if n := size - int64(len(head)); limit > 0 && n > limit {
		return nil, fmt.Errorf("its arrays take %.3g GB, and %.3g GB are allowed", float64(n)/1e9, float64(limit)/1e9)
	}
	data := make([]byte, size-int64(len(head)))
	if _, err := io.ReadFull(r, data); err != nil {
		return nil, damaged("it ends in its arrays")
	}
	if got := fmt.Sprintf("%08x", crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, data)); sum != "" && got != sum {
		return nil, damaged("its checksum is %s, and should be %s", got, sum)
	}
	for i := range arrays {
		n, err := arrays[i].bytes()
		if err != nil {
			return nil, err
		}
		arrays[i].Data, data = data[:n:n], data[n:]
	}
	return &File{Meta: meta, Arrays: arrays}, nil
}
