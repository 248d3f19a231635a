package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// MaxFrame bounds a frame's bytes. Larger tensors travel in files.
const MaxFrame = 16 << 20

// headerLen is a frame's length (uint32, of what follows it) and its kind
// (uint16), both little endian.
const headerLen = 6

// Conn sends and receives messages. Send and Recv may be called by different
// goroutines, and Send by several.
type Conn struct {
	rw       io.ReadWriteCloser
	r        *bufio.Reader
	limit    int
	patience time.Duration

	mu  sync.Mutex // guards out
	out []byte
}

// NewConn makes a connection of a byte stream. It accepts frames of at most
// limit bytes until SetLimit changes that.
func NewConn(rw io.ReadWriteCloser, limit int) *Conn {
	return &Conn{rw: rw, r: bufio.NewReaderSize(rw, 1<<14), limit: limit}
}

// SetLimit bounds the frames that Recv accepts from now on.
func (c *Conn) SetLimit(limit int) { c.limit = limit }

// SetPatience bounds the time between the first byte of a frame and its last
// one, from now on, if the byte stream knows deadlines: a peer may be silent for
// any time, but not within a frame. Large frames get longer.
func (c *Conn) SetPatience(d time.Duration) { c.patience = d }

// Allowance is how much longer than others a frame of n bytes may take: a line
// slower than 64 KB/s is of no use.
func Allowance(n int) time.Duration { return time.Duration(n) * time.Second / (64 << 10) }

// Close closes the byte stream.
func (c *Conn) Close() error { return c.rw.Close() }

// ErrTooLarge is wrapped by the error of Send when the message does not fit a
// frame. Nothing has been sent then.
var ErrTooLarge = errors.New("too large for a message")

// Send writes one message.
func (c *Conn) Send(m Message) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	enc := Codec{buf: append(c.out[:0], make([]byte, headerLen)...)}
	m.fields(&enc)
	frame := enc.buf
	if len(frame)-4 > MaxFrame {
		return fmt.Errorf("%w: a %T of %d bytes, and %d are allowed", ErrTooLarge, m, len(frame), MaxFrame)
	}
	binary.LittleEndian.PutUint32(frame, uint32(len(frame)-4))
	binary.LittleEndian.PutUint16(frame[4:], uint16(m.kind()))
	if cap(frame) <= 1<<16 {
		c.out = frame // large ones are not kept
	}
	_, err := c.rw.Write(frame)
	return err
}

// ErrFrame is wrapped by the errors of Recv that the peer's bytes caused.
var ErrFrame = errors.New("not a frame of this protocol")

// Recv reads the next message. It returns io.EOF when the peer closed the
// connection between two frames, io.ErrUnexpectedEOF within one, and an
// ErrFrame for bytes that are no message, or do not end in time.
func (c *Conn) Recv() (Message, error) {
	if _, err := c.r.Peek(1); err != nil {
		return nil, err
	}
	stream, ok := c.rw.(interface{ SetReadDeadline(time.Time) error })
	if !ok || c.patience == 0 || c.whole() {
		return c.recv(func(int) {})
	}
	within := func(n int) { stream.SetReadDeadline(time.Now().Add(c.patience + Allowance(n))) }
	within(0)
	defer stream.SetReadDeadline(time.Time{})
	m, err := c.recv(within)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("%w: it began, and did not end in time", ErrFrame)
	}
	return m, err
}

// whole reports whether the next frame has arrived, as most do at once.
func (c *Conn) whole() bool {
	if c.r.Buffered() < headerLen {
		return false
	}
	head, _ := c.r.Peek(headerLen)
	return int64(c.r.Buffered()) >= int64(binary.LittleEndian.Uint32(head))+4
}

// recv reads a message; within is told the size of its frame.
func (c *Conn) recv(within func(n int)) (Message, error) {
	var head [headerLen]byte
	if _, err := io.ReadFull(c.r, head[:]); err != nil {
		return nil, err
	}
	n := int64(binary.LittleEndian.Uint32(head[:])) - 2
	kind := Kind(binary.LittleEndian.Uint16(head[4:]))
	if n < 0 || n+2 > int64(c.limit) {
		return nil, fmt.Errorf("%w: a length of %d bytes, where 2 to %d are allowed", ErrFrame, n+2, c.limit)
	}
	make, ok := fresh[kind]
	if !ok {
		return nil, fmt.Errorf("%w: message kind %d is unknown to version %d", ErrFrame, kind, Proto)
	}
	within(int(n))
	data, err := readN(c.r, int(n))
	if err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	m := make()
	if err := Decode(m, data); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFrame, err)
	}
	return m, nil
}

// readN reads n bytes, taking memory only as they come.
func readN(r io.Reader, n int) ([]byte, error) {
	const chunk = 1 << 20
	data := make([]byte, min(n, chunk))
	for read := 0; ; {
		m, err := io.ReadFull(r, data[read:])
		read += m
		if err != nil || read == n {
			return data, err
		}
		data = append(data, make([]byte, min(n-read, len(data)))...)
	}
}

// Error makes a Problem an error, so that servers return and clients raise it.
func (p *Problem) Error() string {
	if p.Remedy == "" {
		return p.Message
	}
	return p.Message + "\n" + p.Remedy
}

// Misunderstood tells a peer whose bytes are no message, an ErrFrame, so.
func Misunderstood(err error) *Problem {
	return &Problem{Code: CodeBadRequest, Message: err.Error(), Remedy: "program and core must be of the same version of metalnb"}
}

// Call sends a request and returns its one answer; a Problem is returned as
// the error.
func (c *Conn) Call(req Message) (Message, error) {
	if err := c.Send(req); err != nil {
		return nil, err
	}
	m, err := c.Recv()
	if err != nil {
		return nil, err
	}
	if p, ok := m.(*Problem); ok {
		return nil, p
	}
	return m, nil
}
