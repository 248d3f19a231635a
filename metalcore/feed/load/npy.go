package load

import (
	"archive/zip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
)

// header is what a .npy file says of its array.
type header struct {
	number  number
	fortran bool // the first axis runs fastest
	shape   ir.Shape
	bytes   int64 // of the header itself
}

// mostHeader bounds a header, which is a line of text.
const mostHeader = 1 << 16

// readHeader reads the header of a .npy file: the format of versions 1 to 3 in
// numpy.lib.format.
func readHeader(r io.Reader) (h header, err error) {
	var start [8]byte
	if _, err := io.ReadFull(r, start[:]); err != nil || string(start[:6]) != "\x93NUMPY" {
		return h, errors.New("this is no .npy file: such a file begins with \\x93NUMPY")
	}
	size := make([]byte, 2)
	if start[6] > 1 {
		size = make([]byte, 4)
	}
	if start[6] < 1 || start[6] > 3 {
		return h, fmt.Errorf("a .npy file of version %d: there are 1 to 3", start[6])
	}
	if _, err := io.ReadFull(r, size); err != nil {
		return h, errors.New("it ends within its header")
	}
	n := binary.LittleEndian.Uint32(append(slices.Clone(size), 0, 0)[:4])
	if n > mostHeader {
		return h, fmt.Errorf("a header of %d bytes: %d are allowed", n, mostHeader)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return h, errors.New("it ends within its header")
	}
	if err := h.parse(string(text)); err != nil {
		return h, fmt.Errorf("its header %q: %w", short(strings.TrimSpace(string(text))), err)
	}
	h.bytes = int64(len(start) + len(size) + len(text))
	return h, nil
}

// parse reads a dictionary of Python: {'descr': '<f4', 'fortran_order': False,
// 'shape': (3, 4), }.
func (h *header) parse(text string) error {
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "{") || !strings.HasSuffix(text, "}") {
		return errors.New("it is no dictionary")
	}
	fields := map[string]string{}
	rest := strings.TrimSpace(text[1 : len(text)-1])
	for rest != "" {
		key, after, ok := strings.Cut(rest, ":")
		if !ok {
			return errors.New("a key has no value")
		}
		value := strings.TrimSpace(after)
		end := strings.IndexByte(value, ',')
		if strings.HasPrefix(value, "(") || strings.HasPrefix(value, "[") {
			if end = strings.IndexAny(value, ")]"); end >= 0 {
				end++
			}
		}
		if end < 0 {
			end = len(value)
		}
		fields[strings.Trim(strings.TrimSpace(key), `'"`)] = strings.TrimSpace(value[:end])
		rest = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(value[end:]), ","))
	}
	if err := h.parseType(strings.Trim(fields["descr"], `'"`)); err != nil {
		return err
	}
	switch fields["fortran_order"] {
	case "True":
		h.fortran = true
	case "False":
	default:
		return errors.New("fortran_order is neither True nor False")
	}
	return h.parseShape(fields["shape"])
}

func (h *header) parseType(descr string) error {
	if len(descr) < 3 || !strings.Contains("<>|=", descr[:1]) {
		return fmt.Errorf("the type %q: structures and objects cannot be read, arrays of one kind of number can", short(descr))
	}
	size, err := strconv.Atoi(descr[2:])
	if err != nil {
		return fmt.Errorf("the type %q", short(descr))
	}
	h.number = number{kind: descr[1], size: size, big: descr[0] == '>'}
	_, err = h.number.dtype()
	return err
}

func (h *header) parseShape(text string) error {
	inner, opened := strings.CutPrefix(text, "(")
	inner, closed := strings.CutSuffix(inner, ")")
	if !opened || !closed {
		return errors.New("it has no shape")
	}
	h.shape = ir.Shape{}
	for _, field := range strings.Split(inner, ",") {
		if field = strings.TrimSpace(field); field == "" {
			continue
		}
		d, err := strconv.ParseUint(field, 10, 47)
		if err != nil {
			return fmt.Errorf("an axis of size %q", short(field))
		}
		h.shape = append(h.shape, int(d))
	}
	return h.shape.Check()
}

// arrayNPY reads a .npy file to its end.
func arrayNPY(in *reading, r io.Reader) (a rows, err error) {
	h, err := readHeader(r)
	if err != nil {
		return a, err
	}
	shape := h.shape
	if h.fortran {
		shape = slices.Clone(shape)
		slices.Reverse(shape)
		in = in.inMemory()
		in.Memory /= 2 // it is there twice
	}
	if a, err = h.number.array(in, r, shape); err == nil {
		err = ended(r)
	}
	if err == nil && h.fortran {
		a.Array = transposed(a.Array)
	}
	return a, err
}

// transposed turns the order of the axes.
func transposed(a feed.Array) feed.Array {
	size := a.DType.Size()
	out := feed.Array{DType: a.DType, Shape: slices.Clone(a.Shape), Data: make([]byte, len(a.Data))}
	slices.Reverse(out.Shape)
	// The axis i of the result runs over a with the stride of a's axis rank-1-i.
	strides := make([]int, len(a.Shape))
	step := size
	for i := range strides {
		strides[i] = step
		step *= a.Shape[len(a.Shape)-1-i]
	}
	at := make([]int, len(a.Shape))
	from := 0
	for to := 0; to < len(out.Data); to += size {
		copy(out.Data[to:to+size], a.Data[from:from+size])
		for axis := len(at) - 1; axis >= 0; axis-- {
			at[axis]++
			from += strides[axis]
			if at[axis] < out.Shape[axis] {
				break
			}
			from -= at[axis] * strides[axis]
			at[axis] = 0
		}
	}
	return out
}

