package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
)

// bytesConn is a connection on which some bytes arrive.
type bytesConn struct{ *bytes.Reader }

func (bytesConn) Write(p []byte) (int, error) { return len(p), nil }
func (bytesConn) Close() error                { return nil }

func frame(length uint32, kind Kind, payload ...byte) []byte {
	b := binary.LittleEndian.AppendUint32(nil, length)
	b = binary.LittleEndian.AppendUint16(b, uint16(kind))
	return append(b, payload...)
}

func TestHostileFrames(t *testing.T) {
	status := uint32(2)
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"nothing":               {nil, io.EOF},
		"half a header":         {frame(2, kindOK)[:3], io.ErrUnexpectedEOF},
		"no room for the kind":  {frame(1, kindOK), ErrFrame},
		"longer than allowed":   {frame(1<<31, kindOK), ErrFrame},
		"unknown kind":          {frame(status, 9999), ErrFrame},
		"payload missing":       {frame(100, kindHello, 1, 2), io.ErrUnexpectedEOF},
		"payload too long":      {frame(3, kindOK, 1), ErrFrame},
		"a list beyond the end": {frame(10, kindTensors, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f), ErrFrame},
		"HTTP":                  {[]byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), ErrFrame},
	} {
		conn := NewConn(bytesConn{bytes.NewReader(c.data)}, 1<<16)
		if m, err := conn.Recv(); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, %v; want %v", name, m, err, c.want)
		}
	}
}

func TestCallReturnsProblems(t *testing.T) {
	a, b := net.Pipe()
	client, server := NewConn(a, MaxFrame), NewConn(b, MaxFrame)
	go func() {
		for {
			m, err := server.Recv()
			if err != nil {
				return
			}
			if _, ok := m.(*StatusRequest); ok {
				server.Send(&Status{Log: "here"})
			} else {
				server.Send(&Problem{Code: CodeUnknown, Message: "no such thing", Remedy: "ask for another"})
			}
		}
	}()
	m, err := client.Call(&StatusRequest{})
	if err != nil || m.(*Status).Log != "here" {
		t.Fatalf("got %v, %v", m, err)
	}
	_, err = client.Call(&Drop{Trainer: "x"})
	if p, ok := errors.AsType[*Problem](err); !ok || p.Code != CodeUnknown || !strings.Contains(err.Error(), "ask for another") {
		t.Errorf("got %v", err)
	}
	client.Close()
}

func TestFrameTooLargeToSend(t *testing.T) {
	conn := NewConn(bytesConn{}, MaxFrame)
	err := conn.Send(&Tensors{List: []Tensor{{Data: make([]byte, MaxFrame)}}})
	if err == nil || !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v", err)
	}
}

func FuzzRecv(f *testing.F) {
	f.Add(frame(2, kindOK))
	f.Add(frame(100, kindHello, 1, 2))
	f.Fuzz(func(t *testing.T, data []byte) {
		conn := NewConn(bytesConn{bytes.NewReader(data)}, 1<<20)
		for {
			if _, err := conn.Recv(); err != nil {
				return
			}
		}
	})
}

func BenchmarkRoundTrip(b *testing.B) {
	x, y := net.Pipe()
	client, server := NewConn(x, MaxFrame), NewConn(y, MaxFrame)
	go func() {
		for {
			if _, err := server.Recv(); err != nil {
				return
			}
			server.Send(&OK{})
		}
	}()
	for b.Loop() {
		if _, err := client.Call(&Drop{Trainer: "x"}); err != nil {
			b.Fatal(err)
		}
	}
	client.Close()
}
