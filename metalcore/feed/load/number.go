package load

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// number is how a file writes numbers.
type number struct {
	kind byte // 'f' float, 'i' integer, 'u' unsigned integer, 'b' bool
	size int  // bytes
	big  bool // the most significant byte comes first
}

// dtype is the element type that the numbers become: floats of 64 bits are
// rounded to f32, integers get the smallest type that holds them all.
func (n number) dtype() (ir.DType, error) {
	types := map[number]ir.DType{{'f', 2, false}: ir.F16, {'f', 4, false}: ir.F32, {'f', 8, false}: ir.F32,
		{'i', 1, false}: ir.I32, {'i', 2, false}: ir.I32, {'i', 4, false}: ir.I32, {'i', 8, false}: ir.I64,
		{'u', 1, false}: ir.U8, {'u', 2, false}: ir.I32, {'u', 4, false}: ir.I64, {'u', 8, false}: ir.I64, {'b', 1, false}: ir.Bool}
	d, ok := types[number{n.kind, n.size, false}]
	if !ok {
		return 0, fmt.Errorf("numbers of the kind %q of %d bytes: there are floats of 2, 4 and 8, integers of 1, 2, 4 and 8, and bools", n.kind, n.size)
	}
	return d, nil
}

// asIs reports whether elements of the type lie in memory as in the file.
func (n number) asIs(d ir.DType) bool {
	return (!n.big || n.size == 1) && n.size == d.Size() && d != ir.Bool && (n.kind != 'u' || d == ir.U8)
}

// convert appends elements; src holds whole numbers.
func (n number) convert(dst, src []byte) ([]byte, error) {
	d, err := n.dtype()
	if err != nil {
		return dst, err
	}
	if n.asIs(d) {
		return append(dst, src...), nil
	}
	var order binary.ByteOrder = binary.LittleEndian
	if n.big {
		order = binary.BigEndian
	}
	for ; len(src) >= n.size; src = src[n.size:] {
		if dst, err = n.one(dst, src[:n.size], order, d); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// one appends one element.
func (n number) one(dst, src []byte, order binary.ByteOrder, d ir.DType) ([]byte, error) {
	var u uint64
	switch n.size {
	case 1:
		u = uint64(src[0])
	case 2:
		u = uint64(order.Uint16(src))
	case 4:
		u = uint64(order.Uint32(src))
	case 8:
		u = order.Uint64(src)
	}
	if n.kind == 'i' { // the sign goes through all 64 bits
		shift := 64 - 8*n.size
		u = uint64(int64(u<<shift) >> shift)
	}
	switch {
	case n.kind == 'u' && u > math.MaxInt64:
		return dst, fmt.Errorf("%d does not fit in 63 bits", u)
	case n.kind == 'f' && n.size == 8:
		u = uint64(math.Float32bits(float32(math.Float64frombits(u))))
	case d == ir.Bool && u > 1:
		u = 1
	}
	switch d.Size() {
	case 1:
		return append(dst, byte(u)), nil
	case 2:
		return binary.LittleEndian.AppendUint16(dst, uint16(u)), nil
	case 4:
		return binary.LittleEndian.AppendUint32(dst, uint32(u)), nil
	}
	return binary.LittleEndian.AppendUint64(dst, u), nil
}

// array reads an array of the given shape. Memory is taken as data comes.
func (n number) array(in *reading, r io.Reader, shape ir.Shape) (a rows, err error) {
	a.Shape = shape
	if a.DType, err = n.dtype(); err != nil {
		return a, err
	}
	if err := shape.Check(); err != nil {
		return a, err
	}
	elems, what := int64(shape.Elems()), "an array of shape "+shape.String()
	if err := in.within(what, elems*int64(a.DType.Size()), 1); err != nil {
		return a, err
	}
	a.in = in.spool(what, a.RowShape().Elems()*a.DType.Size())
	const chunk = 1 << 20
	buf, elements := make([]byte, min(chunk, elems*int64(n.size))), []byte(nil)
	for left := elems * int64(n.size); left > 0; {
		part := buf[:min(int64(len(buf)), left)]
		got, err := io.ReadFull(r, part)
		if err != nil {
			return a, fmt.Errorf("it ends after %d of %d numbers (%w)", elems-(left-int64(got))/int64(n.size), elems, err)
		}
		if elements, err = n.convert(elements[:0], part); err != nil {
			return a, err
		}
		if err := a.in.add(elements); err != nil {
			return a, err
		}
		left -= int64(len(part))
	}
	err = a.in.end()
	a.Data = a.in.data
	return a, err
}

// ended fails where data follows that belongs to nothing.
func ended(r io.Reader) error {
	var one [1]byte
	n, err := r.Read(one[:])
	for n == 0 && err == nil {
		n, err = r.Read(one[:])
	}
	if n > 0 {
		return fmt.Errorf("it goes on after its last number")
	}
	if err != io.EOF {
		return err
	}
	return nil
}