// readNumPy reads x and y from .npy files, or from an .npz by their names in it.
func readNumPy(in *reading, name string, s *Spec) (*feed.Set, error) {
	if len(s.Keys) != 0 && len(s.Keys) != 2 {
		return nil, fmt.Errorf("%d names of arrays: give those of x and y", len(s.Keys))
	}
	if len(s.Keys) == 0 {
		if set, err := lazyNumPy(in, name, s); set != nil || err != nil {
			return set, err
		}
	}
	x, err := fileNPY(in, s.Paths[0], s.key(0))
	if err != nil {
		return nil, err
	}
	y, err := fileNPY(in.inMemory(), s.Paths[1], s.key(1))
	if err != nil {
		return nil, err
	}
	return pair(name, s, x, y.Array)
}

func (s *Spec) key(i int) string {
	if len(s.Keys) == 0 {
		return ""
	}
	return s.Keys[i]
}

// fileNPY reads a .npy file, or with a key an array of an .npz.
func fileNPY(in *reading, path, key string) (a rows, err error) {
	if key != "" {
		return fileNPZ(in, path, key)
	}
	f, err := os.Open(path)
	if err != nil {
		return a, err
	}
	defer f.Close()
	if a, err = arrayNPY(in, f); err != nil {
		err = fmt.Errorf("%s: %w", base(path), err)
	}
	return a, err
}

func fileNPZ(in *reading, path, key string) (a rows, err error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return a, err
	}
	defer z.Close()
	if a, err = entryNPZ(in, &z.Reader, key); err != nil {
		err = fmt.Errorf("%s: %w", base(path), err)
	}
	return a, err
}

func entryNPZ(in *reading, z *zip.Reader, key string) (a rows, err error) {
	var names []string
	for _, entry := range z.File {
		name := strings.TrimSuffix(entry.Name, ".npy")
		if names = append(names, name); name != key {
			continue
		}
		r, err := entry.Open()
		if err != nil {
			return a, fmt.Errorf("%s: %w", key, err)
		}
		defer r.Close()
		if a, err = arrayNPY(in, r); err != nil {
			err = fmt.Errorf("%s: %w", key, err)
		}
		return a, err
	}
	return a, fmt.Errorf("it has no array %q: there are %s", key, some(names))
}

// lazyNumPy makes a set of a .npy file whose rows are read when they are needed,
// if it is to stay on the disk. It returns nil if not.
func lazyNumPy(in *reading, name string, s *Spec) (*feed.Set, error) {
	f, err := os.Open(s.Paths[0])
	if err != nil {
		return nil, err
	}
	fail := func(err error) (*feed.Set, error) {
		f.Close()
		if err != nil {
			err = fmt.Errorf("%s: %w", base(s.Paths[0]), err)
		}
		return nil, err
	}
	h, err := readHeader(f)
	if err != nil {
		return fail(err)
	}
	dtype, err := h.number.dtype()
	if err != nil {
		return fail(err)
	}
	bytes := int64(h.shape.Elems()) * int64(dtype.Size())
	if !s.Lazy && (in.Memory == 0 || bytes <= in.Memory) {
		return fail(nil)
	}
	info, err := f.Stat()
	if err != nil {
		return fail(err)
	}
	want := h.bytes + int64(h.shape.Elems())*int64(h.number.size)
	switch {
	case h.fortran:
		return fail(fmt.Errorf("its first axis runs fastest, so that its rows cannot be read one by one: save it by np.ascontiguousarray"))
	case len(h.shape) < 2:
		return fail(fmt.Errorf("x has the shape %v: rows need an axis of their own", h.shape))
	case info.Size() != want:
		return fail(fmt.Errorf("it has %d bytes, and its shape %v needs %d", info.Size(), h.shape, want))
	}
	y, err := fileNPY(in.inMemory(), s.Paths[1], "")
	if err != nil {
		return fail(err)
	}
	src := &rowsNPY{f, h, h.shape[1:].Elems() * h.number.size, h.number.asIs(dtype)}
	set, err := feed.NewSourced(name, src, feed.Array{DType: dtype, Shape: h.shape}, y.Array, s.Classes)
	if err != nil {
		return fail(err)
	}
	set.Skip, set.About = s.Skip, about(s)
	return set, nil
}

// rowsNPY reads rows of a .npy file. The file is closed when nobody has it.
type rowsNPY struct {
	f    *os.File
	h    header
	row  int  // bytes in the file
	asIs bool // which are those of the elements
}

// Read reads row i.
func (r *rowsNPY) Read(_ context.Context, i int, x, _ []byte) error {
	raw := x
	if !r.asIs {
		raw = make([]byte, r.row)
	}
	if _, err := r.f.ReadAt(raw, r.h.bytes+int64(i)*int64(r.row)); err != nil {
		return err
	}
	if r.asIs {
		return nil
	}
	out, err := r.h.number.convert(make([]byte, 0, len(x)), raw)
	copy(x, out)
	return err
}
