package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// errShort is the error of a message that ends before it should.
var errShort = errors.New("message is truncated")

// Codec walks over the fields of a message, writing them to a frame or reading
// them from one: a message's one fields method serves both ways. Integers are
// little endian, strings and lists carry their length first. Writing a message
// changes nothing in it: others may read what it shares with them.
type Codec struct {
	buf     []byte
	reading bool
	err     error
}

// Encode returns the message's bytes.
func Encode(m Message) []byte {
	c := &Codec{}
	m.fields(c)
	return c.buf
}

// Decode fills the message from its bytes, and fails unless they are exactly
// the message.
func Decode(m Message, data []byte) error {
	c := &Codec{buf: data, reading: true}
	m.fields(c)
	if c.err == nil && len(c.buf) > 0 {
		c.err = fmt.Errorf("%d bytes too many", len(c.buf))
	}
	if c.err != nil {
		return fmt.Errorf("%T: %w", m, c.err)
	}
	return nil
}

// take returns the next n bytes of a frame that is read, nil at its end.
func (c *Codec) take(n int) []byte {
	if c.err != nil || n < 0 || n > len(c.buf) {
		if c.err == nil {
			c.err = errShort
		}
		return nil
	}
	b := c.buf[:n]
	c.buf = c.buf[n:]
	return b
}

func (c *Codec) u64(x *uint64) {
	if !c.reading {
		c.buf = binary.LittleEndian.AppendUint64(c.buf, *x)
	} else if b := c.take(8); b != nil {
		*x = binary.LittleEndian.Uint64(b)
	}
}

// Int moves an integer.
func (c *Codec) Int(x *int) {
	u := uint64(*x)
	c.u64(&u)
	if c.reading {
		*x = int(u)
	}
}

// Int64 moves an integer.
func (c *Codec) Int64(x *int64) {
	u := uint64(*x)
	c.u64(&u)
	if c.reading {
		*x = int64(u)
	}
}

// Float moves a number.
func (c *Codec) Float(x *float64) {
	u := math.Float64bits(*x)
	c.u64(&u)
	if c.reading {
		*x = math.Float64frombits(u)
	}
}

// Bool moves a truth value.
func (c *Codec) Bool(x *bool) {
	if !c.reading {
		var b byte
		if *x {
			b = 1
		}
		c.buf = append(c.buf, b)
	} else if b := c.take(1); b != nil {
		if b[0] > 1 {
			c.err = fmt.Errorf("%d is not a bool", b[0])
		}
		*x = b[0] == 1
	}
}

// length moves the number of elements of a list whose elements take at least
// size bytes each, so that a hostile length costs no memory.
func (c *Codec) length(n *int, size int) {
	c.Int(n)
	if c.reading && (c.err != nil || *n < 0 || *n > len(c.buf)/size) {
		if c.err == nil {
			c.err = errShort
		}
		*n = 0
	}
}

// Bytes moves a byte slice; what is read shares the frame's memory.
func (c *Codec) Bytes(x *[]byte) {
	n := len(*x)
	c.length(&n, 1)
	if !c.reading {
		c.buf = append(c.buf, *x...)
		return
	}
	*x = c.take(n)
}

// Str moves a string.
func (c *Codec) Str(x *string) {
	n := len(*x)
	c.length(&n, 1)
	if !c.reading {
		c.buf = append(c.buf, *x...)
		return
	}
	*x = string(c.take(n))
}

// list moves a slice, element by element; size is the least number of bytes
// that an element takes.
func list[T any](c *Codec, xs *[]T, size int, each func(*T)) {
	n := len(*xs)
	c.length(&n, size)
	if c.reading {
		*xs = make([]T, n)
	}
	for i := range *xs {
		if c.err != nil {
			return
		}
		each(&(*xs)[i])
	}
}

// Ints moves a list of integers.
func (c *Codec) Ints(xs *[]int) { list(c, xs, 8, c.Int) }

// Strs moves a list of strings.
func (c *Codec) Strs(xs *[]string) { list(c, xs, 8, c.Str) }

// Floats moves a list of numbers.
func (c *Codec) Floats(xs *[]float64) { list(c, xs, 8, c.Float) }
